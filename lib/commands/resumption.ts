/** Resumes what waits for its time, or for room on the disk. */

import type { Download } from "../download/download.ts";
import { toRecord } from "../download/errors.ts";
import type { Tell } from "../download/events.ts";
import { fitting } from "../files/disk_room.ts";
import type { Deferred } from "../store/catalogue.ts";
import type { Commands } from "./commands.ts";

/** How many downloads whose time has come start in one turn. */
const STARTED_AT_ONCE = 1_000;

/**
 * How long a download that was resumed for room waits before it is resumed again, in
 * milliseconds; twice as long each time that it has recorded no more bytes. Disks
 * have limits of which their free bytes tell nothing: inodes, quotas, the room of a
 * thin disk.
 */
const TRY_AGAIN_AFTER = 2_000;
/** The longest such wait, in milliseconds. */
const LONGEST_WAIT = 60_000;

/** A download that was resumed for room. */
interface Tried {
  /** Bytes that it had then. */
  readonly downloaded: number;
  readonly wait: number;
  /** It is not resumed before, by the steady clock. */
  readonly until: number;
}

/** What downloads are resumed with. */
export interface ResumptionTools {
  readonly catalogue: Deferred;
  readonly commands: Pick<Commands, "command" | "isBusy">;
  readonly tell: Tell;
  /** The time of day, in milliseconds since 1970. */
  readonly timeOfDay: () => number;
  /** A steady clock, in milliseconds. */
  readonly clock?: () => number;
}

/** What resumes downloads without a client. */
export interface Resumption {
  /** Resumes what was paused for lack of room, as far as `bytes` are enough. */
  useRoom(bytes: number): void;
  /** Starts what was to wait until now. */
  startDue(): Promise<void>;
}

/** Makes what resumes downloads. */
export function createResumption(
  { catalogue, commands, tell, timeOfDay, clock = () => performance.now() }:
    ResumptionTools,
): Resumption {
  let isStarting = false;
  const tried = new Map<string, Tried>();

  /** Notes that a download is resumed for room, and when it may be again. */
  function noteTry({ id, downloaded }: Download, now: number): void {
    const last = tried.get(id);
    const inVain = last !== undefined && downloaded <= last.downloaded;
    const wait = inVain
      ? Math.min(LONGEST_WAIT, last.wait * 2)
      : TRY_AGAIN_AFTER;
    tried.set(id, { downloaded, wait, until: now + wait });
  }

  /** Forgets downloads that were not resumed again when they might have been. */
  function forgetOld(now: number): void {
    for (const [id, { until }] of tried) {
      if (until + LONGEST_WAIT < now) tried.delete(id);
    }
  }

  /** Whether it did; it may be gone, or started by another server. */
  async function startInTime(id: string): Promise<boolean> {
    if (commands.isBusy(id)) return false;
    try {
      await commands.command(id, { kind: "resume" });
      return true;
    } catch (error) {
      const record = toRecord(error);
      const isGone = ["WRONG_STATE", "UNKNOWN_ID"].includes(record.code);
      if (!isGone) tell({ kind: "stuck", id, error: record });
      return false;
    }
  }

  return {
    useRoom(bytes) {
      const now = clock();
      forgetOld(now);
      const waiting = catalogue.waitingForRoom(bytes).filter(({ id }) =>
        !commands.isBusy(id) && (tried.get(id)?.until ?? now) <= now
      );
      for (const download of fitting(waiting, bytes)) {
        const { id } = download;
        noteTry(download, now);
        commands.command(id, { kind: "resume" }).catch((error) =>
          tell({ kind: "stuck", id, error: toRecord(error) })
        );
      }
    },
    async startDue() {
      if (isStarting) return;
      isStarting = true;
      try {
        for (;;) {
          const due = catalogue.due(timeOfDay(), STARTED_AT_ONCE);
          const started = await Promise.all(due.map(startInTime));
          if (!started.includes(true)) break;
        }
      } finally {
        isStarting = false;
      }
    },
  };
}
