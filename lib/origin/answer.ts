/** What an origin's answer means: is it the slice that was asked for? */

import type { Pinned, Validator } from "../download/download.ts";
import { DownloadError } from "../download/errors.ts";
import type { Range } from "../download/ranges.ts";
import { parseDate, retryAfter } from "./http_date.ts";

/** The head of an answer, and the paths that led to it. */
export interface Head {
  readonly status: number;
  readonly headers: Headers;
  /** The path of the URL that gave the answer: its extension tells a format. */
  readonly path: string;
  /** The path that was asked for, before any redirect. */
  readonly asked: string;
}

/** What a body is. */
export type Answer =
  /** Exactly the slice that was asked for. */
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
 * @param asked The slice in the request's Range header, or null without one.
 * @param pinned What the file's first answer said, or null if this is it.
 * @param now Milliseconds since the epoch.
 * @throws {DownloadError} if not one byte of the answer may be used.
 */
export function readAnswer(
  head: Head,
  asked: Range | null,
  pinned: Pinned | null,
  now: number,
): Answer {
  const { status, headers } = head;
  if (status === 416 && asked !== null) return unsatisfiable(headers, pinned);
  if (status !== 200 && status !== 206) throw refusal(head, now);
  refuseWebPage(head, pinned);
  refuseEncoding(head);
  return status === 200
    ? wholeFile(headers, asked, pinned)
    : slice(headers, asked, pinned);
}

function slice(
  headers: Headers,
  asked: Range | null,
  pinned: Pinned | null,
): Answer {
  if (asked === null) {
    throw new DownloadError(
      "WRONG_RANGE",
      "The origin sent a part of the file where the whole was asked for: " +
        "add another URL of the file.",
    );
  }
  const told = parseContentRange(headers.get("content-range"));
  if (told === null || told.range === null || told.size === null) {
    throw noRanges("did not say which range of which size it sent");
  }
  const { range, size } = told;
  if (pinned !== null) refuseChange(headers, size, pinned);
  const end = Math.min(asked.end, size);
  if (range.start !== asked.start || range.end !== end) {
    throw noRanges("sent another range than the one asked for");
  }
  const length = contentLength(headers);
  if (length !== null && length !== end - asked.start) {
    throw noRanges("announced a length that does not fit its range");
  }
  const validator = pinned?.validator ?? validatorOf(headers);
  return { kind: "slice", slice: range, size, validator };
}

function wholeFile(
  headers: Headers,
  asked: Range | null,
  pinned: Pinned | null,
): Answer {
  const size = contentLength(headers);
  if (pinned !== null) {
    refuseChange(headers, size ?? pinned.size, pinned);
    if (asked !== null) throw noRanges("sent the whole file for a slice of it");
  }
  return { kind: "whole", size, validator: validatorOf(headers) };
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
 * How many bytes a body is announced to have; null if that is not said, or
 * chunks overrule it (RFC 9112 §6.3).
 */
export function contentLength(headers: Headers): number | null {
  if (headers.has("transfer-encoding")) return null;
  const value = headers.get("content-length");
  return value !== null && /^\d{1,16}$/.test(value) ? Number(value) : null;
}

function noRanges(what: string): DownloadError {
  return new DownloadError("NO_RANGES", `The origin ${what}.`);
}

function refuseChange(
  headers: Headers,
  size: number,
  pinned: { size: number; validator: Validator | null },
): void {
  const { validator } = pinned;
  const same = validator === null || carries(headers, validator);
  if (same && size === pinned.size) return;
  throw new DownloadError("CHANGED", "The file has changed at its origin.");
}

/**
 * Refuses a body that is encoded in spite of `Accept-Encoding: identity`, save
 * where the label only names the file's own format, as for a `.tar.gz`.
 */
function refuseEncoding({ headers, path }: Head): void {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase();
  if (!encoding || encoding === "identity") return;
  const own = OWN_EXTENSIONS.get(encoding.replace(/^x-/, ""));
  if (own?.test(path)) return;
  throw new DownloadError(
    "ENCODED",
    `The origin sent the file in the encoding ${encoding.slice(0, 20)}, ` +
      "which was not asked for: its bytes would not be the file's. " +
      "Check the URL, or add another one of the file.",
  );
}

const OWN_EXTENSIONS = new Map([
  ["gzip", /\.(gz|tgz|gzip|svgz|emz|wmz)$/i],
  ["compress", /\.(z|taz)$/i],
  ["bzip2", /\.(bz2|tbz2?)$/i],
  ["xz", /\.(xz|txz)$/i],
  ["zstd", /\.(zst|tzst)$/i],
  ["br", /\.br$/i],
]);

/**
 * Refuses a web page in place of the file: many origins say "not found" or "log
 * in" with a page of status 200.
 */
function refuseWebPage(
  { status, headers, path, asked }: Head,
  pinned: Pinned | null,
): void {
  const type = headers.get("content-type") ?? "";
  if (!/^\s*(text\/html|application\/xhtml\+xml)/i.test(type)) return;
  // In place of a slice, a page is hardly a new version of the file.
  const plausible = pinned === null
    ? !NEVER_WEB_PAGES.test(path) && !NEVER_WEB_PAGES.test(asked)
    : status === 206 || carries(headers, pinned.validator);
  if (plausible) return;
  throw new DownloadError(
    "WEB_PAGE",
    "The origin sent a web page instead of the file: open the URL in a " +
      "browser to see what it says, then add the file's own URL.",
  );
}

const NEVER_WEB_PAGES =
  /\.(zip|gz|tgz|xz|txz|bz2|zst|lz|7z|rar|tar|cab|deb|rpm|apk|jar|whl|iso|img|dmg|pkg|exe|msi|appimage|bin|vmdk|qcow2|pdf|epub|mp[34]|m4[av]|mkv|webm|avi|mov|flac|ogg|opus|wav|jpe?g|png|gif|webp|avif|torrent|safetensors|gguf|parquet|sqlite)$/i;

/** The error for a status that brings no bytes of the file. */
function refusal({ status, headers }: Head, now: number): DownloadError {
  const said = `The origin answered ${status}`;
  const wait = { retryAfter: retryAfter(headers.get("retry-after"), now) };
  switch (status) {
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
