/** One request to an origin whose answers' heads `fetch` refuses to read. */

import { Buffer } from "node:buffer";
import { type IncomingMessage, request } from "node:http";
import { Duplex } from "node:stream";
import { connectionError, type Peer } from "../origin/connection_error.ts";
import type { HttpAnswer } from "../origin/head.ts";
import {
  headTooLong,
  isInterim,
  refuseOtherProtocol,
  repairHead,
} from "../origin/repaired_head.ts";
import type { Watch } from "./body.ts";
import type { Way } from "./clients.ts";
import type { Look } from "./connecting.ts";
import { headersForProxy } from "./tunnel.ts";
import { closingIfInVain, openWire, type Wire, type Wiring } from "./wire.ts";

/** Bytes that a head may have, interim ones before it included. */
const MOST_HEAD = 256 * 1024;

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
  wiring: Wiring,
  watch: Watch,
): Promise<HttpAnswer> {
  const { signal } = watch;
  using _answering = watch.answering(NO_LOOK, way.by);
  try {
    const wire = await openWire(url, way, wiring, signal);
    const ask = () => askOver(url, headers, way, wire);
    return await closingIfInVain(wire.close, signal, ask);
  } catch (error) {
    throw signal.aborted
      ? signal.reason
      : connectionError(error, "request", way.by);
  }
}

/** @throws {DownloadError} UNREADABLE; or what the connection ends with. */
async function askOver(
  url: URL,
  headers: Readonly<Record<string, string>>,
  { by, isRelayed, proxy }: Way,
  wire: Wire,
): Promise<HttpAnswer> {
  const socket = Duplex.fromWeb({
    readable: withRepairedHead(wire, by),
    writable: wire.writable,
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  // It tells of the connection's end, too, at any time.
  socket.on("error", reject);
  socket.on("close", wire.close);
  const path = url.pathname + url.search;
  const asked = request({
    createConnection: () => socket,
    // RFC 9112 §3.2.2: a proxy is told where to.
    path: isRelayed ? url.origin + path : path,
    headers: inTitleCase({
      host: url.host,
      accept: "*/*",
      ...headers,
      ...(isRelayed && proxy !== null && headersForProxy(proxy)),
    }),
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

/** What a wire brings, with the head of the answer repaired. */
function withRepairedHead(wire: Wire, by: Peer): ReadableStream<Uint8Array> {
  let isHead = true;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const bytes = isHead ? await readHead(wire, by) : await wire.read();
      isHead = false;
      if (bytes === null) controller.close();
      else controller.enqueue(bytes);
    },
    cancel: wire.close,
  }, { highWaterMark: 0 });
}

/** The head, repaired, and what came with it; null if it did not come whole. */
async function readHead(wire: Wire, by: Peer): Promise<Uint8Array | null> {
  let text = "";
  for (let seen = 0, skipped = 0;;) {
    const bytes = await wire.read();
    if (bytes === null) return null;
    text += Buffer.from(bytes).toString("latin1");
    if (seen === 0) text = text.replace(/^[\r\n]+/, "");
    refuseOtherProtocol(text, by);
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
