/**
 * A download while it is being fetched: its threads, and what they have
 * written. Nothing here touches a clock, a socket, a file or a worker.
 */

import {
  type Download,
  type FileFacts,
  hostOf,
  type Pinned,
  type State,
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
import { NO_PACE, type Pace, paceAfter } from "./slice_length.ts";

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
  readonly slice: Range;
  /** Where it is to stop; comes down when its tail is taken over. */
  end: number;
  /** What it has written. */
  run: Run;
  readonly startedAt: number;
  /** The begin of the window that its speed is measured over. */
  since: Mark;
  next: Mark;
  /** Where redirects were known to lead when it was started. */
  readonly location: string | null;
  state: "running" | "stopping";
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

/** What is to be done when no thread runs any more. */
export type Ending =
  | { readonly kind: "settle"; readonly state: State }
  | { readonly kind: "restart"; readonly ask: Transfer["ask"] }
  | { readonly kind: "remove" }
  /** The server stops. */
  | { readonly kind: "leave" };

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
export interface Transfer {
  readonly download: Download;
  readonly host: string;
  phase: Phase;
  file: FileFacts | null;
  /** Whether to try for slices, or to ask for all at once. */
  ask: "slices" | "whole";
  /** Where redirects led from the download's URL. */
  location: string | null;
  /** The shortest wait for an answer, in milliseconds. */
  answersIn: number;
  pace: Pace;
  readonly threads: Map<number, Thread>;
  /** What threads that have ended wrote. */
  runs: Run[];
  /** What is written, merged. */
  done: Range[];
  /** Whether all of it has been read again since it was written. */
  verified: boolean;
  /** The most bytes there ever were: more is progress. */
  best: number;
  /** Attempts in a row that brought no progress. */
  failures: number;
  restarts: number;
  /** No thread starts before. */
  notBefore: number;
  lastError: ErrorRecord | null;
  recorded: Recorded;
}

/** Begins a transfer, with what an earlier one has left. */
export function createTransfer(
  download: Download,
  runs: readonly Run[],
  now: number,
): Transfer {
  const done = union(runs);
  return {
    download,
    host: hostOf(download.request),
    phase: { kind: runs.length > 0 ? "verifying" : "fetching" },
    file: runs.length > 0 ? download.file : null,
    ask: "slices",
    location: null,
    answersIn: Infinity,
    pace: NO_PACE,
    threads: new Map(),
    runs: [...runs],
    done,
    verified: false,
    best: total(done),
    failures: 0,
    restarts: 0,
    notBefore: 0,
    lastError: null,
    recorded: { at: now, bytes: total(done), runs: new Set(runs) },
  };
}

/** Forgets all that has been fetched. */
export function beginAnew(transfer: Transfer, ask: Transfer["ask"]): void {
  transfer.file = null;
  transfer.ask = ask;
  transfer.location = null;
  transfer.runs = [];
  transfer.done = [];
  transfer.recorded = { ...transfer.recorded, bytes: 0, runs: new Set() };
}

/** What answers must fit; null as long as there was none to pin. */
export function pinnedOf({ file }: Transfer): Pinned | null {
  const { size = null, validator = null } = file ?? {};
  return size !== null && validator !== null && file?.ranges
    ? { size, validator }
    : null;
}

/** What a new thread of a transfer is to do. */
export type Plan =
  /** The first request: range check, size and name, and bytes already. */
  | { readonly kind: "first"; readonly slice: Range | null }
  | { readonly kind: "slice"; readonly slice: Range }
  /** The tail of what another thread is fetching. */
  | { readonly kind: "steal"; readonly slice: Range; readonly from: Thread };

/** A thread has been started on a plan. */
export function begin(
  transfer: Transfer,
  plan: Plan,
  number: number,
  now: number,
): Thread {
  const slice = plan.slice ?? { start: 0, end: Infinity };
  if (plan.kind === "steal" && slice.start > plan.from.run.end) {
    plan.from.end = slice.start;
  }
  const mark = { at: now, position: slice.start };
  const thread: Thread = {
    number,
    slice,
    end: slice.end,
    run: { start: slice.start, end: slice.start, crc: 0 },
    startedAt: now,
    since: mark,
    next: mark,
    location: transfer.location,
    state: "running",
  };
  transfer.threads.set(number, thread);
  return thread;
}

/** The origin has answered a thread's request. */
export function gotAnswer(
  transfer: Transfer,
  { startedAt }: Thread,
  now: number,
): void {
  transfer.answersIn = Math.min(transfer.answersIn, now - startedAt);
}

/** A thread has written its run so far. */
export function wrote(
  transfer: Transfer,
  thread: Thread,
  run: Run,
  now: number,
): void {
  const { slice, startedAt } = thread;
  if (run.end === slice.end && thread.run.end < slice.end) {
    const length = slice.end - slice.start;
    const seconds = Math.max(1, now - startedAt) / 1000;
    transfer.pace = paceAfter(transfer.pace, length, length / seconds);
  }
  thread.run = run;
  if (now - thread.next.at >= RATE_WINDOW) {
    thread.since = thread.next;
    thread.next = { at: now, position: run.end };
  }
  transfer.done = insert(transfer.done, run);
  transfer.verified = false;
  // There is nothing left to wait for.
  if (isWhole(transfer)) transfer.notBefore = 0;
  // What still comes of a file that has changed is no progress of the new one.
  if (transfer.phase.kind === "stopping") return;
  const bytes = total(transfer.done);
  if (bytes <= transfer.best) return;
  transfer.best = bytes;
  transfer.failures = 0;
  transfer.lastError = null;
}

/** A thread has ended. What it wrote stays. */
export function end(transfer: Transfer, thread: Thread): void {
  transfer.threads.delete(thread.number);
  if (thread.run.end > thread.run.start) transfer.runs.push(thread.run);
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
