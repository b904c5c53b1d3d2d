/** One line for each thing that happens. */

import { UNPRINTABLE } from "./unprintable.ts";
import { writeAllSync } from "./write_all.ts";

/** What a line may tell besides its event; never a URL's secrets. */
export type Fields = Readonly<
  Record<string, string | number | boolean | null | undefined>
>;

/** Writes a line. */
export type Log = (event: string, fields?: Fields) => void;

/** How long lines wait for others to be written with them, in milliseconds. */
const GATHER = 20;

/**
 * Makes a log that writes to standard error. Lines are gathered, as a write
 * costs more than a line; those that still wait at the process's exit are
 * written then.
 *
 * Lines that cannot be written, as on a full disk, are lost, and nothing else
 * is: the next line that can be written comes after one that counts them.
 *
 * @param format `text` for people, `json` for programs.
 * @param output Where the lines go.
 */
export function createLog(
  format: "text" | "json",
  output: Pick<Deno.FsFile, "writeSync"> = Deno.stderr,
): Log {
  const encoder = new TextEncoder();
  const lines: string[] = [];
  let lost = 0;

  function write(): void {
    const gathered = lines.splice(0);
    if (gathered.length === 0) return;
    // The last that was written may have been the first half of a line.
    const told = lost > 0
      ? ["", lineOf("lines lost", { count: lost }), ...gathered]
      : gathered;
    try {
      writeAllSync(output, encoder.encode(`${told.join("\n")}\n`));
      lost = 0;
    } catch {
      lost += gathered.length;
    }
  }

  function lineOf(event: string, fields: Fields): string {
    const time = new Date().toISOString();
    const line = format === "json"
      ? JSON.stringify({ time, event, ...fields })
      : `${time} ${event}${textOf(fields)}`;
    return line.replace(UNPRINTABLE, escaped);
  }

  addEventListener("unload", write);
  return (event, fields = {}) => {
    if (lines.push(lineOf(event, fields)) === 1) setTimeout(write, GATHER);
  };
}

/**
 * A character as JSON escapes it, where `JSON.stringify` does not: clients and
 * origins may not command the terminal of who reads the log.
 */
function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return `\\u${code.padStart(4, "0")}`;
}

function textOf(fields: Fields): string {
  let text = "";
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === null) continue;
    text += ` ${name}=${JSON.stringify(value)}`;
  }
  return text;
}
