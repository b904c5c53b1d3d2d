/** Does each transfer's jobs, one at a time, and brings it to its end. */

import { type ErrorRecord, toRecord } from "../download/errors.ts";
import type { Ending, Phase, Thread, Transfer } from "../transfer/transfer.ts";
import { dueJob, type Job, type Tools } from "./jobs.ts";

/** What a driver works with, besides what jobs do. */
export interface DriverSurroundings extends Tools {
  /** How long a transfer waits after a failed job, in milliseconds. */
  readonly retryWait: number;
  stopThread(thread: Thread): void;
  /** A job has failed while the transfer was to go on. */
  failed(transfer: Transfer, error: ErrorRecord): void;
  /** A job is done, or has failed. */
  worked(transfer: Transfer): void;
  /** A transfer has come to its end. */
  left(transfer: Transfer): void;
}

/** Who does the transfers' jobs. */
export interface Driver {
  /** Does what is due for a transfer, if anything is. */
  drive(transfer: Transfer): void;
  /** Has a transfer's threads stop; `then` follows when they have. */
  bring(transfer: Transfer, then: Ending): void;
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

/** Makes a driver. */
export function createDriver(
  { retryWait, stopThread, failed, worked, left, ...tools }: DriverSurroundings,
): Driver {
  /** Until when a transfer has no time for a job; Infinity during one. */
  const busyUntil = new Map<Transfer, number>();
  const stops = new Map<Transfer, Stop>();

  function bring(transfer: Transfer, then: Ending): void {
    transfer.phase = { kind: "stopping", then };
    for (const thread of transfer.threads.values()) stopThread(thread);
  }

  function drive(transfer: Transfer): void {
    const asked = stops.get(transfer);
    if (asked && goesOn(transfer.phase)) bring(transfer, asked.then);
    const now = performance.now();
    if ((busyUntil.get(transfer) ?? 0) > now) return;
    const job = dueJob(transfer, now);
    if (job !== null) work(transfer, job);
  }

  async function work(transfer: Transfer, job: Job): Promise<void> {
    const { id } = transfer.download;
    busyUntil.set(transfer, Infinity);
    try {
      const done = await job(transfer, tools);
      busyUntil.delete(transfer);
      if (done === "leaves") leave(transfer);
      else drive(transfer);
    } catch (error) {
      busyUntil.set(transfer, performance.now() + retryWait);
      const record = toRecord(error);
      const { code, message } = record;
      const { kind } = transfer.phase;
      if (kind === "fetching" || kind === "verifying") failed(transfer, record);
      else {
        transfer.lastError = record;
        tools.log("job failed", { id, code, message });
      }
    }
    worked(transfer);
  }

  function leave(transfer: Transfer): void {
    const { phase } = transfer;
    left(transfer);
    stops.get(transfer)?.over
      .resolve(phase.kind === "stopping" ? phase.then : null);
    stops.delete(transfer);
  }

  return {
    drive,
    bring,
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
    ? phase.then.kind === "restart"
    : phase.kind !== "finishing";
}
