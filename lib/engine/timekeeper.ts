/** Goes by a timetable as time goes on. */

import type { Held } from "../download/download.ts";
import { heldAt, type Timetable } from "./timetable.ts";

/** Keeps what a timetable says. */
export interface Timekeeper {
  /** What it said when it was last looked at; null without a timetable. */
  held(): Held | null;
  /** Looks at it now; what it says, if that is not what it said before. */
  turn(): Held | null;
}

/**
 * Makes a timekeeper.
 *
 * @param timeOfDay In milliseconds since 1970; the clock may be set back.
 */
export function createTimekeeper(
  timetable: Timetable | null,
  timeOfDay: () => number,
): Timekeeper {
  let held: Held | null = null;
  /** When it was looked at, by the time of day. */
  let since = 0;
  return {
    held: () => held,
    turn() {
      if (timetable === null) return null;
      const now = timeOfDay();
      if (held && now >= since && now < (held.until ?? Infinity)) return null;
      held = heldAt(timetable, now);
      since = now;
      return held;
    },
  };
}
