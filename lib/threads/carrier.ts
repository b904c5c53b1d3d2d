/** Carries threads and does file tasks, in a worker or in the process itself. */

import { together } from "../base/timers.ts";
import { HELD } from "../base/write_until.ts";
import { toRecord } from "../download/errors.ts";
import type { Run } from "../download/ranges.ts";
import { createAuthenticator } from "./authenticator.ts";
import { createBuffers, GATHERED_BYTES, READ_BYTES } from "./buffers.ts";
import { type Controls, createControls } from "./controls.ts";
import { createClients } from "./clients.ts";
import { fetchSlice, type WorkerResources } from "./fetch_slice.ts";
import type {
  FileOrder,
  FileReport,
  Outcome,
  SliceTask,
  ThreadEvent,
  ThreadOrder,
  WorkerSettings,
} from "./messages.ts";
import { publish, removeParts } from "./publish.ts";
import { createTurns } from "./turns.ts";

/** Carries threads and does file tasks; disposing of it stops the threads. */
export interface Carrier extends Disposable {
  obey(order: ThreadOrder | FileOrder): void;
}

/** How often threads report what they have written, in milliseconds. */
const TELL_EVERY = 100;

/** The reason for which a thread is aborted that was asked to stop. */
const STOPPED = new Error("The thread was stopped.");

/** Whether a thread was stopped, which is no failure. */
function isStop(reason: unknown): boolean {
  return reason === STOPPED || reason === HELD;
}

/**
 * Makes a carrier.
 *
 * @param tell Hears what threads report, `ended` being the last report of each,
 * and what has come of file tasks.
 */
export function createCarrier(
  settings: WorkerSettings,
  tell: (report: ThreadEvent | FileReport) => void,
): Carrier {
  const resources = openResources(settings);
  const threads = new Map<number, Controls>();

  async function run(task: SliceTask): Promise<void> {
    const { thread } = task;
    const end = task.slice?.end ?? Infinity;
    const controls = createControls(end, task.limited ? 0 : Infinity);
    const { control } = controls;
    threads.set(thread, controls);
    let told: Run | null = null;
    let outcome: Outcome = { kind: "done" };
    try {
      await fetchSlice(task, controls, {
        answered: (answered) => tell({ type: "answered", thread, answered }),
        described: (document) => tell({ type: "described", thread, document }),
        wrote() {
          const { written } = controls;
          if (written === null || written.end === told?.end) return;
          told = written;
          tell({ type: "wrote", thread, run: written });
        },
        wants: () => tell({ type: "wants", thread }),
      }, resources);
    } catch (error) {
      outcome = [error, control.signal.reason].some(isStop)
        ? { kind: "stopped" }
        : { kind: "failed", error: toRecord(error) };
    }
    threads.delete(thread);
    const { written: run, leave } = controls;
    const unread = leave === Infinity ? 0 : Math.max(0, leave);
    tell({ type: "ended", thread, run, outcome, unread });
  }

  async function perform(order: FileOrder): Promise<void> {
    const { id } = order;
    try {
      tell(await reportOf(order, settings, resources));
    } catch (error) {
      tell({ type: "failed", id, error: toRecord(error) });
    }
  }

  return {
    obey(order) {
      switch (order.type) {
        case "fetch":
          run(order.task);
          return;
        case "bound":
          threads.get(order.thread)?.bound(order.end);
          return;
        case "grant":
          threads.get(order.thread)?.grant(order.bytes);
          return;
        case "limit": {
          const controls = threads.get(order.thread);
          if (controls?.leave === Infinity) controls.leave = 0;
          return;
        }
        case "stop":
          threads.get(order.thread)?.control.abort(STOPPED);
          return;
        case "trim":
          resources.clients.trim();
          return;
        default:
          perform(order);
      }
    },
    [Symbol.dispose]() {
      for (const { control } of threads.values()) control.abort(STOPPED);
      resources.clients[Symbol.dispose]();
    },
  };
}

async function reportOf(
  order: FileOrder,
  { writeUntil }: WorkerSettings,
  resources: WorkerResources,
): Promise<FileReport> {
  const { id } = order;
  switch (order.type) {
    case "digest": {
      // Most workers read no file again, and node:crypto takes as long to load
      // as a worker does.
      const { digest } = await import("./digest.ts");
      return { type: "digested", id, digests: await digest(order.task) };
    }
    case "look": {
      // Few downloads ask for it.
      const { lookForChecksum } = await import("./look.ts");
      const found = await lookForChecksum(order.task, resources);
      return { type: "looked", id, found };
    }
    case "publish":
      return {
        type: "published",
        id,
        published: await publish(order.task, writeUntil),
      };
    case "remove":
      removeParts(order.task);
      return { type: "removed", id };
  }
}

function openResources(settings: WorkerSettings): WorkerResources {
  return {
    ...settings,
    clients: createClients(settings),
    reading: createBuffers(READ_BYTES),
    gathering: createBuffers(GATHERED_BYTES),
    turns: createTurns(settings.turns),
    nowAndThen: together(TELL_EVERY),
    authenticate: createAuthenticator(),
    manners: new Map(),
  };
}
