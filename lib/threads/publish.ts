/** From part files to finished files: never is a file overwritten. */

import { DownloadError, toRecord } from "../download/errors.ts";
import {
  findNames,
  giveName,
  hasName,
  identityOf,
  removeIfThere,
} from "../files/names.ts";
import type {
  FinishedPart,
  Published,
  PublishTask,
  RemoveTask,
} from "./messages.ts";

/**
 * Gives finished part files their names, `name (1)` where that is taken. The
 * part files stay, as second links, until they are removed. Called again after
 * a crash, it finds the names that it gave.
 *
 * The bytes are on disk before the names are, and the names before this
 * returns. All at once: syncs that run together share most of their work.
 *
 * @throws what the system says if the names cannot be forced to disk.
 */
export async function publish(
  { directory, sync, parts }: PublishTask,
): Promise<Published[]> {
  const published = await Promise.all(
    parts.map((part) => publishOne(part, directory, sync)),
  );
  if (sync && published.some(({ kind }) => kind === "named")) {
    await syncData(directory);
  }
  return published;
}

async function publishOne(
  part: FinishedPart,
  directory: string,
  sync: boolean,
): Promise<Published> {
  const { path, name, verified } = part;
  try {
    const info = infoOfWhole(part);
    if (!verified && hasHoles(info)) return { kind: "holes" };
    if (sync) await syncData(path);
    const given = hasName(info) ? findNames(directory, [path]).get(path) : null;
    const named = given ?? giveName(path, directory, name);
    return { ...named, kind: "named", identity: identityOf(info) };
  } catch (error) {
    return { kind: "failed", error: toRecord(error) };
  }
}

/** Bytes; file systems keep the content of small files where no block counts. */
const BLOCK = 4096;

/**
 * Whether a file has fewer blocks than bytes. All bytes of a part are written,
 * zeros too: it was cut, and written to behind its end, or is compressed.
 */
function hasHoles({ size, blocks }: Deno.FileInfo): boolean {
  return blocks !== null && blocks * 512 <= size - BLOCK;
}

/**
 * What the system knows of a part.
 *
 * @throws {DownloadError} PART_LOST if it is not the whole file that was recorded:
 * other programs may write in this directory, too.
 */
function infoOfWhole({ path, size }: FinishedPart): Deno.FileInfo {
  const part = Deno.lstatSync(path);
  if (part.isFile && part.size === size) return part;
  throw new DownloadError(
    "PART_LOST",
    "The part file was changed by somebody else.",
  );
}

async function syncData(path: string): Promise<void> {
  using file = Deno.openSync(path, { read: true });
  await file.syncData();
}

/**
 * Removes part files whose names are recorded, those that are still there.
 *
 * @throws what the system says.
 */
export function removeParts({ paths }: RemoveTask): void {
  for (const path of paths) removeIfThere(path);
}
