/** Dates and waits in HTTP headers. Pure. */

/** The longest that an origin's Retry-After is obeyed, in milliseconds. */
export const LONGEST_RETRY_AFTER = 15 * 60_000;

/**
 * Reads a Retry-After header, RFC 9110 §10.2.3: seconds or a date.
 *
 * @param now The time, in milliseconds since the epoch.
 * @returns Milliseconds, at most `LONGEST_RETRY_AFTER`; null if there is none
 * or it makes no sense.
 */
export function retryAfter(value: string | null, now: number): number | null {
  const text = value?.trim() ?? "";
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : parseDate(text) - now;
  if (Number.isNaN(wait)) return null;
  return Math.min(Math.max(0, wait), LONGEST_RETRY_AFTER);
}

/**
 * The time by an origin's own clock when it answered, which its other dates are
 * meant by; this machine's clock may have been set wrong, or set anew.
 *
 * @param now The time by this machine's clock, for an answer that tells none.
 * @returns Milliseconds since the epoch.
 */
export function originTime(headers: Headers, now: number): number {
  const date = parseDate(headers.get("date") ?? "");
  return Number.isNaN(date) ? now : date;
}

/** RFC 3339, which some origins write. */
const INTERNET_DATE =
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;

/**
 * Reads an HTTP date, RFC 9110 §5.6.7, into milliseconds since the epoch; NaN
 * if it is none. Date.parse alone would take "-5" or "0" for one, and what
 * names no zone, as the form of asctime, for a time in the machine's own.
 */
export function parseDate(text: string): number {
  if (INTERNET_DATE.test(text)) return Date.parse(text);
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/i.test(text)) return NaN;
  const hasZone = !/:\d\d:\d\d(?: \d{4})?$/.test(text);
  return Date.parse(hasZone ? text : `${text} GMT`);
}
