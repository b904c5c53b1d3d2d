/** The downloads that a `get` has not begun yet: those of each host in a line. */

import { type DownloadRequest, hostOf } from "../download/download.ts";

/** The lines of all hosts. */
export interface Lines {
  /** How many downloads have not begun yet. */
  readonly waiting: number;
  /**
   * The next one to begin: of the host with the fewest that have begun and not
   * ended, so that a host that is down does not hold up all others.
   */
  next(): DownloadRequest | null;
  /** A download that had begun has come to its end. */
  ended(request: DownloadRequest): void;
}

/** Makes the lines; of each host, and between hosts alike, the order stays. */
export function createLines(requests: readonly DownloadRequest[]): Lines {
  const lines = Map.groupBy(requests, hostOf);
  const begun = new Map<string, number>();
  let waiting = requests.length;

  function hostOfNext(): string | null {
    let [next, fewest]: [string | null, number] = [null, Infinity];
    for (const host of lines.keys()) {
      const count = begun.get(host) ?? 0;
      if (count < fewest) [next, fewest] = [host, count];
      if (fewest === 0) break;
    }
    return next;
  }

  function add(host: string, count: number): void {
    const sum = (begun.get(host) ?? 0) + count;
    if (sum > 0) begun.set(host, sum);
    else begun.delete(host);
  }

  return {
    get waiting() {
      return waiting;
    },
    next() {
      const host = hostOfNext();
      if (host === null) return null;
      const line = lines.get(host) ?? [];
      const request = line.shift();
      if (line.length === 0) lines.delete(host);
      if (request === undefined) return null;
      waiting--;
      add(host, 1);
      return request;
    },
    ended: (request) => add(hostOf(request), -1),
  };
}
