/** The error behind a connection that failed. */

import { DownloadError, type ErrorCode } from "../download/errors.ts";

/** What the connections of a client lead to. */
export type Peer = "origin" | "proxy";

/**
 * The error behind a `fetch`, or the reading of a body, that failed. Deno tells
 * the reasons apart only in words, and its words hold the whole URL: what a
 * client gets to see is put in ours.
 *
 * @param during Whether the answer's head had been read already.
 * @param by Who was connected to: a dead proxy and a dead origin have the same
 * words.
 */
export function connectionError(
  error: unknown,
  during: "request" | "body",
  by: Peer = "origin",
): DownloadError {
  if (error instanceof DownloadError) return error;
  // The words of a URL must not be taken for those of an error.
  const words = wordsOf(error).replace(/https?:\/\/\S+/gi, "");
  const [, port] = words.match(/Requests to port (\d+) are blocked/) ?? [];
  if (port !== undefined) return blockedPort(port, error);
  const errors = by === "proxy" ? PROXY_ERRORS : CONNECTION_ERRORS;
  const known = errors.find(([pattern]) => pattern.test(words));
  const [, code, message] = known ??
    (during === "body" ? BODY_CUT : REQUEST_CUT);
  return new DownloadError(code, message, { cause: error });
}

/**
 * Whether an answer was not read because of its Content-Length: where its body
 * ends is not to be guessed (RFC 9112 §6.3), however it is read.
 */
export function isOfWrongLength({ cause }: DownloadError): boolean {
  return WRONG_LENGTH.test(wordsOf(cause));
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.name}: ${error.message} ${
    error.cause === undefined ? "" : wordsOf(error.cause)
  }`;
}

/** https://fetch.spec.whatwg.org/#port-blocking */
function blockedPort(port: string, cause: unknown): DownloadError {
  const message = `No file is fetched from port ${port}: it is of another ` +
    "protocol than HTTP, and browsers' rule, which Deno's client keeps, " +
    "forbids it. Check the URL.";
  return new DownloadError("BAD_URL", message, { cause });
}

/** The error for an address that downloads must not reach. */
export function forbidden(): DownloadError {
  return new DownloadError("FORBIDDEN_ADDRESS", FORBIDDEN);
}

/** The error for what answers in another protocol than HTTP. */
export function noHttp(by: Peer): DownloadError {
  return new DownloadError(
    "UNREADABLE",
    by === "proxy"
      ? NO_HTTP_BY_PROXY
      : "What answers there does not speak HTTP: check the URL and its port.",
  );
}

// Whose answer it is cannot be told: a proxy may hand on what it gets.
const NO_HTTP_BY_PROXY =
  "What answers, the proxy or the origin behind it, does not speak HTTP/1.0 " +
  "or HTTP/1.1: check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, or the proxy " +
  "that the download names, and the URL.";

/** The error for a proxy that makes no connection to the origin. */
export function noTunnel(): DownloadError {
  return new DownloadError("PROXY", NO_TUNNEL);
}

const NO_TUNNEL =
  "The proxy does not connect to the origin: check the URL, and what the " +
  "proxy allows, or retry later.";

/** The error for a proxy that answers 407 (RFC 9110 §15.5.8). */
export function proxyWantsName(): DownloadError {
  return new DownloadError("PROXY_AUTH", PROXY_WANTS_NAME);
}

const PROXY_WANTS_NAME =
  "The proxy does not accept this name and password, or there are none: put " +
  "them into its URL (http://name:password@proxy:3128), and check it.";

/** The error for a proxy whose name and password its origin would be told. */
export function proxyNameWouldLeak(): DownloadError {
  return new DownloadError("PROXY_AUTH", PROXY_NAME_WOULD_LEAK);
}

const PROXY_NAME_WOULD_LEAK =
  "With CLIENT_CERT, Deno's client would tell an https origin the name and " +
  "password of an http:// proxy, so the origin is not asked: use a socks5:// " +
  "or https:// proxy, or one that wants no name.";

/**
 * The error for a host of which no address answers.
 *
 * @param within How long that was waited for, in milliseconds.
 */
export function unreachable(by: Peer, within: number): DownloadError {
  const silence = `for ${within / 1000} s: check the`;
  return by === "proxy"
    ? new DownloadError(
      "PROXY",
      `The proxy takes no connection ${silence} network and the proxy's URL, ` +
        "or retry later.",
    )
    : new DownloadError(
      "REFUSED",
      `The origin takes no connection ${silence} URL and the network, or ` +
        "retry later.",
    );
}

/**
 * The error for a connection over which nothing comes.
 *
 * @param within How long that was waited for, in milliseconds.
 */
export function silent(by: Peer, within: number): DownloadError {
  // A proxy that waits for its origin is as silent as one that hangs.
  const who = by === "proxy"
    ? "Neither the proxy nor the origin behind it sent an answer"
    : "The origin sent nothing";
  const what = by === "proxy"
    ? "check the proxy, or retry later"
    : "retry later";
  return new DownloadError(
    "STALLED",
    `${who} for ${within / 1000} s: ${what}.`,
  );
}

const FORBIDDEN =
  "The URL leads to an address that this server may not connect to.";

type Known = readonly [RegExp, ErrorCode, string];

const WRONG_LENGTH = /invalid content-length parsed/;

/** What hyper says of a head that it does not read (RFC 9112), in its words. */
const UNREADABLE: readonly Known[] = [
  [
    /invalid HTTP header parsed/,
    "UNREADABLE",
    "The origin's answer has a header line that HTTP does not allow " +
    "(RFC 9112 §5): have its owner check it.",
  ],
  [
    /message head is too large/,
    "UNREADABLE",
    "The origin's answer has more header lines than the 100 that Deno's client " +
    "reads, or too long ones: have its owner check it.",
  ],
  [
    /invalid HTTP version parsed/,
    "UNREADABLE",
    "What answers there does not speak HTTP/1.0 or HTTP/1.1: check the URL " +
    "and its port.",
  ],
  [
    /invalid HTTP status-code parsed/,
    "UNREADABLE",
    "The origin's answer has a status line that HTTP does not allow " +
    "(RFC 9112 §4): have its owner check it.",
  ],
  [
    WRONG_LENGTH,
    "UNREADABLE",
    "The origin's answer has a Content-Length that is no number, or two that " +
    "differ (RFC 9112 §6.3): have its owner check it.",
  ],
  [
    /unexpected transfer-encoding parsed/,
    "UNREADABLE",
    "The origin's answer is in chunks, which HTTP/1.0 does not have " +
    "(RFC 9112 §6.1): have its owner check it.",
  ],
];

/** What rustls says of certificates and handshakes, in its words. */
const TLS: readonly Known[] = [
  [
    /CaUsedAsEndEntity/,
    "TLS",
    "The origin's certificate is an authority's, which no server may use for " +
    "itself: have it use one that this authority has signed.",
  ],
  [
    /certificate expired/,
    "TLS",
    "The origin's certificate has expired: have its owner renew it, and check " +
    "this machine's clock.",
  ],
  [
    /certificate not valid yet/,
    "TLS",
    "The origin's certificate is not valid yet: check this machine's clock.",
  ],
  [
    /certificate (is )?not valid for (name|any names)/,
    "TLS",
    "The origin's certificate is for another host name: check the URL.",
  ],
  [
    /UnknownIssuer/,
    "TLS",
    "The origin's certificate is not trusted: no known authority has signed " +
    "it. Check the URL, or name the origin's own authority in CA_FILE.",
  ],
  [
    /UnsupportedCertVersion/,
    "TLS",
    "The origin's certificate is of an old kind, X.509 v1 or v2, that proves " +
    "no host name: have its owner renew it.",
  ],
  [
    /certificate revoked|\bRevoked\b/,
    "TLS",
    "The origin's certificate has been revoked: check the URL, and ask its " +
    "owner.",
  ],
  [
    /extended key usage/,
    "TLS",
    "The origin's certificate is for clients, not for servers: have its owner " +
    "check it.",
  ],
  [
    // Under TLS 1.3 the alert comes after the handshake, with the first read.
    /alert: CertificateRequired/,
    "TLS",
    "The origin wants a client certificate: name one in CLIENT_CERT, and its " +
    "key in CLIENT_KEY.",
  ],
  [
    /alert: (UnknownCA|BadCertificate|UnsupportedCertificate|CertificateRevoked|CertificateExpired|CertificateUnknown|AccessDenied|DecryptError)/,
    "TLS",
    "The origin does not accept the client certificate: check CLIENT_CERT and " +
    "CLIENT_KEY.",
  ],
  [
    /alert: HandshakeFailure/,
    "TLS",
    "The origin breaks off the TLS handshake: it has no cipher in common with " +
    "Sluice (TLS 1.2 and 1.3), or wants a client certificate. Check the URL, " +
    "or name a certificate in CLIENT_CERT.",
  ],
  [
    /alert: ProtocolVersion|PeerIncompatible|peer is incompatible/,
    "TLS",
    "The origin speaks no TLS that is safe: Sluice takes 1.2 and 1.3. Have " +
    "its owner check it.",
  ],
  [
    /alert: UnrecognisedName/,
    "TLS",
    "The origin knows no host of this name: check the URL.",
  ],
  [
    /tls handshake eof/i,
    "TLS",
    "The origin closes the connection during the TLS handshake: it has no " +
    "version or cipher in common with Sluice (TLS 1.2 and 1.3), or does not " +
    "speak TLS on this port. Check the URL.",
  ],
  [
    /certificate|invalid peer|CertNotValid/i,
    "TLS",
    "The origin's certificate is not trusted: check the URL, or name the " +
    "origin's own authority in CA_FILE.",
  ],
];

const CONNECTION_ERRORS: readonly Known[] = [
  [
    /NotCapable|PermissionDenied|Requires net access/,
    "FORBIDDEN_ADDRESS",
    FORBIDDEN,
  ],
  ...UNREADABLE,
  ...TLS,
  [
    /dns error|failed to lookup|Name or service not known/i,
    "HOST_UNKNOWN",
    "The origin's host name has no address: check the URL and the network.",
  ],
  [
    // Python's origins close without an alert where a certificate is missing.
    /without sending TLS close_notify/,
    "REFUSED",
    "The origin ends the TLS connection without an answer: it may want a " +
    "client certificate (CLIENT_CERT), or be in trouble: retry later.",
  ],
  [
    /tls|handshake|received corrupt message/i,
    "TLS",
    "The origin does not speak TLS on this port: check the URL.",
  ],
];

const PROXY_ERRORS: readonly Known[] = [
  [
    /NotCapable|PermissionDenied|Requires net access/,
    "FORBIDDEN_ADDRESS",
    "The proxy is at an address that this server may not connect to.",
  ],
  [/invalid HTTP version parsed/, "UNREADABLE", NO_HTTP_BY_PROXY],
  ...UNREADABLE,
  ...TLS,
  [
    /proxy authentication required|No acceptable auth methods/i,
    "PROXY_AUTH",
    PROXY_WANTS_NAME,
  ],
  [/unsuccessful tunnel|unexpected eof while tunnel/i, "PROXY", NO_TUNNEL],
  [
    /dns error|failed to lookup|Name or service not known/i,
    "PROXY",
    "The proxy's host name has no address: check HTTP_PROXY, HTTPS_PROXY and " +
    "ALL_PROXY, or the proxy that the download names.",
  ],
  [
    /tcp connect error|Proxy server unreachable|ConnectionRefused|Unreachable:/i,
    "PROXY",
    "The proxy does not take the connection: check HTTP_PROXY, HTTPS_PROXY " +
    "and ALL_PROXY, or the proxy that the download names, or retry later.",
  ],
  [
    /\(Connect\)|\btls\b|handshake|received corrupt message/i,
    "PROXY",
    "The proxy makes no connection to the origin: check the URL, and that the " +
    "proxy is of the kind that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY or " +
    "[proxies] in CONFIG_FILE says.",
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
  "The origin ended the connection before the end of the slice: retry later. " +
  "If it always ends there, its copy of the file or something on the way is " +
  "at fault: add another URL of the file, or ask its owner.",
];
