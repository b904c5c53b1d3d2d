/** What an origin's answer means: is it the slice that was asked for? */

import type { Pinned, Validator } from "../download/download.ts";
import { DownloadError } from "../download/errors.ts";
import type { Range } from "../download/ranges.ts";
import { type Coding, codingIn, isWebPage, mayBeIn } from "./content.ts";
import { parseDate, retryAfter } from "./http_date.ts";

/** The head of an answer, and the paths that led to it. */
export interface Head {
  readonly status: number;
  readonly headers: Headers;
  /**
   * What the file is called: the last segments of the path that was asked for
   * and of the one that gave it, and the name in Content-Disposition.
   */
  readonly names: readonly string[];
}

/** What a body is. */
export type Answer =
  /** The slice that was asked for, or an honest beginning of it. */
  | {
    readonly kind: "slice";
    readonly slice: Range;
    readonly size: number;
    readonly validator: Validator | null;
  }
  /** The whole file; `size` is null where the origin does not tell. */
  | {
    readonly kind: "whole";
    readonly size: number | null;
    readonly validator: Validator | null;
  };

/** What a label says of a body, and its first bytes have to tell. */
export type Doubt =
  | { readonly kind: "coded"; readonly coding: Coding }
  | { readonly kind: "page" };

/** An answer, which counts once its doubts are settled. */
export interface Reading {
  readonly answer: Answer;
  readonly doubts: readonly Doubt[];
}

/** A Content-Range, RFC 9110 §14.4; null stands for a `*`. */
export interface ContentRange {
  readonly range: Range | null;
  readonly size: number | null;
}

/** Reads a Content-Range header; null if it is anything but one valid range. */
export function parseContentRange(value: string | null): ContentRange | null {
  const match = value?.match(
    /^\s*bytes\s+(?:(\d{1,16})-(\d{1,16})|\*)\/(?:(\d{1,16})|\*)\s*$/i,
  );
  if (!match) return null;
  const [, first, last, complete] = match;
  const size = complete === undefined ? null : Number(complete);
  if (size !== null && !Number.isSafeInteger(size)) return null;
  if (first === undefined || last === undefined) {
    return size === null ? null : { range: null, size };
  }
  const range = { start: Number(first), end: Number(last) + 1 };
  if (range.end <= range.start) return null;
  if (range.end > (size ?? Number.MAX_SAFE_INTEGER)) return null;
  return { range, size };
}

/** The strong validator that an answer carries; null if it carries none. */
export function validatorOf(headers: Headers): Validator | null {
  const etag = headers.get("etag")?.trim();
  // RFC 9110 §8.8.3: a weak tag, W/"…", says alike, not the same bytes.
  if (etag && /^"[\x21\x23-\xff]+"$/.test(etag)) {
    return { kind: "etag", value: etag };
  }
  const modified = headers.get("last-modified")?.trim();
  const changed = parseDate(modified ?? "");
  const answered = parseDate(headers.get("date") ?? "");
  // A file written to in the second of the answer may change again within it.
  const isStrong = changed <= answered - 1000;
  if (modified === undefined || !isStrong) return null;
  const weak = weakTagOf(headers);
  return { kind: "modified", value: modified, ...(weak && { weak }) };
}

/**
 * When a file was last modified, in milliseconds since the epoch; null if the
 * answer does not tell.
 */
export function lastModified(headers: Headers): number | null {
  const time = parseDate(headers.get("last-modified")?.trim() ?? "");
  return Number.isNaN(time) ? null : time;
}

function weakTagOf(headers: Headers): string | null {
  return headers.get("etag")?.match(/^\s*(W\/".*")\s*$/)?.[1] ?? null;
}

/** Whether an answer carries the very validator that was pinned. */
function carries(headers: Headers, pinned: Validator): boolean {
  if (pinned.kind === "etag") {
    return headers.get("etag")?.trim() === pinned.value;
  }
  const { value, weak } = pinned;
  const differs = weak !== undefined &&
    (weakTagOf(headers) ?? weak) !== weak;
  return !differs && headers.get("last-modified")?.trim() === value;
}

/**
 * Decides what an answer is.
 *
 * @param asked The slice in the request's Range header, whose end is Infinity
 * if all from its start was asked for; or null without one.
 * @param pinned What the file's first answer said, or null if this is it.
 * @param now Milliseconds since the epoch.
 * @throws {DownloadError} if not one byte of the answer may be used; NO_RANGES
 * if the same request without a Range header may bring the file.
 */
export function readAnswer(
  head: Head,
  asked: Range | null,
  pinned: Pinned | null,
  now: number,
): Reading {
  const { status, headers } = head;
  if (status === 416 && asked !== null) {
    return { answer: unsatisfiable(headers, pinned), doubts: [] };
  }
  const first = asked !== null && pinned === null;
  if (first && isRefusedRange(head)) {
    throw noRanges(`refused the range (${status})`);
  }
  // RFC 9110 §15.3.4: with 203, a proxy on the way may have changed the body.
  if (status !== 200 && status !== 203 && status !== 206) {
    throw refusal(head, now);
  }
  refuseTransferCoding(headers);
  const doubts = [
    ...pageDoubts(head, pinned),
    ...codingDoubts(head, pinned, asked?.start ?? 0),
  ];
  const answer = status === 206
    ? slice(headers, asked, pinned)
    : wholeFile(headers, asked, pinned);
  return { answer, doubts };
}

/**
 * Whether the first request may have been refused for its Range header alone.
 * Credentials and "later" are no matter of ranges.
 */
function isRefusedRange({ status, headers }: Head): boolean {
  if (status < 400 || headers.has("retry-after")) return false;
  return ![401, 407, 408, 425, 429].includes(status);
}

function slice(
  headers: Headers,
  asked: Range | null,
  pinned: Pinned | null,
): Answer {
  const told = parseContentRange(headers.get("content-range"));
  if (told === null || told.range === null || told.size === null) {
    if (asked === null) throw onlyAPart();
    throw noRanges("did not say which range of which size it sent");
  }
  const { range, size } = told;
  if (pinned !== null) refuseChange(headers, size, pinned);
  const validator = pinned?.validator ?? validatorOf(headers);
  const length = contentLength(headers);
  const fits = length === null || length === range.end - range.start;
  if (asked === null) {
    // RFC 9110 §15.3.7 wants a Range header before a 206, some origins do not.
    const whole = fits && range.start === 0 && range.end === size;
    if (!whole) throw onlyAPart();
    return { kind: "whole", size, validator };
  }
  // RFC 9110 §15.3.7: an origin may send less than was asked for.
  const end = Math.min(asked.end, size);
  const short = range.end < end && range.end - range.start < LEAST_SENT;
  if (range.start !== asked.start || range.end > end || short) {
    throw noRanges("sent another range than the one asked for");
  }
  if (!fits) throw noRanges("announced a length that does not fit its range");
  return { kind: "slice", slice: range, size, validator };
}

/** Bytes. Ranges that are shorter would cost more requests than they bring. */
const LEAST_SENT = 16 * 1024;

function onlyAPart(): DownloadError {
  return new DownloadError(
    "WRONG_RANGE",
    "The origin sent a part of the file where the whole was asked for: " +
      "add another URL of the file.",
  );
}

function wholeFile(
  headers: Headers,
  asked: Range | null,
  pinned: Pinned | null,
): Answer {
  const size = contentLength(headers);
  const range = headers.get("content-range");
  if (pinned !== null) {
    refuseChange(headers, size ?? pinned.size, pinned);
    if (asked !== null) throw noRanges("sent the whole file for a slice of it");
  }
  if (range !== null && asked !== null) {
    throw noRanges("called a range the whole file");
  }
  if (range !== null && !isAll(range, size)) throw onlyAPart();
  return { kind: "whole", size, validator: validatorOf(headers) };
}

/** Whether a Content-Range is all of a file that has `length` bytes. */
function isAll(contentRange: string, length: number | null): boolean {
  const { range = null, size = null } = parseContentRange(contentRange) ?? {};
  return range !== null && range.start === 0 && range.end === size &&
    (length ?? size) === size;
}

/** RFC 9110 §15.5.17: to an empty file, every range is unsatisfiable. */
function unsatisfiable(headers: Headers, pinned: Pinned | null): Answer {
  const told = parseContentRange(headers.get("content-range"));
  if (pinned !== null && told?.size !== undefined && told.size !== null) {
    refuseChange(headers, told.size, { ...pinned, validator: null });
  }
  if (told?.size === 0) {
    return { kind: "whole", size: 0, validator: validatorOf(headers) };
  }
  throw noRanges("refused the range (416)");
}

/**
 * The transfer codings of a body, without `chunked` at the end, which the HTTP
 * client decodes, and `identity`, which RFC 9112 knows no more (§7).
 */
export function transferCodings(headers: Headers): string[] {
  const names = (headers.get("transfer-encoding") ?? "").toLowerCase()
    .split(",").map((name) => name.trim()).filter((name) => name !== "");
  if (names.at(-1) === "chunked") names.pop();
  return names.filter((name) => name !== "identity");
}

/** Transfer codings that a body can be decoded from. */
export const DECODABLE: ReadonlyMap<string, CompressionFormat> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
]);

function refuseTransferCoding(headers: Headers): void {
  const unknown = transferCodings(headers).find((name) => !DECODABLE.has(name));
  if (unknown === undefined) return;
  throw new DownloadError(
    "ENCODED",
    `The origin sent the file in the transfer coding ${
      JSON.stringify(unknown.slice(0, 20))
    }, which nobody asked for: add another URL of the file.`,
  );
}

/**
 * How many bytes a body is announced to have; null if that is not said, or a
 * transfer coding overrules it (RFC 9112 §6.3).
 */
export function contentLength(headers: Headers): number | null {
  const coding = headers.get("transfer-encoding")?.trim().toLowerCase();
  if (coding !== undefined && coding !== "identity") return null;
  const value = headers.get("content-length");
  return value !== null && /^\d{1,16}$/.test(value) ? Number(value) : null;
}

function noRanges(what: string): DownloadError {
  return new DownloadError("NO_RANGES", `The origin ${what}.`);
}

function refuseChange(
  headers: Headers,
  size: number,
  pinned: Pinned,
): void {
  const { validator } = pinned;
  const same = validator === null || carries(headers, validator);
  if (same && size === pinned.size) return;
  throw new DownloadError("CHANGED", "The file has changed at its origin.");
}

/**
 * Doubts about a body whose label says that it is encoded, in spite of
 * `Accept-Encoding: identity`. The label may name the file's own format, as for
 * a `.tar.gz`, or nothing that the bytes bear out.
 *
 * @param start Where the body begins in the file.
 * @throws {DownloadError} ENCODED if the bytes at `start` could not tell.
 */
function codingDoubts(
  { headers, names }: Head,
  pinned: Pinned | null,
  start: number,
): Doubt[] {
  const coding = codingIn(headers.get("content-encoding"));
  if (coding === null || pinned?.mislabelled === coding) return [];
  if (names.some((name) => OWN_EXTENSIONS[coding].test(name))) return [];
  if (start > 0) throw encoded(coding);
  return [{ kind: "coded", coding }];
}

function encoded(coding: Coding): DownloadError {
  return new DownloadError(
    "ENCODED",
    `The origin sent the file in the encoding ${coding}, which was not asked ` +
      "for: its bytes would not be the file's. Check the URL, or add another " +
      "one of the file.",
  );
}

/** Extensions of files in a coding, behind which others may follow. */
const OWN_EXTENSIONS: Readonly<Record<Coding, RegExp>> = {
  gzip: /\.(gz|tgz|gzip|svgz|emz|wmz)(?![a-z0-9])/i,
  compress: /\.(z|taz)(?![a-z0-9])/i,
  deflate: /\.(zlib|zz|deflate)(?![a-z0-9])/i,
  zstd: /\.(zst|tzst)(?![a-z0-9])/i,
  br: /\.br(?![a-z0-9])/i,
};

/**
 * Doubts about a web page in place of the file: many origins say "not found" or
 * "log in" with a page of status 200.
 *
 * @throws {DownloadError} WEB_PAGE if other answers have brought the file before.
 */
function pageDoubts(
  { status, headers, names }: Head,
  pinned: Pinned | null,
): Doubt[] {
  const type = headers.get("content-type") ?? "";
  if (!/^\s*(text\/html|application\/xhtml\+xml)/i.test(type)) return [];
  // In place of a slice, a page is hardly a new version of the file.
  const plausible = pinned === null
    ? !names.some((name) => NEVER_WEB_PAGES.test(name))
    : status === 206 ||
      pinned.validator !== null && carries(headers, pinned.validator);
  if (plausible) return [];
  if (pinned !== null) throw webPage();
  return [{ kind: "page" }];
}

function webPage(): DownloadError {
  return new DownloadError(
    "WEB_PAGE",
    "The origin sent a web page instead of the file: open the URL in a " +
      "browser to see what it says, then add the file's own URL.",
  );
}

/**
 * Settles the doubts about a body: its first bytes decide, not the label.
 *
 * @param bytes The first `TELLING_BYTES` of the body, or all if it has fewer.
 * @throws {DownloadError} ENCODED or WEB_PAGE if a doubt was right.
 */
export function settleDoubts(
  doubts: readonly Doubt[],
  bytes: Uint8Array,
): void {
  for (const doubt of doubts) {
    if (doubt.kind === "page") {
      if (isWebPage(bytes)) throw webPage();
    } else if (mayBeIn(doubt.coding, bytes)) throw encoded(doubt.coding);
  }
}

/** The coding that a label named and the bytes did not bear out, if any. */
export function mislabelledIn(doubts: readonly Doubt[]): Coding | null {
  return doubts.find((doubt) => doubt.kind === "coded")?.coding ?? null;
}

const NEVER_WEB_PAGES =
  /\.(zip|gz|tgz|xz|txz|bz2|zst|lz|7z|rar|tar|cab|deb|rpm|apk|jar|whl|iso|img|dmg|pkg|exe|msi|appimage|bin|vmdk|qcow2|pdf|epub|mp[34]|m4[av]|mkv|webm|avi|mov|flac|ogg|opus|wav|jpe?g|png|gif|webp|avif|torrent|safetensors|gguf|parquet|sqlite)$/i;

/** The error for a status that brings no bytes of the file. */
function refusal({ status, headers }: Head, now: number): DownloadError {
  const said = `The origin answered ${status}`;
  const later = headers.get("retry-after");
  const wait = { retryAfter: retryAfter(later, now) };
  // GitHub's limit on requests, for one, is a 403 with a time to wait.
  if (status === 403 && later !== null) {
    return new DownloadError("BUSY", `${said}, and asks to wait.`, wait);
  }
  switch (status) {
    case 202:
      return new DownloadError(
        "BUSY",
        `${said}: it is still making the file; retry later.`,
        wait,
      );
    case 401:
    case 403:
    case 404:
    case 410:
      return new DownloadError(
        "EXPIRED",
        `${said}: ${REASON[status]}; check the URL, or get a new one. A ` +
          "server's download can be refreshed with it.",
      );
    case 407:
      return new DownloadError(
        "ORIGIN_STATUS",
        "The proxy wants credentials: name them in HTTP_PROXY or HTTPS_PROXY.",
      );
    case 408:
    case 425:
    case 429:
    case 503:
    case 509:
      return new DownloadError(
        "BUSY",
        `${said}: it is too busy; retry later.`,
        wait,
      );
    case 501:
    case 505:
      return new DownloadError(
        "ORIGIN_STATUS",
        `${said}: it cannot do this; check the URL.`,
      );
    case 400:
      return new DownloadError(
        "ORIGIN_STATUS",
        `${said}: it takes the request for a wrong one; check the URL. A few ` +
          "servers know no header names in lower case, as Deno's client " +
          "writes them.",
      );
    default:
      return status >= 500
        ? new DownloadError(
          "ORIGIN_FAULT",
          `${said}: it is out of order; retry later.`,
          wait,
        )
        : new DownloadError(
          "ORIGIN_STATUS",
          `${said}: it gives no file; check the URL.`,
        );
  }
}

const REASON = {
  401: "it wants credentials, or the ones given are wrong",
  403: "it does not allow this, or the URL has expired",
  404: "there is no such file, or the URL has expired",
  410: "the file is gone, or the URL has expired",
} as const;
