/** Writes that share a transaction: each of its own would cost a sync. */

import type { DatabaseSync } from "node:sqlite";
import { isHeld, stateError } from "./database.ts";

/**
 * Milliseconds for which writes are gathered between transactions, or as long as
 * the last one took, if that is longer: all else has half of the time.
 */
const GATHER = 20;
/** How long writes wait while another process holds the state, in milliseconds ... */
const PATIENCE = 5_000;
/** ... and how often they are tried meanwhile: SQLite's own wait stops all else. */
const TRY_EVERY = 50;
/** How long the last writes wait for another process, in milliseconds. */
const LAST_PATIENCE = 2_000;

/** Gathers writes to a database. */
export interface Batcher {
  /**
   * Has a write done with the next transaction; resolves once that is on disk.
   *
   * @throws {DownloadError} STATE or DISK_FULL: then none of the transaction's
   * writes is done.
   */
  write(run: () => void): Promise<void>;
  /** Has all gathered writes done now; there are no more after them. */
  finish(): void;
}

interface Write {
  readonly run: () => void;
  readonly written: PromiseWithResolvers<void>;
}

/**
 * Makes a batcher.
 *
 * @param undone Called when a transaction was rolled back: what its writes
 * changed in memory does not hold.
 */
export function createBatcher(db: DatabaseSync, undone: () => void): Batcher {
  const writes: Write[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** When the next transaction may begin. */
  let due = -Infinity;
  /** Since when another process has held the state; null if none does. */
  let heldSince: number | null = null;
  db.exec("PRAGMA busy_timeout = 0");

  function flush(): void {
    timer = undefined;
    const start = performance.now();
    try {
      db.exec("BEGIN IMMEDIATE");
    } catch (error) {
      heldSince ??= start;
      if (isHeld(error) && start - heldSince < PATIENCE) {
        timer = setTimeout(flush, TRY_EVERY);
        return;
      }
      heldSince = null;
      return fail(writes.splice(0), error);
    }
    heldSince = null;
    const batch = writes.splice(0);
    try {
      for (const { run } of batch) run();
      db.exec("COMMIT");
      for (const { written } of batch) written.resolve();
    } catch (error) {
      fail(batch, error);
    }
    const now = performance.now();
    due = now + Math.max(GATHER, now - start);
  }

  function fail(batch: readonly Write[], error: unknown): void {
    undone();
    if (db.isOpen && db.isTransaction) db.exec("ROLLBACK");
    const failure = stateError(error);
    for (const { written } of batch) written.reject(failure);
  }

  return {
    write(run) {
      const written = Promise.withResolvers<void>();
      writes.push({ run, written });
      timer ??= setTimeout(flush, Math.max(0, due - performance.now()));
      return written.promise;
    },
    finish() {
      clearTimeout(timer);
      if (writes.length === 0) return;
      heldSince = -Infinity;
      db.exec(`PRAGMA busy_timeout = ${LAST_PATIENCE}`);
      flush();
    },
  };
}
