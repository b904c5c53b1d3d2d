/** What forces files and names to disk. */

import { errorMessage } from "../base/error_message.ts";
import { type ErrorRecord, toRecord } from "../download/errors.ts";

/**
 * Forces a file's bytes to disk. Null once they are there; otherwise why the disk
 * has refused some of them. Linux tells of a refusal once, and counts the bytes as
 * written from then on: they can be read until memory runs short, later syncs
 * succeed, and the disk holds none of them.
 */
export async function syncFile(
  file: Deno.FsFile,
): Promise<ErrorRecord | null> {
  try {
    await file.syncData();
    return null;
  } catch (error) {
    return toRecord(error);
  }
}

/**
 * Forces the names in a directory to disk, where the file system can do that for a
 * directory: some network and shared folders cannot, and keep names in their own
 * way.
 *
 * @throws what the system says.
 */
export async function syncDirectory(path: string): Promise<void> {
  using directory = await Deno.open(path, { read: true });
  await directory.syncData().catch(unlessUnable);
}

/** Does what {@linkcode syncDirectory} does, and waits for the disk. */
export function syncDirectorySync(path: string): void {
  using directory = Deno.openSync(path, { read: true });
  try {
    directory.syncDataSync();
  } catch (error) {
    unlessUnable(error);
  }
}

/** EINVAL, and ENOTSUP on macOS and on Linux. */
const UNABLE = /\(os error (22|45|95)\)/;

function unlessUnable(error: unknown): void {
  if (!UNABLE.test(errorMessage(error))) throw error;
}
