/**
 * Starts, feeds, stops and replaces the Web Workers that carry the threads; the
 * first of them, if so wished, are carried without one.
 */

import { DownloadError, type ErrorRecord, toRecord } from "../errors.ts";
import { every } from "../every.ts";
import { createCarrier } from "./carrier.ts";
import type {
  DigestJob,
  Order,
  Outcome,
  Report,
  SliceTask,
  ThreadEvent,
  ThreadOrder,
  WorkerSettings,
} from "./messages.ts";

/** How many pings in a row a worker may leave unanswered. */
const MOST_PINGS = 4;
/** How long a worker may take to start, on a busy machine, in milliseconds. */
const START_WITHIN = 30_000;
/** How many threads the process itself carries at most. */
const MOST_HERE = 4;

/**
 * Settings of a pool. A worker that is silent for `stallTimeout` counts as
 * hung.
 */
export interface PoolOptions extends WorkerSettings {
  /** How many workers there are at most. */
  readonly workers: number;
  /** The one directory that workers may read and write. */
  readonly directory: string;
  /**
   * `prepared`: a worker is there before the first thread. `at once`: the first
   * threads are carried by the process itself, with all that it may do; a small
   * file has come by the time that a worker would have started.
   */
  readonly begin: "prepared" | "at once";
}

/** Threads, spread over workers that are started when they are needed. */
export interface Pool {
  /** Starts a thread; its events follow, `ended` being the last. */
  fetch(task: SliceTask): void;
  /** Tells a thread that its slice ends earlier now. */
  shrink(thread: number, end: number): void;
  /** Asks a thread to stop; it has when its `ended` comes. */
  stop(thread: number): void;
  /** Reads ranges of a file; the digest of each. */
  digest(job: DigestJob): Promise<readonly string[]>;
  /** Ends all workers at once. Threads still running get no `ended`. */
  close(): void;
}

type Waiting = PromiseWithResolvers<readonly string[]>;

/** Whoever carries threads. */
interface Member {
  readonly threads: Set<number>;
  tell(order: ThreadOrder): void;
}

interface WorkerMember extends Member {
  readonly worker: Worker;
  readonly jobs: Map<number, Waiting>;
  /** How many pings it has not answered; null until it has started. */
  pings: number | null;
  readonly startedAt: number;
}

/**
 * Makes a pool.
 *
 * @param code The module that workers run.
 * @param onEvent Hears all that threads report. A worker that throws, ends
 * itself or hangs is replaced, and its threads are reported as failed.
 */
export function createPool(
  options: PoolOptions,
  onEvent: (event: ThreadEvent) => void,
  code = new URL("./worker.ts", import.meta.url),
): Pool {
  const members = new Set<WorkerMember>();
  let lastJob = 0;
  const checking = every(options.stallTimeout / MOST_PINGS, checkAll);

  const here = options.begin === "at once" ? startHere() : null;

  /** What is carried here is heard like a worker: never in the same turn. */
  function startHere(): Member & Disposable {
    const threads = new Set<number>();
    const carrier = createCarrier(options, (event) => {
      queueMicrotask(() => {
        if (!threads.has(event.thread)) return;
        if (event.type === "ended") threads.delete(event.thread);
        onEvent(event);
      });
    });
    return {
      threads,
      tell: (order) => carrier.obey(order),
      [Symbol.dispose]() {
        threads.clear();
        carrier[Symbol.dispose]();
      },
    };
  }

  function start(): WorkerMember {
    const worker = new Worker(code, {
      type: "module",
      name: "sluice",
      deno: {
        permissions: {
          net: "inherit",
          read: [options.directory],
          write: [options.directory],
          env: false,
          ffi: false,
          import: false,
          run: false,
          sys: false,
        },
      },
    });
    const member: WorkerMember = {
      worker,
      tell: (order) => worker.postMessage(order),
      threads: new Set(),
      jobs: new Map(),
      pings: null,
      startedAt: performance.now(),
    };
    worker.onmessage = ({ data }: MessageEvent<readonly Report[]>) => {
      for (const report of data) hear(member, report);
    };
    worker.onerror = (event) => {
      // Unprevented, a worker's error would end the whole process.
      event.preventDefault();
      dismiss(member, `A worker failed: ${event.message}`);
    };
    members.add(member);
    const { caCerts, stallTimeout, allowPrivate } = options;
    const settings = { caCerts, stallTimeout, allowPrivate };
    post(member, { type: "settings", settings });
    return member;
  }

  function hear(member: WorkerMember, report: Report): void {
    member.pings = 0;
    switch (report.type) {
      case "pong":
        return;
      case "digested":
        take(member, report.id)?.resolve(report.digests);
        return;
      case "not digested":
        take(member, report.id)?.reject(fromRecord(report.error));
        return;
      case "ended":
        member.threads.delete(report.thread);
        onEvent(report);
        return;
      default:
        onEvent(report);
    }
  }

  function dismiss(member: WorkerMember, message: string): void {
    if (!members.delete(member)) return;
    member.worker.onmessage = null;
    member.worker.terminate();
    const error = new DownloadError("WORKER", message);
    for (const job of member.jobs.values()) job.reject(error);
    for (const thread of member.threads) {
      const outcome: Outcome = { kind: "failed", error: toRecord(error) };
      onEvent({ type: "ended", thread, run: null, outcome });
    }
  }

  function checkAll(): void {
    const latest = performance.now() - START_WITHIN;
    for (const member of members) {
      const hangs = member.pings === null
        ? member.startedAt < latest
        : member.pings++ >= MOST_PINGS;
      if (hangs) dismiss(member, "A worker hung, and was replaced.");
      else post(member, { type: "ping" });
    }
  }

  /** The one with the least to do; a new one while there may be more. */
  function leastBusy(): WorkerMember {
    const least = [...members].sort((a, b) => load(a) - load(b))[0];
    const full = members.size >= options.workers;
    return least && (full || load(least) === 0) ? least : start();
  }

  /** Without a worker, only what may be small, and only a few at a time. */
  function memberFor({ pinned }: SliceTask): Member {
    const without = here !== null && members.size === 0 && pinned === null &&
      here.threads.size < MOST_HERE;
    return without ? here : leastBusy();
  }

  function memberOf(thread: number): Member | undefined {
    if (here?.threads.has(thread)) return here;
    return members.values().find((member) => member.threads.has(thread));
  }

  // The first download is not to wait for its worker.
  if (here === null) start();
  return {
    fetch(task) {
      const member = memberFor(task);
      member.threads.add(task.thread);
      member.tell({ type: "fetch", task });
    },
    shrink(thread, end) {
      memberOf(thread)?.tell({ type: "shrink", thread, end });
    },
    stop(thread) {
      memberOf(thread)?.tell({ type: "stop", thread });
    },
    digest(job) {
      const waiting: Waiting = Promise.withResolvers();
      const member = leastBusy();
      const id = ++lastJob;
      member.jobs.set(id, waiting);
      post(member, { type: "digest", id, job });
      return waiting.promise;
    },
    close() {
      checking[Symbol.dispose]();
      for (const { worker } of members) worker.terminate();
      members.clear();
      here?.[Symbol.dispose]();
    },
  };
}

function post({ worker }: WorkerMember, order: Order): void {
  worker.postMessage(order);
}

function take({ jobs }: WorkerMember, id: number): Waiting | undefined {
  const waiting = jobs.get(id);
  jobs.delete(id);
  return waiting;
}

function load({ threads, jobs }: WorkerMember): number {
  return threads.size + jobs.size;
}

function fromRecord({ code, message, retryAfter }: ErrorRecord): DownloadError {
  return new DownloadError(code, message, { retryAfter });
}
