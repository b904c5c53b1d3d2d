/** The queue: who works on which download. */

import { type Download, hostOf } from "../download/download.ts";

/** How many downloads are read at once. */
const READ_AHEAD = 100;
/** How many are kept that wait for their hosts; the line has the others. */
const MOST_AHEAD = 4_000;
/** How many sets of hosts are remembered that nothing waits beside. */
const MOST_SETS = 64;

/**
 * The right to work on a download. Its holder alone writes the download's part
 * file and records.
 */
export interface Claim {
  /** The download as it was when it was claimed. */
  readonly download: Download;
  /** Aborted once the claim is lost: from then on, its holder writes nothing. */
  readonly lost: AbortSignal;
  /** Gives the right up, after everything is written. */
  release(): void;
}

/** What is to be worked on next. */
export interface Queue {
  /** Claims the first download that waits at none of the full hosts. */
  take(fullHosts: readonly string[]): Claim | null;
  /** Claims a download, wherever it stands; null if it is gone, or claimed. */
  claim(id: string): Claim | null | Promise<Claim | null>;
  /** Looks at the line anew: something was added, or stands otherwise now. */
  reset(): void;
}

/** The queue of one process, which asks nobody. */
export interface OwnQueue extends Queue {
  claim(id: string): Claim | null;
}

/** The downloads that stand in line, in their order. */
export interface Line {
  /** The ids of the first that wait at none of the full hosts. */
  waiting(fullHosts: Iterable<string>, limit: number): string[];
  get(id: string): Download | null;
}

/** A download that has been read and not taken. */
interface Waiting {
  readonly host: string;
  readonly download: Download;
}

/**
 * Makes the queue of one process: nothing but a release ends its claims.
 *
 * A host is full at one moment and not at the next. What was read for the one
 * is kept for the other: the line would be searched from its start.
 */
export function createQueue(line: Line): OwnQueue {
  const claimed = new Set<string>();
  /** In the order of the line, but for what was read past full hosts. */
  let ahead: Waiting[] = [];
  /** While all hosts of such a set are full, there is nothing to be read. */
  let nothingBut: (readonly string[])[] = [];

  function reset(): void {
    ahead = [];
    nothingBut = [];
  }

  function claim(download: Download): Claim {
    claimed.add(download.id);
    const { signal: lost } = new AbortController();
    return { download, lost, release: () => void claimed.delete(download.id) };
  }

  function takeAhead(full: ReadonlySet<string>): Claim | null {
    const index = ahead.findIndex(({ host, download }) =>
      !full.has(host) && !claimed.has(download.id)
    );
    const [first] = index < 0 ? [] : ahead.splice(index, 1);
    return first === undefined ? null : claim(first.download);
  }

  function read(full: ReadonlySet<string>): void {
    if (ahead.length > MOST_AHEAD) reset();
    const known = new Set(ahead.map(({ download }) => download.id));
    // The line has those, too, that are claimed or were read before.
    const limit = READ_AHEAD + claimed.size + known.size;
    const ids = line.waiting(full, limit);
    const fresh = ids.filter((id) => !claimed.has(id) && !known.has(id));
    for (const id of fresh.slice(0, READ_AHEAD)) {
      const download = line.get(id);
      if (download === null) continue;
      ahead.push({ host: hostOf(download.request), download });
    }
    if (fresh.length >= READ_AHEAD) return;
    nothingBut = [[...full], ...nothingBut.slice(0, MOST_SETS - 1)];
  }

  return {
    take(fullHosts) {
      const full = new Set(fullHosts);
      const waiting = takeAhead(full);
      if (waiting !== null) return waiting;
      const isRead = nothingBut.some((hosts) =>
        hosts.every((host) => full.has(host))
      );
      if (isRead) return null;
      read(full);
      return takeAhead(full);
    },
    claim(id) {
      const download = claimed.has(id) ? null : line.get(id);
      // Its holder may change it: what was read of it before is of no use.
      ahead = ahead.filter(({ download }) => download.id !== id);
      return download && claim(download);
    },
    reset,
  };
}
