/** Part files that no download will go on from. */

import { removeIfThere } from "../files/names.ts";
import { parsePartName } from "./adoption.ts";
import type { Entry } from "./entry.ts";
import { fateOf } from "./withdrawals.ts";

/** Removes all part files of a download that is gone. */
export function removeParts(parts: string, id: string): void {
  for (const { name } of Deno.readDirSync(parts)) {
    if (name.startsWith(`${id}.`)) removeIfThere(`${parts}/${name}`);
  }
}

/**
 * Removes the part files that nothing is left to go on from.
 *
 * @param storage The id of the storage that they are on.
 * @param read Reads an entry as it is now.
 * @param watch Sees to the name that a part may have been given before a crash: it
 * is not recorded, and another storage may take the download over, or has.
 */
export async function removeLeftovers(
  parts: string,
  storage: string,
  read: (id: string) => Promise<Entry | null>,
  watch: (entry: Entry, path: string) => void,
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
        watch(entry, path);
      }
      if (isLeftover(entry, epoch, storage)) removeIfThere(path);
    }
  }
}

/**
 * Whether a part of a claim is of no use: its download is gone or finished, or
 * is to be fetched from where a later claim left it. Claims to come only look
 * for what this entry names, and for what is later.
 */
export function isLeftover(
  entry: Entry | null,
  epoch: number,
  storage: string,
): boolean {
  if (entry === null) return true;
  const { part, download: { state } } = entry;
  if (epoch > entry.epoch) return false;
  if (part === null) return entry.owner === null;
  return part.storage !== storage || epoch < part.epoch ||
    state.kind === "Downloaded";
}
