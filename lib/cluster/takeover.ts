/** Makes what earlier claims left of a download this server's own. */

import { errorMessage } from "../base/error_message.ts";
import type { Log } from "../base/log.ts";
import type { FileFacts } from "../download/download.ts";
import { findDirectory } from "../files/directories.ts";
import type { Naming } from "../files/naming.ts";
import type { Settled } from "../store/catalogue.ts";
import { finishedAs } from "../store/named.ts";
import {
  type Adopted,
  bytesOf,
  copyAway,
  partPath,
  removePart,
  takeOver,
} from "./adoption.ts";
import { opened, type Place } from "./entry.ts";
import { endEarlierMoves } from "./relocation.ts";
import type { Holding, Writes } from "./writes.ts";

/** What a takeover works with. */
export interface TakeoverTools extends Pick<Writes, "update"> {
  readonly place: Place;
  /** The content directory. */
  readonly directory: string;
  /** The directory of part files. */
  readonly parts: string;
  readonly naming: Naming;
  /** Whether files are forced to disk before they count as there. */
  readonly sync: boolean;
  readonly log: Log;
  /** Records that a claimed download has come to rest. */
  settle(holding: Holding, settled: Settled): Promise<void>;
}

/**
 * Makes a function that takes over what is left of a claimed download's part. It
 * resolves to `finished` if a file has its name already, and is recorded then.
 */
export function createTakeover(
  tools: TakeoverTools,
): (holding: Holding) => Promise<"held" | "finished"> {
  const { place, parts, log } = tools;

  async function adopt(holding: Holding): Promise<"held" | "finished"> {
    const { id, epoch, purpose, stored: { entry } } = holding;
    const { part, download: { state } } = entry;
    const isHere = part?.storage === place.storage;
    if (state.kind === "Downloaded") {
      // Its part is a file by now, which stays where it is.
      if (isHere) {
        await endEarlierMoves(holding, tools).catch((error) => {
          log("leftovers", { id, message: errorMessage(error) });
        });
      }
      return "held";
    }
    const start = performance.now();
    const isNew = part === null || part.epoch === epoch;
    // A bucket that is gone may have had a claim of this id and epoch.
    if (isNew && purpose === "work") removePart(partPath(parts, id, epoch));
    let adopted: Adopted = { kind: "nothing" };
    let kind: "new" | "own" | "left" | "named" = "new";
    if (isHere && !isNew) {
      adopted = takeOver(parts, id, { from: part.epoch, epoch });
      const isOpen = !part.closed && part.node !== place.node;
      kind = isOpen ? "left" : "own";
      if (adopted.kind === "named") {
        if (await finishNamed(holding, adopted.record)) return "finished";
        removePart(partPath(parts, id, epoch));
        adopted = { kind: "nothing" };
      }
      if (adopted.kind === "left" && isOpen && purpose === "work") {
        const path = partPath(parts, id, epoch);
        adopted = await copyAway(path, adopted.record, tools);
      }
    }
    const left = adopted.kind === "left" ? adopted.record : null;
    if (purpose === "work" || isHere) {
      holding.runs = left?.runs ?? [];
      holding.file = left?.file ?? null;
      holding.bytes = left === null ? 0 : bytesOf(left);
      const { file, bytes } = holding;
      holding.download = { ...holding.download, file, downloaded: bytes };
    }
    if (purpose === "command") {
      // Its part may still be written to: only who fetches it copies that.
      if (isHere) holding.part = left && { ...part, epoch };
      return "held";
    }
    holding.part = { ...place, epoch, closed: false };
    // Before a byte is written: from now on, the part is looked for from here on.
    if (!isNew || part === null) {
      await tools.update(holding, (entry) => opened(entry, place));
    }
    log("adopted", {
      ...{ id, epoch, kind: left === null ? "new" : kind },
      bytes: holding.bytes,
      ms: Math.round(performance.now() - start),
    });
    return "held";
  }

  /** Records a file that an earlier claim has named; false if it is not found. */
  async function finishNamed(
    holding: Holding,
    record: { readonly file: FileFacts } | null,
  ): Promise<boolean> {
    const { id, epoch, download } = holding;
    const path = partPath(parts, id, epoch);
    const directory = findDirectory(
      tools.directory,
      download.request.directory,
    );
    const named = directory === null
      ? undefined
      : tools.naming.find(directory, [path]).get(path);
    if (named === undefined) return false;
    holding.part = { ...place, epoch, closed: true };
    await tools.settle(
      holding,
      finishedAs(named, record?.file ?? download.file),
    );
    removePart(path);
    log("adopted", { id, epoch, kind: "named", bytes: named.size, ms: 0 });
    return true;
  }

  return adopt;
}
