/**
 * A download while it is being fetched: its threads, and what they have
 * written. Every change of a transfer is a function of this file; what the rest
 * of the program sees is read-only.
 */

import {
  type Download,
  type FileFacts,
  OWN_URL,
  type Rewording,
  type State,
  type Validator,
} from "../download/download.ts";
import type { ErrorRecord } from "../download/errors.ts";
import {
  insert,
  missing,
  type Range,
  type Run,
  total,
  union,
} from "../download/ranges.ts";
import {
  afterAnswer,
  afterSlice,
  anew,
  createSources,
  type Source,
} from "./source.ts";
import {
  isAtLead,
  type Leading,
  ledBy,
  ledNext,
  pinnedOf,
  type Sources,
  withBytesOf,
  withSource,
} from "./sources.ts";

/** Speed is measured over at least this long, in milliseconds. */
const RATE_WINDOW = 1_000;

/** A position at a time. */
interface Mark {
  readonly at: number;
  readonly position: number;
}

/** One slice being fetched right now. */
export interface Thread {
  readonly number: number;
  /** Its source, as it was known when the thread was started. */
  readonly source: Source;
  readonly slice: Range;
  /** Where it is to stop; comes down when its tail is taken over. */
  readonly end: number;
  /** How far its answer goes, or is asked to: an offset, never below `end`. */
  readonly reach: number;
  /** What it has written. */
  readonly run: Run;
  readonly startedAt: number;
  /** The begin of the window that its speed is measured over. */
  readonly since: Mark;
  readonly next: Mark;
  readonly state: "running" | "stopping";
  /** Whether the origin has answered its request. */
  readonly answered: boolean;
}

/** What a transfer does. */
export type Phase =
  /** What an earlier run of the server left is compared with its record. */
  | { readonly kind: "verifying" }
  | { readonly kind: "fetching" }
  /** Threads are asked to stop; `then` is due when the last one has. */
  | { readonly kind: "stopping"; readonly then: Ending }
  /** All bytes are there: checksum, sync, link. */
  | { readonly kind: "finishing" };

/** How a transfer comes to rest by itself. */
export type Rest = Extract<State, { kind: "Paused" | "Failed" }>;

/** What is to be done when no thread runs any more. */
export type Ending =
  | { readonly kind: "settle"; readonly state: Rest }
  | { readonly kind: "restart"; readonly ask: Ask }
  /** The URL's answer is a Metalink document, which says where the file is. */
  | { readonly kind: "describe"; readonly document: string }
  /** A command or the next start goes on from here, with the bytes or without. */
  | { readonly kind: "rest"; readonly bytes: "keep" | "drop" }
  /** The claim is lost: neither part nor record may be touched any more. */
  | { readonly kind: "lost" };

/** Whether to try for slices, or to ask for all at once. */
export type Ask = "slices" | "whole";

/** What was recorded last. */
export interface Recorded {
  /** When, in milliseconds. */
  readonly at: number;
  readonly bytes: number;
  readonly runs: ReadonlySet<Run>;
}

/**
 * A download while it is being fetched. All its times are in milliseconds of
 * one steady clock: the time of day may be put back.
 */
export interface Transfer extends Sources, Leading {
  readonly download: Download;
  readonly phase: Phase;
  readonly file: FileFacts | null;
  /** Another one once it has begun anew: its bytes may be of another file then. */
  readonly edition: symbol;
  readonly ask: Ask;
  readonly threads: ReadonlyMap<number, Thread>;
  /** What threads that have ended wrote. */
  readonly runs: readonly Run[];
  /** What is written, merged. */
  readonly done: readonly Range[];
  /** Whether all of it has been read again since it was written. */
  readonly verified: boolean;
  /**
   * Whether the disk has refused some of what was written: no later sync would tell
   * of it, so that nothing but what was recorded before counts.
   */
  readonly unsynced: boolean;
  /** The most bytes there ever were: more is progress. */
  readonly best: number;
  readonly restarts: number;
  readonly lastError: ErrorRecord | null;
  readonly recorded: Recorded;
}

/** What a failure changes of a transfer. */
export type Setback =
  & Sources
  & Leading
  & Pick<Transfer, "best" | "restarts">;

/** What a new thread of a transfer is to do. */
export type Plan =
  /**
   * The first request: range check, size and name, and bytes already. It asks
   * for all, and its thread stops at the slice's end until it is told to go on.
   */
  | { readonly kind: "first"; readonly slice: Range | null }
  | { readonly kind: "slice"; readonly slice: Range }
  /** The tail of what another thread is fetching. */
  | { readonly kind: "steal"; readonly slice: Range; readonly from: Thread };

/** A transfer or a thread, as only this file may treat it. */
type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

function change(transfer: Transfer, fields: Partial<Transfer>): void {
  Object.assign(transfer as Writable<Transfer>, fields);
}

/** What is known of a source changes, unless it is lost by now. */
function changeSource(
  transfer: Transfer,
  { key }: Source,
  changed: (source: Source) => Source,
): void {
  change(transfer, withSource(transfer, key, changed));
}

function changeThread(thread: Thread, fields: Partial<Thread>): void {
  Object.assign(thread as Writable<Thread>, fields);
}

/** A transfer that has begun: `verifying` if an earlier one has left runs. */
export function createTransfer(
  download: Download,
  runs: readonly Run[],
  now: number,
): Transfer {
  const done = union(runs);
  const file = runs.length > 0 ? download.file : null;
  return {
    download,
    ...ledBy(createSources(download.request), file),
    lost: [],
    mixed: [],
    phase: { kind: runs.length > 0 ? "verifying" : "fetching" },
    file,
    edition: Symbol(),
    ask: "slices",
    threads: new Map(),
    runs: [...runs],
    done,
    verified: false,
    unsynced: false,
    best: total(done),
    failures: 0,
    crowded: 0,
    restarts: 0,
    refused: false,
    notBefore: 0,
    lastError: null,
    recorded: { at: now, bytes: total(done), runs: new Set(runs) },
  };
}

/** Whether a transfer has begun; until then it waits for its first thread. */
export function isBegun({ threads, done, failures }: Transfer): boolean {
  return threads.size > 0 || done.length > 0 || failures > 0;
}

/**
 * The runs of an earlier transfer have been compared with the part file. Then
 * it is `fetching`, unless it was brought to stop meanwhile.
 *
 * @param intact Those that the part file really holds.
 */
export function verified(transfer: Transfer, intact: readonly Run[]): void {
  const { runs, phase } = transfer;
  const done = union(intact);
  change(transfer, {
    verified: intact.length === runs.length,
    runs: [...intact],
    done,
    // What was lost and comes again is progress.
    best: total(done),
  });
  if (phase.kind === "verifying") goOn(transfer);
}

/** Its download is asked for in another way, which bears on no byte. */
export function ask(transfer: Transfer, rewording: Rewording): void {
  const { download } = transfer;
  const request = rewording(download.request);
  change(transfer, { download: { ...download, request } });
}

/** Then it is `fetching`: from here on it may have threads. */
export function goOn(transfer: Transfer): void {
  change(transfer, { phase: { kind: "fetching" } });
}

/**
 * A thread has been started on a plan; the transfer stays `fetching`.
 *
 * @param source What it asks; by default, the one that leads.
 */
export function begin(
  transfer: Transfer,
  plan: Plan,
  number: number,
  now: number,
  source = transfer.source,
): Thread {
  const slice = plan.slice ?? { start: 0, end: Infinity };
  if (plan.kind === "steal" && slice.start > plan.from.run.end) {
    bound(plan.from, slice.start);
  }
  const mark = { at: now, position: slice.start };
  const thread: Thread = {
    number,
    source,
    slice,
    end: slice.end,
    reach: plan.kind === "first" ? Infinity : slice.end,
    run: { start: slice.start, end: slice.start, crc: 0 },
    startedAt: now,
    since: mark,
    next: mark,
    state: "running",
    answered: false,
  };
  change(transfer, { threads: new Map(transfer.threads).set(number, thread) });
  return thread;
}

/** A thread's slice ends at the offset `end` now. */
export function bound(thread: Thread, end: number): void {
  changeThread(thread, { end });
}

/** A thread has been asked to stop: it is `stopping` until it ends. */
export function askToStop(thread: Thread): void {
  changeThread(thread, { state: "stopping" });
}

/** What an answer's head tells a transfer. */
export interface AnswerFacts {
  /** Where redirects led; null if there were none. */
  readonly location: string | null;
  /** The offset at which the answer ends; Infinity if it does not tell. */
  readonly end: number;
  readonly validator: Validator | null;
}

/** The origin has answered a thread's request. */
export function gotAnswer(
  transfer: Transfer,
  thread: Thread,
  { location, end, validator }: AnswerFacts,
  now: number,
): void {
  changeSource(transfer, thread.source, (source) => ({
    ...afterAnswer(source, now - thread.startedAt),
    ...(location !== null && { location }),
    validator: source.validator ?? validator,
  }));
  // The wait for an answer tells nothing of how fast its bytes come.
  const mark = { at: now, position: thread.run.end };
  changeThread(thread, {
    answered: true,
    reach: end,
    end: Math.min(thread.end, end),
    since: mark,
    next: mark,
  });
}

/**
 * The first answer has told what the file is. Its thread takes all of it if
 * nothing proves that a second answer would be of the same file.
 */
export function learn(
  transfer: Transfer,
  thread: Thread,
  file: FileFacts,
): void {
  const { key } = thread.source;
  const known = key === OWN_URL ? file : { ...file, sources: [key] };
  change(transfer, { file: known });
  if (pinnedOf(transfer) === null) bound(thread, thread.reach);
}

/** A thread has written its run so far. */
export function wrote(
  transfer: Transfer,
  thread: Thread,
  run: Run,
  now: number,
): void {
  const { slice, startedAt, next } = thread;
  if (run.end === slice.end && thread.run.end < slice.end) {
    const length = slice.end - slice.start;
    changeSource(
      transfer,
      thread.source,
      (source) => afterSlice(source, length, now - startedAt),
    );
  }
  if (run.end > run.start) {
    const { source: { key } } = thread;
    change(transfer, { file: withBytesOf(transfer.file, key) });
  }
  // It has gone on behind its slice: what it wrote before is a run of its own.
  if (run.start > thread.run.start) (transfer.runs as Run[]).push(thread.run);
  changeThread(thread, { run });
  if (now - next.at >= RATE_WINDOW) {
    changeThread(thread, { since: next, next: { at: now, position: run.end } });
  }
  change(transfer, { done: insert(transfer.done, run), verified: false });
  // There is nothing left to wait for.
  if (isWhole(transfer)) change(transfer, { notBefore: 0 });
  // What still comes of a file that has changed is no progress of the new one.
  if (transfer.phase.kind === "stopping") return;
  const bytes = total(transfer.done);
  if (bytes <= transfer.best) return;
  change(transfer, { best: bytes, lastError: null });
  if (isAtLead(transfer, thread)) change(transfer, { failures: 0, crowded: 0 });
  else served(transfer, thread.source);
}

/** A source that helps has brought bytes. */
function served(transfer: Transfer, { key }: Source): void {
  const helper = transfer.others.find((other) => other.key === key);
  if (helper === undefined || helper.failures === 0) return;
  changeSource(transfer, helper, (source) => ({ ...source, failures: 0 }));
}

/** A thread has ended. What it wrote stays. */
export function end(transfer: Transfer, thread: Thread): void {
  const threads = new Map(transfer.threads);
  threads.delete(thread.number);
  change(transfer, { threads });
  const { start, end } = thread.run;
  // In place: there may be a hundred thousand of them.
  if (end > start) (transfer.runs as Run[]).push(thread.run);
}

/** The body of an answer without a length has come to its end. */
export function endOfBody(transfer: Transfer, size: number): void {
  const { file } = transfer;
  if (file?.size === null) change(transfer, { file: { ...file, size } });
}

/** A thread, which has ended, or a job has failed; it goes on for now. */
export function failed(
  transfer: Transfer,
  error: ErrorRecord,
  setback: Setback,
): void {
  change(transfer, { ...setback, lastError: error });
}

/** A source that helps is left alone for a time, or for good. */
export function helperFailed(
  transfer: Transfer,
  setback: Pick<Setback, "others" | "lost">,
): void {
  change(transfer, setback);
}

/**
 * A source is slower than others by far, and is left alone until a time. If it led,
 * the first that has threads leads instead.
 */
export function leaveAlone(
  transfer: Transfer,
  slow: Source,
  notBefore: number,
): void {
  if (slow.key === transfer.source.key) {
    const busy = transfer.threads.values()
      .map(({ source }) => source.key).toArray();
    const next = transfer.others.find(({ key }) => busy.includes(key));
    if (next === undefined) return;
    change(transfer, ledNext(transfer, next));
  }
  changeSource(transfer, slow, (source) => ({ ...source, notBefore }));
}

/** Something that will be tried again has failed; nothing else changes. */
export function stuck(transfer: Transfer, error: ErrorRecord): void {
  change(transfer, { lastError: error });
}

/** What has been written so far is recorded. */
export function recorded(transfer: Transfer, recorded: Recorded): void {
  change(transfer, { recorded });
}

/** The disk has refused some of what was written since the last record. */
export function unsynced(transfer: Transfer): void {
  change(transfer, { unsynced: true });
}

/** Nothing is recorded of it any more. */
export function forgotten(transfer: Transfer): void {
  const { at } = transfer.recorded;
  change(transfer, { recorded: { at, bytes: 0, runs: new Set() } });
}

/** Then it is `stopping`: its threads are to stop, and `then` follows. */
export function bringTo(transfer: Transfer, then: Ending): void {
  change(transfer, { phase: { kind: "stopping", then } });
}

/** Forgets all that has been fetched; the phase stays. */
export function beginAnew(transfer: Transfer, ask: Ask): void {
  const source = anew(transfer.source);
  const others = transfer.others
    .map((other) => ({ ...anew(other), answersIn: Infinity }));
  const none = { file: null, runs: [], done: [] };
  const not = { refused: false, unsynced: false };
  change(transfer, { ...none, ...not, edition: Symbol(), ask, source, others });
  forgotten(transfer);
}

/**
 * Its part is removed, and nothing is recorded of it: then it is `fetching`,
 * from the start, unless it was brought to another end meanwhile.
 */
export function restarted(transfer: Transfer, ask: Ask): void {
  beginAnew(transfer, ask);
  beginAgain(transfer);
}

/** Mirrors that were found, and are recorded by now, help from now on. */
export function helpedBy(transfer: Transfer): void {
  const { source, others, lost, download: { request } } = transfer;
  const known = [source, ...others, ...lost.map(({ source }) => source)];
  const found = createSources(request)
    .filter(({ key }) => known.every((one) => one.key !== key));
  change(transfer, { others: [...others, ...found] });
}

/** Whether a transfer begins anew after an ending. */
export function begins({ kind }: Ending): boolean {
  return kind === "restart" || kind === "describe";
}

/**
 * A document has said where the file is: then it is `fetching` from there, unless it
 * was brought to another end meanwhile.
 */
export function described(transfer: Transfer, rewording: Rewording): void {
  ask(transfer, rewording);
  change(transfer, {
    ...ledBy(createSources(transfer.download.request), null),
    lost: [],
    ...{ best: 0, failures: 0, crowded: 0, restarts: 0, notBefore: 0 },
    lastError: null,
  });
  restarted(transfer, "slices");
}

/**
 * A document has not said where the file is: then it is `fetching`, unless it was
 * brought to another end meanwhile.
 */
export function notDescribed(transfer: Transfer): void {
  beginAgain(transfer);
}

function beginAgain(transfer: Transfer): void {
  const { phase } = transfer;
  if (phase.kind === "stopping" && begins(phase.then)) goOn(transfer);
}

/** All bytes are there: then it is `finishing`. */
export function finish(transfer: Transfer): void {
  change(transfer, { phase: { kind: "finishing" } });
}

/**
 * Its file was not given a name after all: then it is `fetching`, unless it was
 * brought to an end meanwhile, as where its claim is lost.
 */
export function notFinished(transfer: Transfer): void {
  if (transfer.phase.kind === "finishing") goOn(transfer);
}

/**
 * The part file lacks some of what was written: then it is `verifying`, unless it
 * was brought to an end meanwhile.
 */
export function verifyAgain(transfer: Transfer): void {
  if (transfer.phase.kind !== "finishing") return;
  change(transfer, { phase: { kind: "verifying" } });
}

/**
 * Whether a thread has written its slice, and waits to be told whether it is to
 * take what follows, too: its answer goes on there.
 */
export function rests({ state, run, end, reach }: Thread): boolean {
  return state === "running" && run.end === end && reach > end;
}

/** All that is written, as it is to be recorded. */
export function runsOf({ runs, threads }: Transfer): Run[] {
  const running = threads.values().map(({ run }) => run)
    .filter(({ start, end }) => end > start);
  return [...runs, ...running];
}

/** Whether every byte of the file is there. */
export function isWhole({ file, done }: Transfer): boolean {
  return file?.size !== undefined && file.size !== null &&
    missing(file.size, done).length === 0;
}

/** How many bytes are still to come; 0 if that is not known. */
export function bytesLeft({ file, done }: Transfer): number {
  return Math.max(0, (file?.size ?? 0) - total(done));
}
