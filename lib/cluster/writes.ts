/**
 * Writes what becomes of entries that this server has claimed: each change is
 * worked out from the entry as the broker has it, at the revision that it is
 * written against.
 */

import type { Log } from "../base/log.ts";
import type { Download, FileFacts } from "../download/download.ts";
import { DownloadError } from "../download/errors.ts";
import type { Run } from "../download/ranges.ts";
import type { Broker } from "./broker.ts";
import { CONFLICT } from "./outcomes.ts";
import type { Found } from "./bucket.ts";
import {
  type Entry,
  type Held,
  isGivenUp,
  isHeld,
  type Part,
} from "./entry.ts";
import type { Stored } from "./replica.ts";

/** What a claim is for. */
export type Purpose = "work" | "command";

/** A claim of this server, from its first write to its end. */
export interface Holding extends Held {
  readonly id: string;
  readonly purpose: Purpose;
  readonly lost: AbortController;
  /** The download as it was claimed, with what is left of its part. */
  download: Download;
  /** What of the part is good. */
  runs: readonly Run[];
  /** Whether this server has itself given the claim up. */
  over: boolean;
  /** What is recorded of the part by now. */
  file: FileFacts | null;
  bytes: number;
  part: Part | null;
  /** The entry as it was last written or read, and its revision. */
  stored: Stored;
}

/** What writes work with. */
export interface WritesTools {
  readonly broker: Pick<Broker, "write" | "read" | "find">;
  readonly log: Log;
  /** Takes in an entry that was written here. */
  applied(id: string, entry: Entry | null, revision: number): Promise<void>;
}

/** Reads and writes entries at the broker. */
export interface Writes {
  /** An entry as the broker has it; null if there is none. */
  read(id: string): Promise<Stored | null>;
  /** What the broker has of an entry: whether it was removed, or never there. */
  find(id: string): Promise<Found<Entry>>;
  /**
   * Writes what becomes of a claimed entry.
   *
   * @returns What resolves once the copy shows it.
   * @throws {DownloadError} STATE if the claim is lost, or nobody answers.
   */
  update(
    holding: Holding,
    next: (entry: Entry) => Entry | null,
  ): Promise<{ readonly shown: Promise<void> }>;
  /** Writes that a claim comes to its end, by what becomes of the entry. */
  end(
    holding: Holding,
    next: (entry: Entry) => Entry | null,
  ): Promise<void>;
  /** A claim is lost, unless this server itself has given it up. */
  lose(holding: Holding): void;
}

/** Makes writes. */
export function createWrites({ broker, log, applied }: WritesTools): Writes {
  function lose(holding: Holding): void {
    if (holding.over || holding.lost.signal.aborted) return;
    log("lost", { id: holding.id });
    holding.lost.abort();
  }

  async function update(
    holding: Holding,
    next: (entry: Entry) => Entry | null,
  ): Promise<{ readonly shown: Promise<void> }> {
    const { id } = holding;
    const done = { shown: Promise.resolve() };
    for (;;) {
      const { entry, revision } = holding.stored;
      const wanted = next(entry);
      try {
        const written = await broker.write(`d.${id}`, wanted, revision);
        if (wanted !== null) {
          holding.stored = { entry: wanted, revision: written };
        }
        return { shown: applied(id, wanted, written) };
      } catch (error) {
        if (error !== CONFLICT) throw error;
        const found = await read(id);
        // A try of this write whose answer was lost, and that was given up.
        if (isGivenUp(found?.entry ?? null, holding)) return done;
        if (found === null && wanted === null) return done;
        if (found === null || !isHeld(found.entry, holding)) {
          holding.over = false;
          lose(holding);
          throw new DownloadError(
            "STATE",
            "Another server has taken the download over.",
          );
        }
        holding.stored = found;
      }
    }
  }

  async function end(
    holding: Holding,
    next: (entry: Entry) => Entry | null,
  ): Promise<void> {
    // From here on, it is this server itself that gives the claim up.
    holding.over = true;
    try {
      const { shown } = await update(holding, next);
      await shown;
    } catch (error) {
      holding.over = false;
      throw error;
    }
  }

  async function read(id: string): Promise<Stored | null> {
    const found = await broker.read(`d.${id}`);
    return found === null
      ? null
      : { entry: found.value as Entry, revision: found.revision };
  }

  async function find(id: string): Promise<Found<Entry>> {
    return await broker.find(`d.${id}`) as Found<Entry>;
  }

  return { read, find, update, end, lose };
}

/** What a server says that has no lease, or whose broker is away. */
export function away(): DownloadError {
  return new DownloadError(
    "STATE",
    "The queue's broker cannot be reached: nothing was changed. Try again " +
      "once it is back.",
  );
}
