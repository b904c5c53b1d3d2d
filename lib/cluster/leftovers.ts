/** Part files that no download will go on from. */

import { removeIfThere } from "../files/names.ts";
import { isNote, parsePartName } from "./adoption.ts";
import type { Entry } from "./entry.ts";
import type { Known } from "./replica.ts";
import { fateOf } from "./withdrawals.ts";

/** Names of files that a crash has left. */
export interface LeftNames {
  /**
   * A part may have been given its name: another storage may take the download
   * over, or has.
   */
  named(entry: Entry, path: string): void;
  /** A finished file may have two names: it was about to be moved. */
  moved(id: string): void;
}

/**
 * Removes the part files that nothing is left to go on from.
 *
 * @param storage The id of the storage that they are on.
 * @param read Reads an entry as it is now.
 * @param watch What sees to names that were given, and are not recorded.
 */
export async function removeLeftovers(
  parts: string,
  storage: string,
  read: (id: string) => Promise<Entry | null>,
  watch: LeftNames,
): Promise<void> {
  const byId = Map.groupBy(
    [...Deno.readDirSync(parts)].map(({ name }) => name),
    (name) => parsePartName(name)?.id ?? "",
  );
  for (const [id, names] of byId) {
    if (id === "") continue;
    const entry = await read(id);
    for (const name of names) {
      const epoch = parsePartName(name)?.epoch ?? 0;
      const path = `${parts}/${name}`;
      if (entry !== null && fateOf(entry, storage) !== "kept") {
        watch.named(entry, path);
      }
      if (isNote(name) && entry?.download.state.kind === "Downloaded") {
        watch.moved(id);
        continue;
      }
      if (isLeftover(entry && knownOf(entry), epoch, storage)) {
        removeIfThere(path);
      }
    }
  }
}

/** What of an entry tells whether a part is of use. */
export type Concern = Pick<Known, "epoch" | "owner" | "part" | "state">;

function knownOf({ epoch, owner, part, download: { state } }: Entry): Concern {
  return { epoch, owner, part, state: state.kind };
}

/**
 * The same of some downloads alone, by what is known of them: what is heard
 * later makes no part of use again.
 */
export function removeLeftoversOf(
  ids: ReadonlySet<string>,
  parts: string,
  storage: string,
  known: (id: string) => Concern | undefined,
): void {
  for (const { name } of Deno.readDirSync(parts)) {
    const { id, epoch } = parsePartName(name) ?? { id: "", epoch: 0 };
    if (!ids.has(id)) continue;
    if (isLeftover(known(id) ?? null, epoch, storage)) {
      removeIfThere(`${parts}/${name}`);
    }
  }
}

/**
 * Whether a part of a claim is of no use: its download is gone or finished, or
 * is to be fetched from where a later claim left it. Claims to come only look
 * for what this entry names, and for what is later.
 */
export function isLeftover(
  entry: Concern | null,
  epoch: number,
  storage: string,
): boolean {
  if (entry === null) return true;
  const { part, owner, state } = entry;
  if (epoch > entry.epoch) return false;
  if (part === null) return owner === null;
  return part.storage !== storage || epoch < part.epoch ||
    state === "Downloaded";
}
