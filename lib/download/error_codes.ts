/** The codes of errors, which clients tell them apart by. Pure. */

/**
 * What can go wrong with a download, or with what a client asked for.
 *
 * What is done about each code is decided in one place, `remedies.ts`.
 */
export const ERROR_CODES = [
  // a client's request
  "BAD_REQUEST",
  "BAD_URL",
  "FORBIDDEN",
  "UNKNOWN_ID",
  "WRONG_STATE",
  "FILE_GONE",
  "TOO_MUCH",
  // on the way to the origin
  "HOST_UNKNOWN",
  "REFUSED",
  "PROXY",
  "PROXY_AUTH",
  "PROXY_UNKNOWN",
  "TLS",
  "FORBIDDEN_ADDRESS",
  "REDIRECT",
  // what the origin answered
  "UNREADABLE",
  "BUSY",
  "EXPIRED",
  "ORIGIN_STATUS",
  "ORIGIN_FAULT",
  "NO_RANGES",
  "WRONG_RANGE",
  "CHANGED",
  "ENCODED",
  "WEB_PAGE",
  // while the bytes come in
  "CUT",
  "STALLED",
  "TOO_LONG",
  "WORKER",
  "TOO_MANY_FILES",
  // at the end, and on disk
  "CHECKSUM",
  "DISK_FULL",
  "FILE_TOO_LARGE",
  "DISK",
  "PART_LOST",
  "STATE",
  // a mistake of ours
  "INTERNAL",
] as const;

/** One of them. */
export type ErrorCode = typeof ERROR_CODES[number];
