/** How much room the content directory's disk has, and what may be written. */

import { every } from "../base/timers.ts";
import type { Download } from "../download/download.ts";
import {
  DownloadError,
  type ErrorRecord,
  toRecord,
} from "../download/errors.ts";
import type { Tell } from "../download/events.ts";
import type { DownloadParts } from "./parts.ts";

/** How often the disk is looked at, in milliseconds. */
const LOOK_EVERY = 1_000;
/** Bytes that may be asked for before the first look; later, looks come first. */
const TAKEN_UNSEEN = 64 * 1024;

/** The room on a disk that is being watched. */
export interface DiskRoom extends Disposable {
  /**
   * Why a download with `needed` bytes still to come has to pause; null if
   * there is room for them. Before the first look there is, and the look is
   * made now unless what is needed is little.
   *
   * @param owed Bytes that others are to bring, for which there must be room, too.
   */
  lack(needed: number, owed?: number): ErrorRecord | null;
  /** Looks at the disk now, and tells of it. */
  look(): Promise<void>;
}

/**
 * Looks at the disk once a second, and tells of each look.
 *
 * @param minFreeSpace What is to be left free, in bytes.
 */
export function watchDiskRoom(
  parts: DownloadParts,
  minFreeSpace: number,
  tell: Tell,
): DiskRoom {
  let room = Infinity;
  let looked = false;
  let unseen = TAKEN_UNSEEN;
  let closed = false;

  async function look(): Promise<void> {
    looked = true;
    const seen = await parts.free().catch(toRecord);
    // Who hears of it may be closed, too.
    if (closed) return;
    if (parts.isGone()) {
      return tell({ kind: "gone", error: toRecord(directoryGone(parts)) });
    }
    if (typeof seen !== "number") return tell({ kind: "unread", error: seen });
    room = seen - minFreeSpace;
    tell({ kind: "room", bytes: room, free: seen });
  }

  const looking = every(LOOK_EVERY, look);
  return {
    lack(needed, owed = 0) {
      unseen -= needed;
      if (!looked && unseen < 0) look();
      if (room <= 0) return toRecord(diskFull(0, room));
      const isEnough = needed <= room - owed;
      return isEnough ? null : toRecord(diskFull(needed, room, owed));
    },
    look,
    [Symbol.dispose]() {
      closed = true;
      looking[Symbol.dispose]();
    },
  };
}

/**
 * The downloads, in their order, that have room on the disk beside each other.
 * One of an unknown size needs a byte.
 *
 * @param room Bytes.
 */
export function fitting(
  downloads: readonly Download[],
  room: number,
): Download[] {
  let left = room;
  return downloads.filter(({ file, downloaded }) => {
    const needed = (file?.size ?? 1) - downloaded;
    if (needed > left) return false;
    left -= needed;
    return true;
  });
}

/** The error for part files whose directory is gone, with all of them. */
export function directoryGone(
  { directory }: Pick<DownloadParts, "directory">,
): DownloadError {
  return new DownloadError(
    "DISK",
    `What Sluice has in ${directory} is not there any more: bring its disk back, ` +
      "then start again.",
  );
}

/** The error for bytes that the disk has no room for, beside those `owed`. */
export function diskFull(
  needed: number,
  room: number,
  owed = 0,
): DownloadError {
  const [more, there] = [needed, Math.max(0, room - owed)]
    .map((bytes) => `${Math.ceil(bytes / 2 ** 20)} MiB`);
  const beside = owed > 0 ? " beside what is being fetched" : "";
  return new DownloadError(
    "DISK_FULL",
    needed > 0
      ? `The file needs ${more} more, and the disk has room for ${there}${beside}: ` +
        "make some. A server then goes on by itself."
      : "The disk is full up to MIN_FREE_SPACE: make room, and ask for the " +
        "download again if it does not go on by itself.",
  );
}
