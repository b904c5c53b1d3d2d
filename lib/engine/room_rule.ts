/** The one rule for transfers on a disk that gets full. */

import type { DiskRoom } from "../files/disk_room.ts";
import { bytesLeft, type Transfer } from "../transfer/transfer.ts";
import type { Driver } from "./driver.ts";
import type { Registry } from "./registry.ts";

/** What is paused for want of room. */
export interface RoomRule {
  /** Whether no download may begin. */
  isFull(): boolean;
  /** Bytes that all transfers are still to bring, as far as that is known. */
  owed(): number;
  /**
   * Pauses a transfer that the disk has no room for beside what the others are
   * still to bring; whether it did.
   */
  pauseWithout(transfer: Transfer, needed: number): boolean;
  /** Pauses, by what each still lacks, the last that have no room beside others. */
  pauseAllWithout(): void;
}

/** Makes the rule. */
export function createRoomRule(
  { lack }: Pick<DiskRoom, "lack">,
  driver: Driver,
  registry: Registry,
): RoomRule {
  function owed(except?: Transfer): number {
    let sum = 0;
    for (const transfer of registry.all()) {
      if (transfer !== except) sum += owedTo(transfer);
    }
    return sum;
  }

  return {
    isFull: () => lack(0) !== null,
    owed: () => owed(),
    pauseWithout(transfer, needed) {
      // Most have just been taken, and nothing is known of their sizes.
      const error = lack(needed, needed === 0 ? 0 : owed(transfer));
      if (error === null) return false;
      const state = { kind: "Paused", error } as const;
      driver.bring(transfer, { kind: "settle", state });
      return true;
    },
    pauseAllWithout() {
      let before = 0;
      for (const transfer of registry.all()) {
        const needed = bytesLeft(transfer);
        const error = lack(needed, before);
        if (error === null) {
          before += owedTo(transfer);
          continue;
        }
        const state = { kind: "Paused", error } as const;
        // Not at once: one that gets its name now is finished.
        driver.stop(transfer, { kind: "settle", state });
      }
    },
  };
}

/** Bytes that a transfer is still to bring: one that stops brings no more. */
function owedTo(transfer: Transfer): number {
  return transfer.phase.kind === "stopping" ? 0 : bytesLeft(transfer);
}
