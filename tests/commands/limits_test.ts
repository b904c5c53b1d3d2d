import { assertEquals } from "@std/assert";
import { createLimits, type LimitsSet } from "../../lib/commands/limits.ts";
import type { RateLimits } from "../../lib/download/download.ts";
import type { DownloadEvent } from "../../lib/download/events.ts";

const NONE: RateLimits = { server: null, host: null };
const SOME: RateLimits = { server: 1_000, host: 500 };

/**
 * Limits of an engine that does nothing but keep them.
 *
 * @param told Gets what is told of them.
 */
function startLimits(timeOfDay: () => number, told: DownloadEvent[] = []) {
  let rates = NONE;
  let most: number | null = null;
  return createLimits(
    {
      rates: () => rates,
      limitRates: (limits) => void (rates = limits),
      maxDownloads: () => most,
      limitDownloads: (limit) => void (most = limit),
    },
    timeOfDay,
    (event) => void told.push(event),
  );
}

Deno.test("nothing is told to other servers that no client has set", () => {
  const limits = startLimits(() => 100);
  assertEquals(limits.limitsSet(), null);
  limits.limit({ maxDownloads: 3 });
  const set: LimitsSet = { at: 100, rates: NONE, maxDownloads: 3 };
  assertEquals(limits.limitsSet(), set);
});

Deno.test("what is set last is the latest, though the clock is set back", () => {
  let now = 100;
  const limits = startLimits(() => now);
  limits.limit({ rates: SOME });
  now = 50;
  limits.limit({ rates: NONE });
  assertEquals(limits.limitsSet()?.at, 101);
});

Deno.test("limits of another server hold if they are the latest", () => {
  const told: DownloadEvent[] = [];
  const limits = startLimits(() => 100, told);
  limits.limit({ rates: SOME });
  limits.setLimits({ at: 100, rates: NONE, maxDownloads: 1 });
  assertEquals(limits.rates(), SOME);
  assertEquals(limits.maxDownloads(), null);
  limits.setLimits({ at: 101, rates: NONE, maxDownloads: 1 });
  assertEquals(limits.rates(), NONE);
  assertEquals(limits.maxDownloads(), 1);
  assertEquals(limits.limitsSet()?.at, 101);
  // What does not hold is not told of.
  assertEquals(told.length, 2);
});

Deno.test("what is set at once is one change, and leaves the rest", () => {
  const told: DownloadEvent[] = [];
  const limits = startLimits(() => 100, told);
  limits.limit({ rates: SOME });
  limits.limit({ rates: { host: null }, maxDownloads: 2 });
  const rates = { server: SOME.server, host: null };
  assertEquals(limits.limitsSet(), { at: 101, rates, maxDownloads: 2 });
  assertEquals([limits.rates(), limits.maxDownloads()], [rates, 2]);
  assertEquals(told.slice(1), [
    { kind: "limits", limits: { rates, maxDownloads: 2 } },
  ]);
});
