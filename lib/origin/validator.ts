/** What proves that two answers are of one file, or of two. */

import type { Validator } from "../download/download.ts";
import { parseDate } from "./http_date.ts";

/** The strong validator that an answer carries; null if it carries none. */
export function validatorOf(headers: Headers): Validator | null {
  const etag = headers.get("etag")?.trim();
  const modified = headers.get("last-modified")?.trim();
  const changed = parseDate(modified ?? "");
  const isUnknown = changed <= UNKNOWN_TIME;
  if (
    etag && isStrongTag(etag) && !(isUnknown && OF_TIME_AND_SIZE.test(etag))
  ) {
    return { kind: "etag", value: etag };
  }
  const answered = parseDate(headers.get("date") ?? "");
  // A file written to in the second of the answer may change again within it.
  const isStrong = changed <= answered - 1000;
  if (modified === undefined || !isStrong || isUnknown) return null;
  const weak = weakTagOf(headers);
  return { kind: "modified", value: modified, ...(weak && { weak }) };
}

/**
 * Milliseconds since the epoch. Stores of reproducible builds give this time to
 * every file, and some origins to a file whose time they do not know.
 */
const UNKNOWN_TIME = 1000;

/** nginx's tag, of which the size alone is left where the time is unknown. */
const OF_TIME_AND_SIZE = /^"[01]-[0-9a-f]+"$/;

/** RFC 9110 §8.8.3: a weak tag, W/"…", says alike, not the same bytes. */
function isStrongTag(etag: string): boolean {
  return /^"[\x21\x23-\xff]+"$/.test(etag);
}

/**
 * When a file was last modified, in milliseconds since the epoch; null if the
 * answer does not tell.
 */
export function lastModified(headers: Headers): number | null {
  const time = parseDate(headers.get("last-modified")?.trim() ?? "");
  return Number.isNaN(time) ? null : time;
}

/** A tag that is weak, or that its origin forgot to quote. */
function weakTagOf(headers: Headers): string | null {
  const etag = headers.get("etag")?.trim();
  return etag && !isStrongTag(etag) ? etag : null;
}

/** Whether an answer carries the very validator that was pinned. */
export function carries(headers: Headers, pinned: Validator): boolean {
  if (pinned.kind === "etag") {
    return headers.get("etag")?.trim() === pinned.value;
  }
  const { value, weak } = pinned;
  const differs = weak !== undefined &&
    (weakTagOf(headers) ?? weak) !== weak;
  return !differs && headers.get("last-modified")?.trim() === value;
}
