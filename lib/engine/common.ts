/** What servers of a queue have together, and how much of it is this one's. */

import type { WriteUntil } from "../base/write_until.ts";
import { threadsByHost } from "../transfer/assignment.ts";
import type { Transfer } from "../transfer/transfer.ts";

/**
 * What all servers of a queue have together: downloads that run, threads at an
 * origin host, bytes a second in all and from a host.
 */
export type Common =
  | "downloads"
  | "rate"
  | `threads at ${string}`
  | `rate of ${string}`;

/** What a server may do that shares its queue with others. */
export interface Share {
  /** Until when it may write what it fetches. */
  readonly writeUntil: WriteUntil;
  /** How many of `all` that servers may have together are this one's. */
  partOf(what: Common, all: number): number;
}

/** How much of what all servers may have is this one's. */
export interface Portions {
  /** Of the downloads that run. */
  downloads(all: number): number;
  /** Of the threads at a host. */
  threadsAt(host: string, all: number): number;
  /** Of bytes a second from a host; from all of them, if it is null. */
  rate(host: string | null, all: number): number;
}

/** A server's portions: all there is, if it shares its queue with no other. */
export function portionsOf(share: Share | undefined): Portions {
  const of = (what: Common, all: number) => share?.partOf(what, all) ?? all;
  return {
    downloads: (all) => of("downloads", all),
    threadsAt: (host, all) => of(`threads at ${host}`, all),
    rate: (host, all) => of(host === null ? "rate" : `rate of ${host}`, all),
  };
}

/** What transfers want of what all servers have, and how much they have of it. */
export function wantsOf(transfers: readonly Transfer[]): Map<Common, number> {
  const running = transfers.filter(({ threads }) => threads.size > 0).length;
  const wanted = new Map<Common, number>();
  if (running > 0) wanted.set("downloads", running);
  if (transfers.length > 0) wanted.set("rate", 0);
  for (const [host, threads] of threadsByHost(transfers)) {
    wanted.set(`threads at ${host}`, threads);
    wanted.set(`rate of ${host}`, 0);
  }
  return wanted;
}
