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
 * from the client that added the download, never from an origin.
 *
 * @throws {DownloadError} if it leads away from HTTP, or from https to http.
 */
export function nextHop(from: URL, location: string | null): URL {
  // Browsers take raw UTF-8 here, too, and servers count on it.
  const target = fromLatin1(location ?? "");
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
