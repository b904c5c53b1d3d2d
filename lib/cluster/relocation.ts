/**
 * Moves finished files to other directories where servers share a storage. The
 * path that is recorded is one of the file's at every instant, and what a move
 * has left is removed under a claim. In this order:
 *
 * 1. A note beside the parts says which two paths the file may have.
 * 2. The file is linked to its new path: `name (1)` and so on where that is taken.
 * 3. The new path is recorded, if the claim is held still.
 * 4. The old path and the note are removed.
 *
 * What a server that died, was stopped or was cut leaves of it, the next claim on
 * the download removes: of the two paths, the one that is not recorded. A server
 * that was stopped in the middle of a removal may go on much later, when the file
 * has been moved back; so a name is moved aside first, and looked at there.
 */

import { basename } from "@std/path/basename";
import { resolve } from "@std/path/resolve";
import { errorMessage } from "../base/error_message.ts";
import { isObject } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { mayWrite, type WriteUntil } from "../base/write_until.ts";
import { placedIn } from "../download/download.ts";
import { link, links } from "../files/links.ts";
import {
  isSameFile,
  lstatIfThere,
  type Name,
  removeIfThere,
  takeName,
} from "../files/names.ts";
import { writePrivateFile } from "../files/own_directory.ts";
import type { DownloadParts } from "../files/parts.ts";
import { syncDirectorySync } from "../files/sync.ts";
import {
  belowIn,
  directoryOnDiskOf,
  fileGone,
  onOneDisk,
  syncDirectories,
} from "../files/relocating.ts";
import {
  asidePath,
  isOfMove,
  notePath,
  parsePartName,
  partPath,
} from "./adoption.ts";
import { relocatedAs } from "./entry.ts";
import type { Replica } from "./replica.ts";
import type { Finished } from "./withdrawals.ts";
import { away, type Holding, type Writes } from "./writes.ts";

/** What moves are noted with. */
interface NoteTools {
  /** The content directory. */
  readonly directory: string;
  /** The directory of part files. */
  readonly parts: string;
  /** Whether names are forced to disk before they count as there. */
  readonly sync: boolean;
  readonly log: Log;
}

/** What files are moved with. */
export interface RelocationTools extends NoteTools, Pick<Writes, "update"> {
  readonly files: Pick<DownloadParts, "look">;
  readonly replica: Pick<Replica, "recorded">;
  /** Until when this server may write, by its lease. */
  readonly writeUntil: WriteUntil;
}

/** The two paths that a file may have while it is moved. */
interface Move {
  readonly from: string;
  readonly to: string;
}

/**
 * Moves the file of a finished download that is claimed for a command.
 *
 * @param wanted The directory, below the content directory, safe; empty for itself.
 * @throws {DownloadError} FILE_GONE if the file is not there any more; DISK if it
 * cannot be moved there; STATE if the claim is lost, or no broker answers. Then its
 * recorded path is what it was, unless the broker took it and could not say so.
 */
export async function relocate(
  holding: Holding,
  finished: Finished,
  wanted: string,
  tools: RelocationTools,
): Promise<void> {
  const { directory, parts, files, log } = tools;
  const { path: from, identity } = finished;
  const { id } = holding;
  const home = belowIn(directory, resolve(from, ".."));
  if (home === null || files.look(from, identity) !== "there") {
    throw fileGone(from);
  }
  if (home === wanted) return;
  const target = directoryOnDiskOf(from, directory, wanted);
  const part = partPath(parts, id, holding.epoch);
  const { name, path: to } = await onOneDisk(() =>
    takeName(target, basename(from), ({ path }) => {
      writeNote(part, { from, to: path }, tools);
      if (!isHeld(holding, tools)) throw away();
      link(from, path);
    })
  );
  const move = { from, to };
  try {
    // Another file may have come to its path since it was looked at.
    if (files.look(to, identity) !== "there") throw fileGone(from);
    await syncDirectories(directory, wanted);
    await record(holding, finished, wanted, { name, path: to }, tools);
  } catch (error) {
    noteAgain(part, move, tools);
    throw error;
  }
  try {
    if (!isHeld(holding, tools)) return noteAgain(part, move, tools);
    await keepOnly(part, move, { ...finished, path: to }, tools);
    await syncDirectories(directory, home);
  } catch (error) {
    // The file has been moved; that it has its old name, too, is no failure of it.
    log("leftovers", { id, message: errorMessage(error) });
  }
}

/** Whether a claim is held, as far as this server can know. */
function isHeld(
  { lost }: Holding,
  { writeUntil }: Pick<RelocationTools, "writeUntil">,
): boolean {
  return !lost.signal.aborted && mayWrite(writeUntil);
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
  await shown;
}

/**
 * Removes what moves under earlier claims have left of a finished download. To be
 * done under a claim.
 *
 * @throws what the system says.
 */
export async function endEarlierMoves(
  { id, epoch, download: { state }, stored: { entry } }: Holding,
  tools: NoteTools,
): Promise<void> {
  if (state.kind !== "Downloaded") return;
  const failures: unknown[] = [];
  // A move is made under a later claim than that for which it was fetched.
  for (let earlier = entry.part?.epoch ?? 0; earlier < epoch; earlier++) {
    const part = partPath(tools.parts, id, earlier);
    await endMove(part, state, tools).catch((error) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

/**
 * Removes what moves have left of a download that is off the list. Which of its
 * names was recorded is not known any more: the old one stays.
 *
 * @throws what the system says.
 */
export async function endMovesOf(id: string, tools: NoteTools): Promise<void> {
  const { parts } = tools;
  for (const { name } of [...Deno.readDirSync(parts)]) {
    const named = isOfMove(name) ? parsePartName(name) : null;
    if (named?.id !== id) continue;
    await endMove(partPath(parts, id, named.epoch), null, tools);
  }
}

/** @param recorded The file that stays; null for that of the old name. */
async function endMove(
  part: string,
  recorded: Finished | null,
  tools: NoteTools,
): Promise<void> {
  const note = notePath(part);
  if (lstatIfThere(`${note}.new`) !== null) removeIfThere(`${note}.new`);
  const isNoted = lstatIfThere(note) !== null;
  const move = isNoted ? readNote(note, tools.directory) : null;
  if (move !== null) {
    const old = { kind: "Downloaded", path: move.from } as const;
    return await keepOnly(part, move, recorded ?? old, tools);
  }
  if (isNoted) removeIfThere(note);
  if (recorded === null || lstatIfThere(asidePath(part)) === null) return;
  const { path } = recorded;
  await keepOnly(part, { from: path, to: path }, recorded, tools);
}

/**
 * Of the names that a file has while it is moved, leaves the recorded one. The
 * note stays if that could not be said for sure: then the next claim looks again.
 */
async function keepOnly(
  part: string,
  move: Move,
  { path, identity }: Finished,
  tools: NoteTools,
): Promise<void> {
  const names = [move.from, move.to].filter((name) => name !== path);
  const aside = asidePath(part);
  // An earlier holder of the claim that goes on late may have taken it away.
  if (lstatIfThere(path) === null) {
    const other = [aside, ...names].find((name) => isOf(name, identity));
    if (other !== undefined) {
      noteAgain(part, move, tools);
      link(other, path);
    }
  }
  let isOver = await endAside(part, move.from, path);
  for (const name of names) {
    isOver = await removeName(part, name, path) && isOver;
  }
  if (isOver) removeIfThere(notePath(part));
  else noteAgain(part, move, tools);
}

/** Whether a path is of the file that an identity was recorded of. */
function isOf(path: string, identity: string | undefined): boolean {
  const info = lstatIfThere(path);
  return info !== null && identity !== undefined &&
    links.hasIdentity(info, identity);
}

/**
 * Removes a name of a file that has another one. Whatever has become of both since
 * they were looked at, no file loses its last name here, and no other file any.
 *
 * @returns Whether it is known to be gone, or another file's.
 */
async function removeName(
  part: string,
  name: string,
  keep: string,
): Promise<boolean> {
  if (!isSameFile(name, keep)) return true;
  try {
    Deno.renameSync(name, asidePath(part));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
  return await endAside(part, name, keep);
}

/**
 * What was moved aside goes if it has another name, and else goes back.
 *
 * @returns Whether it did not go back.
 */
async function endAside(
  part: string,
  name: string,
  keep: string,
): Promise<boolean> {
  const aside = asidePath(part);
  const info = lstatIfThere(aside);
  if (info === null) return true;
  const hasOther = (info.nlink ?? 1) > 1 && isSameFile(aside, keep);
  if (!hasOther) {
    const directory = resolve(name, "..");
    await takeName(directory, basename(name), ({ path }) => link(aside, path));
  }
  removeIfThere(aside);
  return hasOther;
}

/** A server that another one has overtaken may have lost its note by that. */
function noteAgain(part: string, move: Move, tools: NoteTools): void {
  try {
    if (lstatIfThere(notePath(part)) === null) writeNote(part, move, tools);
  } catch (error) {
    tools.log("leftovers", { message: errorMessage(error) });
  }
}

/** Servers may have the storage at different paths. */
function writeNote(
  part: string,
  { from, to }: Move,
  { directory, sync }: NoteTools,
): void {
  const note = notePath(part);
  const move = { from: belowIn(directory, from), to: belowIn(directory, to) };
  writePrivateFile(note, JSON.stringify(move), { sync });
  if (sync) syncDirectorySync(resolve(note, ".."));
}

/** Null if it is of no use: somebody else has written it, say. */
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
