/** One line for each thing that happens. */

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
 * @param format `text` for people, `json` for programs.
 */
export function createLog(format: "text" | "json"): Log {
  const lines: string[] = [];
  function write(): void {
    if (lines.length > 0) console.error(lines.splice(0).join("\n"));
  }
  addEventListener("unload", write);
  return (event, fields = {}) => {
    const time = new Date().toISOString();
    const line = format === "json"
      ? JSON.stringify({ time, event, ...fields })
      : `${time} ${event}${textOf(fields)}`;
    if (lines.push(line) === 1) setTimeout(write, GATHER);
  };
}

function textOf(fields: Fields): string {
  let text = "";
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === null) continue;
    text += ` ${name}=${JSON.stringify(value)}`;
  }
  return text;
}
