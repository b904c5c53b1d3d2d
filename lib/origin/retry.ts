/** What may be tried again, how, and when. */

import { DownloadError, type ErrorCode } from "../errors.ts";

/** What can be done about an error. */
export type Remedy =
  /** Ask again, later each time. */
  | "retry"
  /** Ask again, with fewer connections if others of the origin are alive. */
  | "fewer"
  /** Ask the original URL again, where a redirect had led elsewhere. */
  | "refresh"
  /** Throw away what is there, and begin again. */
  | "restart"
  /**
   * Ask again if there were good answers; if that is in vain, throw away what
   * is there, and take the whole file in one answer.
   */
  | "whole"
  /** Wait until somebody has made room. */
  | "pause"
  /** Ask again if there were good answers, but at the start do nothing. */
  | "none, at first"
  /** Nothing: trying again would end the same. */
  | "none";

const REMEDIES: Record<ErrorCode, Remedy> = {
  BAD_REQUEST: "none",
  BAD_URL: "none",
  UNKNOWN_ID: "none",
  WRONG_STATE: "none",
  TOO_MUCH: "none",
  HOST_UNKNOWN: "retry",
  REFUSED: "fewer",
  TLS: "none",
  FORBIDDEN_ADDRESS: "none",
  REDIRECT: "none, at first",
  BUSY: "fewer",
  EXPIRED: "refresh",
  ORIGIN_STATUS: "none, at first",
  ORIGIN_FAULT: "retry",
  NO_RANGES: "whole",
  WRONG_RANGE: "none",
  CHANGED: "restart",
  ENCODED: "none, at first",
  WEB_PAGE: "none, at first",
  CUT: "retry",
  STALLED: "retry",
  TOO_LONG: "retry",
  WORKER: "retry",
  TOO_MANY_FILES: "retry",
  CHECKSUM: "none",
  DISK_FULL: "pause",
  DISK: "none",
  PART_LOST: "restart",
  STATE: "retry",
  INTERNAL: "none",
};

/** What can be done about an error of this code. */
export function remedyFor(code: ErrorCode): Remedy {
  return REMEDIES[code];
}

/** What an error says of the origin's host, beyond the one download. */
export type HostSign =
  /** It answers, whatever it says. */
  | "answers"
  /** It cannot be reached, or does not speak. */
  | "silent";

const HOST_SIGNS: Partial<Record<ErrorCode, HostSign>> = {
  HOST_UNKNOWN: "silent",
  REFUSED: "silent",
  STALLED: "silent",
  EXPIRED: "answers",
  ORIGIN_STATUS: "answers",
  ORIGIN_FAULT: "answers",
};

/** What an error of this code says of the host; null if nothing. */
export function hostSignOf(code: ErrorCode): HostSign | null {
  return HOST_SIGNS[code] ?? null;
}

const LONGEST_WAIT = 60_000;

/**
 * How long to wait before attempt number `failures` + 1, in milliseconds:
 * doubling, and anywhere in the upper half of it, so that many clients that
 * failed together do not come back together.
 *
 * @param failures How many attempts in a row brought nothing; from 1.
 * @param retryWait How long to wait after the first failure, in milliseconds.
 * @param random A number in [0, 1).
 */
export function backoff(
  failures: number,
  { retryWait, random }: { retryWait: number; random: number },
): number {
  const longest = Math.min(LONGEST_WAIT, retryWait * 2 ** (failures - 1));
  return Math.round(longest * (1 + random) / 2);
}

/** The longest that an origin's Retry-After is obeyed, in milliseconds. */
export const LONGEST_RETRY_AFTER = 15 * 60_000;

/**
 * Reads a Retry-After header, RFC 9110 §10.2.3: seconds or a date.
 *
 * @param now The time, in milliseconds since the epoch.
 * @returns Milliseconds, at most `LONGEST_RETRY_AFTER`; null if there is none
 * or it makes no sense.
 */
export function retryAfter(value: string | null, now: number): number | null {
  const text = value?.trim() ?? "";
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : parseDate(text) - now;
  if (Number.isNaN(wait)) return null;
  return Math.min(Math.max(0, wait), LONGEST_RETRY_AFTER);
}

/**
 * Reads an HTTP date, RFC 9110 §5.6.7, into milliseconds since the epoch; NaN
 * if it is none. Date.parse alone would take "-5" or "0" for one.
 */
export function parseDate(text: string): number {
  return /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text) ? Date.parse(text) : NaN;
}

/**
 * The error behind a `fetch`, or the reading of a body, that failed. Deno tells
 * the reasons apart only in words, and its words hold the whole URL: what a
 * client gets to see is put in ours.
 *
 * @param during Whether the answer's head had been read already.
 */
export function connectionError(
  error: unknown,
  during: "request" | "body",
): DownloadError {
  if (error instanceof DownloadError) return error;
  // The words of a URL must not be taken for those of an error.
  const words = wordsOf(error).replace(/https?:\/\/\S+/gi, "");
  const known = CONNECTION_ERRORS.find(([pattern]) => pattern.test(words));
  const [, code, message] = known ??
    (during === "body" ? BODY_CUT : REQUEST_CUT);
  return new DownloadError(code, message, { cause: error });
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.name}: ${error.message} ${
    error.cause === undefined ? "" : wordsOf(error.cause)
  }`;
}

/** The error for an address that downloads must not reach. */
export function forbidden(): DownloadError {
  return new DownloadError("FORBIDDEN_ADDRESS", FORBIDDEN);
}

const FORBIDDEN =
  "The URL leads to an address that this server may not connect to.";

type Known = readonly [RegExp, ErrorCode, string];

const CONNECTION_ERRORS: readonly Known[] = [
  [
    /NotCapable|PermissionDenied|Requires net access/,
    "FORBIDDEN_ADDRESS",
    FORBIDDEN,
  ],
  [
    /CaUsedAsEndEntity/,
    "TLS",
    "The origin's certificate is an authority's, which no server may use for " +
    "itself: have it use one that this authority has signed.",
  ],
  [
    /certificate|invalid peer|UnknownIssuer|CertNotValid/i,
    "TLS",
    "The origin's certificate is not trusted: check the URL, or name the " +
    "origin's own authority in CA_FILE.",
  ],
  [
    /dns error|failed to lookup|Name or service not known/i,
    "HOST_UNKNOWN",
    "The origin's host name has no address: check the URL and the network.",
  ],
  [
    /blocked/i,
    "BAD_URL",
    "The URL's port is one that no HTTP server uses: check the URL.",
  ],
  [
    /tls|handshake|received corrupt message/i,
    "TLS",
    "The origin does not speak TLS on this port: check the URL.",
  ],
];

const REQUEST_CUT: Known = [
  /^/,
  "REFUSED",
  "The origin does not take the connection, or ends it without an answer: " +
  "check the URL, or retry later.",
];

const BODY_CUT: Known = [
  /^/,
  "CUT",
  "The origin ended the connection before the end of the slice: retry later.",
];
