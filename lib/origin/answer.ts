/** What an origin's answer means: is it the slice that was asked for? */

import type { Pinned, Validator } from "../download/download.ts";
import { DownloadError } from "../download/errors.ts";
import type { Range } from "../download/ranges.ts";
import { codingDoubts, type Doubt, pageDoubts } from "./doubts.ts";
import { contentLength, refuseTransferCoding } from "./framing.ts";
import type { Head } from "./head.ts";
import { refusal } from "./refusal.ts";
import { carries, validatorOf } from "./validator.ts";

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
    throw unsatisfiable(headers, pinned);
  }
  const first = asked !== null && pinned === null;
  if (first && isRefusedRange(head)) {
    throw noRanges(`refused the range (${status})`);
  }
  if (status !== 206 && !isOk(head)) throw refusal(head, now);
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

/** Statuses of success whose bodies are none, or not the file (RFC 9110 §15.3). */
const NO_FILE = [201, 202, 204, 205, 207, 208];

/**
 * Whether a status says what 200 does. With 203, a proxy on the way may have
 * changed the body (RFC 9110 §15.3.4). With 226, it is as usual unless `IM` says
 * what was done to it, which nobody asked for (RFC 3229 §10.4.1). What has no
 * meaning of its own counts as 200 (RFC 9110 §15).
 */
function isOk({ status, headers }: Head): boolean {
  return status >= 200 && status < 300 && !NO_FILE.includes(status) &&
    !(status === 226 && headers.has("im"));
}

/**
 * Whether the first request may have been refused for its Range header alone.
 * Credentials and "later" are no matter of ranges.
 */
function isRefusedRange({ status, headers }: Head): boolean {
  // RFC 9110 §15.4.5: a 304 answers a condition, and none was given. Caches
  // send one that they got themselves, and have the file a moment later.
  if (status === 304) return true;
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
    const whole = fits && range.start === 0 && range.end === size &&
      !(length === null && isInParts(headers));
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
  if (length === null && isInParts(headers)) {
    throw noRanges("sent the range with a head of its own");
  }
  return { kind: "slice", slice: range, size, validator };
}

/**
 * Whether a body may hold heads of parts between the bytes of the file: RFC 9110
 * §15.3.7.2 forbids it for one range. A length that fits disproves it.
 */
function isInParts(headers: Headers): boolean {
  const type = headers.get("content-type") ?? "";
  return /^\s*multipart\/byteranges/i.test(type);
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

/**
 * Whether a Content-Range admits that `length` bytes are all of a file. Beside
 * a 200 it has no meaning (RFC 9110 §14.4), and some origins write there what
 * cannot be read: only a total or a range in it may contradict.
 */
function isAll(contentRange: string, length: number | null): boolean {
  const told = parseContentRange(contentRange);
  if (told === null) {
    const totals = [...contentRange.matchAll(/\/\s*(\d+)/g)];
    return totals.length > 0
      ? totals.every(([, total]) => Number(total) === length)
      : !/\d\s*-\s*\d/.test(contentRange);
  }
  const { range, size } = told;
  return range !== null && range.start === 0 && range.end === size &&
    (length ?? size) === size;
}

/**
 * RFC 9110 §15.5.17: to an empty file, every range is unsatisfiable. What makes
 * its answers may say so of any file, as long as it knows no size: only a plain
 * answer tells.
 *
 * @throws {DownloadError} CHANGED if it tells another size than the pinned one.
 */
function unsatisfiable(headers: Headers, pinned: Pinned | null): DownloadError {
  const told = parseContentRange(headers.get("content-range"));
  if (pinned !== null && told?.size !== undefined && told.size !== null) {
    refuseChange(headers, told.size, { ...pinned, validator: null });
  }
  return noRanges("refused the range (416)");
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
