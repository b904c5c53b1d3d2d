/** The command line, read by what there is to be asked. Pure. */

import type { CommandUsage, Flag } from "./commands.ts";
import { nearest } from "./nearest.ts";
import { UsageError } from "./usage.ts";
import { printable } from "./width.ts";

/** What was asked. */
export interface Invocation {
  readonly command: CommandUsage;
  /** Whether a command was named, or is what is done by itself. */
  readonly named: boolean;
  /** Of flags given, by name: text, texts of a repeatable one, or true. */
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
    const names = commands.map(({ name }) => name);
    throw new UsageError(
      `There is no command ${shown(name)}${meant(name, names)} ` +
        "See sluice --help.",
    );
  }
  const { flags, operands } = parse(named ? args.slice(1) : args, command);
  return { command, named, flags, operands };
}

/** What follows a flag that takes a value is its value, be it `-` or `-x`. */
function parse(
  args: readonly string[],
  command: CommandUsage,
): Pick<Invocation, "flags" | "operands"> {
  const known = [...command.flags, ...command.settings];
  const flags: Record<string, unknown> = {};
  const operands: string[] = [];
  const rest = [...args];
  for (let arg; (arg = rest.shift()) !== undefined;) {
    if (arg === "--") {
      operands.push(...rest);
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      operands.push(arg);
      continue;
    }
    const [, dashes = "", typed = "", given] =
      arg.match(/^(--?)([^=]*)(?:=(.*))?$/s) ?? [];
    const flag = known.find(({ name, short }) =>
      dashes === "--" ? name === typed : short === typed
    );
    if (flag === undefined) throw unknownFlag(`${dashes}${typed}`, command);
    const { name, meaning, times } = flag;
    if (!takesValue(flag)) {
      if (given !== undefined) {
        throw new UsageError(`--${name} takes no value.`);
      }
      flags[name] = true;
      continue;
    }
    const value = given ?? rest.shift() ?? "";
    if (value === "") {
      throw new UsageError(`--${name} needs a value: ${meaning}.`);
    }
    flags[name] = times === "last" ? value : [flags[name] ?? [], value].flat();
  }
  return { flags, operands };
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
