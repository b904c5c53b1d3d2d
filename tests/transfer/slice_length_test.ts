import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import {
  nextLength,
  NO_PACE,
  type Pace,
  paceAfter,
} from "../../lib/transfer/slice_length.ts";

const MiB = 2 ** 20;
const MOST = 16 * MiB;

/** Slices one after another, at the rate that each length brings. */
function fetchSlices(
  count: number,
  rateOf: (length: number) => number,
  { pace = NO_PACE, most = MOST }: { pace?: Pace; most?: number } = {},
) {
  const lengths: number[] = [];
  while (lengths.length < count) {
    const length = nextLength(pace, most, 0);
    pace = paceAfter(pace, length, rateOf(length));
    lengths.push(length);
  }
  return { pace, lengths };
}

/** An origin that lets so many bytes of each answer go at once. */
function throttledAfter(bytes: number): (length: number) => number {
  return (length) => length <= bytes ? 50 * MiB : 10 * MiB;
}

Deno.test("slices get longer as long as longer ones are as good", () => {
  const { lengths } = fetchSlices(5, () => MiB);
  assertEquals(lengths.map((n) => n / MiB), [1, 4, 16, 16, 16]);
});

Deno.test("where longer slices are slower, they stay short", () => {
  const { lengths } = fetchSlices(30, throttledAfter(4 * MiB));
  assertEquals(lengths.slice(0, 3).map((n) => n / MiB), [1, 4, 16]);
  assertEquals(new Set(lengths.slice(3)), new Set([4 * MiB]));
});

Deno.test("what is not known to be good is tried by one thread, and again", () => {
  const known = paceAfter(NO_PACE, MiB, MiB);
  assertEquals(nextLength(known, MOST, MiB), 4 * MiB);
  assertEquals(nextLength(known, MOST, 4 * MiB), MiB);
  const rate = throttledAfter(MiB);
  const { lengths, pace } = fetchSlices(34, rate);
  assertEquals(lengths.filter((length) => length > MiB).length, 1);
  assertEquals(nextLength(pace, MOST, MiB), 4 * MiB);
  assertEquals(nextLength(pace, MOST, 4 * MiB), MiB);
});

Deno.test("an origin that throttles no more gets long slices again", () => {
  const { pace } = fetchSlices(100, throttledAfter(MiB));
  const { lengths } = fetchSlices(400, () => 50 * MiB, { pace });
  assertEquals(lengths.at(-1), MOST);
});

Deno.test("no slice is longer than it may be, whatever that is", () => {
  for (const most of [1024, MiB - 1, MiB, 3 * MiB, 10_000_000]) {
    const { lengths } = fetchSlices(20, () => MiB, { most });
    for (const length of lengths) assertLessOrEqual(length, most);
    assertEquals(lengths.at(-1), most);
  }
});

Deno.test("the short slices at a file's end count nothing", () => {
  assertEquals(paceAfter(NO_PACE, MiB - 1, 1), NO_PACE);
  assert(paceAfter(NO_PACE, MiB, 1) !== NO_PACE);
});
