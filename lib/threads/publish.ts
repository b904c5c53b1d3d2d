/** From part files to finished files: never is a file overwritten. */

import { join } from "@std/path/join";
import { DownloadError, toRecord } from "../errors.ts";
import { numbered } from "../origin/filename.ts";
import type {
  FinishedPart,
  Published,
  PublishJob,
  RemoveJob,
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
  { directory, sync, parts }: PublishJob,
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
  try {
    refuseUnlessWhole(part);
    if (sync) await syncData(part.path);
    return { kind: "named", path: link(part, directory) };
  } catch (error) {
    return { kind: "failed", error: toRecord(error) };
  }
}

/** What is called done must be: whoever may write here may have done so. */
function refuseUnlessWhole({ path, size }: FinishedPart): void {
  const part = Deno.lstatSync(path);
  if (part.isFile && part.size === size) return;
  throw new DownloadError(
    "PART_LOST",
    "The part file was changed by somebody else.",
  );
}

async function syncData(path: string): Promise<void> {
  using file = Deno.openSync(path, { read: true });
  await file.syncData();
}

/** `link` fails where the name is taken, and never follows or overwrites. */
function link({ path, name }: FinishedPart, directory: string): string {
  for (let number = 0;; number++) {
    const target = join(directory, numbered(name, number));
    try {
      Deno.linkSync(path, target);
      return target;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      if (isSameFile(path, target)) return target;
    }
  }
}

/** Whether `name` is another name of `part`. */
function isSameFile(part: string, name: string): boolean {
  const one = Deno.lstatSync(part);
  try {
    const other = Deno.lstatSync(name);
    return one.ino === other.ino && one.dev === other.dev && one.ino !== null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Removes part files whose names are recorded, those that are still there.
 *
 * @throws what the system says.
 */
export function removeParts({ paths }: RemoveJob): void {
  for (const path of paths) {
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
