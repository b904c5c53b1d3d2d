/** The error behind a connection that failed. */

import { DownloadError, type ErrorCode } from "../download/errors.ts";

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
