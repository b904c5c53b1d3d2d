/** Whether the state can be written now. */

import { within } from "../base/timers.ts";
import { type ErrorRecord, toRecord } from "../download/errors.ts";

/** How long what was found holds, in milliseconds: everybody may ask. */
const FRESH = 1_000;
/** How long a write may take before it counts as failing, in milliseconds. */
const WRITTEN_WITHIN = 2_000;

/** Looks whether the state can be written. */
export interface Health {
  /** Why it cannot; null if it can. */
  check(): Promise<ErrorRecord | null>;
}

/**
 * Makes what looks by writing, as nothing else proves it.
 *
 * @param touch Writes to the state, and changes nothing.
 */
export function createHealth(touch: () => Promise<void>): Health {
  let found: ErrorRecord | null = null;
  let foundAt = -Infinity;
  let looking: Promise<void> | null = null;

  async function look(): Promise<void> {
    found = await touch().then(() => null, toRecord);
    foundAt = performance.now();
    looking = null;
  }

  return {
    async check() {
      if (looking === null && performance.now() - foundAt < FRESH) return found;
      looking ??= look();
      await within(WRITTEN_WITHIN, looking);
      return looking === null ? found : slow();
    },
  };
}

function slow(): ErrorRecord {
  return {
    code: "STATE",
    message: `The state has not been written for ${WRITTEN_WITHIN / 1000} s: ` +
      "another process may hold it, or its disk is slow.",
    retryAfter: null,
  };
}
