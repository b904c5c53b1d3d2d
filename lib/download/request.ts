/** Reads and checks a request for one download. Pure. */

import { isObject, type JsonObject } from "../base/json.ts";
import { faultIn, type Fields } from "../base/schema.ts";
import {
  type Checksum,
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
} from "./checksum.ts";
import { type DownloadRequest, undescribed } from "./download.ts";
import { parseDirectory } from "./directory.ts";
import { DownloadError } from "./errors.ts";
import { DOWNLOAD_FIELDS, type DownloadFields, START_AT } from "./fields.ts";
import { parseMoment } from "./moment.ts";

/** What a request for one download may hold at most. */
export interface RequestLimits {
  /** Characters of a URL. */
  readonly urlLength: number;
}

/**
 * Reads what is asked for one download.
 *
 * @throws {DownloadError} BAD_REQUEST or BAD_URL.
 */
export function parseDownload(
  fields: unknown,
  limits: RequestLimits,
): DownloadRequest {
  if (!isObject(fields)) throw bad('A download must have a "url".');
  refuseUnknown(fields, Object.keys(DOWNLOAD_FIELDS));
  const url = parseUrl(fields.url, limits.urlLength);
  const {
    filename = null,
    directory: path = null,
    headers = {},
    threads = null,
    limit_rate,
    order = null,
    priority,
    proxy = null,
    paused,
    checksum_from: from = null,
    start_at = null,
    mirrors: others,
    size = null,
    ...checksums
  } = checked<DownloadFields>(fields, DOWNLOAD_FIELDS);
  // Asked for, the content directory itself comes before what rules say.
  const directory = path === null ? null : parseDirectory(path) ?? "";
  const limitRate = limit_rate ?? undefined;
  const checksum = checksumIn(checksums);
  const checksumFrom = from && parseChecksumFrom(from, checksum, limits);
  const startAt = momentIn(start_at);
  if (paused && startAt !== undefined) {
    throw bad('"paused" goes without "start_at".');
  }
  const mirrors = mirrorsOf(url, others ?? [], limits);
  return {
    url,
    ...(mirrors.length > 0 && { mirrors }),
    filename,
    ...(size !== null && { size }),
    ...(directory !== null && { directory }),
    headers: parseHeaders(headers),
    checksum,
    ...(checksumFrom && { checksumFrom }),
    threads,
    ...(limitRate !== undefined && { limitRate }),
    ...(order !== null && { order }),
    ...(priority && priority !== "normal" && { priority }),
    ...(proxy !== null && { proxy }),
    ...(paused && { paused }),
    ...(startAt !== undefined && { startAt }),
  };
}

/** The fields that a request is read from: the inverse of `parseDownload`. */
export function fieldsOf(asked: DownloadRequest): JsonObject {
  const request = undescribed(asked);
  const { url, filename, directory, headers, threads, limitRate } = request;
  const { mirrors, size, checksum, checksumFrom, order } = request;
  const { priority, proxy } = request;
  return {
    url,
    ...(mirrors !== undefined && { mirrors }),
    ...(filename !== null && { filename }),
    ...(size !== undefined && { size }),
    ...(directory !== undefined && { directory: directory || "." }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(checksum !== null && { [checksum.algorithm]: checksum.digest }),
    ...(checksumFrom !== undefined && { checksum_from: checksumFrom }),
    ...(threads !== null && { threads }),
    ...(limitRate !== undefined && { limit_rate: limitRate }),
    ...(order !== undefined && { order }),
    ...(priority !== undefined && { priority }),
    ...(proxy !== undefined && { proxy }),
  };
}

/**
 * The moment that a field names, in milliseconds since 1970; undefined for none.
 *
 * @throws {DownloadError} BAD_REQUEST if there is no such day or time.
 */
export function momentIn(text: string | null): number | undefined {
  if (text === null) return undefined;
  const time = parseMoment(text);
  if (time !== undefined) return time;
  throw bad(`"start_at" must be ${START_AT.title}.`);
}

/**
 * The mirrors of a URL: each is checked like the URL itself, and counts once.
 *
 * @throws {DownloadError} BAD_URL, naming the one that is wrong.
 */
function mirrorsOf(
  url: string,
  mirrors: readonly string[],
  { urlLength }: RequestLimits,
): string[] {
  const parsed = mirrors.map((mirror, index) => {
    try {
      return parseUrl(mirror, urlLength);
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      throw new DownloadError(
        error.code,
        `"mirrors"[${index}]: ${error.message}`,
      );
    }
  });
  return [...new Set(parsed)].filter((mirror) => mirror !== url);
}

function parseHeaders(
  headers: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const fault = headerFault(name, value);
      if (fault) throw bad(`"headers": ${fault}.`);
      return [name.toLowerCase(), value];
    }),
  );
}

/**
 * The checksum of fields that were checked; null if they hold none.
 *
 * @throws {DownloadError} BAD_REQUEST if they hold two.
 */
export function checksumIn(
  checksums: { readonly [Name in ChecksumAlgorithm]?: string },
): Checksum | null {
  const [algorithm, another] = CHECKSUM_ALGORITHMS.filter((name) =>
    name in checksums
  );
  if (algorithm === undefined) return null;
  if (another) throw bad(`Give one checksum, not ${algorithm} and ${another}.`);
  const digest = checksums[algorithm] ?? "";
  return { algorithm, digest: digest.toLowerCase() };
}

/** Where a checksum is to be looked for: `auto`, or a URL. */
function parseChecksumFrom(
  from: string,
  given: Checksum | null,
  { urlLength }: RequestLimits,
): string {
  if (given !== null) {
    throw bad(`Give the ${given.algorithm}, or "checksum_from", not both.`);
  }
  return from === "auto" ? from : parseUrl(from, urlLength);
}

/**
 * Reads the URL of a download.
 *
 * @param longest Characters that it may have.
 * @throws {DownloadError} BAD_REQUEST if it is no text; BAD_URL if it cannot be
 * fetched, or another one would be fetched in its place.
 */
export function parseUrl(url: unknown, longest: number): string {
  if (typeof url !== "string") {
    throw bad('There is no "url": send {"url": "https://…"}.');
  }
  const trimmed = url.trim();
  if (trimmed.length > longest) {
    throw badUrl(`is longer than ${longest} characters`);
  }
  const parsed = URL.parse(trimmed);
  if (parsed === null) {
    if (/^https?:\/\/([^/?#]*@)?\[[^\]/?#]*%/i.test(trimmed)) {
      throw badUrl(
        "names a network interface (%) in its address, which the HTTP client " +
          "cannot choose: give another address of the host",
      );
    }
    throw badUrl("must be whole, such as https://example.org/file");
  }
  const { protocol } = parsed;
  if (protocol !== "http:" && protocol !== "https:") {
    throw badUrl("cannot be fetched: it must begin with http:// or https://");
  }
  if (!trimmed.isWellFormed() || trimmed.includes("\uFFFD")) {
    throw badUrl(
      "holds a character that was not sent in UTF-8, and is lost: send it in " +
        "UTF-8, or percent-encoded",
    );
  }
  const change = pathChange(trimmed);
  if (change !== null) {
    throw badUrl(
      `${change}: another path would be asked for. Write the path without it, ` +
        "or percent-encode it",
    );
  }
  return trimmed;
}

/**
 * Why the HTTP client would ask for another path than a URL's, as all do that
 * follow the WHATWG's URL standard; null if it would not.
 */
function pathChange(url: string): string | null {
  const control = url.match(/[^\P{Cc}\x7f-\x9f]/u)?.[0];
  if (control !== undefined) return `holds ${nameOf(control)}`;
  const path = url.match(/^[^?#]*/)?.[0] ?? "";
  if (path.includes("\\")) return "holds a backslash";
  const [, beforeHost, segments = ""] =
    path.match(/^https?:(\/*)[^/]*(.*)$/is) ?? [];
  if (beforeHost !== "//") return "does not have two slashes before its host";
  const dots = segments.split("/").find((segment) =>
    /^(\.|%2e){1,2}$/i.test(segment)
  );
  return dots === undefined ? null : `holds the dot segment "${dots}"`;
}

function nameOf(control: string): string {
  if (control === "\t") return "a tab";
  if (/[\r\n]/.test(control)) return "a line break";
  return "a control character";
}

/** Header names that Sluice sets itself, or that describe the connection. */
export const OWN_HEADERS = [
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "keep-alive",
  "proxy-connection",
  "range",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Why a header may not be sent; null if it may. */
export function headerFault(name: string, value: string): string | null {
  if (OWN_HEADERS.includes(name.toLowerCase())) {
    return `the header ${name} is set by Sluice itself`;
  }
  try {
    new Headers({ [name]: value });
    return null;
  } catch {
    return `${JSON.stringify(name)} with this value is not a valid header`;
  }
}

/**
 * The fields of a message, once each that is known is sure to hold what it may.
 *
 * @throws {DownloadError} BAD_REQUEST, naming the first that does not.
 */
export function checked<Read>(fields: JsonObject, known: Fields): Read {
  for (const [name, value] of Object.entries(fields)) {
    const schema = known[name];
    if (schema === undefined || value === undefined) continue;
    const fault = faultIn(schema, value);
    if (fault !== null) throw bad(`"${name}" ${fault}.`);
  }
  return fields as Read;
}

/**
 * Refuses fields that nothing reads: a misspelt one would do nothing.
 *
 * @throws {DownloadError} BAD_REQUEST, naming the first of them.
 */
export function refuseUnknown(
  fields: JsonObject,
  known: readonly string[],
): void {
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const name = JSON.stringify(unknown.slice(0, 50));
  throw bad(`${name} is not known here; known are ${known.join(", ")}.`);
}

/** The error for a request that makes no sense; `message` says what to mend. */
export function bad(message: string): DownloadError {
  return new DownloadError("BAD_REQUEST", message);
}

function badUrl(fault: string): DownloadError {
  return new DownloadError("BAD_URL", `The URL ${fault}.`);
}
