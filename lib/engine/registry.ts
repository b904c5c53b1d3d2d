/** What an engine works on: its claims, their transfers, and all threads. */

import type { Claim } from "../store/queue.ts";
import type { Thread, Transfer } from "../transfer/transfer.ts";

/** A thread, and the transfer that it fetches for. */
export interface Carried {
  readonly transfer: Transfer;
  readonly thread: Thread;
}

/** The transfers of an engine. */
export interface Registry {
  get(id: string): Transfer | undefined;
  /** All transfers, in the order in which they were added. */
  all(): Iterable<Transfer>;
  add(transfer: Transfer, claim: Claim): void;
  /** Takes a transfer out, and hands over the claim on its download. */
  remove(transfer: Transfer): Claim | undefined;
  /** A thread has been started. */
  started(transfer: Transfer, thread: Thread): void;
  /** A thread has ended. */
  ended(thread: Thread): void;
  /** The thread of a number, while it runs. */
  carried(thread: number): Carried | undefined;
  /** How many threads run. */
  threads(): number;
}

/** Makes a registry without transfers. */
export function createRegistry(): Registry {
  const transfers = new Map<string, { transfer: Transfer; claim: Claim }>();
  const carried = new Map<number, Carried>();
  return {
    get: (id) => transfers.get(id)?.transfer,
    all: () => transfers.values().map(({ transfer }) => transfer),
    add(transfer, claim) {
      transfers.set(transfer.download.id, { transfer, claim });
    },
    remove({ download: { id } }) {
      const claim = transfers.get(id)?.claim;
      transfers.delete(id);
      return claim;
    },
    started(transfer, thread) {
      carried.set(thread.number, { transfer, thread });
    },
    ended: ({ number }) => void carried.delete(number),
    carried: (thread) => carried.get(thread),
    threads: () => carried.size,
  };
}
