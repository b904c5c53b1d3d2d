/** Writes that share a transaction: each of its own would cost a sync. */

import type { DatabaseSync } from "node:sqlite";
import { stateError } from "./database.ts";

/** Milliseconds for which writes are gathered between transactions ... */
const GATHER = 20;
/** ... or this multiple of what the last one took, if that is longer. */
const GATHER_LONGER = 2;

/** Gathers writes to a database. */
export interface Batcher {
  /**
   * Has a write done with the next transaction; resolves once that is on disk.
   *
   * @throws {DownloadError} STATE or DISK_FULL: then none of the transaction's
   * writes is done.
   */
  write(run: () => void): Promise<void>;
  /** Has all gathered writes done now. */
  flush(): void;
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

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const batch = writes.splice(0);
    if (batch.length === 0) return;
    const start = performance.now();
    try {
      db.exec("BEGIN IMMEDIATE");
      for (const { run } of batch) run();
      db.exec("COMMIT");
      for (const { written } of batch) written.resolve();
    } catch (error) {
      undone();
      if (db.isOpen && db.isTransaction) db.exec("ROLLBACK");
      const failure = stateError(error);
      for (const { written } of batch) written.reject(failure);
    }
    const now = performance.now();
    due = now + Math.max(GATHER, GATHER_LONGER * (now - start));
  }

  return {
    write(run) {
      const written = Promise.withResolvers<void>();
      writes.push({ run, written });
      timer ??= setTimeout(flush, Math.max(0, due - performance.now()));
      return written.promise;
    },
    flush,
  };
}
