/** What was left by a program that was killed, set right by the next one. */

import { fromRecord, toRecord } from "../download/errors.ts";
import type { Tell } from "../download/events.ts";
import type { ContentDirectory } from "../files/content_directory.ts";
import type { Placed } from "../files/directories.ts";
import type { Catalogue } from "./catalogue.ts";
import { finishedAs } from "./named.ts";
import type { PartRecords } from "./part_records.ts";
import { finishRelocation } from "./relocation.ts";

/** What is set right, and with what. */
interface RecoveryTools {
  readonly parts: ContentDirectory;
  readonly catalogue: Catalogue;
  readonly records: PartRecords;
  /** Hears of part files that could not be removed. */
  readonly tell?: Tell;
}

/**
 * Records what was named but not recorded any more, ends moves of finished files,
 * and removes part files that nothing is recorded of.
 *
 * @throws {DownloadError} if the content directory or the state cannot be used.
 */
export async function recover(tools: RecoveryTools): Promise<void> {
  try {
    await recordNamed(tools);
    await removeOrphans(tools, await finishRelocations(tools));
  } catch (error) {
    const record = toRecord(error);
    // Only a mistake of ours is of use with its stack.
    throw record.code === "INTERNAL" ? error : fromRecord(record);
  }
}

async function recordNamed(
  { parts, catalogue }: RecoveryTools,
): Promise<void> {
  const all = parts.named((id) => placed(id, catalogue));
  await Promise.all(
    all.entries().map(async ([id, named]) => {
      const download = catalogue.get(id);
      if (download === null || download.state.kind === "Downloaded") return;
      await catalogue.settle(id, finishedAs(named, download.file));
    }),
  );
}

/**
 * The downloads whose finished file could not be given a name: the part is all
 * there is of it.
 */
async function finishRelocations(
  { parts, catalogue }: RecoveryTools,
): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  for (const id of parts.begun()) {
    const download = catalogue.get(id);
    if (download === null) continue;
    await finishRelocation(download, { parts, catalogue })
      .catch(() => held.add(id));
  }
  return held;
}

/** One that cannot be removed costs its room, and holds up no start. */
async function removeOrphans(
  { parts, catalogue, records, tell = () => {} }: RecoveryTools,
  held: ReadonlySet<string>,
): Promise<void> {
  for (const id of parts.begun()) {
    if (held.has(id) || records.runs(id).length > 0) continue;
    await parts.remove(placed(id, catalogue)).catch((error) =>
      tell({ kind: "leftover", id, error: toRecord(error) })
    );
  }
}

/** Which directory a download's file goes to. */
function placed(id: string, catalogue: Pick<Catalogue, "get">): Placed {
  return catalogue.get(id) ?? { id, request: {} };
}
