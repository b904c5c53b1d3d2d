/**
 * Has a directory's own queue moved into the cluster's: by one server at a time,
 * and again until it is done.
 */

import { join } from "@std/path/join";
import type { Log } from "../base/log.ts";
import { toRecord } from "../download/errors.ts";
import { ownDirectory } from "../files/own_directory.ts";
import { openLock, takeLock } from "./locks.ts";
import { hasOwnQueue } from "./migration.ts";

/** How long to wait after the first move that fails, in milliseconds ... */
const AGAIN = 1_000;
/** ... and at most: it is twice as long each time, as entries are gone through. */
const MOST_AGAIN = 60_000;

/** What a queue is moved in with. */
export interface MoveInTools {
  readonly contentDirectory: string;
  readonly log: Log;
  /** Moves the queue in; it may have been begun before, here or elsewhere. */
  migrate(): Promise<void>;
}

/** A directory's own queue, on its way into the cluster's. */
export interface MoveIn extends Disposable {
  /**
   * Begins to move the queue in, if that is not begun; resolves once it was tried
   * for the first time. What fails is tried again later.
   */
  begin(): Promise<void>;
  /** Resolves once nothing is left to be moved in. */
  readonly done: Promise<void>;
}

/** Makes what moves a queue in, and has not begun yet. */
export function createMoveIn(
  { contentDirectory, log, migrate }: MoveInTools,
): MoveIn {
  const done = Promise.withResolvers<void>();
  const path = join(
    ownDirectory(contentDirectory),
    "cluster",
    "migration.lock",
  );
  let begun: Promise<void> | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new AbortController();
  let wait = AGAIN;
  /** What was said last, so that it is said once. */
  let said = "";

  /** Moves the queue in once no other server does, unless one has by then. */
  async function migrateAlone(): Promise<void> {
    using lock = await openLock(path);
    const isMine = await takeLock(lock, "alone", over.signal);
    if (isMine && hasOwnQueue(contentDirectory)) await migrate();
  }

  async function attempt(): Promise<void> {
    try {
      if (hasOwnQueue(contentDirectory)) await migrateAlone();
      if (!over.signal.aborted) done.resolve();
    } catch (error) {
      const { message } = toRecord(error);
      if (message !== said) log("not migrated", { message });
      said = message;
      if (!over.signal.aborted) timer = setTimeout(attempt, wait);
      wait = Math.min(2 * wait, MOST_AGAIN);
    }
  }

  return {
    begin: () => begun ??= attempt(),
    done: done.promise,
    [Symbol.dispose]() {
      over.abort();
      clearTimeout(timer);
    },
  };
}
