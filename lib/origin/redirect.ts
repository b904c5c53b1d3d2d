/** Where a redirect may lead. */

import { DownloadError } from "../download/errors.ts";
import { fromLatin1 } from "./latin1.ts";

/** RFC 9110 §15.4 sets no bound; a chain this long leads nowhere. */
export const MOST_REDIRECTS = 10;

/** Whether a status sends the client elsewhere with the same request. */
export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/**
 * The URL that a Location header names, without userinfo: credentials come
 * from the client that added the download, never from an origin. What is not
 * allowed in a URL is read as browsers do: tabs do not count, a backslash is a
 * slash.
 *
 * @throws {DownloadError} if it leads away from HTTP, from https to http, or to
 * two places.
 */
export function nextHop(from: URL, location: string | null): URL {
  // Browsers take raw UTF-8 here, too, and servers count on it.
  const target = fromLatin1(onlyOne(location ?? ""));
  if (location === null || !URL.canParse(target, from)) {
    throw refused("without saying where to");
  }
  const to = new URL(target, from);
  if (to.protocol !== "https:" && to.protocol !== "http:") {
    throw refused(`to a ${to.protocol.slice(0, 20)} URL, which is not HTTP`);
  }
  if (from.protocol === "https:" && to.protocol === "http:") {
    throw refused("from https to http, where anybody could change the file");
  }
  to.username = to.password = "";
  return to;
}

/**
 * The value of equal Location headers, which come joined by commas. A comma may
 * also be part of a single one: only a URL or a path behind it tells of two.
 */
function onlyOne(location: string): string {
  const parts = location.split(", ");
  for (let length = 1; length <= parts.length / 2; length++) {
    if (parts.length % length !== 0) continue;
    if (parts.every((part, n) => part === parts[n % length])) {
      return parts.slice(0, length).join(", ");
    }
  }
  if (/, (?:https?:)?\//i.test(location)) {
    throw refused("to two places at once");
  }
  return location;
}

/** The error for a chain of more than `MOST_REDIRECTS`. */
export function tooManyRedirects(): DownloadError {
  return refused(`more than ${MOST_REDIRECTS} times`);
}

function refused(how: string): DownloadError {
  return new DownloadError(
    "REDIRECT",
    `The origin redirects ${how}: add the file's own URL.`,
  );
}
