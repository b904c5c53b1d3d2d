/**
 * What one more thread could do for a transfer, and which of its threads should
 * make way. Pure.
 */

import { missing, type Range, total, union } from "../download/ranges.ts";
import { nextLength } from "./slice_length.ts";
import type { Source } from "./source.ts";
import { cut, type Flight, steal } from "./slices.ts";
import { pinnedOf, sourcesInUse, waitsUntil } from "./sources.ts";
import {
  isWhole,
  type Plan,
  rests,
  type Thread,
  type Transfer,
} from "./transfer.ts";

/** An origin that answers within this time is near, in milliseconds. */
const NEAR = 50;
/** One that takes longer has to make its answers, or to be found, first. */
const SLOW_TO_ANSWER = 1_000;
/** Bytes. The first slice is not shortened below this for other threads. */
const WORTH_SHARING = 2 * 1024 * 1024;
/**
 * A tail is worth taking over if it would last longer than this, and than the
 * wait for an answer, in milliseconds.
 */
const WORTH_STEALING = 500;
/**
 * How long a thread's bytes are waited for, from its start and from its answer
 * on, before it is judged by its speed, in milliseconds.
 */
const TIME_TO_SPEED_UP = 300;
/** A thread is replaced if its peers are faster by this factor ... */
const FAR_SLOWER = 20;
/** ... and it is older than this and a wait for an answer, in milliseconds. */
const TIME_TO_SHOW = 5_000;
/**
 * A source loses its threads if those of another are faster by this factor: with
 * as many threads, it brings a ninth of all bytes at most.
 */
const SLOW_SOURCE = 8;
/** Before this age, a thread's rate is that of its first burst, in milliseconds. */
const RATE_KNOWN_AFTER = 1_000;

/**
 * Bytes of a slice at most, in a download that is to come from front to back: of
 * the bytes before the last written one, a thread then lacks at most one slice.
 */
const SEQUENTIAL_SLICE = 1024 * 1024;

/** What limits a plan. */
export interface PlanLimits {
  /** Bytes a slice has at most. */
  readonly bytesAmount: number;
  /** How many threads the transfer may count on, its own among them. */
  readonly threads: number;
  /** Whether a limit of rates holds its threads: help would bring nothing. */
  readonly held?: boolean;
}

/**
 * What one more thread could do now; null if there is nothing for it.
 *
 * @param source What it would ask; by default, the source that leads.
 */
export function plan(
  transfer: Transfer,
  { bytesAmount, threads, held = false }: PlanLimits,
  now: number,
  source = transfer.source,
): Plan | null {
  const { phase, download: { request } } = transfer;
  if (phase.kind !== "fetching" || waitsUntil(transfer, source) > now) {
    return null;
  }
  if (transfer.threads.size >= (request.threads ?? Infinity)) return null;
  const pinned = pinnedOf(transfer, source);
  if (pinned === null) {
    // Nothing proves that a second answer would be of the same file.
    if (transfer.threads.size > 0 || transfer.file !== null) return null;
    const slice = transfer.ask === "slices"
      ? { start: 0, end: bytesAmount }
      : null;
    return { kind: "first", slice };
  }
  const { gaps, share } = split(transfer, pinned.size, threads);
  const length = lengthOfNext(transfer, bytesAmount, source);
  const slice = cut(gaps, length, share);
  if (slice) return { kind: "slice", slice };
  const most = Math.min(share, bytesAmount);
  return held ? null : planSteal(transfer, most, now, source);
}

/** What nobody fetches, and each thread's share of all that is left, in bytes. */
function split(
  { threads, done, download: { request } }: Transfer,
  size: number,
  most: number,
): { gaps: Range[]; share: number } {
  const taken = [...threads.values()]
    .map(({ run, end }) => ({ start: run.end, end: Math.max(run.end, end) }));
  const gaps = missing(size, union([...done, ...taken]));
  const sharers = Math.min(most, request.threads ?? Infinity);
  const share = Math.ceil((total(gaps) + total(taken)) / sharers);
  return { gaps, share };
}

/**
 * Where a thread that rests is to stop next: what follows its slice is nobody's.
 * Where the origin refuses others, it goes on over what they have fetched, too,
 * to the next gap. Null if there is nothing that it is to go on with.
 */
export function nextEnd(
  transfer: Transfer,
  thread: Thread,
  { bytesAmount, threads }: PlanLimits,
): number | null {
  const pinned = pinnedOf(transfer);
  if (pinned === null || !rests(thread)) return null;
  if (transfer.phase.kind !== "fetching") return null;
  const { gaps, share } = split(transfer, pinned.size, threads);
  const gap = gaps.find(({ start }) => start >= thread.end);
  if (gap === undefined) return null;
  const between = { start: thread.end, end: gap.start };
  if (
    total([between]) > 0 && !(transfer.refused && isDone(transfer, between))
  ) {
    return null;
  }
  const slice = cut([gap], lengthOfNext(transfer, bytesAmount), share);
  return slice && Math.min(slice.end, thread.reach);
}

/** Whether all of a range is written. */
function isDone({ done }: Transfer, { start, end }: Range): boolean {
  return done.some((range) => range.start <= start && range.end >= end);
}

/**
 * How long the next slice may be. A far origin's are as long as they may be:
 * each wait for an answer would cost more than shorter ones could bring.
 */
function lengthOfNext(
  { threads, source, download: { request } }: Transfer,
  bytesAmount: number,
  { answersIn, pace } = source,
): number {
  if (request.order === "sequential") {
    return Math.min(bytesAmount, SEQUENTIAL_SLICE);
  }
  if (answersIn > NEAR) return bytesAmount;
  const lengths = threads.values().map(({ slice, end }) => end - slice.start);
  return nextLength(pace, bytesAmount, Math.max(0, ...lengths));
}

/**
 * Where the first slice is to end, now that the file is known: all of it was
 * asked for; Infinity if no second answer could be of the same file.
 *
 * @param limits Of which `threads` counts the first one, too.
 */
export function endOfFirst(
  transfer: Transfer,
  { bytesAmount, threads }: PlanLimits,
): number {
  const pinned = pinnedOf(transfer);
  if (pinned === null) return Infinity;
  const most = Math.min(threads, transfer.download.request.threads ?? Infinity);
  // Another answer would be waited for longer than most files last.
  if (most < 2 || waitOf(transfer) > SLOW_TO_ANSWER) return bytesAmount;
  const share = Math.ceil(pinned.size / most);
  const length = lengthOfNext(transfer, bytesAmount);
  const worth = Math.min(WORTH_SHARING, bytesAmount);
  return Math.max(worth, Math.min(share, length));
}

/** How long a further answer is likely to take, in milliseconds. */
function waitOf({ source }: Pick<Transfer, "source">): number {
  const { answersIn } = source;
  return Number.isFinite(answersIn) ? answersIn : 0;
}

function planSteal(
  transfer: Transfer,
  share: number,
  now: number,
  source: Source,
): Plan | null {
  const threads = [...transfer.threads.values()];
  const wait = waitOf({ source });
  const flights = threads
    .filter((thread) => !isDoubled(thread, threads))
    .filter(({ state, since, run, slice }) =>
      state === "running" &&
      (run.end > slice.start || now - since.at > TIME_TO_SPEED_UP + wait)
    )
    .map((thread) => ({ thread, ...flightOf(thread, now) }));
  const slowest = flights.reduce<(typeof flights)[number] | null>(
    (a, b) => a === null || timeLeft(b) > timeLeft(a) ? b : a,
    null,
  );
  const worth = Math.max(WORTH_STEALING, wait);
  if (slowest === null || timeLeft(slowest) < worth) return null;
  const usual = median(flights.map(({ rate }) => rate));
  const slice = steal(slowest, usual, share);
  return { kind: "steal", slice, from: slowest.thread };
}

/** Whether another thread fetches its rest, too: other slices end elsewhere. */
function isDoubled(thread: Thread, threads: readonly Thread[]): boolean {
  return threads.some((other) => other !== thread && other.end === thread.end);
}

/** What is left of a thread's slice, and its speed in bytes per second. */
function flightOf({ run, end, since }: Thread, now: number): Flight {
  const seconds = Math.max(1, now - since.at) / 1000;
  return {
    rest: { start: run.end, end },
    rate: (run.end - since.position) / seconds,
  };
}

/** Milliseconds; Infinity for a thread that has nothing yet. */
function timeLeft({ rest, rate }: Flight): number {
  return rest.end <= rest.start ? 0 : (rest.end - rest.start) / rate * 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/**
 * Threads that fetch nothing any more that is not there already. One that rests
 * is kept until its origin has answered as often as threads ask it, and the thread
 * behind it has shown that it gets its slice; or, where the origin refuses others,
 * to the end.
 */
export function idle(transfer: Transfer): Thread[] {
  const threads = [...transfer.threads.values()];
  return threads.filter((thread) => {
    const { run, end, state } = thread;
    if (state === "stopping") return false;
    if (isLost(transfer, thread)) return true;
    if (end === Infinity) return false;
    if (!isDone(transfer, { start: run.end, end })) return false;
    if (!rests(thread) || isWhole(transfer)) return true;
    const unproven = threads.some(({ slice, run }) =>
      slice.start === end && run.end === end
    );
    return !transfer.refused && !unproven && hasAnsweredAll(transfer, thread);
  });
}

/**
 * Whether a thread's source has answered as often as threads ask it: a link that is
 * good for a few requests may still be refused to the others before that.
 */
function hasAnsweredAll(
  { threads, source }: Transfer,
  { source: { key } }: Thread,
): boolean {
  if (source.key !== key) return true;
  const asking = threads.values()
    .filter((thread) => thread.source.key === key).toArray();
  return source.answers >= asking.length;
}

/** Whether a thread's source has failed for good meanwhile. */
function isLost({ lost }: Transfer, { source: { key } }: Thread): boolean {
  return lost.some(({ source }) => source.key === key);
}

/**
 * The thread, if any, so far behind its peers that a new one would win. One that
 * rests is not behind: it has its slice.
 */
export function straggler(transfer: Transfer, now: number): Thread | null {
  const { threads } = transfer;
  if (threads.size < 3) return null;
  const age = TIME_TO_SHOW + waitOf(transfer);
  const rates = [...threads.values()]
    .map((thread) => ({ thread, rate: flightOf(thread, now).rate }));
  const usual = median(rates.map(({ rate }) => rate));
  return rates.find(({ thread, rate }) =>
    thread.state !== "stopping" && !rests(thread) &&
    now - thread.startedAt > age && rate * FAR_SLOWER < usual
  )?.thread ?? null;
}

/**
 * The source, if any, whose threads have shown that another's are faster by far:
 * in its place, they had better be there.
 */
export function slowSource(transfer: Transfer, now: number): Source | null {
  const sources = sourcesInUse(transfer);
  if (sources.length < 2) return null;
  const all = sources.map((source) => {
    const age = TIME_TO_SHOW + waitOf({ source });
    const shown = ratesOf(transfer, source, now, age);
    const whole = source.pace.rates.filter((rate) => rate !== undefined);
    const some = ratesOf(transfer, source, now, RATE_KNOWN_AFTER);
    return {
      source,
      rate: shown.length === 0 ? Infinity : median(shown),
      best: Math.max(median(some), ...whole),
    };
  });
  return all.find((one) =>
    all.some((other) => other !== one && one.rate * SLOW_SOURCE < other.best)
  )?.source ?? null;
}

/** How fast the threads are at a source that are older than `age` milliseconds. */
function ratesOf(
  { threads }: Transfer,
  { key }: Source,
  now: number,
  age: number,
): number[] {
  return threads.values()
    .filter((thread) =>
      thread.source.key === key && thread.state === "running" &&
      !rests(thread) && now - thread.startedAt > age
    )
    .map((thread) => flightOf(thread, now).rate).toArray();
}
