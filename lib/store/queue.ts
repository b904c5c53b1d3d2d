/** The front of the queue, read ahead and not read in vain. */

import { type Download, hostOf } from "../download/download.ts";
import type { Store } from "./store.ts";

/** How many downloads are read at once. */
const READ_AHEAD = 100;
/** How many are kept that wait for their hosts; the store has the others. */
const MOST_AHEAD = 4_000;
/** How many sets of hosts are remembered that nothing waits beside. */
const MOST_SETS = 64;

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

/** A download that has been read and not taken. */
interface Waiting {
  readonly host: string;
  readonly download: Download;
}

/**
 * Makes a queue of what `store` holds.
 *
 * A host is full at one moment and not at the next. What was read for the one
 * is kept for the other: the store would search from the queue's start.
 */
export function createQueue(store: Store): Queue {
  /** In the order of the queue, but for what was read past full hosts. */
  let ahead: Waiting[] = [];
  /** While all hosts of such a set are full, there is nothing to be read. */
  let nothingBut: (readonly string[])[] = [];

  function reset(): void {
    ahead = [];
    nothingBut = [];
  }

  function takeAhead(full: ReadonlySet<string>, held: Held): Download | null {
    const index = ahead.findIndex(({ host, download }) =>
      !full.has(host) && !held.has(download.id)
    );
    const [first] = index < 0 ? [] : ahead.splice(index, 1);
    return first?.download ?? null;
  }

  function read(full: ReadonlySet<string>, held: Held): void {
    if (ahead.length > MOST_AHEAD) reset();
    const here = ahead.map(({ download }) => download.id);
    const except = { ids: [...held.ids(), ...here], hosts: full };
    const found = store.next(except, READ_AHEAD);
    for (const download of found) {
      ahead.push({ host: hostOf(download.request), download });
    }
    if (found.length === READ_AHEAD) return;
    nothingBut = [[...full], ...nothingBut.slice(0, MOST_SETS - 1)];
  }

  return {
    next(fullHosts, held) {
      const full = new Set(fullHosts);
      const waiting = takeAhead(full, held);
      if (waiting !== null) return waiting;
      const known = nothingBut.some((hosts) =>
        hosts.every((host) => full.has(host))
      );
      if (known) return null;
      read(full, held);
      return takeAhead(full, held);
    },
    reset,
  };
}
