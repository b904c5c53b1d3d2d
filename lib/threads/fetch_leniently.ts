/** One request to an origin whose answers' heads `fetch` refuses to read. */

import { Buffer } from "node:buffer";
import { type IncomingMessage, request } from "node:http";
import { Duplex } from "node:stream";
import { connectionError } from "../origin/connection_error.ts";
import type { HttpAnswer } from "../origin/head.ts";
import {
  headTooLong,
  isInterim,
  refuseOtherProtocol,
  repairHead,
} from "../origin/repaired_head.ts";
import type { Watch } from "./body.ts";
import type { ClientSettings, Way } from "./clients.ts";
import { type Connecting, connectTo, type Look } from "./connecting.ts";

/** What such requests are made with. */
export type Lenience =
  & Connecting
  & Pick<ClientSettings, "caCerts" | "clientCertificate">;

/** Bytes that a head may have, interim ones before it included. */
const MOST_HEAD = 256 * 1024;

/** Bytes that one read of a connection brings at most. */
const READ = 256 * 1024;

/** The connection has a time-out of its own here. */
const NO_LOOK: Look = { after: Infinity, look: () => Promise.resolve(null) };

/**
 * Asks a URL once by node:http, with header names in title case, over a
 * connection of its own. The answer's head is repaired on the way to the parser,
 * which is a strict one.
 *
 * @throws {DownloadError} if there is no answer; UNREADABLE if its head can be
 * read in no way, or in two.
 * @throws the reason for which the watch was aborted.
 */
export async function fetchLeniently(
  url: URL,
  headers: Readonly<Record<string, string>>,
  way: Way,
  lenience: Lenience,
  watch: Watch,
): Promise<HttpAnswer> {
  const { signal } = watch;
  using _answering = watch.answering(NO_LOOK);
  try {
    const connection = await connectTo(way, lenience, signal);
    return await closingIfInVain(connection, signal, async () => {
      if (url.protocol === "http:") {
        return await askOver(url, headers, connection);
      }
      const secure = await startTls(connection, way, lenience);
      return await closingIfInVain(secure, signal, async () => {
        await secure.handshake();
        return await askOver(url, headers, secure);
      });
    });
  } catch (error) {
    throw signal.aborted ? signal.reason : connectionError(error, "request");
  }
}

/** Closes a connection if what is done with it fails, or is aborted. */
async function closingIfInVain<Value>(
  connection: Deno.Conn,
  signal: AbortSignal,
  use: () => Promise<Value>,
): Promise<Value> {
  const close = () => closeQuietly(connection);
  signal.addEventListener("abort", close);
  try {
    signal.throwIfAborted();
    const value = await use();
    signal.throwIfAborted();
    return value;
  } catch (error) {
    close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

/** TLS is Deno's own, which `fetch` speaks, too: it trusts the same. */
function startTls(
  connection: Deno.TcpConn,
  { hostname }: Way,
  { caCerts }: Lenience,
): Promise<Deno.TlsConn> {
  const alpnProtocols = ["http/1.1"];
  const options = { hostname, caCerts: [...caCerts], alpnProtocols };
  return Deno.startTls(connection, options);
}

/** Closes a connection that may have ended by itself. */
function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** @throws {DownloadError} UNREADABLE; or what the connection ends with. */
async function askOver(
  url: URL,
  headers: Readonly<Record<string, string>>,
  connection: Deno.Conn,
): Promise<HttpAnswer> {
  const socket = Duplex.fromWeb({
    readable: withRepairedHead(connection),
    writable: connection.writable,
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  // It tells of the connection's end, too, at any time.
  socket.on("error", reject);
  socket.on("close", () => closeQuietly(connection));
  const asked = request({
    createConnection: () => socket,
    path: url.pathname + url.search,
    headers: inTitleCase({ host: url.host, accept: "*/*", ...headers }),
    maxHeaderSize: 2 * MOST_HEAD,
  });
  asked.maxHeadersCount = 0;
  asked.on("response", resolve);
  asked.on("error", reject);
  asked.end();
  try {
    const response = await promise;
    return {
      status: response.statusCode ?? 0,
      headers: headersOf(response),
      body: bodyOf(response),
    };
  } catch (error) {
    asked.destroy();
    throw error;
  }
}

/** A few servers know header names in title case only. */
function inTitleCase(
  headers: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.replace(/(?<![^-])[a-z]/g, (letter) => letter.toUpperCase()),
      value,
    ]),
  );
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let n = 0; n + 1 < rawHeaders.length; n += 2) {
    headers.append(rawHeaders[n] ?? "", rawHeaders[n + 1] ?? "");
  }
  return headers;
}

/** What a connection brings, with the head of the answer repaired. */
function withRepairedHead(connection: Deno.Conn): ReadableStream<Uint8Array> {
  let isHead = true;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const bytes = isHead
        ? await readHead(connection)
        : await readSome(connection);
      isHead = false;
      if (bytes === null) controller.close();
      else controller.enqueue(bytes);
    },
    cancel: () => closeQuietly(connection),
  }, { highWaterMark: 0 });
}

/** The head, repaired, and what came with it; null if it did not come whole. */
async function readHead(connection: Deno.Conn): Promise<Uint8Array | null> {
  let text = "";
  for (let seen = 0, skipped = 0;;) {
    const bytes = await readSome(connection);
    if (bytes === null) return null;
    text += Buffer.from(bytes).toString("latin1");
    if (seen === 0) text = text.replace(/^[\r\n]+/, "");
    refuseOtherProtocol(text);
    for (;;) {
      const length = headLength(text, seen);
      if (length === null) break;
      const head = text.slice(0, length);
      const rest = text.slice(length);
      if (!isInterim(head)) {
        return Buffer.from(repairHead(head) + rest, "latin1");
      }
      skipped += length;
      text = rest;
      seen = 0;
    }
    seen = text.length;
    if (skipped + seen > MOST_HEAD) throw headTooLong();
  }
}

/**
 * How long a head is, its empty line included; null if that has not come.
 *
 * @param seen How much of the text has been looked at before.
 */
function headLength(text: string, seen: number): number | null {
  const emptyLine = /\n\r?\n/g;
  emptyLine.lastIndex = Math.max(0, seen - 2);
  return emptyLine.test(text) ? emptyLine.lastIndex : null;
}

async function readSome(connection: Deno.Conn): Promise<Uint8Array | null> {
  const buffer = new Uint8Array(READ);
  const length = await connection.read(buffer);
  return length === null ? null : buffer.subarray(0, length);
}

/** The body of an answer as `fetch` gives it: its buffer is the reader's. */
function bodyOf(
  response: IncomingMessage,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = response[Symbol.asyncIterator]();
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const { value, done } = await chunks.next();
      if (!done) return controller.enqueue(new Uint8Array(value));
      controller.close();
      // A read that waits ends only by this.
      controller.byobRequest?.respond(0);
    },
    cancel: () => void response.destroy(),
  });
}
