/** Asks an origin, and follows where it redirects to. */

import type { Range } from "../download/ranges.ts";
import { isPrivateIPv6 } from "../origin/address.ts";
import { forbidden } from "../origin/connection_error.ts";
import { createCookies } from "../origin/cookies.ts";
import type { PassedHead } from "../origin/duplicates.ts";
import type { HttpAnswer } from "../origin/head.ts";
import {
  isRedirect,
  MOST_REDIRECTS,
  nextHop,
  tooManyRedirects,
} from "../origin/redirect.ts";
import { headersFor, type OriginRequest } from "../origin/request.ts";
import type { Authenticator, Send } from "./authenticator.ts";
import type { Watch } from "./body.ts";
import { type Fetching, fetchOnce } from "./fetch_once.ts";

/** What an origin is asked with. */
export interface Asking extends Fetching {
  readonly authenticate: Authenticator;
  /** Headers that each hop gets, and that say of which file an answer is wanted. */
  readonly conditions?: Readonly<Record<string, string>>;
}

/** An answer that is no redirect. */
export interface OriginAnswer {
  readonly response: HttpAnswer;
  /** The URL that gave it. */
  readonly url: URL;
  /**
   * Whether that URL may be asked directly: false if it was asked with cookies
   * that redirects to it had set, and which end with them.
   */
  readonly direct: boolean;
  /** Its head, behind those of the redirects that led to it. */
  readonly passed: readonly PassedHead[];
}

/**
 * Asks for a slice, following redirects. Cookies that these set are sent with
 * later hops, and forgotten with the last one.
 *
 * @param slice What to ask for; null to ask for the whole file.
 * @throws {DownloadError} if there is no answer, or redirects lead nowhere.
 * @throws the reason for which the watch was aborted.
 */
export async function ask(
  { url: first, headers, credentials, proxy }: OriginRequest,
  slice: Range | null,
  asking: Asking,
  watch: Watch,
): Promise<OriginAnswer> {
  const asked = new URL(first);
  const cookies = createCookies();
  const passed: PassedHead[] = [];
  let url = asked;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    if (!asking.allowPrivate && isPrivateIPv6(url.hostname)) {
      throw forbidden();
    }
    const isOwn = url.origin === asked.origin;
    const own = headersFor(url, { url: first, headers });
    const cookie = cookies.header(url, own.cookie);
    const send: Send = (authorization) => {
      const sent = {
        "user-agent": "sluice",
        ...(authorization === null ? {} : { authorization }),
        ...own,
        ...(cookie !== null && { cookie }),
        "accept-encoding": "identity",
        ...asking.conditions,
        ...(slice && { range: rangeHeader(slice) }),
      };
      return fetchOnce(url, sent, proxy, asking, watch);
    };
    const shown = isOwn ? credentials : null;
    const response = await asking.authenticate(url, shown, send);
    passed.push({ url, headers: response.headers });
    if (!isRedirect(response.status)) {
      return { response, url, direct: !cookies.used, passed };
    }
    await response.body?.cancel();
    cookies.take(url, response.headers, Date.now());
    url = nextHop(url, response.headers.get("location"));
  }
  throw tooManyRedirects();
}

/** RFC 9110 §14.1.2: the last byte is named, so one less than `end`; or none. */
function rangeHeader({ start, end }: Range): string {
  return `bytes=${start}-${end === Infinity ? "" : end - 1}`;
}
