/**
 * Starts, feeds, stops and replaces the Web Workers that carry the threads; the
 * first of them, if so wished, are carried without one.
 */

import { afterStart, every } from "../base/timers.ts";
import { DownloadError, fromRecord, toRecord } from "../download/errors.ts";
import { createCarrier } from "./carrier.ts";
import type {
  DigestJob,
  JobOrder,
  JobReport,
  Order,
  Outcome,
  Published,
  PublishJob,
  RemoveJob,
  Report,
  SliceTask,
  ThreadEvent,
  ThreadOrder,
  WorkerSettings,
} from "./messages.ts";
import { createSharedTurns } from "./turns.ts";

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
export interface PoolOptions extends Omit<WorkerSettings, "turns"> {
  /** How many workers there are at most. */
  readonly workers: number;
  /** The one directory that workers may read and write. */
  readonly directory: string;
  /**
   * `prepared`: all workers are there before the first thread. `immediate`: the
   * first threads are carried by the process itself, with all that it may do; a
   * small file has come by the time that a worker would have started.
   */
  readonly begin: "prepared" | "immediate";
}

/**
 * Threads, spread over workers. A job rejects with its own error, or with
 * WORKER if the worker that had it is gone.
 */
export interface Pool {
  /** Starts a thread; its events follow, `ended` being the last. */
  fetch(task: SliceTask): void;
  /** Tells a thread that its slice ends earlier now. */
  shrink(thread: number, end: number): void;
  /** Asks a thread to stop; it has when its `ended` comes. */
  stop(thread: number): void;
  /** Reads ranges of a file; the digest of each. */
  digest(job: DigestJob): Promise<readonly string[]>;
  /** Gives finished part files their names; what has come of each. */
  publish(job: PublishJob): Promise<readonly Published[]>;
  /** Removes part files. */
  remove(job: RemoveJob): Promise<void>;
  /** Ends all workers at once. Threads still running get no `ended`. */
  close(): void;
}

type Waiting = PromiseWithResolvers<JobReport>;

/** A worker, or the process itself: it carries threads and does jobs. */
interface Member {
  readonly threads: Set<number>;
  readonly jobs: Map<number, Waiting>;
  tell(order: ThreadOrder | JobOrder): void;
}

interface WorkerMember extends Member {
  readonly worker: Worker;
  /** How many pings it has not answered; null until it has started. */
  pings: number | null;
  readonly startedAt: number;
  post(order: Order): void;
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
  const turns = createSharedTurns();
  let lastJob = 0;
  const checking = every(options.stallTimeout / MOST_PINGS, checkAll);

  const here = options.begin === "immediate" ? startHere() : null;
  const preparing = afterStart(() => {
    // What is small and near has come by now: other files will want workers.
    if (here !== null && here.threads.size > 0) startAll();
  });

  /** What is carried here is heard like a worker: never in the same turn. */
  function startHere(): Member & Disposable {
    let closed = false;
    const carrier = createCarrier({ ...options, turns }, (report) => {
      queueMicrotask(() => closed || hear(member, report));
    });
    const member: Member = {
      threads: new Set(),
      jobs: new Map(),
      tell: (order) => carrier.obey(order),
    };
    return {
      ...member,
      [Symbol.dispose]() {
        closed = true;
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
    const outbox: Order[] = [];
    /** All orders of a turn go in one message. */
    function post(order: Order): void {
      if (outbox.push(order) > 1) return;
      queueMicrotask(() => worker.postMessage(outbox.splice(0)));
    }
    const member: WorkerMember = {
      worker,
      post,
      tell: post,
      threads: new Set(),
      jobs: new Map(),
      pings: null,
      startedAt: performance.now(),
    };
    worker.onmessage = ({ data }: MessageEvent<readonly Report[]>) => {
      member.pings = 0;
      for (const report of data) hear(member, report);
    };
    worker.onerror = (event) => {
      // Unprevented, a worker's error would end the whole process.
      event.preventDefault();
      dismiss(member, `A worker failed: ${event.message}`);
    };
    members.add(member);
    const { caCerts, stallTimeout, allowPrivate } = options;
    const settings = { caCerts, stallTimeout, allowPrivate, turns };
    post({ type: "settings", settings });
    return member;
  }

  function startAll(): void {
    while (members.size < options.workers) start();
  }

  function hear(member: Member, report: Report): void {
    switch (report.type) {
      case "pong":
        return;
      case "digested":
      case "published":
      case "removed":
      case "job failed":
        member.jobs.get(report.id)?.resolve(report);
        member.jobs.delete(report.id);
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
      else member.post({ type: "ping" });
    }
  }

  /** The one with the least to do; a new one while there may be more. */
  function leastBusy(): WorkerMember {
    const least = [...members].sort((a, b) => load(a) - load(b))[0];
    const full = members.size >= options.workers;
    return least && (full || load(least) === 0) ? least : start();
  }

  /** Without a worker, only what may be small, and only a few at a time. */
  function memberFor(order: ThreadOrder | JobOrder): Member {
    if (here === null || members.size > 0) return leastBusy();
    const small = order.type === "fetch"
      ? order.task.pinned === null && here.threads.size < MOST_HERE
      : order.type !== "digest";
    return small ? here : leastBusy();
  }

  function memberOf(thread: number): Member | undefined {
    if (here?.threads.has(thread)) return here;
    return members.values().find((member) => member.threads.has(thread));
  }

  function work(order: JobOrder): Promise<JobReport> {
    const waiting: Waiting = Promise.withResolvers();
    const member = memberFor(order);
    member.jobs.set(order.id, waiting);
    member.tell(order);
    return waiting.promise;
  }

  // No download is to wait for its worker. And Deno panics where one is started
  // while no more files can be opened: a server has all before it has clients.
  if (here === null) startAll();
  return {
    fetch(task) {
      const order = { type: "fetch", task } as const;
      const member = memberFor(order);
      member.threads.add(task.thread);
      member.tell(order);
    },
    shrink(thread, end) {
      memberOf(thread)?.tell({ type: "shrink", thread, end });
    },
    stop(thread) {
      memberOf(thread)?.tell({ type: "stop", thread });
    },
    async digest(job) {
      const report = await work({ type: "digest", id: ++lastJob, job });
      if (report.type === "digested") return report.digests;
      throw failureOf(report);
    },
    async remove(job) {
      const report = await work({ type: "remove", id: ++lastJob, job });
      if (report.type !== "removed") throw failureOf(report);
    },
    async publish(job) {
      const report = await work({ type: "publish", id: ++lastJob, job });
      if (report.type === "published") return report.published;
      throw failureOf(report);
    },
    close() {
      checking[Symbol.dispose]();
      preparing[Symbol.dispose]();
      for (const { worker } of members) worker.terminate();
      members.clear();
      here?.[Symbol.dispose]();
    },
  };
}

function load({ threads, jobs }: Member): number {
  return threads.size + jobs.size;
}

function failureOf(report: JobReport): DownloadError {
  if (report.type === "job failed") return fromRecord(report.error);
  return new DownloadError("WORKER", "A worker mistook one job for another.");
}
