/** The locks of a directory that several servers of one machine may have. */

import { pause } from "../base/timers.ts";
import { PRIVATE_FILE } from "../files/own_directory.ts";

/** How often a lock is tried that another process has, in milliseconds. */
const TRIED_EVERY = 50;

/** Opens a lock's file, and makes it if there is none. Its lock goes as it is closed. */
export async function openLock(path: string): Promise<Deno.FsFile> {
  const options = { read: true, write: true, create: true };
  return await Deno.open(path, { ...options, mode: PRIVATE_FILE });
}

/**
 * Takes a lock as soon as no other process has it in a way that excludes this one.
 *
 * @returns Whether it was taken before the signal was aborted.
 */
export async function takeLock(
  lock: Deno.FsFile,
  how: "shared" | "alone",
  signal: AbortSignal,
): Promise<boolean> {
  while (!await lock.tryLock(how === "alone")) {
    if (signal.aborted) return false;
    await pause(TRIED_EVERY, signal);
  }
  return true;
}
