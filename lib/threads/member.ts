/** The members of the pool, which carry threads and do file tasks. */

import type { DownloadError } from "../download/errors.ts";
import { toRecord } from "../download/errors.ts";
import type {
  FileOrder,
  FileReport,
  FileTask,
  Outcome,
  SliceTask,
  ThreadEvent,
  ThreadOrder,
} from "./messages.ts";

/**
 * A worker, or the process itself, as the pool sees it. Disposing of it ends it
 * at once: its threads get no `ended`.
 */
export interface Member extends Disposable {
  /** The threads that it carries, by their numbers. */
  readonly threads: ReadonlySet<number>;
  /** How many threads it carries and file tasks it does. */
  load(): number;
  /** Starts a thread; its events follow, `ended` being the last. */
  fetch(task: SliceTask): void;
  /** Tells a thread that its slice ends earlier now. */
  bound(thread: number, end: number): void;
  /** Lets a thread read `bytes` more; Infinity for all. */
  grant(thread: number, bytes: number): void;
  /** Has a thread ask for leave to read from now on. */
  limit(thread: number): void;
  /** Asks a thread to stop; it has when its `ended` comes. */
  stop(thread: number): void;
  /** Closes the connections that lie idle, to whichever host. */
  trim(): void;
  /**
   * Does a file task.
   *
   * @throws {DownloadError} WORKER if the worker ends before the task does.
   */
  perform(task: FileTask): Promise<FileReport>;
}

/** The threads and file tasks of a member that have not come to their end. */
export interface Duties {
  readonly threads: Set<number>;
  /** A promise of each file task's report, by the task's id. */
  readonly tasks: Map<number, PromiseWithResolvers<FileReport>>;
  /** Takes in what the member reports. */
  hear(report: ThreadEvent | FileReport): void;
  /** Ends all threads and file tasks with an error: the member is gone. */
  fail(error: DownloadError): void;
}

/**
 * Makes the duties of a new member: none.
 *
 * @param onEvent Hears what its threads report.
 */
export function createDuties(onEvent: (event: ThreadEvent) => void): Duties {
  const threads: Duties["threads"] = new Set();
  const tasks: Duties["tasks"] = new Map();
  return {
    threads,
    tasks,
    hear(report) {
      if ("id" in report) {
        tasks.get(report.id)?.resolve(report);
        tasks.delete(report.id);
        return;
      }
      if (report.type === "ended") threads.delete(report.thread);
      onEvent(report);
    },
    fail(error) {
      for (const { reject } of tasks.values()) reject(error);
      for (const thread of threads) {
        const outcome: Outcome = { kind: "failed", error: toRecord(error) };
        onEvent({ type: "ended", thread, run: null, outcome, unread: 0 });
      }
    },
  };
}

/**
 * Makes a member.
 *
 * @param send Takes an order to where the threads run.
 * @param end Ends the member.
 */
export function createMember(
  { threads, tasks }: Duties,
  send: (order: ThreadOrder | FileOrder) => void,
  end: () => void,
): Member {
  let lastId = 0;
  return {
    threads,
    load: () => threads.size + tasks.size,
    fetch(task) {
      threads.add(task.thread);
      send({ type: "fetch", task });
    },
    bound: (thread, end) => send({ type: "bound", thread, end }),
    grant: (thread, bytes) => send({ type: "grant", thread, bytes }),
    limit: (thread) => send({ type: "limit", thread }),
    stop: (thread) => send({ type: "stop", thread }),
    trim: () => send({ type: "trim" }),
    perform(task) {
      const id = ++lastId;
      const waiting = Promise.withResolvers<FileReport>();
      tasks.set(id, waiting);
      send({ ...task, id });
      return waiting.promise;
    },
    [Symbol.dispose]: end,
  };
}
