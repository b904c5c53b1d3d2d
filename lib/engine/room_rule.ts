/** The one rule for transfers on a disk that gets full. */

import type { DiskRoom } from "../files/disk_room.ts";
import { bytesLeft, type Transfer } from "../transfer/transfer.ts";
import type { Driver } from "./driver.ts";

/** What is paused for want of room. */
export interface RoomRule {
  /** Whether no download may begin. */
  isFull(): boolean;
  /** Pauses a transfer that the disk has no room for; whether it did. */
  pauseWithout(transfer: Transfer, needed: number): boolean;
  /** Does so with each transfer, by what it still lacks. */
  pauseAllWithout(transfers: Iterable<Transfer>): void;
}

/** Makes the rule. */
export function createRoomRule(
  { lack }: Pick<DiskRoom, "lack">,
  driver: Driver,
): RoomRule {
  return {
    isFull: () => lack(0) !== null,
    pauseWithout(transfer, needed) {
      const error = lack(needed);
      if (error === null) return false;
      const state = { kind: "Paused", error } as const;
      driver.bring(transfer, { kind: "settle", state });
      return true;
    },
    pauseAllWithout(transfers) {
      for (const transfer of transfers) {
        const error = lack(bytesLeft(transfer));
        if (error === null) continue;
        const state = { kind: "Paused", error } as const;
        // Not at once: one that gets its name now is finished.
        driver.stop(transfer, { kind: "settle", state });
      }
    },
  };
}
