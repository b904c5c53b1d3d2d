/** Does each transfer's jobs, one at a time, and brings it to its end. */

import { mayWrite } from "../base/write_until.ts";
import { type ErrorRecord, toRecord } from "../download/errors.ts";
import {
  askToStop,
  begins,
  bringTo,
  type Ending,
  type Phase,
  stuck,
  type Thread,
  type Transfer,
} from "../transfer/transfer.ts";
import { dueJob, type Job, type Tools } from "./jobs.ts";

/** What has come of a job. */
export type JobOutcome =
  | { readonly kind: "done" }
  /** The transfer has come to its end; null if that is a finished file. */
  | { readonly kind: "left"; readonly then: Ending | null }
  /** A job has failed while the transfer was to go on. */
  | { readonly kind: "failed"; readonly error: ErrorRecord };

/** Who does the transfers' jobs. */
export interface Driver {
  /** Does what is due for a transfer, if anything is. */
  drive(transfer: Transfer): void;
  /** Has a transfer's threads stop; `then` follows when they have. */
  bring(transfer: Transfer, then: Ending): void;
  /** Asks one thread to stop. */
  stopThread(thread: Thread): void;
  /**
   * Brings a transfer to an end, unless it comes to one by itself before.
   * Resolves when it has: to whether it is this one.
   */
  stop(transfer: Transfer, then: Ending): Promise<boolean>;
}

interface Stop {
  readonly then: Ending;
  /** Resolves to what the transfer came to; null if its file is there. */
  readonly over: PromiseWithResolvers<Ending | null>;
}

/**
 * Makes a driver.
 *
 * @param retryWait How long a transfer waits after a failed job, in
 * milliseconds.
 * @param onOutcome Hears what has come of each job.
 */
export function createDriver(
  tools: Tools,
  retryWait: number,
  onOutcome: (transfer: Transfer, outcome: JobOutcome) => void,
): Driver {
  /** Until when a transfer has no time for a job; Infinity during one. */
  const busyUntil = new Map<Transfer, number>();
  const stops = new Map<Transfer, Stop>();

  function stopThread(thread: Thread): void {
    askToStop(thread);
    tools.pool.stop(thread.number);
  }

  function bring(transfer: Transfer, then: Ending): void {
    bringTo(transfer, then);
    for (const thread of transfer.threads.values()) stopThread(thread);
  }

  function drive(transfer: Transfer): void {
    const asked = stops.get(transfer);
    if (asked && goesOn(transfer.phase)) bring(transfer, asked.then);
    // Held: what goes on is driven again when it may write.
    if (goesOn(transfer.phase) && !mayWrite(tools.writeUntil)) return;
    const now = performance.now();
    if ((busyUntil.get(transfer) ?? 0) > now) return;
    const job = dueJob(transfer, now);
    if (job !== null) work(transfer, job);
  }

  async function work(transfer: Transfer, job: Job): Promise<void> {
    busyUntil.set(transfer, Infinity);
    try {
      const done = await job(transfer, tools);
      busyUntil.delete(transfer);
      if (done === "leaves") return leave(transfer);
      drive(transfer);
      onOutcome(transfer, { kind: "done" });
    } catch (error) {
      busyUntil.set(transfer, performance.now() + retryWait);
      onOutcome(transfer, afterFailure(transfer, toRecord(error)));
    }
  }

  function afterFailure(transfer: Transfer, error: ErrorRecord): JobOutcome {
    const { phase, download: { id } } = transfer;
    if (phase.kind === "fetching" || phase.kind === "verifying") {
      return { kind: "failed", error };
    }
    stuck(transfer, error);
    tools.tell({ kind: "stuck", id, error });
    return { kind: "done" };
  }

  function leave(transfer: Transfer): void {
    const { phase } = transfer;
    const then = phase.kind === "stopping" ? phase.then : null;
    onOutcome(transfer, { kind: "left", then });
    stops.get(transfer)?.over.resolve(then);
    stops.delete(transfer);
  }

  return {
    drive,
    bring,
    stopThread,
    async stop(transfer, then) {
      const asked = stops.get(transfer) ??
        { then, over: Promise.withResolvers() };
      stops.set(transfer, asked);
      drive(transfer);
      return await asked.over.promise === then;
    },
  };
}

/** Whether a transfer comes to no end by itself, as it stands. */
function goesOn(phase: Phase): boolean {
  return phase.kind === "stopping"
    ? begins(phase.then)
    : phase.kind !== "finishing";
}
