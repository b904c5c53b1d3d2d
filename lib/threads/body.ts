/** The body of an answer, read as it comes. */

import type { Together } from "../base/timers.ts";
import {
  connectionError,
  type Peer,
  silent,
} from "../origin/connection_error.ts";
import { DECODABLE, transferCodings } from "../origin/framing.ts";
import type { HttpAnswer } from "../origin/head.ts";
import type { Buffers } from "./buffers.ts";
import type { Look } from "./connecting.ts";

/** A body; disposing of it ends the connection if there is more to come. */
export interface Body extends AsyncDisposable {
  /**
   * The next bytes, valid until the next call; null at the end.
   *
   * @param most How many they may be.
   * @throws {DownloadError} CUT if the connection breaks.
   */
  read(most?: number): Promise<Uint8Array | null>;
  /** Has the last bytes of the last read be read once more, before all others. */
  unread(bytes: Uint8Array): void;
  /**
   * The first `length` bytes, or all if there are fewer. They are read again.
   */
  peek(length: number): Promise<Uint8Array>;
}

/**
 * Opens the body of an answer, and decodes its transfer codings.
 *
 * @param buffers A stock of buffers to read into.
 */
export function openBody(
  { body, headers }: HttpAnswer,
  { signal, touch }: Watch,
  buffers: Buffers,
): Body {
  const codings = transferCodings(headers);
  const source = body === null
    ? NOTHING
    : codings.length === 0
    ? readInto(body.getReader({ mode: "byob" }), buffers)
    : readDecoded(body, codings);
  let ahead: Uint8Array | null = null;
  // Deno's fetch holds its own signal so weakly that it is soon collected: from
  // then on, only cancelling the reader ends a read of a body that has stalled.
  const cancel = () => source.cancel().catch(() => {});
  signal.addEventListener("abort", cancel);

  async function read(most = Infinity): Promise<Uint8Array | null> {
    if (ahead !== null) {
      const bytes = ahead;
      ahead = null;
      return cut(bytes, most);
    }
    signal.throwIfAborted();
    const bytes = await source.read(most).catch((error) => {
      throw signal.aborted ? signal.reason : connectionError(error, "body");
    });
    signal.throwIfAborted();
    touch();
    return bytes && cut(bytes, most);
  }

  /** What is beyond `most` is read next. */
  function cut(bytes: Uint8Array, most: number): Uint8Array {
    if (bytes.length <= most) return bytes;
    unread(bytes.subarray(most));
    return bytes.subarray(0, most);
  }

  function unread(bytes: Uint8Array): void {
    if (bytes.length > 0) ahead = ahead === null ? bytes : joined(bytes, ahead);
  }

  return {
    read,
    unread,
    async peek(length) {
      let gathered = new Uint8Array();
      while (gathered.length < length) {
        const bytes = await read();
        if (bytes === null) break;
        gathered = joined(gathered, bytes);
      }
      unread(gathered);
      return gathered.subarray(0, length);
    },
    [Symbol.asyncDispose]() {
      signal.removeEventListener("abort", cancel);
      source.release();
      return cancel();
    },
  };
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

/** Where the bytes of a body come from. */
interface ByteSource {
  /**
   * The next bytes, valid until the next call; null at the end. There may be
   * more than `most`, where they come in pieces of another making.
   */
  read(most: number): Promise<Uint8Array | null>;
  cancel(): Promise<void>;
  /** Nothing is read any more. */
  release(): void;
}

const NOTHING: ByteSource = {
  read: () => Promise.resolve(null),
  cancel: () => Promise.resolve(),
  release() {},
};

function readInto(
  reader: ReadableStreamBYOBReader,
  buffers: Buffers,
): ByteSource {
  /** Null during a read, which takes the buffer along; a failed one keeps it. */
  let buffer: ArrayBuffer | null = buffers.take();
  return {
    async read(most) {
      if (buffer === null) return null;
      const length = Math.min(buffer.byteLength, most);
      const reading = reader.read(new Uint8Array(buffer, 0, length));
      buffer = null;
      const { value } = await reading;
      buffer = value?.buffer ?? null;
      return value === undefined || value.length === 0 ? null : value;
    },
    cancel: () => reader.cancel(),
    release() {
      if (buffer !== null) buffers.give(buffer);
      buffer = null;
    },
  };
}

/** RFC 9112 §7: the codings are listed in the order in which they were applied. */
function readDecoded(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  codings: readonly string[],
): ByteSource {
  const decoded = codings.toReversed().reduce((stream, coding) => {
    const format = DECODABLE.get(coding);
    return format === undefined
      ? stream
      : stream.pipeThrough(new DecompressionStream(format));
  }, body);
  const reader = decoded.getReader();
  return {
    async read() {
      const { value } = await reader.read();
      return value ?? null;
    },
    cancel: () => reader.cancel(),
    release() {},
  };
}

/** Watches that bytes keep coming. */
export interface Watch extends Disposable {
  /** Aborted when the thread is to end, or has got no byte in time. */
  readonly signal: AbortSignal;
  /** Notes that bytes have just come. */
  touch(): void;
  /**
   * Expects the head of an answer, and no bytes, until disposed of.
   *
   * @param by Who was connected to.
   */
  answering(look: Look, by: Peer): Disposable;
  /** Expects no bytes until disposed of. */
  rest(): Disposable;
}

/** How long a watch waits, in milliseconds. */
export interface Patience {
  /** For bytes. */
  readonly stallTimeout: number;
  /** For the head of an answer, which its origin may first have to make. */
  readonly answerTimeout: number;
  readonly nowAndThen: Together;
}

/**
 * The longest time between two looks, in milliseconds, in which the origin counts
 * as silent. For the rest of a longer gap this process or worker stood still, as
 * after Ctrl-Z or in a write that blocks: what the origin sent meanwhile is read
 * only after the look.
 */
const LONGEST_GAP = 500;

/**
 * Starts a watch, which aborts `control` with STALLED if nothing comes in time,
 * or with what its look finds.
 */
export function startWatch(
  control: AbortController,
  { stallTimeout, answerTimeout, nowAndThen }: Patience,
): Watch {
  let touched = performance.now();
  let resting = false;
  let limit = stallTimeout;
  let due: Look | null = null;
  let peer: Peer = "origin";
  let looked = touched;
  const watching = nowAndThen(() => {
    const now = performance.now();
    const stoodStill = Math.max(0, now - looked - LONGEST_GAP);
    touched = Math.min(now, touched + stoodStill);
    looked = now;
    const waited = now - touched;
    if (due !== null && waited >= due.after) look(due);
    if (resting || waited < limit) return;
    control.abort(silent(peer, limit));
  });

  /**
   * What it finds counts only if there still is no answer. A look that fails has
   * found nothing: the request itself says what is wrong.
   */
  async function look(found: Look): Promise<void> {
    due = null;
    const since = touched;
    const error = await found.look().catch(() => null);
    if (error !== null && since === touched) control.abort(error);
  }

  return {
    signal: control.signal,
    touch() {
      touched = performance.now();
    },
    answering(look, by) {
      touched = performance.now();
      limit = answerTimeout;
      peer = by;
      due = look;
      return {
        [Symbol.dispose]() {
          touched = performance.now();
          limit = stallTimeout;
          peer = "origin";
          due = null;
        },
      };
    },
    rest() {
      resting = true;
      return {
        [Symbol.dispose]() {
          resting = false;
          touched = performance.now();
        },
      };
    },
    [Symbol.dispose]: () => watching[Symbol.dispose](),
  };
}
