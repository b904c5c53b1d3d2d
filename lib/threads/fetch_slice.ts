/** One thread: a Range GET, streamed to its offset in the part file. */

import { decodeText } from "../base/decode_text.ts";
import type { Together } from "../base/timers.ts";
import { DownloadError, toRecord } from "../download/errors.ts";
import type { Range } from "../download/ranges.ts";
import { type Answer, readAnswer, type Reading } from "../origin/answer.ts";
import { connectionError } from "../origin/connection_error.ts";
import { mediaTypeOf, TELLING_BYTES } from "../origin/content.ts";
import { digestIn } from "../origin/digests.ts";
import { mislabelledIn, settleDoubts } from "../origin/doubts.ts";
import { duplicatesIn, type PassedHead } from "../origin/duplicates.ts";
import { dispositionName, lastSegment } from "../origin/filename.ts";
import { contentLength } from "../origin/framing.ts";
import { isMetalink, LONGEST_METALINK } from "../origin/metalink.ts";
import { lastModified } from "../origin/validator.ts";
import { ask, type Asking } from "./ask.ts";
import { type Body, openBody, startWatch, type Watch } from "./body.ts";
import type { Buffers } from "./buffers.ts";
import type { Controls } from "./controls.ts";
import type { Answered, SliceTask } from "./messages.ts";
import { openSink, type Writing } from "./sink.ts";

/** Hears a thread while it runs. */
export interface Listener {
  answered(answered: Answered): void;
  /** The first answer is a Metalink document: nothing else comes of it. */
  described(document: string): void;
  /** Called some times a second: `controls.written` may have grown. */
  wrote(): void;
  /** The thread waits for leave to read more. */
  wants(): void;
}

/** What the threads of a worker share. */
export interface WorkerResources extends Writing, Asking {
  /** One timer for what all threads repeat: telling of writes, noticing stalls. */
  readonly nowAndThen: Together;
  /** A stock of buffers to read into. */
  readonly reading: Buffers;
  /** How long a thread may get no byte, in milliseconds. */
  readonly stallTimeout: number;
  /** How long a thread may wait for the head of an answer, in milliseconds. */
  readonly answerTimeout: number;
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
  await using answered = await askOnceMore(task, resources, watch);
  const { body, reading: { answer, doubts }, headers, url, direct, passed } =
    answered;
  await settleDoubts(
    doubts,
    doubts.length > 0 ? await body.peek(TELLING_BYTES) : NONE,
  );
  if (isFollowed(headers, task)) {
    listener.described(await readDocument(body, answer));
    return;
  }
  const start = task.slice?.start ?? 0;
  const end = endOf(answer);
  const create = task.pinned === null;
  using sink = openSink(task.part, { start, create }, resources);
  listener.answered({
    answer,
    mislabelled: mislabelledIn(doubts),
    url: url.href,
    direct,
    disposition: headers.get("content-disposition"),
    modified: lastModified(headers),
    checksum: task.looks ? digestIn(headers) : null,
    mediaType: mediaTypeOf(headers),
    duplicates: task.pinned === null ? duplicatesIn(passed) : null,
  });

  controls.end = isAlone(answer, task) ? end : Math.min(controls.end, end);
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
    for (;;) {
      while (sink.position < controls.end) {
        if (controls.leave <= 0) await leaveToRead(controls, watch, listener);
        const { leave } = controls;
        const bytes = await body.read(leave);
        if (bytes === null) break;
        const end = Math.max(0, controls.end - sink.position);
        const taken = Math.min(bytes.length, end);
        // A limit that came during the read is for what is read after it.
        if (leave !== Infinity) controls.leave -= taken;
        sink.push(bytes.subarray(0, taken));
        // They are the next ones if the thread goes on behind its slice.
        body.unread(bytes.subarray(taken));
      }
      if (sink.position < controls.end || sink.position === end) break;
      flush();
      listener.wrote();
      if (!await goesOn(task, controls, watch)) break;
      // Slice by slice: what is damaged later is no more than one of them.
      sink.next();
      controls.written = null;
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
    throw new DownloadError(
      "TOO_LONG",
      "The origin sent more than it had said it would: retry later, or add " +
        "another URL of the file.",
    );
  }
}

const NONE = new Uint8Array();

/** Whether an answer is a document that tells where the file is. */
function isFollowed(
  headers: Headers,
  { pinned, metalink }: SliceTask,
): boolean {
  return pinned === null && metalink === "follow" && isMetalink(headers);
}

/** @throws {DownloadError} UNREADABLE if it is not whole, or too long. */
async function readDocument(body: Body, answer: Answer): Promise<string> {
  const isWhole = answer.kind === "whole" || answer.slice.end === answer.size;
  const bytes = isWhole ? await body.peek(LONGEST_METALINK + 1) : NONE;
  const length = answer.size ?? bytes.length;
  if (isWhole && bytes.length === length && length <= LONGEST_METALINK) {
    return decodeText(bytes);
  }
  throw new DownloadError(
    "UNREADABLE",
    "The origin sent a Metalink document that is not whole, or longer than " +
      `${LONGEST_METALINK} bytes: add the file's own URL.`,
  );
}

/**
 * Waits for leave to read: the origin is not to blame for that.
 *
 * @throws the reason for which `controls.control` was aborted.
 */
async function leaveToRead(
  controls: Controls,
  watch: Watch,
  listener: Pick<Listener, "wants">,
): Promise<void> {
  using _resting = watch.rest();
  while (controls.leave <= 0) {
    const granted = controls.granted();
    listener.wants();
    await granted;
    watch.signal.throwIfAborted();
  }
}

/**
 * Whether the thread takes all of its answer: the origin gives no ranges, or
 * nothing would prove that other answers are of the same file.
 */
function isAlone(answer: Answer, { pinned, checked }: SliceTask): boolean {
  return answer.kind === "whole" ||
    pinned === null && answer.validator === null && !checked;
}

/**
 * Waits to be told whether to take what follows the slice, too; it does not if
 * no more than the slice was asked for.
 *
 * @throws the reason for which `controls.control` was aborted.
 */
async function goesOn(
  { slice, reach }: SliceTask,
  controls: Controls,
  watch: Watch,
): Promise<boolean> {
  if (slice === null || reach === slice.end) return false;
  const { end } = controls;
  using _resting = watch.rest();
  await controls.moved();
  watch.signal.throwIfAborted();
  return controls.end > end;
}

/** An answer whose head has been read, and its body. */
interface Read extends AsyncDisposable {
  readonly reading: Reading;
  readonly body: Body;
  readonly headers: Headers;
  /** The URL that gave it. */
  readonly url: URL;
  /** Whether that URL may be asked directly. */
  readonly direct: boolean;
  /** Its head, behind those of the redirects that led to it. */
  readonly passed: readonly PassedHead[];
}

/**
 * Asks for the slice. If that is the first request and its answer may be due to
 * the Range header alone, or is nothing, the whole file is asked for, once.
 */
async function askOnceMore(
  task: SliceTask,
  resources: WorkerResources,
  watch: Watch,
): Promise<Read> {
  const { slice, reach, pinned } = task;
  const asked = slice && { start: slice.start, end: reach };
  const isFirst = pinned === null && asked !== null;
  try {
    await using stack = new AsyncDisposableStack();
    const read = stack.use(await askFor(task, asked, resources, watch));
    if (!isFirst || !await isNothing(read)) {
      stack.move();
      return read;
    }
  } catch (error) {
    if (toRecord(error).code !== "NO_RANGES" || !isFirst) throw error;
  }
  return await askFor(task, null, resources, watch);
}

/**
 * Whether an answer is a head alone, and nothing says that it should be: the
 * connection may have ended before its first byte, as that of a program that
 * died.
 */
async function isNothing(
  { reading: { answer }, headers, body }: Read,
): Promise<boolean> {
  if (answer.kind !== "whole" || answer.size !== null) return false;
  if (headers.has("transfer-encoding")) return false;
  return (await body.peek(1)).length === 0;
}

async function askFor(
  task: SliceTask,
  slice: Range | null,
  resources: WorkerResources,
  watch: Watch,
): Promise<Read> {
  const given = await ask(task, slice, resources, watch);
  const { response, url, direct, passed } = given;
  const { status, headers } = response;
  const body = openBody(response, watch, resources.reading);
  try {
    const names = namesOf(task.url, url, headers);
    const { isRelayed } = resources.clients.forUrl(url, task.proxy);
    const head = { status, headers, names, isRelayed };
    const reading = readAnswer(head, slice, task.pinned, Date.now());
    if (!isFollowed(headers, task)) refuseOtherSize(reading, task);
    const dispose = () => body[Symbol.asyncDispose]();
    return {
      reading,
      body,
      headers,
      url,
      direct,
      passed,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await body[Symbol.asyncDispose]();
    throw error;
  }
}

/** @throws {DownloadError} UNREADABLE if the file has not the size that it must. */
function refuseOtherSize(
  { answer: { size: found } }: Reading,
  { size: wanted }: SliceTask,
): void {
  if (wanted === null || found === null || found === wanted) return;
  throw new DownloadError(
    "UNREADABLE",
    `The origin's file has ${found} bytes, and should have ${wanted}: check ` +
      "the URL, or add another one of the file.",
  );
}

/** What the file is called, by all that says so. */
function namesOf(asked: string, given: URL, headers: Headers): string[] {
  const disposition = dispositionName(headers.get("content-disposition"));
  const last = [new URL(asked), given].map(({ pathname }) =>
    lastSegment(pathname)
  );
  return disposition === null ? last : [...last, disposition];
}

/** The offset behind an answer's last byte; Infinity if it does not tell. */
function endOf(answer: Answer): number {
  return answer.kind === "slice" ? answer.slice.end : answer.size ?? Infinity;
}
