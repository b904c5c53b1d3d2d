/** Watches how much room the content directory's disk has. */

import type { Log } from "../base/log.ts";
import { every } from "../base/timers.ts";
import { DownloadError, toRecord } from "../download/errors.ts";
import type { DownloadParts } from "./parts.ts";

/** How often the disk is looked at, in milliseconds. */
const LOOK_EVERY = 1_000;
/** So many bytes may come before the first look; between two, more do. */
const TAKEN_UNSEEN = 64 * 1024;

/** A disk that is being watched. */
export interface DiskWatch extends Disposable {
  /**
   * Bytes that may still be written; below zero if too many were. Infinity
   * until the first look, which is made now unless what is needed is little.
   */
  room(needed: number): number;
  /** Looks at the disk now. */
  look(): Promise<void>;
}

/**
 * Looks at the disk now and then.
 *
 * @param minFreeSpace What is to be left free, in bytes.
 * @param onLook Called with the room after each look.
 */
export function watchDisk(
  parts: DownloadParts,
  minFreeSpace: number,
  log: Log,
  onLook: (room: number) => void,
): DiskWatch {
  let room = Infinity;
  let looked = false;
  let unseen = TAKEN_UNSEEN;

  async function look(): Promise<void> {
    looked = true;
    try {
      room = await parts.free() - minFreeSpace;
    } catch (error) {
      log("disk not read", { message: toRecord(error).message });
      return;
    }
    onLook(room);
  }

  const looking = every(LOOK_EVERY, look);
  return {
    room(needed) {
      unseen -= needed;
      if (!looked && unseen < 0) look();
      return room;
    },
    look,
    [Symbol.dispose]: () => looking[Symbol.dispose](),
  };
}

/** The error for bytes that the disk has no room for. */
export function diskFull(needed: number, room: number): DownloadError {
  const [more, there] = [needed, Math.max(0, room)]
    .map((bytes) => `${Math.ceil(bytes / 2 ** 20)} MiB`);
  return new DownloadError(
    "DISK_FULL",
    needed > 0
      ? `The file needs ${more} more, and the disk has room for ${there}: ` +
        "make some. A server then goes on by itself."
      : "The disk is full up to MIN_FREE_SPACE: make room, and ask for the " +
        "download again if it does not go on by itself.",
  );
}
