/** Reads moments as they are written. Pure. */

/**
 * The moment that a text in ISO 8601 names, in milliseconds since 1970; undefined
 * if there is no such day or time. `Date.parse` alone takes 30 February for 2 March.
 *
 * @param text Of the form `2026-11-29T18:00`, with or without more behind it; where
 * it names no time zone, it is this machine's own time.
 */
export function parseMoment(text: string): number | undefined {
  const day = text.slice(0, "2026-11-29".length);
  const midnight = Date.parse(`${day}T00:00Z`);
  const time = Date.parse(text);
  if (Number.isNaN(midnight) || Number.isNaN(time)) return undefined;
  const isDay = new Date(midnight).toISOString().startsWith(day);
  return isDay ? time : undefined;
}
