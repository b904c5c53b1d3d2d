/** Resumes what waits for its time, or for room on the disk. */

import { toRecord } from "../download/errors.ts";
import type { Tell } from "../download/events.ts";
import { fitting } from "../files/disk_room.ts";
import type { Deferred } from "../store/catalogue.ts";
import type { Commands } from "./commands.ts";

/** How many downloads whose time has come start in one turn. */
const STARTED_AT_ONCE = 1_000;

/** What downloads are resumed with. */
export interface ResumptionTools {
  readonly catalogue: Deferred;
  readonly commands: Pick<Commands, "command" | "isBusy">;
  readonly tell: Tell;
  /** The time of day, in milliseconds since 1970. */
  readonly timeOfDay: () => number;
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
  { catalogue, commands, tell, timeOfDay }: ResumptionTools,
): Resumption {
  let isStarting = false;

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
      const waiting = catalogue.waitingForRoom(bytes)
        .filter(({ id }) => !commands.isBusy(id));
      for (const { id } of fitting(waiting, bytes)) {
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
