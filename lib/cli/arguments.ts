/** Reads the command line by the commands and flags that there are. Pure. */

import { parseArgs } from "@std/cli/parse-args";
import { parseBytes, parseWholeNumber } from "../base/whole_number.ts";
import { FASTEST, SLOWEST } from "../download/fields.ts";
import { parseMoment } from "../download/moment.ts";
import { type CommandUsage, type Flag, SWITCH } from "./commands.ts";
import { habitFor } from "./habits.ts";
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
 * The bytes a second that a word stands for; null for `none`.
 *
 * @param name What the word is called where it was typed.
 * @throws {UsageError}
 */
export function readRate(text: string, name: string): number | null {
  if (text === "none") return null;
  const rate = parseBytes(text, SLOWEST, FASTEST);
  if (rate !== undefined) return rate;
  throw new UsageError(
    `${name} must be bytes a second from ${SLOWEST}, such as 500k, 2M or 1GB.`,
  );
}

/**
 * The moment that a word stands for, in ISO 8601 with the offset of a time zone;
 * one without is this machine's own time.
 *
 * @param name What the word is called where it was typed.
 * @throws {UsageError}
 */
export function readMoment(text: string, name: string): string {
  const isMoment = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?$/i
    .test(text);
  const time = isMoment ? parseMoment(text.replace(" ", "T")) : undefined;
  if (time !== undefined) return new Date(time).toISOString();
  throw new UsageError(
    `${name} must be a time such as 2026-11-29T18:00, or with a time zone ` +
      "2026-11-29T18:00+01:00.",
  );
}

/**
 * Flags in the one form that has no second meaning, `--name=value`: a value
 * such as `-` or `-x` would be taken for a flag otherwise. Flags of other tools
 * become Sluice's own.
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
    const { typed, behind } = parted(arg, command);
    const flag = known.find(({ name, short }) =>
      typed === `--${name}` || typed === `-${short}`
    );
    if (flag === undefined) {
      result.push(...foreign(arg, rest, command));
    } else if (flag.value === SWITCH && behind === null) {
      const isGiven = /^(true|false)$/.test(rest[0] ?? "");
      result.push(withValue(flag, isGiven ? rest.shift() ?? "" : "true"));
    } else if (takesValue(flag)) {
      result.push(withValue(flag, takeValue(behind, rest)));
    } else {
      takeNone(`--${flag.name}`, behind, rest);
      result.push(`--${flag.name}`);
    }
  }
  return result;
}

/** A word of the command line that begins with a dash. */
interface Parted {
  /** With the dashes. */
  readonly typed: string;
  /** What stands right behind it: `=value`, or `8` in `-x8`; null if nothing. */
  readonly behind: string | null;
}

function parted(
  arg: string,
  { flags, settings, habits }: CommandUsage,
): Parted {
  const [, long = "", behind = null] = arg.match(/^([^=]*)(=.*)?$/s) ?? [];
  const isWhole = arg.startsWith("--") ||
    habits.some(({ typed }) => typed.includes(long)) ||
    // With one dash too few, it is no letter with a value.
    [...flags, ...settings].some(({ name }) => long === `-${name}`);
  return isWhole
    ? { typed: long, behind }
    : { typed: arg.slice(0, 2), behind: arg.slice(2) || null };
}

function takeValue(behind: string | null, rest: string[]): string {
  return behind?.replace(/^=/, "") ?? rest.shift() ?? "";
}

/**
 * Behind a letter that takes no value, more letters may stand: `-LO`.
 *
 * @throws {UsageError} if a value is there.
 */
function takeNone(typed: string, behind: string | null, rest: string[]): void {
  if (behind === null) return;
  if (/^[=-]/.test(behind)) throw new UsageError(`${typed} takes no value.`);
  rest.unshift(`-${behind}`);
}

/** @throws {UsageError} if there is no value. */
function withValue({ name, meaning }: Flag, value: string): string {
  if (value !== "") return `--${name}=${value}`;
  throw new UsageError(`--${name} needs a value: ${meaning}.`);
}

/**
 * A flag of another tool as Sluice's own; none if it asks for what is done
 * anyway.
 *
 * @throws {UsageError} saying what to do instead, or that nothing is known of it.
 */
function foreign(
  arg: string,
  rest: string[],
  command: CommandUsage,
): string[] {
  const { typed, behind } = parted(arg, command);
  const [next] = rest;
  const follows = behind?.replace(/^=/, "") ??
    (next === undefined ? "" : ` ${next}`);
  const habit = habitFor(command.habits, typed, follows);
  if (habit === undefined) throw unknownFlag(arg, command);
  let value = "";
  if (habit.value !== null) value = takeValue(behind, rest);
  else if (behind !== "=true") takeNone(typed, behind, rest);
  const { means } = habit;
  if (means.kind === "anyway") return [];
  if (means.kind === "none") throw new UsageError(`${typed}: ${means.why}`);
  const known = [...command.flags, ...command.settings];
  const { names, prefix } = means;
  const flag = names.map((name) => known.find((flag) => flag.name === name))
    .find((flag) => flag !== undefined);
  if (flag === undefined) {
    throw new UsageError(
      `${typed} is --${names[0]}, which sluice ${command.name} does not have.`,
    );
  }
  if (!takesValue(flag)) return [`--${flag.name}`];
  return [withValue(flag, habit.value === null ? "true" : prefix + value)];
}

function takesValue({ value }: Flag): boolean {
  return value !== null;
}

function unknownFlag(arg: string, command: CommandUsage): UsageError {
  const typed = arg.replace(/=.*$/s, "");
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
