/** What clients limit of the server as a whole, until it stops. */

import type { Limits, LimitsChange, RateLimits } from "../download/download.ts";
import type { Tell } from "../download/events.ts";
import type { Engine } from "../engine/engine.ts";

/** Limits that a client has set while servers run: the latest hold for all. */
export interface LimitsSet extends Limits {
  /** When they were set: later than all that were known then. */
  readonly at: number;
}

/** Sees and sets the limits of the server. */
export interface LimitSetting {
  /** What limits the rates of the server and of each host, until it stops. */
  rates(): RateLimits;
  /** How many downloads may run at a time; null for one a thread. */
  maxDownloads(): number | null;
  /** Changes some of both at once, until the server stops; what runs goes on. */
  limit(change: LimitsChange): void;
  /** What clients have set since the start; null for nothing. */
  limitsSet(): LimitsSet | null;
  /** Takes over what was set at another server, if that is the latest. */
  setLimits(limits: LimitsSet): void;
}

/**
 * Makes access to an engine's limits, which tells of each change.
 *
 * @param timeOfDay In milliseconds since 1970.
 */
export function createLimits(
  engine: Pick<
    Engine,
    "rates" | "limitRates" | "maxDownloads" | "limitDownloads"
  >,
  timeOfDay: () => number,
  tell: Tell,
): LimitSetting {
  let latest: LimitsSet | null = null;

  function set(limits: LimitsSet): void {
    latest = limits;
    const { rates, maxDownloads } = limits;
    engine.limitRates(rates);
    engine.limitDownloads(maxDownloads);
    tell({ kind: "limits", limits: { rates, maxDownloads } });
  }

  return {
    rates: engine.rates,
    maxDownloads: engine.maxDownloads,
    limit({ rates, maxDownloads = engine.maxDownloads() }) {
      set({
        // Clocks differ, and what is set after another is the later of both.
        at: Math.max(timeOfDay(), (latest?.at ?? 0) + 1),
        rates: { ...engine.rates(), ...rates },
        maxDownloads,
      });
    },
    limitsSet: () => latest,
    setLimits(limits) {
      if (limits.at > (latest?.at ?? 0)) set(limits);
    },
  };
}
