/** Why a server was not connected to, in words for the person who named it. */

import { errorMessage } from "../base/error_message.ts";
import { DownloadError } from "../download/errors.ts";
import { printable } from "./terminal/width.ts";

/** A handshake that has failed. */
export interface Handshake {
  /** `ws:` or `wss:`. */
  readonly url: string;
  /** The subprotocols that were offered, which may hold a token. */
  readonly protocols: readonly string[];
  /** What it was made with; undefined for Deno's own client. */
  readonly client: Deno.HttpClient | undefined;
  /** What the WebSocket said. */
  readonly words: string;
}

/**
 * Why a handshake has failed. Deno's WebSocket tells a status over `ws:` only,
 * and of a server's reason nothing; so the same is asked once more by `fetch`.
 *
 * @throws what `stop` is aborted with.
 */
export async function whyRefused(
  { url, protocols, client, words }: Handshake,
  stop: AbortSignal,
): Promise<DownloadError> {
  const asked = {
    ...placeOf(url),
    token: protocols.length > 0,
  };
  // Each wrong token counts at the server: these two need no second look.
  const status = Number(words.match(/status code: (401|429)/)?.[1]);
  if (status) return refused(answered(asked, { status, said: "", to: null }));
  try {
    const response = await fetch(url.replace(/^ws/, "http"), {
      headers: {
        connection: "upgrade",
        upgrade: "websocket",
        "sec-websocket-key": crypto.getRandomValues(new Uint8Array(16))
          .toBase64(),
        "sec-websocket-version": "13",
        ...(asked.token && { "sec-websocket-protocol": protocols.join(", ") }),
      },
      redirect: "manual",
      signal: stop,
      client,
    });
    const said = await firstLine(response);
    const { status, headers } = response;
    const to = headers.get("location");
    return refused(answered(asked, { status, said, to }));
  } catch (error) {
    stop.throwIfAborted();
    const cause = error instanceof Error ? error.cause : undefined;
    return refused(unanswered(asked, `${words} ${errorMessage(cause)}`));
  }
}

function refused(words: string): DownloadError {
  return new DownloadError("REFUSED", words);
}

/** A server as it may be shown: its path and query might hold secrets. */
interface Place {
  readonly url: string;
  readonly where: string;
  /** Whether its host and port alone speak TLS. */
  readonly secure: boolean;
}

function placeOf(url: string): Place {
  const { protocol, host } = new URL(url);
  const where = `${protocol}//${host}/`;
  return { url, where, secure: protocol === "wss:" };
}

/** What came in place of a connection. */
interface Answer {
  readonly status: number;
  /** The first line of a plain text; empty for none. */
  readonly said: string;
  /** Where a redirect leads. */
  readonly to: string | null;
}

/** Characters of a server's own reason that are shown. */
const LONGEST_REASON = 300;

/** The first line of an answer's plain text; a page's would say nothing. */
async function firstLine({ headers, body }: Response): Promise<string> {
  const type = headers.get("content-type") ?? "";
  const reader = body?.getReader();
  const isHtml = /^text\/html/.test(type);
  if (!isHtml && !/^text\/plain/.test(type)) {
    await reader?.cancel();
    return "";
  }
  const { value } = await reader?.read() ?? {};
  await reader?.cancel();
  const text = new TextDecoder().decode(value);
  // nginx says in a page only that its port speaks TLS.
  if (isHtml) return TLS_WANTED.test(text) ? "HTTPS" : "";
  const [line = ""] = text.split("\n");
  return printable(line.trim().slice(0, LONGEST_REASON));
}

/** What servers say to plain HTTP on a port for TLS, nginx and Go among them. */
const TLS_WANTED = /\bHTTPS (port|server)\b|^HTTPS$/;

/** Words for an answer that is no connection. */
function answered(
  { url, where, secure, token }: Place & { readonly token: boolean },
  { status, said, to }: Answer,
): string {
  if (status === 401) {
    return token
      ? `The server at ${where} does not know this token: give its own in ` +
        "SLUICE_TOKEN or with --token."
      : `The server at ${where} does not let us in: give its token in ` +
        "SLUICE_TOKEN or with --token.";
  }
  if (status === 429) {
    return `The server at ${where} was given too many wrong tokens from ` +
      "here: wait a minute, and give the right one.";
  }
  if (status === 404) {
    return `There is no Sluice at this path of ${where}: check the path that ` +
      "--server names.";
  }
  if (status === 502 || status === 504) {
    return `The proxy at ${where} does not reach the server behind it ` +
      `(status ${status}): see whether that runs.`;
  }
  if (status === 101) return `The server at ${where} was busy: try again.`;
  if (!secure && TLS_WANTED.test(said)) return wantsTls(where);
  if (status >= 300 && status < 400 && to !== null) {
    const target = URL.parse(to, url.replace(/^ws/, "http"));
    return `${where} leads elsewhere (status ${status})` +
      (target === null
        ? ": check --server."
        : `: name ${placeOf(target.href.replace(/^http/, "ws")).where} with ` +
          "--server, if that is yours.");
  }
  if (status < 300) {
    return `What answers at ${where} is a web page (status ${status}), or a ` +
      "proxy that passes no WebSocket on: check the path, and the proxy.";
  }
  return `The server at ${where} refuses the connection (status ${status})` +
    (said === "" ? ": is it a Sluice?" : `: ${said}`);
}

function wantsTls(where: string): string {
  return `What answers at ${where} does not speak HTTP here: check the port, ` +
    "or name it with wss:// if it speaks TLS.";
}

/** Words for what kept an answer from coming, in those of Deno's client. */
function unanswered({ where, secure }: Place, words: string): string {
  const known = SECURITY.find(([pattern]) => pattern.test(words));
  if (secure && known) return known[1];
  if (/dns error|failed to lookup/i.test(words)) {
    return `The host name of ${where} has no address: check --server, and ` +
      "the network.";
  }
  if (/tunnel|Proxy server|proxy authentication/i.test(words)) {
    return `The proxy of HTTP_PROXY or HTTPS_PROXY does not connect to ` +
      `${where}: check it, or name the host in NO_PROXY.`;
  }
  if (secure && /corrupt message|tls|handshake/i.test(words)) {
    return `What answers at ${where} does not speak TLS here, or none that ` +
      "is safe: check the port, or name it with ws:// if it speaks no TLS.";
  }
  if (/invalid HTTP|message head/.test(words)) return wantsTls(where);
  if (/closed before message|reset|close_notify/i.test(words)) {
    return `What answers at ${where} ends the connection: check the port` +
      (secure ? "." : ", or name it with wss:// if it speaks TLS.");
  }
  return `There is no server at ${where}: start one with sluice serve, or ` +
    "name another with --server.";
}

/** What rustls says of certificates, in its words, and what to do. */
const SECURITY: readonly (readonly [RegExp, string])[] = [
  [
    /certificate expired/,
    "The server's certificate has expired: have it renewed, and check this " +
    "machine's clock.",
  ],
  [
    /certificate not valid yet/,
    "The server's certificate is not valid yet: check this machine's clock.",
  ],
  [
    /certificate (is )?not valid for (name|any names)/,
    "The server's certificate is for another host name: check --server.",
  ],
  [
    /UnknownIssuer/,
    "The server's certificate is not trusted: no known authority has signed " +
    "it. Check --server, or name its own authority with --ca-file.",
  ],
  [
    /CaUsedAsEndEntity/,
    "The server's certificate is an authority's, which no server may use for " +
    "itself: have it use one that this authority has signed.",
  ],
  [
    /alert: Certificate|alert: UnknownCA|alert: BadCertificate/,
    "The server wants a client certificate, which these commands cannot show.",
  ],
  [
    /certificate|invalid peer/i,
    "The server's certificate is not trusted: check --server, or name its " +
    "own authority with --ca-file.",
  ],
];
