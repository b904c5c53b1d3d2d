/** One line for each thing that happens. */

/** What a line may tell besides its event; never a URL's secrets. */
export type Fields = Readonly<
  Record<string, string | number | boolean | null | undefined>
>;

/** Writes a line. */
export type Log = (event: string, fields?: Fields) => void;

/**
 * Makes a log that writes to standard error.
 *
 * @param format `text` for people, `json` for programs.
 */
export function createLog(format: "text" | "json"): Log {
  const lines: string[] = [];
  function write(): void {
    console.error(lines.join("\n"));
    lines.length = 0;
  }
  return (event, fields = {}) => {
    // One write for all that one turn has to say, be it a thousand lines.
    if (lines.length === 0) queueMicrotask(write);
    const time = new Date().toISOString();
    lines.push(
      format === "json"
        ? JSON.stringify({ time, event, ...fields })
        : [time, event, ...Object.entries(fields).flatMap(pair)].join(" "),
    );
  };
}

function pair([name, value]: [string, Fields[string]]): string[] {
  return value === undefined || value === null
    ? []
    : [`${name}=${JSON.stringify(value)}`];
}
