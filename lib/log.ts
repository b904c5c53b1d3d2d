/** One line for each thing that happens. */

/** What a line may tell besides its event; never a URL's secrets. */
export type Fields = Readonly<
  Record<string, string | number | boolean | null | undefined>
>;

/** Writes a line. */
export type Log = (event: string, fields?: Fields) => void;

/**
 * Makes a log that writes to standard error, at the end of a turn all of its
 * lines at once: a thousand downloads that are added together are one write.
 *
 * @param format `text` for people, `json` for programs.
 */
export function createLog(format: "text" | "json"): Log {
  const lines: string[] = [];
  function write(): void {
    console.error(lines.splice(0).join("\n"));
  }
  return (event, fields = {}) => {
    const time = new Date().toISOString();
    const line = format === "json"
      ? JSON.stringify({ time, event, ...fields })
      : [time, event, ...Object.entries(fields).flatMap(pair)].join(" ");
    if (lines.push(line) === 1) queueMicrotask(write);
  };
}

function pair([name, value]: [string, Fields[string]]): string[] {
  return value === undefined || value === null
    ? []
    : [`${name}=${JSON.stringify(value)}`];
}
