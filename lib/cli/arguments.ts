/** Reads the command line by the commands and flags that there are. Pure. */

import { parseArgs } from "@std/cli/parse-args";
import { parseWholeNumber } from "../base/whole_number.ts";
import { type CommandUsage, type Flag, SWITCH } from "./commands.ts";
import { nearest } from "./nearest.ts";
import { printable } from "./terminal/width.ts";
import { UsageError } from "./usage.ts";

/** What the command line asks for. */
export interface Invocation {
  readonly command: CommandUsage;
  /** Whether a command was named; otherwise it is `serve`. */
  readonly named: boolean;
  /** The given flags' values by name: text, texts if repeatable, or true. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly operands: readonly string[];
}

/**
 * Reads the arguments of the program; the first operand names the command,
 * `serve` if there is none.
 *
 * @throws {UsageError} naming the nearest command or flag.
 */
export function readArguments(
  args: readonly string[],
  commands: readonly CommandUsage[],
): Invocation {
  const [first = ""] = args;
  const named = first !== "" && !first.startsWith("-");
  const name = named ? first : "serve";
  const command = commands.find((command) => command.name === name);
  if (command === undefined) {
    if (/^https?:/.test(name)) {
      throw new UsageError(
        "Say what to do with the URL: sluice get URL, or sluice add URL.",
      );
    }
    const names = commands.map(({ name }) => name);
    throw new UsageError(
      `There is no command ${shown(name)}${meant(name, names)} ` +
        "See sluice --help.",
    );
  }
  const known = [...command.flags, ...command.settings];
  const { _: rest, ...flags } = parseArgs(
    joined(named ? args.slice(1) : args, known, command),
    {
      string: ["_", ...known.filter(takesValue).map(({ name }) => name)],
      boolean: known.filter((flag) => !takesValue(flag))
        .map(({ name }) => name),
      collect: known.filter(({ times }) => times === "each")
        .map(({ name }) => name),
    },
  );
  const operands = rest.map(String);
  const [operand] = operands;
  if (named && command.operands === "" && operand !== undefined) {
    throw new UsageError(`sluice ${name} takes no ${shown(operand)}.`);
  }
  return { command, named, flags, operands };
}

/**
 * The value of a flag that is a whole number.
 *
 * @throws {UsageError} if it is something else.
 */
export function wholeNumberFlag(
  flags: Invocation["flags"],
  name: string,
  fallback: number,
): number {
  const text = String(flags[name] ?? fallback);
  const value = parseWholeNumber(text, 0, Number.MAX_SAFE_INTEGER);
  if (value !== undefined) return value;
  throw new UsageError(`--${name} must be a whole number.`);
}

/**
 * Flags in the one form that has no second meaning, `--name=value`: a value
 * such as `-` or `-x` would be taken for a flag otherwise.
 */
function joined(
  args: readonly string[],
  known: readonly Flag[],
  command: CommandUsage,
): string[] {
  const result: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") return [...result, arg, ...rest];
    if (!arg.startsWith("-") || arg === "-") {
      result.push(arg);
      continue;
    }
    const [, dashes = "", name = "", given] =
      arg.match(/^(--?)([^=]*)(?:=(.*))?$/s) ?? [];
    const flag = known.find((flag) =>
      dashes === "--" ? flag.name === name : flag.short === name
    );
    if (flag === undefined) throw unknownFlag(`${dashes}${name}`, command);
    if (!takesValue(flag)) {
      if (given !== undefined) {
        throw new UsageError(`--${flag.name} takes no value.`);
      }
      result.push(`--${flag.name}`);
      continue;
    }
    const isBare = flag.value === SWITCH &&
      !/^(true|false)$/.test(rest[0] ?? "");
    const value = given ?? (isBare ? "true" : rest.shift()) ?? "";
    if (value === "") {
      throw new UsageError(`--${flag.name} needs a value: ${flag.meaning}.`);
    }
    result.push(`--${flag.name}=${value}`);
  }
  return result;
}

function takesValue({ value }: Flag): boolean {
  return value !== null;
}

function unknownFlag(typed: string, command: CommandUsage): UsageError {
  const names = [...command.flags, ...command.settings]
    .map(({ name }) => `--${name}`);
  return new UsageError(
    `There is no flag ${shown(typed)}${meant(typed, names)} ` +
      `See sluice ${command.name} --help.`,
  );
}

function meant(typed: string, words: readonly string[]): string {
  const word = nearest(typed, words);
  return word === null ? "." : `: did you mean ${word}?`;
}

function shown(typed: string): string {
  return printable(typed.slice(0, 50));
}
