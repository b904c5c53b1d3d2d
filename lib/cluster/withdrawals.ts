/**
 * Files that have got their names here, and that the queue does not know of yet.
 * Where a server with another storage has taken such a download over, the file
 * loses its name again; on the same storage, the new owner finds the name.
 */

import type { State } from "../download/download.ts";
import type { DownloadParts } from "../files/parts.ts";
import type { Found } from "./bucket.ts";
import type { Entry } from "./entry.ts";

/** A download's end, with its file. */
export type Finished = Extract<State, { kind: "Downloaded" }>;

/** The files that may have to lose their names. */
export interface Withdrawals {
  /** A file has its name, and is about to be recorded. */
  named(id: string, finished: Finished): void;
  /** It is recorded. */
  recorded(id: string): void;
  /**
   * Looks what has become of all that nobody here works on any more; one whose
   * entry cannot be read is looked at again the next time.
   */
  look(): Promise<void>;
}

/** What withdrawals work with. */
export interface WithdrawalsTools {
  readonly files: Pick<DownloadParts, "look" | "removeFinished">;
  /** The id of this server's storage. */
  readonly storage: string;
  /** Finds what the broker has of an entry. */
  find(id: string): Promise<Found<Entry>>;
  /** Whether this server still has the claim under which it named a file. */
  isHeld(id: string): boolean;
}

/** Makes withdrawals: none. */
export function createWithdrawals(
  { files, storage, find, isHeld }: WithdrawalsTools,
): Withdrawals {
  const open = new Map<string, Finished>();

  async function lookAt(id: string, finished: Finished): Promise<void> {
    const fate = fateOf(await find(id), storage);
    if (fate === "open" || open.get(id) !== finished) return;
    open.delete(id);
    const { path, identity } = finished;
    if (fate === "lost" && files.look(path, identity) === "there") {
      await files.removeFinished(path);
    }
  }

  return {
    named: (id, finished) => void open.set(id, finished),
    recorded: (id) => void open.delete(id),
    async look() {
      for (const [id, finished] of open) {
        // Where it cannot be read or removed now, it is tried again.
        if (!isHeld(id)) await lookAt(id, finished).catch(() => {});
      }
    },
  };
}

/**
 * What becomes of a file that has its name here, by its download's entry: another
 * storage has the download, or it was removed; it is recorded; or either may come.
 * In a bucket that knows nothing of it, nobody else has it.
 */
export function fateOf(
  found: Found<Entry>,
  storage: string,
): "lost" | "kept" | "open" {
  if (found.kind === "removed") return "lost";
  if (found.kind === "unknown") return "kept";
  const { part, download: { state } } = found.value;
  if (part !== null && part.storage !== storage) return "lost";
  return state.kind === "Downloaded" ? "kept" : "open";
}
