/** Mirrors that origins tell of beside an answer: Metalink/HTTP, RFC 6249. Pure. */

import type { FoundChecksum } from "../download/checksum.ts";
import type { DownloadRequest } from "../download/download.ts";
import { MOST_MIRRORS } from "../download/fields.ts";
import { digestIn } from "./digests.ts";

/** What an origin tells of a file. */
export interface Duplicates {
  /** Other URLs of it, the one to be preferred first; there may be none. */
  readonly urls: readonly string[];
  /** A strong one, of the whole file. */
  readonly checksum: FoundChecksum;
}

/** The head of an answer, or of a redirect on the way to it. */
export interface PassedHead {
  readonly url: URL;
  readonly headers: Headers;
}

/** RFC 6249 §3.2: where a URL without a priority stands. */
const LAST = 999_999;

/**
 * What an answer and the redirects on the way to it tell; null without a strong
 * checksum of the whole to prove it (RFC 6249 §4), or with two. From https, no other
 * URL is of http.
 */
export function duplicatesIn(passed: readonly PassedHead[]): Duplicates | null {
  const links = passed.flatMap(linksOf);
  const [checksum, ...more] = passed.map(({ headers }) => digestIn(headers))
    .filter((found) => found !== null)
    .filter(({ algorithm }) => ["sha256", "sha512"].includes(algorithm));
  const isClear = more.every(({ algorithm, digest }) =>
    algorithm === checksum?.algorithm && digest === checksum.digest
  );
  if (checksum === undefined || !isClear) return null;
  const urls = links.toSorted((a, b) => a.priority - b.priority)
    .map(({ url }) => url);
  return { urls: [...new Set(urls)], checksum };
}

/**
 * A request with what an origin tells; null if that is nothing new. A checksum alone
 * is of use where there are mirrors, whose bytes may be mixed then. One that the
 * URL told before gives way to what it tells now: the file may be another one.
 *
 * @param isOwn Whether the URL itself tells it, and no mirror.
 */
export function withDuplicates(
  request: DownloadRequest,
  { urls, checksum: told }: Duplicates,
  isOwn: boolean,
): DownloadRequest | null {
  if (request.described !== undefined) return null;
  const { checksumFrom = "auto", mirrors = [], ...rest } = request;
  // The client wants to have it from elsewhere.
  if (checksumFrom !== "auto") return null;
  const all = [...new Set([...mirrors, ...urls])]
    .filter((url) => url !== request.url).slice(0, MOST_MIRRORS);
  const { checksum: before } = request;
  const isPast = before === null || isOwn && before.from !== undefined;
  const checksum = isPast ? told : before;
  const isKnown = all.length === mirrors.length &&
    checksum.algorithm === before?.algorithm &&
    checksum.digest === before.digest;
  if (isKnown || all.length === 0) return null;
  return { ...rest, mirrors: all, checksum };
}

/**
 * A request whose URL tells no checksum now; the same if it told none before. What it
 * told may have been of another file.
 */
export function withoutTold(request: DownloadRequest): DownloadRequest {
  const isTold = request.checksum?.from !== undefined;
  return isTold ? { ...request, checksum: null } : request;
}

/** A parameter of a link: a token, or text in quotes (RFC 8288 §3). */
const PARAMETER = /;\s*([a-z*]+)\s*(?:=\s*(?:"([^"]*)"|([^\s;,"]*)))?/gi;

function linksOf(
  { url: base, headers }: PassedHead,
): { url: string; priority: number }[] {
  const value = headers.get("link") ?? "";
  const links = value.matchAll(
    /<([^<>]*)>((?:\s*;\s*[a-z*]+\s*(?:=\s*(?:"[^"]*"|[^\s;,"]*))?)*)/gi,
  );
  return [...links].flatMap(([, target = "", rest = ""]) => {
    const parameters = new Map(
      [...rest.matchAll(PARAMETER)].map(([, name = "", quoted, token]) => [
        name.toLowerCase(),
        quoted ?? token ?? "",
      ]),
    );
    const relations = (parameters.get("rel") ?? "").toLowerCase().split(/\s+/);
    const url = URL.parse(target, base);
    if (!relations.includes("duplicate") || url === null) return [];
    const isSafe = url.protocol === "https:" ||
      url.protocol === "http:" && base.protocol === "http:";
    const priority = parameters.get("pri") ?? "";
    return isSafe
      ? [{
        url: url.href,
        priority: /^\d{1,6}$/.test(priority) ? Number(priority) : LAST,
      }]
      : [];
  });
}
