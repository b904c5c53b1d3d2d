/** What can be done about each error, and what it says of the host. Pure. */

import type { ErrorCode } from "./errors.ts";

/** What can be done about an error. */
export type Remedy =
  /** Ask again, later each time. */
  | "retry"
  /**
   * Ask again; if all bytes that were announced are there, they were too few:
   * throw them away, and take the whole file in one answer; if that has been
   * asked for already, give up.
   */
  | "longer"
  /** Ask again, with fewer connections if others of the origin are alive. */
  | "fewer"
  /** Ask the original URL again, where a redirect had led elsewhere. */
  | "refresh"
  /** Throw away all bytes that came, and begin again. */
  | "restart"
  /**
   * Ask again if there were good answers; if that is in vain, throw away
   * all bytes that came, and take the whole file in one answer; if that has
   * been asked for already, give up.
   */
  | "whole"
  /**
   * If nothing proved that the answers were of one file, throw away all bytes
   * that came, and take the whole file in one answer; else give up.
   */
  | "unproven"
  /** Pause until the disk has room. */
  | "pause"
  /** Ask again if there were good answers before, else give up. */
  | "proven"
  /** Nothing: trying again would end the same. */
  | "none";

const REMEDIES: Record<ErrorCode, Remedy> = {
  BAD_REQUEST: "none",
  BAD_URL: "none",
  FORBIDDEN: "none",
  UNKNOWN_ID: "none",
  WRONG_STATE: "none",
  FILE_GONE: "none",
  TOO_MUCH: "none",
  HOST_UNKNOWN: "retry",
  REFUSED: "fewer",
  PROXY: "fewer",
  PROXY_AUTH: "none",
  PROXY_UNKNOWN: "none",
  TLS: "none",
  FORBIDDEN_ADDRESS: "none",
  REDIRECT: "proven",
  UNREADABLE: "proven",
  BUSY: "fewer",
  EXPIRED: "refresh",
  ORIGIN_STATUS: "proven",
  ORIGIN_FAULT: "retry",
  NO_RANGES: "whole",
  WRONG_RANGE: "none",
  CHANGED: "restart",
  ENCODED: "whole",
  WEB_PAGE: "proven",
  CUT: "retry",
  STALLED: "retry",
  TOO_LONG: "longer",
  WORKER: "retry",
  TOO_MANY_FILES: "retry",
  CHECKSUM: "unproven",
  DISK_FULL: "pause",
  FILE_TOO_LARGE: "none",
  DISK: "none",
  PART_LOST: "restart",
  STATE: "retry",
  INTERNAL: "none",
};

/** What can be done about an error of this code. */
export function remedyFor(code: ErrorCode): Remedy {
  return REMEDIES[code];
}

const NOT_OF_A_SOURCE: readonly ErrorCode[] = [
  "BAD_REQUEST",
  "UNKNOWN_ID",
  "WRONG_STATE",
  "FILE_GONE",
  "TOO_MUCH",
  "WORKER",
  "TOO_MANY_FILES",
  "DISK_FULL",
  "FILE_TOO_LARGE",
  "DISK",
  "PART_LOST",
  "STATE",
  "INTERNAL",
];

/** Whether another URL of the same file may do where an error ended one. */
export function isOfSource(code: ErrorCode): boolean {
  return !NOT_OF_A_SOURCE.includes(code);
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
  PROXY: "silent",
  STALLED: "silent",
  UNREADABLE: "answers",
  EXPIRED: "answers",
  ORIGIN_STATUS: "answers",
  ORIGIN_FAULT: "answers",
};

/** What an error of this code says of the host; null if nothing. */
export function hostSignOf(code: ErrorCode): HostSign | null {
  return HOST_SIGNS[code] ?? null;
}
