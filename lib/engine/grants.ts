/** Threads that wait for leave to read, and get it in turn. */

import type { Rates, Reader } from "./rates.ts";

/** Threads whose rates are limited; disposing of it ends all waits. */
export interface Grants extends Disposable {
  /** A thread has read what it might, and wants more. */
  wants(thread: number, reader: Reader): void;
  /** A thread has ended, with bytes left that it might have read. */
  ended(thread: number, reader: Reader, unread: number): void;
  /** Whether a download's threads have lately waited: they are not slow. */
  holds(id: string): boolean;
  /** Limits have changed: what bears on threads, those that wait among them. */
  changed(readers: ReadonlyMap<number, Reader>): void;
}

/** For how long a download counts as held after a wait, in milliseconds. */
const LATELY = 2_000;
/** Downloads whose waits are known: at one more, those of long ago go. */
const MOST_HELD = 256;

/**
 * Makes grants.
 *
 * @param give Lets a thread read a number of bytes more; Infinity for all.
 */
export function createGrants(
  rates: Rates,
  give: (thread: number, bytes: number) => void,
): Grants {
  /** In the order in which they get their turns. */
  const waiting = new Map<number, Reader>();
  /** When a thread of a download waited last. */
  const heldAt = new Map<string, number>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function serve(): void {
    clearTimeout(timer);
    timer = undefined;
    const now = performance.now();
    let soonest = Infinity;
    for (const [thread, reader] of waiting) {
      if (rates.strictest(reader) === null) {
        waiting.delete(thread);
        give(thread, Infinity);
        continue;
      }
      const drawn = rates.draw(reader, now);
      if (drawn.kind === "grant") {
        waiting.delete(thread);
        give(thread, drawn.bytes);
      } else {
        hold(reader.id, now);
        soonest = Math.min(soonest, drawn.milliseconds);
      }
    }
    if (soonest < Infinity) timer = setTimeout(serve, Math.ceil(soonest));
  }

  function hold(id: string, now: number): void {
    heldAt.set(id, now);
    if (heldAt.size <= MOST_HELD) return;
    for (const [other, at] of heldAt) {
      if (now - at > LATELY) heldAt.delete(other);
    }
  }

  return {
    wants(thread, reader) {
      waiting.set(thread, reader);
      serve();
    },
    ended(thread, reader, unread) {
      waiting.delete(thread);
      if (unread > 0) rates.giveBack(reader, unread);
    },
    holds(id) {
      const at = heldAt.get(id) ?? -Infinity;
      return performance.now() - at <= LATELY;
    },
    changed(readers) {
      for (const [thread, reader] of readers) {
        if (waiting.has(thread)) waiting.set(thread, reader);
      }
      serve();
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
