/** Adds downloads to the queue of a cluster. */

import { within } from "../base/timers.ts";
import type { Download } from "../download/download.ts";
import { DownloadError } from "../download/errors.ts";
import type { Broker } from "./broker.ts";
import { CONFLICT } from "./outcomes.ts";
import { type Entry, newEntry } from "./entry.ts";
import { away } from "./writes.ts";

/** How long an added download may take to be seen in the copy, in milliseconds. */
const SEEN_WITHIN = 2_000;
/** Adds that are on their way to the broker at a time. */
const ADDING = 256;

/** What adds downloads, and waits until this server's copy has them. */
export interface ClusterAdditions {
  /**
   * Adds downloads.
   *
   * @param ids As {@linkcode Catalogue.add} says.
   * @throws {DownloadError} BAD_REQUEST if one is too large: then none is added.
   * @throws {DownloadError} STATE if no broker answers: they may have been added.
   */
  add(downloads: readonly Download[], ids?: "chosen"): Promise<void>;
  /** The copy shows a download. */
  seen(id: string): void;
}

/**
 * Makes what adds downloads.
 *
 * @param applied Takes in an entry that was written here.
 */
export function createClusterAdditions(
  broker: Pick<Broker, "find" | "isConnected" | "refuseTooLarge" | "write">,
  applied: (id: string, entry: Entry, revision: number) => Promise<void>,
): ClusterAdditions {
  const waiting = new Map<string, () => void>();

  /**
   * Writes a new entry; null if one of its id is on the list. A chosen id is looked
   * for first: several brokers do not all remember that they have refused one.
   */
  async function write(
    download: Download,
    ids?: "chosen",
  ): Promise<{ entry: Entry; revision: number } | null> {
    const key = `d.${download.id}`;
    let removed = 0;
    for (let isLookedFor = ids === "chosen";; isLookedFor = true) {
      if (isLookedFor) {
        const found = await broker.find(key);
        // An id that is there was made of the same key and the same request.
        if (found.kind === "there") return null;
        removed = found.kind === "removed" ? found.revision : 0;
      }
      // Each claim that was made before the removal was a revision of its own: none
      // had an epoch as high, so that no part of theirs is taken for one to come.
      const entry = newEntry(download, removed);
      try {
        return { entry, revision: await broker.write(key, entry, removed) };
      } catch (error) {
        if (error !== CONFLICT) throw error;
      }
    }
  }

  async function addOne(download: Download, ids?: "chosen"): Promise<void> {
    const { id } = download;
    const seen = Promise.withResolvers<void>();
    waiting.set(id, seen.resolve);
    try {
      const written = await write(download, ids);
      // What tells of it may be late, or may have come to its end. By its revision,
      // it has the same place in all copies.
      if (written !== null) applied(id, written.entry, written.revision);
      await within(SEEN_WITHIN, seen.promise);
    } finally {
      waiting.delete(id);
    }
  }

  return {
    async add(downloads, ids) {
      if (!broker.isConnected()) throw away();
      for (const one of downloads) broker.refuseTooLarge(newEntry(one));
      const rest = [...downloads];
      while (rest.length > 0) {
        const some = rest.splice(0, ADDING);
        await Promise.all(some.map((one) => addOne(one, ids))).catch(
          (error) => {
            throw new DownloadError(
              "STATE",
              "The queue's broker does not answer: it may have been added. Look " +
                "once it answers, before you add it again.",
              { cause: error },
            );
          },
        );
      }
    },
    seen: (id) => waiting.get(id)?.(),
  };
}
