/** How fast a transfer gets on. */

import { total } from "../download/ranges.ts";
import type { Transfer } from "../transfer/transfer.ts";

/** Measures how fast a transfer gets on. */
export interface Speedometer {
  /** Bytes per second, smoothed over the last few readings. */
  read(transfer: Transfer, now: number): number;
}

/** Milliseconds; sooner, a reading says more of chance than of speed. */
const SHORTEST_READING = 100;

/** How much a new reading counts against those before it. */
const FRESHNESS = 0.4;

/** Starts a speedometer; its first reading is 0. */
export function startSpeedometer(): Speedometer {
  let last: { at: number; bytes: number } | null = null;
  let speed = 0;
  return {
    read({ done }, now) {
      const bytes = total(done);
      if (last === null || bytes < last.bytes) {
        last = { at: now, bytes };
        speed = 0;
      } else if (now - last.at >= SHORTEST_READING) {
        const latest = (bytes - last.bytes) / (now - last.at) * 1000;
        speed = speed === 0 ? latest : speed + FRESHNESS * (latest - speed);
        last = { at: now, bytes };
      }
      return speed;
    },
  };
}
