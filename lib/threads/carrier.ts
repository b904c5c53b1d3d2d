/** Carries threads, and does jobs, in a worker or in the process itself. */

import { together } from "../base/timers.ts";
import { toRecord } from "../download/errors.ts";
import type { Run } from "../download/ranges.ts";
import { createBuffers, GATHERED_BYTES, READ_BYTES } from "./buffers.ts";
import { type Controls, fetchSlice, type Surroundings } from "./fetch_slice.ts";
import type {
  JobOrder,
  JobReport,
  Outcome,
  SliceTask,
  ThreadEvent,
  ThreadOrder,
  WorkerSettings,
} from "./messages.ts";
import { publish, removeParts } from "./publish.ts";
import { createTurns } from "./turns.ts";

/** Carries threads and does jobs; disposing of it stops the threads. */
export interface Carrier extends Disposable {
  obey(order: ThreadOrder | JobOrder): void;
}

/** How often threads tell what they have written, in milliseconds. */
const TELL_EVERY = 100;

/** Why a thread ends that has been asked to. */
const STOPPED = new Error("The thread was stopped.");

/**
 * Makes a carrier.
 *
 * @param tell Hears what threads say, `ended` being the last of each, and what
 * has come of jobs.
 */
export function createCarrier(
  settings: WorkerSettings,
  tell: (report: ThreadEvent | JobReport) => void,
): Carrier {
  const surroundings = surroundingsFrom(settings);
  const threads = new Map<number, Controls>();

  async function run(task: SliceTask): Promise<void> {
    const { thread } = task;
    const control = new AbortController();
    const controls: Controls = { end: Infinity, written: null, control };
    threads.set(thread, controls);
    let told: Run | null = null;
    let outcome: Outcome = { kind: "done" };
    try {
      await fetchSlice(task, controls, {
        answered: (answered) => tell({ type: "answered", thread, answered }),
        wrote() {
          const { written } = controls;
          if (written === null || written.end === told?.end) return;
          told = written;
          tell({ type: "wrote", thread, run: written });
        },
      }, surroundings);
    } catch (error) {
      outcome = control.signal.reason === STOPPED
        ? { kind: "stopped" }
        : { kind: "failed", error: toRecord(error) };
    }
    threads.delete(thread);
    tell({ type: "ended", thread, run: controls.written, outcome });
  }

  async function work(order: JobOrder): Promise<void> {
    const { id } = order;
    try {
      tell(await reportOf(order));
    } catch (error) {
      tell({ type: "job failed", id, error: toRecord(error) });
    }
  }

  return {
    obey(order) {
      switch (order.type) {
        case "fetch":
          run(order.task);
          return;
        case "shrink": {
          const thread = threads.get(order.thread);
          if (thread) thread.end = Math.min(thread.end, order.end);
          return;
        }
        case "stop":
          threads.get(order.thread)?.control.abort(STOPPED);
          return;
        default:
          work(order);
      }
    },
    [Symbol.dispose]() {
      for (const { control } of threads.values()) control.abort(STOPPED);
      surroundings.client.close();
    },
  };
}

async function reportOf(order: JobOrder): Promise<JobReport> {
  const { id } = order;
  switch (order.type) {
    case "digest": {
      // Most never need it, and it takes as long to load as a worker.
      const { digest } = await import("./digest.ts");
      return { type: "digested", id, digests: await digest(order.job) };
    }
    case "publish":
      return { type: "published", id, published: await publish(order.job) };
    case "remove":
      removeParts(order.job);
      return { type: "removed", id };
  }
}

function surroundingsFrom(
  { caCerts, stallTimeout, allowPrivate, turns }: WorkerSettings,
): Surroundings {
  return {
    // Over HTTP/2 all threads of a worker would share one connection.
    client: Deno.createHttpClient({
      http1: true,
      http2: false,
      caCerts: [...caCerts],
      // Of IPv6, Deno can deny no ranges, nor IPv4 in disguise, and a name may
      // lead anywhere. From an address of IPv4, only IPv4 can be reached.
      ...(allowPrivate ? {} : { localAddress: "0.0.0.0" }),
    }),
    reading: createBuffers(READ_BYTES),
    gathering: createBuffers(GATHERED_BYTES),
    turns: createTurns(turns),
    nowAndThen: together(TELL_EVERY),
    stallTimeout,
    allowPrivate,
  };
}
