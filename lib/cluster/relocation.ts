/**
 * Moves finished files to other directories where servers share a storage. The
 * path that is recorded is one of the file's at every instant, and what a move
 * has left is only ever removed under a claim. In this order:
 *
 * 1. A note beside the parts says which two paths the file may have.
 * 2. The file is linked to its new path: `name (1)` and so on where that is taken.
 * 3. The new path is recorded, if the claim is held still.
 * 4. The old path and the note are removed.
 *
 * What a server that died, was stopped or was cut leaves of it, the next claim on
 * the download removes: of the two paths, the one that is not recorded.
 */

import { basename } from "@std/path/basename";
import { resolve } from "@std/path/resolve";
import { isObject } from "../base/json.ts";
import { mayWrite, type WriteUntil } from "../base/write_until.ts";
import { placedIn } from "../download/download.ts";
import {
  belowIn,
  directoryOnDiskOf,
  fileGone,
  onOneDisk,
  syncDirectories,
} from "../files/relocating.ts";
import {
  lstatIfThere,
  type Name,
  removeIfThere,
  takeName,
} from "../files/names.ts";
import { PRIVATE_FILE } from "../files/own_directory.ts";
import type { DownloadParts } from "../files/parts.ts";
import { notePath, partPath } from "./adoption.ts";
import { relocatedAs } from "./entry.ts";
import type { Replica } from "./replica.ts";
import type { Finished } from "./withdrawals.ts";
import { away, type Holding, type Writes } from "./writes.ts";

/** What files are moved with. */
export interface RelocationTools extends Pick<Writes, "update"> {
  /** The content directory. */
  readonly directory: string;
  /** The directory of part files. */
  readonly parts: string;
  readonly files: Pick<DownloadParts, "look">;
  readonly replica: Pick<Replica, "recorded">;
  /** Until when this server may write, by its lease. */
  readonly writeUntil: WriteUntil;
}

/** The two paths that a file may have while it is moved, from the content directory. */
interface Move {
  readonly from: string;
  readonly to: string;
}

/**
 * Moves the file of a finished download that is claimed for a command.
 *
 * @param wanted The directory, below the content directory, safe; empty for itself.
 * @throws {DownloadError} FILE_GONE if the file is not there any more; DISK if it
 * cannot be moved there; STATE if the claim is lost, or no broker answers. Then it
 * stays where it is recorded to be.
 */
export async function relocate(
  holding: Holding,
  finished: Finished,
  wanted: string,
  tools: RelocationTools,
): Promise<void> {
  const { directory, parts, files, writeUntil } = tools;
  const { path: from, identity } = finished;
  const home = belowIn(directory, resolve(from, ".."));
  if (home === null || files.look(from, identity) !== "there") {
    throw fileGone(from);
  }
  if (home === wanted) return;
  const target = directoryOnDiskOf(from, directory, wanted);
  const note = notePath(partPath(parts, holding.id, holding.epoch));
  const { name, path: to } = await onOneDisk(() =>
    takeName(target, basename(from), ({ path }) => {
      writeNote(note, directory, { from, to: path });
      if (!mayWrite(writeUntil)) throw away();
      Deno.linkSync(from, path);
    })
  );
  try {
    // Another file may have come to its path since it was looked at.
    if (files.look(to, identity) !== "there") throw fileGone(from);
    await syncDirectories(directory, wanted);
    await record(holding, finished, wanted, { name, path: to }, tools);
  } catch (error) {
    // A server that was stopped before it linked it may have lost its note since.
    writeNote(note, directory, { from, to });
    throw error;
  }
  // Later, another claim may have been made: what is left is its to remove.
  if (!mayWrite(writeUntil)) return;
  removeIfSame(from, to);
  removeIfThere(note);
  await syncDirectories(directory, home);
}

async function record(
  holding: Holding,
  finished: Finished,
  wanted: string,
  { name, path }: Name,
  { replica, update }: RelocationTools,
): Promise<void> {
  const state = replica.recorded({ ...finished, path });
  const placed = placedIn(wanted);
  const { shown } = await update(
    holding,
    (entry) => relocatedAs(entry, state, name, placed),
  );
  holding.file &&= { ...holding.file, name };
  await shown;
}

/**
 * Removes what moves under earlier claims have left of a finished download. To be
 * done under a claim: nobody else names or moves the file meanwhile.
 *
 * @throws what the system says.
 */
export function endEarlierMoves(
  { id, epoch, download: { state } }: Holding,
  { parts, directory }: Pick<RelocationTools, "parts" | "directory">,
): void {
  if (state.kind !== "Downloaded") return;
  const { path } = state;
  for (let earlier = 0; earlier < epoch; earlier++) {
    const note = notePath(partPath(parts, id, earlier));
    if (lstatIfThere(note) === null) continue;
    const move = readNote(note, directory);
    for (const name of move === null ? [] : [move.from, move.to]) {
      if (name !== path) removeIfSame(name, path);
    }
    removeIfThere(note);
  }
}

/** Removes a name of a file that has another one. */
function removeIfSame(path: string, other: string): void {
  const [one, same] = [lstatIfThere(path), lstatIfThere(other)];
  if (one === null || same === null) return;
  if (one.ino === same.ino && one.dev === same.dev) removeIfThere(path);
}

/** Servers may have the storage at different paths. */
function writeNote(note: string, directory: string, { from, to }: Move): void {
  const move = { from: belowIn(directory, from), to: belowIn(directory, to) };
  Deno.writeTextFileSync(note, JSON.stringify(move), { mode: PRIVATE_FILE });
}

/** Null if it cannot be of use: a crash came while it was written, say. */
function readNote(note: string, directory: string): Move | null {
  try {
    const move: unknown = JSON.parse(Deno.readTextFileSync(note));
    if (!isObject(move)) return null;
    const { from, to } = move;
    if (typeof from !== "string" || typeof to !== "string") return null;
    const found = {
      from: resolve(directory, from),
      to: resolve(directory, to),
    };
    const isInside = Object.values(found)
      .every((path) => belowIn(directory, path) !== null);
    return isInside ? found : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
