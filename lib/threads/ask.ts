/** Asks an origin, and follows where it redirects to. */

import type { Range } from "../download/ranges.ts";
import { isPrivateIPv6 } from "../origin/address.ts";
import { forbidden } from "../origin/connection_error.ts";
import {
  isRedirect,
  MOST_REDIRECTS,
  nextHop,
  tooManyRedirects,
} from "../origin/redirect.ts";
import type { OriginRequest } from "../origin/request.ts";
import type { Watch } from "./body.ts";
import { type Fetching, fetchOnce } from "./fetch_once.ts";

/** An answer that is no redirect. */
export interface OriginAnswer {
  readonly response: Response;
  /** The URL that gave it. */
  readonly url: URL;
}

/**
 * Asks for a slice, following redirects.
 *
 * @param slice What to ask for; null to ask for the whole file.
 * @throws {DownloadError} if there is no answer, or redirects lead nowhere.
 * @throws the reason for which the watch was aborted.
 */
export async function ask(
  { url: first, headers }: OriginRequest,
  slice: Range | null,
  fetching: Fetching,
  watch: Watch,
): Promise<OriginAnswer> {
  const asked = new URL(first);
  let url = asked;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    if (!fetching.allowPrivate && isPrivateIPv6(url.hostname)) {
      throw forbidden();
    }
    const sent = {
      "user-agent": "sluice",
      ...(url.origin === asked.origin ? headers : {}),
      "accept-encoding": "identity",
      ...(slice && { range: rangeHeader(slice) }),
    };
    const response = await fetchOnce(url, sent, fetching, watch);
    if (!isRedirect(response.status)) return { response, url };
    await response.body?.cancel();
    url = nextHop(url, response.headers.get("location"));
  }
  throw tooManyRedirects();
}

/** RFC 9110 §14.1.2: the last byte is named, so one less than `end`; or none. */
function rangeHeader({ start, end }: Range): string {
  return `bytes=${start}-${end === Infinity ? "" : end - 1}`;
}
