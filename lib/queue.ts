/** The front of the queue, read ahead and not read in vain. */

import { type Download, hostOf } from "./download.ts";
import type { Store } from "./store.ts";

/** How many downloads are read at once. */
const READ_AHEAD = 100;

/** What is to be taken up next. */
export interface Queue {
  /** Takes the first download that is at none of the full hosts, nor held. */
  next(fullHosts: readonly string[], held: Held): Download | null;
  /** There may be something new, or something may have changed. */
  reset(): void;
}

/** Downloads that must not be taken: they run, or a command is at them. */
export interface Held {
  ids(): string[];
  has(id: string): boolean;
}

/** Makes a queue of what `store` holds. */
export function createQueue(store: Store): Queue {
  /** It holds nothing but downloads at these hosts: no need to look. */
  let nothingBut: string | null = null;
  /** The next ones, as they are recorded. */
  let ahead: Download[] = [];

  function takeAhead(
    fullHosts: readonly string[],
    held: Held,
  ): Download | null {
    const index = ahead.findIndex(({ id, request }) =>
      !held.has(id) &&
      (fullHosts.length === 0 || !fullHosts.includes(hostOf(request)))
    );
    return index < 0 ? null : ahead.splice(index, 1)[0] ?? null;
  }

  return {
    next(fullHosts, held) {
      const asked = fullHosts.toSorted().join(" ");
      if (nothingBut === asked) return null;
      const waiting = takeAhead(fullHosts, held);
      if (waiting !== null) return waiting;
      ahead = store.next({ ids: held.ids(), hosts: fullHosts }, READ_AHEAD);
      const download = ahead.shift() ?? null;
      nothingBut = download === null ? asked : null;
      return download;
    },
    reset() {
      nothingBut = null;
      ahead = [];
    },
  };
}
