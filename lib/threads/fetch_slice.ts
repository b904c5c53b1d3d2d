/** One thread: a Range GET, streamed to its offset in the part file. */

import type { Together } from "../base/timers.ts";
import { DownloadError } from "../download/errors.ts";
import type { Run } from "../download/ranges.ts";
import { isPrivateIPv6 } from "../origin/address.ts";
import { type Answer, contentLength, readAnswer } from "../origin/answer.ts";
import { connectionError, forbidden } from "../origin/connection_error.ts";
import {
  isRedirect,
  MOST_REDIRECTS,
  nextHop,
  tooManyRedirects,
} from "../origin/redirect.ts";
import type { Buffers } from "./buffers.ts";
import type { Answered, SliceTask } from "./messages.ts";
import { openSink, type Writing } from "./sink.ts";

/** What a thread and its carrier share while it runs. */
export interface Controls {
  /** The offset to stop at; lowered when another thread takes over the tail. */
  end: number;
  /** The run that the thread has written; null before its first byte. */
  written: Run | null;
  /** Aborting it ends the thread, which then throws the reason. */
  readonly control: AbortController;
}

/** Hears a thread while it runs. */
export interface Listener {
  answered(answered: Answered): void;
  /** Called some times a second: `controls.written` may have grown. */
  wrote(): void;
}

/** What the threads of a worker share. */
export interface WorkerResources extends Writing {
  readonly client: Deno.HttpClient;
  /** One timer for what all threads repeat: telling of writes, noticing stalls. */
  readonly nowAndThen: Together;
  /** A stock of buffers to read into. */
  readonly reading: Buffers;
  /** How long a thread may get no byte, in milliseconds. */
  readonly stallTimeout: number;
  /** Whether URLs may lead into private networks. */
  readonly allowPrivate: boolean;
}

/**
 * Fetches one slice and writes it at its offset in the part file. Whether this
 * returns or throws, the operating system has the bytes of `controls.written`.
 *
 * @throws {DownloadError} if the slice did not come whole.
 * @throws what the disk said, if it could not be written.
 * @throws the reason for which `controls.control` was aborted.
 */
export async function fetchSlice(
  task: SliceTask,
  controls: Controls,
  listener: Listener,
  resources: WorkerResources,
): Promise<void> {
  const { control } = controls;
  using watch = startWatch(control, resources);
  const asked = new URL(task.url);
  const { response, url } = await request(
    asked,
    task,
    resources,
    watch.signal,
  );
  await using body = openBody(response, watch, resources);
  const { status, headers } = response;
  const { pathname: path } = url;
  const head = { status, headers, asked: asked.pathname, path };
  const answer = readAnswer(head, task.slice, task.pinned, Date.now());
  const start = task.slice?.start ?? 0;
  const end = endOf(answer);
  const create = task.pinned === null;
  using sink = openSink(task.part, { start, create }, resources);
  const disposition = headers.get("content-disposition");
  listener.answered({ answer, url: url.href, disposition });

  controls.end = Math.min(controls.end, end);
  function flush() {
    const run = sink.flush();
    if (run.end > run.start) controls.written = run;
  }
  using _telling = resources.nowAndThen(() => {
    try {
      flush();
      listener.wrote();
    } catch (error) {
      control.abort(error);
    }
  });
  try {
    while (sink.position < controls.end) {
      const bytes = await body.read();
      if (bytes === null) break;
      sink.push(bytes.subarray(0, Math.max(0, controls.end - sink.position)));
    }
  } finally {
    flush();
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

/** Asks for the slice, and follows redirects to the first other answer. */
async function request(
  asked: URL,
  { headers, slice }: SliceTask,
  { client, allowPrivate }: WorkerResources,
  signal: AbortSignal,
): Promise<{ response: Response; url: URL }> {
  let url = asked;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    if (!allowPrivate && isPrivateIPv6(url.hostname)) throw forbidden();
    const response = await fetch(url, {
      client,
      headers: {
        "user-agent": "sluice",
        ...(url.origin === asked.origin ? headers : {}),
        "accept-encoding": "identity",
        // RFC 9110 §14.1.2: the last byte is named, so one less than `end`.
        ...(slice && { range: `bytes=${slice.start}-${slice.end - 1}` }),
      },
      redirect: "manual",
      signal,
    }).catch((error) => {
      throw signal.aborted ? signal.reason : connectionError(error, "request");
    });
    if (!isRedirect(response.status)) return { response, url };
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
  { reading: buffers }: WorkerResources,
): Body {
  const reader = response.body?.getReader({ mode: "byob" });
  /** Null during a read, which takes the buffer along; a failed one keeps it. */
  let buffer: ArrayBuffer | null = buffers.take();
  // Deno's fetch holds its own signal so weakly that it is soon collected: from
  // then on, only cancelling the reader ends a read of a body that has stalled.
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
  /** Aborted when the thread is to end, or has got no byte in time. */
  readonly signal: AbortSignal;
  /** Notes that bytes have just come. */
  touch(): void;
}

function startWatch(
  control: AbortController,
  { stallTimeout, nowAndThen }: WorkerResources,
): Watch {
  let touched = performance.now();
  const looking = nowAndThen(() => {
    if (performance.now() - touched < stallTimeout) return;
    const message = `The origin sent nothing for ${
      stallTimeout / 1000
    } s: retry later.`;
    control.abort(new DownloadError("STALLED", message));
  });
  return {
    signal: control.signal,
    touch() {
      touched = performance.now();
    },
    [Symbol.dispose]: () => looking[Symbol.dispose](),
  };
}
