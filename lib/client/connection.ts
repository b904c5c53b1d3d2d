/**
 * One connection to a server, as long as it lasts. It needs nothing that Deno,
 * Node or a browser lacks.
 */

import type { ErrorCode } from "../download/error_codes.ts";
import type { ServerMessage } from "../server/messages.ts";

/** What a server answers a request that it refuses, or that it is gone. */
export class SluiceError extends Error {
  override readonly name = "SluiceError";
  /**
   * REFUSED and STALLED for a connection that is not, or no more; BAD_URL where
   * something else than Sluice answers.
   */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A connection to a server. */
export interface Connection extends Disposable {
  /**
   * Asks for something.
   *
   * @throws {SluiceError} what the server answers, or that it is gone.
   */
  request(fields: Readonly<Record<string, unknown>>): Promise<ServerMessage>;
  isOpen(): boolean;
  /** Resolves when either side has ended the connection. */
  readonly closed: Promise<void>;
  [Symbol.dispose](): void;
}

/** What is connected to, and how. */
export interface ConnectionOptions {
  /** `ws:` or `wss:`. */
  readonly url: string;
  /** Null if the server asks for none. */
  readonly token: string | null;
  /** Called with each message that answers no request. */
  hear(message: ServerMessage): void;
  /** Ends the attempt to connect when it is aborted. */
  readonly stop?: AbortSignal | undefined;
  /** Makes the socket; by itself, a WebSocket. */
  open?(url: string, protocols: string[]): WebSocket;
  /**
   * Why a socket did not open, where more can be found out than it says.
   *
   * @param words What it says.
   */
  explain?(words: string, stop: AbortSignal): Promise<Error>;
}

/** A server that is silent for longer is gone, in milliseconds. */
const PATIENCE = 20_000;
/** A server that has not answered for longer is asked if it is there, in ms. */
const ASK_AFTER = 8_000;

/**
 * Connects to a server.
 *
 * @throws {SluiceError} REFUSED or STALLED, or what `explain` gives.
 */
export async function openConnection(
  { url, token, hear, stop, ...how }: ConnectionOptions,
): Promise<Connection> {
  const protocols = token === null
    ? []
    : ["sluice", `sluice.token.${encoded(token)}`];
  const socket = how.open?.(url, protocols) ?? new WebSocket(url, protocols);
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
    refuse(connectionLost());
    closed.resolve();
  };
  socket.onmessage = ({ data }) => {
    heardAt = performance.now();
    const message = parse(data);
    // To wait on would be in vain: it says something to whatever it is asked.
    if (message === null) return end(foreign());
    const id = Number(message.request_id);
    const asked = waiting.get(id);
    if (asked === undefined) return hear(message);
    waiting.delete(id);
    if (!("error" in message)) return asked.resolve(message);
    const { code, message: words } = message.error;
    asked.reject(new SluiceError(code, words));
  };
  const late = new AbortController();
  const giveUp = () => late.abort(mute());
  const limit = setTimeout(giveUp, PATIENCE);
  stop?.addEventListener("abort", giveUp);
  late.signal.addEventListener("abort", () => opened.reject(mute()));
  try {
    const words = await opened.promise;
    if (words !== null) {
      throw await how.explain?.(words, late.signal) ?? noConnection(words);
    }
  } catch (error) {
    socket.close();
    throw error;
  } finally {
    clearTimeout(limit);
    stop?.removeEventListener("abort", giveUp);
  }

  function refuse(error: SluiceError): void {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  function end(error: SluiceError): void {
    refuse(error);
    socket.close();
  }

  /** Asks a server that has said nothing for long whether it is there. */
  function watchOver(asked: PromiseWithResolvers<ServerMessage>): () => void {
    const start = performance.now();
    return repeat(ASK_AFTER, () => {
      const silence = performance.now() - Math.max(start, heardAt);
      if (silence > PATIENCE) {
        asked.reject(mute());
        socket.close();
      } else if (silence >= ASK_AFTER / 2) socket.send(PING);
    });
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
      // A command may take minutes: its server is there if it says anything.
      const end = watchOver(asked);
      return asked.promise.finally(end);
    },
    isOpen: () => socket.readyState === WebSocket.OPEN,
    closed: closed.promise,
    [Symbol.dispose]: () => socket.close(),
  };
}

/** A token may hold characters that a subprotocol may not: it is in base64url. */
function encoded(token: string): string {
  const bytes = new TextEncoder().encode(token);
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * Does something again and again, until the function that it returns is called.
 * To set a process's first timer takes Deno 7 ms, which a signal does not. A
 * signal that somebody listens to keeps a program running: none does at the end.
 */
function repeat(milliseconds: number, action: () => void): () => void {
  let signal: AbortSignal;
  function wait(): void {
    signal = AbortSignal.timeout(milliseconds);
    signal.addEventListener("abort", act);
  }
  function act(): void {
    // Before the action, which may end this.
    wait();
    action();
  }
  wait();
  return () => signal.removeEventListener("abort", act);
}

function mute(): SluiceError {
  return new SluiceError(
    "STALLED",
    "The server does not answer: see whether it is well, and try again.",
  );
}

function noConnection(words: string): SluiceError {
  return new SluiceError(
    "REFUSED",
    `There is no connection to the server: check its URL and token. ${words}`
      .trim(),
  );
}

function connectionLost(): SluiceError {
  return new SluiceError(
    "REFUSED",
    "The connection to the server was lost: try again.",
  );
}

function foreign(): SluiceError {
  return new SluiceError(
    "BAD_URL",
    "What answers there is no Sluice: check the server's URL, and its path.",
  );
}

/** Any answer to it will do. */
const PING = JSON.stringify({ action: "ping", request_id: "ping" });

/** The message that a frame holds; null if it is none that Sluice sends. */
function parse(frame: unknown): ServerMessage | null {
  try {
    const { data, error, ...rest } = JSON.parse(String(frame)) ?? {};
    const isAnswer = typeof data === "object" && data !== null;
    // JSON-RPC's code, which aria2 sends, is a number.
    const isRefusal = typeof error?.code === "string" &&
      typeof error.message === "string";
    if (isAnswer) return { data, ...rest };
    return isRefusal ? { error, ...rest } : null;
  } catch {
    return null;
  }
}
