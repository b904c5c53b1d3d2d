/**
 * Sluice's own directory in a content directory. It is its owner's alone, as
 * URLs and headers may hold secrets. Parts in it have the modes that new files
 * of the user have, since a part becomes the user's file.
 */

import { join } from "@std/path/join";
import { errorMessage } from "../base/error_message.ts";
import { writeAllSync } from "../base/write_all.ts";
import { DownloadError } from "../download/errors.ts";

/** The mode of directories that only their owner may enter. */
export const PRIVATE_DIRECTORY = 0o700;
/** The mode of files that only their owner may read. */
export const PRIVATE_FILE = 0o600;

/** The path of Sluice's own directory in a content directory. */
export function ownDirectory(contentDirectory: string): string {
  return join(contentDirectory, ".sluice");
}

/**
 * Makes Sluice's own directory, and the content directory if there is none. One
 * that was made with another mode is taken from all others.
 *
 * @returns Whether it is its owner's alone. It cannot be where another user owns
 * it, or the file system knows no modes.
 * @throws what the system says if it cannot be made.
 */
export function makeOwnDirectory(contentDirectory: string): boolean {
  const own = ownDirectory(contentDirectory);
  try {
    makeDirectory(own);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.mkdirSync(contentDirectory, { recursive: true });
    makeDirectory(own);
  }
  return takeFromOthers(own, PRIVATE_DIRECTORY);
}

function makeDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { mode: PRIVATE_DIRECTORY });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/**
 * Makes a file that only its owner may read, or takes it from all others if it
 * is there already.
 *
 * @returns Whether it is its owner's alone.
 * @throws what the system says if it cannot be made.
 */
export function makePrivateFile(path: string): boolean {
  Deno.openSync(path, { write: true, create: true, mode: PRIVATE_FILE })
    .close();
  return takeFromOthers(path, PRIVATE_FILE);
}

/** Like {@linkcode makePrivateFile}, for a file that may not be there. */
export function takeFileFromOthers(path: string): boolean {
  try {
    return takeFromOthers(path, PRIVATE_FILE);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

function takeFromOthers(path: string, mode: number): boolean {
  if (isPrivate(path)) return true;
  try {
    Deno.chmodSync(path, mode);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw error;
    return false;
  }
  // Some file systems say that they have done it, and have not.
  return isPrivate(path);
}

/** Windows tells no mode; there, a directory's own rules hold for what is in it. */
function isPrivate(path: string): boolean {
  const { mode } = Deno.statSync(path);
  return ((mode ?? 0) & 0o077) === 0;
}

/**
 * Writes a text into a file of Sluice's own: it is there whole, or as it was.
 *
 * @param sync Whether the text is forced to disk before it takes its place.
 * @throws what the system says.
 */
export function writePrivateFile(
  path: string,
  text: string,
  { sync }: { sync: boolean },
): void {
  {
    using file = Deno.openSync(`${path}.new`, {
      write: true,
      create: true,
      truncate: true,
      mode: PRIVATE_FILE,
    });
    writeAllSync(file, new TextEncoder().encode(text));
    if (sync) file.syncDataSync();
  }
  Deno.renameSync(`${path}.new`, path);
}

/** The error for a content directory that takes nothing; `error` says why. */
export function unusable(directory: string, error: unknown): DownloadError {
  return new DownloadError(
    "DISK",
    `Nothing can be written to ${directory}: make that possible, or choose ` +
      `another directory with --content-directory. (${errorMessage(error)})`,
    { cause: error },
  );
}
