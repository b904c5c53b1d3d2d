/** One request to an origin whose answers' heads `fetch` refuses to read. */

import { Buffer } from "node:buffer";
import { type Chunks, createChunks } from "../origin/chunks.ts";
import { connectionError, type Peer } from "../origin/connection_error.ts";
import { contentLength } from "../origin/framing.ts";
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
 * Asks a URL once, with header names in title case, over a connection of its
 * own. The answer's head is repaired before it is read.
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
  const path = url.pathname + url.search;
  // RFC 9112 §3.2.2: a proxy is told where to.
  const target = isRelayed ? url.origin + path : path;
  await wire.write(
    requestHead(target, {
      host: url.host,
      accept: "*/*",
      ...headers,
      ...(isRelayed && proxy !== null && headersForProxy(proxy)),
      connection: "close",
    }),
  );
  const { head, rest } = await readHead(wire, by);
  const answer = readAnswer(head);
  return { ...answer, body: bodyOf(answer, rest, wire) };
}

/** @throws {TypeError} if a header's name or value would be more than that. */
function requestHead(
  target: string,
  headers: Readonly<Record<string, string>>,
): Uint8Array {
  const lines = Object.entries(inTitleCase(headers)).map(([name, value]) => {
    const [valid] = new Headers({ [name]: value }).values();
    return `${name}: ${valid}\r\n`;
  });
  const head = `GET ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return Buffer.from(head, "latin1");
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

/** @param head As `repairHead` writes it. */
function readAnswer(head: string): Omit<HttpAnswer, "body"> {
  const [first = "", ...lines] = head.trimEnd().split("\r\n");
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const [name = ""] = line.split(":", 1);
      return [name, line.slice(name.length + 1).trim()];
    }),
  );
  return { status: Number(first.split(" ")[1]), headers };
}

/**
 * The head, repaired, and what came with it.
 *
 * @throws {DownloadError} UNREADABLE; or what the connection ends with.
 */
async function readHead(
  wire: Wire,
  by: Peer,
): Promise<{ head: string; rest: Uint8Array }> {
  let text = "";
  for (let seen = 0, skipped = 0;;) {
    const bytes = await wire.read();
    if (bytes === null) throw new Error("The connection ended in a head.");
    text += Buffer.from(bytes).toString("latin1");
    if (seen === 0) text = text.replace(/^[\r\n]+/, "");
    refuseOtherProtocol(text, by);
    for (;;) {
      const length = headLength(text, seen);
      if (length === null) break;
      const head = text.slice(0, length);
      text = text.slice(length);
      if (!isInterim(head)) {
        return { head: repairHead(head), rest: Buffer.from(text, "latin1") };
      }
      skipped += length;
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

/** What says where a body ends. */
type Framing = Pick<Chunks, "take" | "isOver"> & {
  /** Whether the body may end with the connection. */
  readonly isOpen: boolean;
};

/** RFC 9112 §6.3. */
function framingOf({ status, headers }: Omit<HttpAnswer, "body">): Framing {
  if (headers.has("transfer-encoding")) {
    return { ...createChunks(), isOpen: false };
  }
  const length = contentLength(headers);
  const isEmpty = [204, 304].includes(status);
  let left = isEmpty ? 0 : length ?? Infinity;
  return {
    take(bytes) {
      const taken = bytes.subarray(0, left);
      left -= taken.length;
      return [taken];
    },
    isOver: () => left === 0,
    isOpen: left === Infinity,
  };
}

/**
 * The body of an answer as `fetch` gives it.
 *
 * @param first The bytes that came with the head.
 */
function bodyOf(
  answer: Omit<HttpAnswer, "body">,
  first: Uint8Array,
  wire: Wire,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const framing = framingOf(answer);
  let ahead: Uint8Array | null = first;

  /** The next pieces of the content, which may be none; null at its end. */
  async function next(): Promise<Uint8Array[] | null> {
    if (framing.isOver()) return null;
    const bytes = ahead ?? await wire.read();
    ahead = null;
    if (bytes !== null) return framing.take(bytes);
    if (framing.isOpen) return null;
    throw new Error("The connection ended in a body.");
  }

  /** The same; a stream that fails is cancelled by nobody. */
  async function nextOrClosed(): Promise<Uint8Array[] | null> {
    try {
      return await next();
    } catch (error) {
      wire.close();
      throw error;
    }
  }

  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      for (;;) {
        const pieces = await nextOrClosed();
        if (pieces === null) break;
        const full = pieces.filter(({ length }) => length > 0);
        // Copies: a piece is the wire's, and what is enqueued the reader's.
        for (const piece of full) controller.enqueue(new Uint8Array(piece));
        if (full.length > 0) return;
      }
      wire.close();
      controller.close();
      // A read that waits ends only by this.
      controller.byobRequest?.respond(0);
    },
    cancel: wire.close,
  });
}
