/** Takes claims from the queue, as long as there may be threads for them. */

import type { PartRecords } from "../store/part_records.ts";
import type { Queue } from "../store/queue.ts";
import {
  hostsInFull,
  isAside,
  type ThreadLimits,
} from "../transfer/assignment.ts";
import {
  bytesLeft,
  createTransfer,
  type Transfer,
} from "../transfer/transfer.ts";
import type { Driver } from "./driver.ts";
import type { Registry } from "./registry.ts";
import type { RoomRule } from "./room_rule.ts";

/** Transfers that may wait in vain, beside those that have threads. */
const MOST_ASIDE = 1_000;

/** What an intake works with. */
export interface IntakeTools {
  readonly queue: Queue;
  readonly records: PartRecords;
  readonly registry: Registry;
  readonly driver: Driver;
  readonly room: RoomRule;
}

/**
 * Takes claims until there is a transfer for each thread; all transfers that
 * may have threads, the new ones among them.
 *
 * @param now Milliseconds, by the steady clock.
 */
export function takeUp(
  { queue, records, registry, driver, room }: IntakeTools,
  limits: ThreadLimits,
  now: number,
): Transfer[] {
  // Hundreds of small ones may be about to get their names at a time.
  const open = [...registry.all()]
    .filter(({ phase }) => phase.kind !== "finishing");
  const aside = open.filter((transfer) => isAside(transfer, limits, now));
  const running = Math.min(limits.threads, limits.downloads);
  const most = running + Math.min(aside.length, MOST_ASIDE);
  while (open.length < most && !room.isFull()) {
    const claim = queue.take(hostsInFull(open, limits, now));
    if (claim === null) break;
    const { download, lost } = claim;
    const runs = download.file === null ? [] : records.runs(download.id);
    const transfer = createTransfer(download, runs, now);
    registry.add(transfer, claim);
    lost.addEventListener("abort", () => {
      driver.bring(transfer, { kind: "lost" });
      driver.drive(transfer);
    });
    if (!room.pauseWithout(transfer, bytesLeft(transfer))) open.push(transfer);
    driver.drive(transfer);
  }
  return open;
}
