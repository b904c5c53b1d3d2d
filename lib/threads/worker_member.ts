/** One Web Worker as a member of the pool, from its start to its end. */

import { DownloadError } from "../download/errors.ts";
import { createDuties, createMember, type Member } from "./member.ts";
import type { Order, Report, ThreadEvent, WorkerSettings } from "./messages.ts";

/** How many pings in a row a worker may leave unanswered. */
export const MOST_PINGS = 4;
/** A worker of the pool. */
export interface WorkerMember extends Member {
  /**
   * Pings the worker, or dismisses it if it has left {@linkcode MOST_PINGS} of
   * them unanswered.
   */
  check(): void;
}

/** What a worker is started with. */
export interface WorkerOptions {
  /** The module that it runs. */
  readonly code: URL;
  /** The one directory that it may read and write. */
  readonly directory: string;
  readonly settings: WorkerSettings;
  /** How long it may take to start, in milliseconds. */
  readonly startWithin: number;
}

/** Hears a worker. */
export interface WorkerListener {
  /** A thread of the worker has reported something. */
  onEvent(event: ThreadEvent): void;
  /**
   * The worker threw, ended itself or hung, and gets no more orders. Its
   * threads are reported as failed after this.
   */
  onDismissed(member: WorkerMember): void;
}

/** Starts a worker. */
export function startWorker(
  { code, directory, settings, startWithin }: WorkerOptions,
  { onEvent, onDismissed }: WorkerListener,
): WorkerMember {
  const worker = new Worker(code, {
    type: "module",
    name: "sluice",
    deno: { permissions: permissionsFor(directory) },
  });
  const post = createOutbox(worker);
  const duties = createDuties(onEvent);
  const startedAt = performance.now();
  /** How many pings it has not answered; null until it has started. */
  let pings: number | null = null;
  let over = false;

  function end(): void {
    over = true;
    worker.onmessage = null;
    worker.terminate();
  }

  function dismiss(message: string): void {
    if (over) return;
    end();
    onDismissed(member);
    duties.fail(new DownloadError("WORKER", message));
  }

  const member: WorkerMember = {
    ...createMember(duties, post, end),
    check() {
      const hangs = pings === null
        ? performance.now() - startedAt > startWithin
        : pings++ >= MOST_PINGS;
      if (hangs) dismiss("A worker hung, and was replaced.");
      else post({ type: "ping" });
    },
  };
  worker.onmessage = ({ data }: MessageEvent<readonly Report[]>) => {
    pings = 0;
    for (const report of data) {
      if (report.type !== "pong") duties.hear(report);
    }
  };
  worker.onerror = (event) => {
    // Unprevented, a worker's error would end the whole process.
    event.preventDefault();
    dismiss(`A worker failed: ${event.message}`);
  };
  post({ type: "settings", settings });
  return member;
}

/** The network, and the files of one directory. */
function permissionsFor(directory: string): Deno.PermissionOptionsObject {
  return {
    net: "inherit",
    read: [directory],
    write: [directory],
    env: false,
    ffi: false,
    import: false,
    run: false,
    sys: false,
  };
}

/** Posts orders to a worker: all orders of a turn go in one message. */
function createOutbox(worker: Worker): (order: Order) => void {
  const orders: Order[] = [];
  return (order) => {
    if (orders.push(order) > 1) return;
    queueMicrotask(() => worker.postMessage(orders.splice(0)));
  };
}
