import {
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
} from "@std/assert";
import * as fc from "../support/fast_check.ts";
import { backoff } from "../../lib/transfer/verdict.ts";

Deno.test("each wait is up to twice as long as the last, and never over a minute", () => {
  const waits = (random: number) =>
    [1, 2, 3, 8, 9, 1000].map((failures) =>
      backoff(failures, { retryWait: 500, random })
    );
  assertEquals(waits(0), [250, 500, 1000, 30_000, 30_000, 30_000]);
  assertEquals(waits(0.999_999), [500, 1000, 2000, 60_000, 60_000, 60_000]);
});

Deno.test("a wait is in the upper half of what it may be at most", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const failures = fc.integer({ min: 1, max: 1_000_000 });
  const retryWait = fc.integer({ min: 1, max: 60_000 });
  fc.assert(
    fc.property(failures, retryWait, random, (failures, retryWait, random) => {
      const wait = backoff(failures, { retryWait, random });
      const most = Math.min(60_000, retryWait * 2 ** (failures - 1));
      assertGreaterOrEqual(wait, most / 2);
      assertLessOrEqual(wait, most);
    }),
  );
});
