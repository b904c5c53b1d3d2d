/** The manual page of the program, from the table that `--help` shows. Pure. */

import { type CommandUsage, EXIT_CODES, type Flag } from "./commands.ts";
import { renderHabits } from "./help.ts";

/** What the head of a manual page says. */
export interface ManualHead {
  readonly version: string;
  /** When it is made, `2026-11-26`. */
  readonly date: string;
}

/** The manual page in the roff of man(7). */
export function renderManual(
  commands: readonly CommandUsage[],
  { version, date }: ManualHead,
): string {
  return [
    `.TH SLUICE 1 ${date} "sluice ${version}" "User Commands"`,
    ".SH NAME",
    String.raw`sluice \- fetch files with many download threads at once`,
    ".SH SYNOPSIS",
    String.raw`\fBsluice\fR [\fIcommand\fR] [\fIflags\fR]`,
    ".SH DESCRIPTION",
    text(
      "Sluice is a download server: give it a URL, and it fetches the file " +
        "with many threads at once, each taking one byte range. Without a " +
        "command, it serves.",
    ),
    ".SH COMMANDS",
    ...commands.flatMap(renderCommand),
    ".SH ENVIRONMENT",
    text(
      "Each setting is also a variable: --threads-amount is THREADS_AMOUNT; " +
        "and a line of the TOML file of CONFIG_FILE: THREADS_AMOUNT = 8. A " +
        "flag counts before a variable, and that before the file.",
    ),
    ...item(
      bold("SLUICE_TOKEN"),
      "The token of the server that commands talk to.",
    ),
    ...item(
      `${bold("HTTP_PROXY")}, ${bold("HTTPS_PROXY")}, ${bold("ALL_PROXY")}, ${
        bold("NO_PROXY")
      }`,
      "Proxies, and what is asked without one; in lower case, too.",
    ),
    ...item(bold("TERM"), "On a dumb terminal there are plain lines only."),
    ".SH EXIT STATUS",
    ...Object.entries(EXIT_CODES).flatMap(([code, meaning]) =>
      item(bold(code), sentence(meaning))
    ),
  ].join("\n");
}

function renderCommand(command: CommandUsage): string[] {
  const { name, operands, summary, notes, flags, settings, examples } = command;
  const usage = [bold(`sluice ${name}`), "[flags]", text(operands)].join(" ");
  return [
    `.SS ${text(`sluice ${name}`)}`,
    usage.trim(),
    ".PP",
    [`${summary}.`, ...notes].map(text).join("\n"),
    ...flags.flatMap(renderFlag),
    ...(settings.length > 0 ? [".PP", "Settings:"] : []),
    ...settings.flatMap(renderFlag),
    ...renderLines(renderHabits(command)),
    ...renderLines(["Examples:", ...examples]),
  ];
}

/** Lines that stay as they are, under the first of them. */
function renderLines([head, ...lines]: readonly string[]): string[] {
  if (head === undefined) return [];
  return [
    ...[".PP", text(head), ".PP", ".RS", ".nf"],
    ...lines.map((line) => escaped(line.trim())),
    ...[".fi", ".RE"],
  ];
}

function renderFlag({ name, short, value, meaning }: Flag): string[] {
  const words = [...(short === null ? [] : [`-${short}`]), `--${name}`];
  const head = words.map(bold).join(", ");
  const end = value === null ? "" : String.raw` \fI${text(value)}\fR`;
  return item(head + end, sentence(meaning));
}

/** A paragraph that hangs under its head. */
function item(head: string, words: string): string[] {
  return [".TP", head, text(words)];
}

function bold(words: string): string {
  return String.raw`\fB${text(words)}\fR`;
}

function sentence(words: string): string {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`;
}

/** What roff would take for something else than the character itself. */
const SPECIAL: Readonly<Record<string, string>> = {
  "\\": String.raw`\e`,
  "-": String.raw`\-`,
  "'": String.raw`\(aq`,
  '"': String.raw`\(dq`,
  "`": String.raw`\(ga`,
  "^": String.raw`\(ha`,
  "~": String.raw`\(ti`,
};

/** Characters of a line that may become 80, the most of mandoc, by escapes. */
const LINE = 48;

/** A text that says in roff what it says, in short lines. */
function text(words: string): string {
  const lines = words.replace(
    new RegExp(`(?=.{${LINE + 1}})(.{1,${LINE}}) `, "g"),
    "$1\n",
  );
  return lines.split("\n").map(escaped).join("\n");
}

function escaped(line: string): string {
  const characters = line.replace(
    /[\\\-'"`^~]|\P{ASCII}/gu,
    (character) => SPECIAL[character] ?? codePoint(character),
  );
  // A line that begins with a dot is a request.
  return characters.replace(/^\./, String.raw`\&.`);
}

function codePoint(character: string): string {
  const hex = character.codePointAt(0)?.toString(16).toUpperCase();
  return String.raw`\[u${hex?.padStart(4, "0")}]`;
}
