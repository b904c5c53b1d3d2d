/** Watches how much room the content directory's disk has. */

import { DownloadError, toRecord } from "./errors.ts";
import type { Log } from "./log.ts";
import type { DownloadParts } from "./parts.ts";

/** How often the disk is looked at, in milliseconds. */
const LOOK_EVERY = 1_000;

/** A disk that is being watched. */
export interface DiskWatch extends Disposable {
  /** Bytes that may still be written; below zero if too many were. */
  room(): number;
}

/**
 * Looks at the disk now and then.
 *
 * @param minFreeSpace What is to be left free, in bytes.
 * @param onLook Called with the room after each look.
 */
export async function watchDisk(
  parts: DownloadParts,
  minFreeSpace: number,
  log: Log,
  onLook: (room: number) => void,
): Promise<DiskWatch> {
  let room = await parts.free() - minFreeSpace;
  async function look(): Promise<void> {
    try {
      room = await parts.free() - minFreeSpace;
      onLook(room);
    } catch (error) {
      log("disk not read", { message: toRecord(error).message });
    }
  }
  const timer = setInterval(look, LOOK_EVERY);
  return { room: () => room, [Symbol.dispose]: () => clearInterval(timer) };
}

/** The error for bytes that the disk has no room for. */
export function diskFull(needed: number, room: number): DownloadError {
  const [more, there] = [needed, Math.max(0, room)]
    .map((bytes) => `${Math.ceil(bytes / 2 ** 20)} MiB`);
  return new DownloadError(
    "DISK_FULL",
    needed > 0
      ? `The file needs ${more} more, and the disk has room for ${there}: ` +
        "the download goes on once there is room."
      : "The disk is full up to MIN_FREE_SPACE: the download goes on once " +
        "there is room.",
  );
}
