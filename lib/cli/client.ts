/** A client of a running server. */

import { isObject } from "../base/json.ts";
import { every } from "../base/timers.ts";
import { DownloadError } from "../download/errors.ts";
import type { ServerMessage } from "../server/protocol.ts";
import type { Status } from "../status/status.ts";
import { whyRefused } from "./handshake.ts";
import { UsageError } from "./usage.ts";

/** The address of a server, and the token for it. */
export interface ServerAddress {
  /** `ws:` or `wss:`. */
  readonly url: string;
  /** Null if the server asks for none. */
  readonly token: string | null;
  /** Authorities in PEM that it may have besides the usual ones. */
  readonly caCerts: readonly string[];
}

/** A connection to a server. */
export interface Client extends Disposable {
  /**
   * Asks for something.
   *
   * @throws {DownloadError} what the server answers, or that it is gone.
   */
  request(fields: Readonly<Record<string, unknown>>): Promise<ServerMessage>;
  /** Resolves when either side has ended the connection. */
  readonly closed: Promise<void>;
}

/**
 * The address of a server as it is typed; `http:` is taken for `ws:`.
 *
 * @throws {UsageError}
 */
export function parseServer(text: string): string {
  const typed = text.replace(/^http(s?):/, "ws$1:");
  const url = URL.parse(/^\w+:\/\//.test(typed) ? typed : `ws://${typed}`);
  if (url && /^wss?:$/.test(url.protocol) && !url.username && !url.password) {
    url.hash = "";
    return url.href;
  }
  throw new UsageError("--server must be such as ws://localhost:8888/.");
}

/** A server that is silent for longer is gone, in milliseconds. */
const PATIENCE = 20_000;
/** A server that has not answered for longer is asked if it is there, in ms. */
const ASK_AFTER = 8_000;

/**
 * Connects to a server.
 *
 * @param hear Called with each message that answers no request.
 * @param stop Ends the attempt to connect when it is aborted.
 * @throws {DownloadError} REFUSED or STALLED, saying what to do.
 */
export async function connect(
  { url, token, caCerts }: ServerAddress,
  hear: (message: ServerMessage) => void = () => {},
  stop?: AbortSignal,
): Promise<Client> {
  // A token may hold characters that a subprotocol may not.
  const encoded = new TextEncoder().encode(token ?? "")
    .toBase64({ alphabet: "base64url", omitPadding: true });
  const protocols = token === null ? [] : ["sluice", `sluice.token.${encoded}`];
  // HTTP/2 has no handshake that could be sent again by fetch.
  using client = url.startsWith("wss:")
    ? Deno.createHttpClient({ caCerts: [...caCerts], http2: false })
    : undefined;
  // Browsers' types, which are checked along for the page, know no options.
  const options = { protocols, client } as unknown as string[];
  const socket = new WebSocket(url, options);
  const waiting = new Map<number, PromiseWithResolvers<ServerMessage>>();
  /** Resolves to what the WebSocket says where it did not open. */
  const opened = Promise.withResolvers<string | null>();
  const closed = Promise.withResolvers<void>();
  let last = 0;
  let heardAt = 0;
  socket.onopen = () => opened.resolve(null);
  socket.onerror = (event) =>
    opened.resolve("message" in event ? String(event.message) : "");
  socket.onclose = () => {
    opened.resolve("");
    for (const { reject } of waiting.values()) reject(connectionLost());
    waiting.clear();
    closed.resolve();
  };
  socket.onmessage = ({ data }) => {
    heardAt = performance.now();
    const message = parse(data);
    if (message === null) return;
    const id = Number(message.request_id);
    const asked = waiting.get(id);
    if (asked === undefined) return hear(message);
    waiting.delete(id);
    if (!("error" in message)) return asked.resolve(message);
    const { code, message: words } = message.error;
    asked.reject(new DownloadError(code, words));
  };
  const late = new AbortController();
  const giveUp = () => late.abort(mute());
  const limit = setTimeout(giveUp, PATIENCE);
  stop?.addEventListener("abort", giveUp);
  late.signal.addEventListener("abort", () => opened.reject(mute()));
  try {
    const words = await opened.promise;
    if (words !== null) {
      throw await whyRefused({ url, protocols, client, words }, late.signal);
    }
  } catch (error) {
    socket.close();
    throw error;
  } finally {
    clearTimeout(limit);
    stop?.removeEventListener("abort", giveUp);
  }
  return {
    request(fields) {
      if (socket.readyState !== WebSocket.OPEN) {
        return Promise.reject(connectionLost());
      }
      const id = ++last;
      const asked = Promise.withResolvers<ServerMessage>();
      waiting.set(id, asked);
      socket.send(JSON.stringify({ ...fields, request_id: id }));
      const start = performance.now();
      // A command may take minutes: its server is there if it says anything.
      const asking = every(ASK_AFTER, () => {
        const silence = performance.now() - Math.max(start, heardAt);
        if (silence > PATIENCE) asked.reject(mute());
        else if (silence >= ASK_AFTER / 2) socket.send(PING);
      });
      return asked.promise.finally(() => asking[Symbol.dispose]());
    },
    closed: closed.promise,
    [Symbol.dispose]: () => socket.close(),
  };
}

/**
 * The downloads on a page of a server's list, and how many there are on all
 * pages.
 *
 * @throws {DownloadError} what the server answers, or that it is gone.
 */
export async function listPage(
  client: Client,
  fields: Readonly<Record<string, unknown>>,
): Promise<{ statuses: readonly Status[]; total: number }> {
  const reply = await client.request({ action: "list", ...fields });
  return "data" in reply && Array.isArray(reply.data) && "total" in reply
    ? { statuses: reply.data, total: reply.total ?? 0 }
    : { statuses: [], total: 0 };
}

function mute(): DownloadError {
  return new DownloadError(
    "STALLED",
    "The server does not answer: see whether it is well, and try again.",
  );
}

/** Any answer to it will do. */
const PING = JSON.stringify({ action: "ping", request_id: "ping" });

/** The message that a frame holds; null if it is none that Sluice sends. */
function parse(data: unknown): ServerMessage | null {
  try {
    const message: unknown = JSON.parse(String(data));
    return isObject(message) ? message as unknown as ServerMessage : null;
  } catch {
    return null;
  }
}

function connectionLost(): DownloadError {
  return new DownloadError(
    "REFUSED",
    "The connection to the server was lost: try again.",
  );
}
