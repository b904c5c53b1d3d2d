/** One thread: a Range GET, streamed to its offset in the part file. */

import { DownloadError } from "../errors.ts";
import { every } from "../every.ts";
import { type Answer, contentLength, readAnswer } from "../origin/partial.ts";
import {
  isRedirect,
  MOST_REDIRECTS,
  nextHop,
  tooManyRedirects,
} from "../origin/redirect.ts";
import { isPrivateIPv6 } from "../origin/address.ts";
import { connectionError, forbidden } from "../origin/retry.ts";
import type { Run } from "../slices.ts";
import type { Buffers } from "./buffers.ts";
import type { Answered, SliceTask } from "./messages.ts";
import { openSink, type Writing } from "./sink.ts";

/** How often a thread tells what it has written, in milliseconds. */
const TELL_EVERY = 100;

/** What can be changed about a thread while it runs. */
export interface Controls {
  /** Where the thread is to stop; comes down when its tail is taken over. */
  end: number;
  readonly signal: AbortSignal;
}

/** What a thread says while it runs. */
export interface Listener {
  answered(answered: Answered): void;
  /** The run has been handed to the operating system. */
  wrote(run: Run): void;
}

/** What a thread needs of its worker. */
export interface Surroundings extends Writing {
  readonly client: Deno.HttpClient;
  /** A stock of buffers to read into. */
  readonly reading: Buffers;
  /** How long no byte may come, in milliseconds. */
  readonly stallTimeout: number;
  /** Whether URLs may lead into private networks. */
  readonly allowPrivate: boolean;
}

/**
 * Fetches one slice and writes it where it belongs. Whether this returns or
 * throws, what `listener.wrote` heard of is in the file.
 *
 * @throws {DownloadError} if the slice did not come whole.
 * @throws what the disk said, if it could not be written.
 * @throws the reason of `controls.signal`, if it was aborted.
 */
export async function fetchSlice(
  task: SliceTask,
  controls: Controls,
  listener: Listener,
  surroundings: Surroundings,
): Promise<void> {
  using watch = startWatch(controls.signal, surroundings.stallTimeout);
  const { response, url } = await request(task, surroundings, watch.signal);
  await using body = openBody(response, watch, surroundings.reading);
  const { status, headers } = response;
  const [asked, path] = [task.url, url].map((url) => new URL(url).pathname);
  const head = { status, headers, asked: asked ?? "", path: path ?? "" };
  const answer = readAnswer(head, task.slice, task.pinned, Date.now());
  const start = task.slice?.start ?? 0;
  const end = endOf(answer);
  const create = task.pinned === null;
  using sink = openSink(task.part, { start, create }, surroundings);
  const disposition = headers.get("content-disposition");
  listener.answered({ answer, url, disposition });

  controls.end = Math.min(controls.end, end);
  function tell() {
    listener.wrote(sink.flush());
  }
  using _telling = every(TELL_EVERY, () => {
    try {
      tell();
    } catch (error) {
      watch.fail(error);
    }
  });
  try {
    while (sink.position < controls.end) {
      const bytes = await body.read();
      if (bytes === null) break;
      sink.push(bytes.subarray(0, Math.max(0, controls.end - sink.position)));
    }
  } finally {
    tell();
  }
  if (sink.position < controls.end && controls.end !== Infinity) {
    throw connectionError(null, "body");
  }
  // With a length announced, the HTTP client itself cuts the body off there.
  if (sink.position < end || contentLength(headers) !== null) return;
  if (await body.read() !== null) {
    throw new DownloadError("TOO_LONG", "The origin sent more than the slice.");
  }
}

/** The offset behind an answer's last byte; Infinity if it does not tell. */
function endOf(answer: Answer): number {
  return answer.kind === "slice" ? answer.slice.end : answer.size ?? Infinity;
}

/** Asks for the slice, following redirects, until an answer is none. */
async function request(
  { url: first, headers, slice }: SliceTask,
  { client, allowPrivate }: Surroundings,
  signal: AbortSignal,
): Promise<{ response: Response; url: string }> {
  let url = new URL(first);
  const { origin } = url;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    if (!allowPrivate && isPrivateIPv6(url.hostname)) throw forbidden();
    const response = await fetch(url, {
      client,
      headers: {
        "user-agent": "sluice",
        ...(url.origin === origin ? headers : {}),
        "accept-encoding": "identity",
        // RFC 9110 §14.1.2: the last byte is named, so one less than `end`.
        ...(slice && { range: `bytes=${slice.start}-${slice.end - 1}` }),
      },
      redirect: "manual",
      signal,
    }).catch((error) => {
      throw signal.aborted ? signal.reason : connectionError(error, "request");
    });
    if (!isRedirect(response.status)) return { response, url: url.href };
    await response.body?.cancel();
    url = nextHop(url, response.headers.get("location"));
  }
  throw tooManyRedirects();
}

interface Body extends AsyncDisposable {
  /** The next bytes, valid until the next call; null at the end. */
  read(): Promise<Uint8Array | null>;
}

function openBody(
  response: Response,
  { signal, touch }: Watch,
  buffers: Buffers,
): Body {
  const reader = response.body?.getReader({ mode: "byob" });
  /** Null while a read has it, for which it may be lost. */
  let buffer: ArrayBuffer | null = buffers.take();
  // Deno's fetch holds its own signal so weakly that it is soon collected:
  // from then on, only this ends a read of a body that has stalled.
  const cancel = () => reader?.cancel().catch(() => {}) ?? Promise.resolve();
  signal.addEventListener("abort", cancel);

  async function read(): Promise<Uint8Array | null> {
    if (reader === undefined || buffer === null) return null;
    signal.throwIfAborted();
    const reading = reader.read(new Uint8Array(buffer));
    buffer = null;
    const { value } = await reading.catch((error) => {
      throw signal.aborted ? signal.reason : connectionError(error, "body");
    });
    buffer = value?.buffer ?? null;
    signal.throwIfAborted();
    touch();
    return value === undefined || value.length === 0 ? null : value;
  }
  return {
    read,
    [Symbol.asyncDispose]() {
      signal.removeEventListener("abort", cancel);
      if (buffer !== null) buffers.give(buffer);
      return cancel();
    },
  };
}

interface Watch extends Disposable {
  /** Aborted when the thread is stopped, has failed, or got no byte in time. */
  readonly signal: AbortSignal;
  /** Some bytes have come. */
  touch(): void;
  fail(error: unknown): void;
}

function startWatch(stop: AbortSignal, stallTimeout: number): Watch {
  const failure = new AbortController();
  let touched = performance.now();
  const looking = every(stallTimeout / 4, () => {
    if (performance.now() - touched < stallTimeout) return;
    const message = `The origin sent nothing for ${
      stallTimeout / 1000
    } s: retry later.`;
    failure.abort(new DownloadError("STALLED", message));
  });
  return {
    signal: AbortSignal.any([stop, failure.signal]),
    touch() {
      touched = performance.now();
    },
    fail: (error) => failure.abort(error),
    [Symbol.dispose]: () => looking[Symbol.dispose](),
  };
}
