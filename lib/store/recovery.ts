/** What was left by a program that was killed, set right by the next one. */

import type { ContentDirectory } from "../files/content_directory.ts";
import type { Placed } from "../files/directories.ts";
import type { Catalogue } from "./catalogue.ts";
import { finishedAs } from "./named.ts";
import type { PartRecords } from "./part_records.ts";
import { finishRelocation } from "./relocation.ts";

/**
 * Records what was named but not recorded any more, ends moves of finished files,
 * and removes part files that nothing is recorded of.
 */
export async function recover(
  { parts, catalogue, records }: {
    parts: ContentDirectory;
    catalogue: Catalogue;
    records: PartRecords;
  },
): Promise<void> {
  const place = (id: string): Placed =>
    catalogue.get(id) ?? { id, request: {} };
  const all = parts.named(place);
  await Promise.all(
    all.entries().map(async ([id, named]) => {
      const download = catalogue.get(id);
      if (download === null || download.state.kind === "Downloaded") return;
      await catalogue.settle(id, finishedAs(named, download.file));
    }),
  );
  /** Finished files that could not be given a name: the part is all there is. */
  const held = new Set<string>();
  for (const id of parts.begun()) {
    const download = catalogue.get(id);
    if (download === null) continue;
    await finishRelocation(download, { parts, catalogue })
      .catch(() => held.add(id));
  }
  await parts.removeOrphans(
    (id) => held.has(id) || records.runs(id).length > 0,
    place,
  );
}
