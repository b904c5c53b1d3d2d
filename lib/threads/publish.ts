/** From part files to finished files: never is a file overwritten. */

import {
  HELD,
  refuseLateWrites,
  type WriteUntil,
} from "../base/write_until.ts";
import { DownloadError, toRecord } from "../download/errors.ts";
import { findDirectory, makeDirectory, pathsTo } from "../files/directories.ts";
import { namingOf } from "../files/find_naming.ts";
import { removeIfThere } from "../files/names.ts";
import { syncDirectory, syncFile } from "../files/sync.ts";
import type {
  FinishedPart,
  Published,
  PublishTask,
  RemoveTask,
} from "./messages.ts";

/**
 * Gives finished part files their names, `name (1)` where that is taken. What
 * tells of the names stays until it is removed. Called again after a crash, it
 * finds the names that it gave.
 *
 * The bytes are on disk before the names are, and the names before this
 * returns. The parts are synced at the same time: the file system then shares
 * most of the work among them.
 *
 * @param writeUntil Until when names may be given; absent for always.
 * @throws what the system says if the names cannot be forced to disk.
 */
export async function publish(
  task: PublishTask,
  writeUntil?: WriteUntil,
): Promise<Published[]> {
  const { directory, sync, parts } = task;
  const published = await Promise.all(
    parts.map((part) => publishOne(part, task, writeUntil)),
  );
  if (!sync) return published;
  const named = parts.filter((_, n) => published[n]?.kind === "named");
  const changed = new Set(
    named.flatMap((part) => [directory, ...pathsTo(directory, part.directory)]),
  );
  await Promise.all(changed.values().map(syncDirectory));
  return published;
}

async function publishOne(
  part: FinishedPart,
  { directory, sync, remoteTime }: PublishTask,
  writeUntil: WriteUntil | undefined,
): Promise<Published> {
  const { path, name, size, verified, modified } = part;
  const naming = namingOf(part.naming);
  try {
    const found = findDirectory(directory, part.directory);
    const given = found === null
      ? undefined
      : naming.find(found, [path]).get(path);
    const whole = given?.path ?? path;
    // Before it is looked at: its time may be a part of its identity.
    if (remoteTime && modified !== null) setTime(whole, modified);
    const info = infoOfWhole(whole, size);
    if (!verified && hasHoles(info)) return { kind: "holes" };
    if (sync) {
      using file = Deno.openSync(whole, { read: true });
      const refusal = await syncFile(file);
      if (refusal !== null) return { kind: "unsynced", error: refusal };
    }
    refuseLateWrites(writeUntil);
    const named = given ?? await naming.give(
      path,
      makeDirectory(directory, part.directory),
      name,
      { sync },
    );
    return { ...named, kind: "named", identity: naming.identityOf(info) };
  } catch (error) {
    if (error === HELD) return { kind: "held" };
    return { kind: "failed", error: toRecord(error) };
  }
}

/**
 * Sets the time at which a file was modified, in milliseconds since the epoch.
 * A file system that cannot keep such a time has the file all the same.
 */
function setTime(path: string, modified: number): void {
  try {
    Deno.utimeSync(path, new Date(), new Date(modified));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw error;
  }
}

/**
 * Bytes that a file may lack in blocks: some file systems keep the content of
 * small files where no block is counted.
 */
const BLOCK = 4096;

/**
 * Whether a file's blocks hold fewer bytes than its size. All bytes of a part
 * are written, zeros too: such a part was truncated and then written to behind
 * its end, or the file system compresses it.
 */
function hasHoles({ size, blocks }: Deno.FileInfo): boolean {
  return blocks !== null && blocks * 512 <= size - BLOCK;
}

/**
 * The metadata of a part, or of the file that it became.
 *
 * @throws {DownloadError} PART_LOST if it is not the whole file that was recorded:
 * other programs may write in this directory, too.
 */
function infoOfWhole(path: string, size: number): Deno.FileInfo {
  const part = Deno.lstatSync(path);
  if (part.isFile && part.size === size) return part;
  throw new DownloadError(
    "PART_LOST",
    "The part file was changed by somebody else.",
  );
}

/**
 * Removes what told of names, as far as it is still there; these are recorded.
 *
 * @throws what the system says.
 */
export function removeParts({ paths }: RemoveTask): void {
  for (const path of paths) removeIfThere(path);
}
