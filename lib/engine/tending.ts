/** What threads are told while they run: to go on, to end, to stop, to ask. */

import type { Pool } from "../threads/pool.ts";
import type { ThreadLimits } from "../transfer/assignment.ts";
import { idle, nextEnd, slowSource, straggler } from "../transfer/plan.ts";
import { bound, leaveAlone, type Transfer } from "../transfer/transfer.ts";
import type { Driver } from "./driver.ts";
import type { Grants } from "./grants.ts";
import type { Rates, Reader } from "./rates.ts";
import { readerOf } from "./thread_events.ts";

/** How long a source that is slow among others is left alone, in milliseconds. */
const SLOW_FOR = 60_000;

/** What transfers are tended with. */
export interface TendingTools {
  readonly driver: Driver;
  readonly limits: ThreadLimits;
  readonly pool: Pool;
}

/** Tells threads to go on or to stop, and sees to what else is due. */
export function tend(
  transfer: Transfer,
  { driver, limits, pool }: TendingTools,
): void {
  for (const thread of transfer.threads.values()) {
    const end = nextEnd(transfer, thread, limits);
    if (end === null) continue;
    bound(thread, end);
    pool.bound(thread.number, end);
  }
  for (const thread of idle(transfer)) driver.stopThread(thread);
  driver.drive(transfer);
}

/**
 * Has others fetch what threads and sources that are far behind would.
 *
 * @param now Milliseconds, by the steady clock.
 */
export function stopSlow(
  transfer: Transfer,
  now: number,
  { driver, limits }: Pick<TendingTools, "driver" | "limits">,
): void {
  if (limits.isHeld(transfer)) return;
  const thread = straggler(transfer, now);
  if (thread) driver.stopThread(thread);
  const slow = slowSource(transfer, now);
  if (slow === null) return;
  leaveAlone(transfer, slow, now + SLOW_FOR);
  for (const thread of transfer.threads.values()) {
    if (thread.source.key === slow.key) driver.stopThread(thread);
  }
}

/**
 * Limits of rates have changed. Threads that nothing has limited so far do not
 * know that they are to ask before they read.
 */
export function limitThreads(
  transfers: Iterable<Transfer>,
  { rates, pool, grants }: { rates: Rates; pool: Pool; grants: Grants },
): void {
  const readers = new Map<number, Reader>();
  for (const transfer of transfers) {
    for (const thread of transfer.threads.values()) {
      const reader = readerOf(transfer, thread);
      readers.set(thread.number, reader);
      if (rates.strictest(reader) !== null) pool.limit(thread.number);
    }
  }
  grants.changed(readers);
}
