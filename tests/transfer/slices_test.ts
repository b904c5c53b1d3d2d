import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import * as fc from "../support/fast_check.ts";
import {
  insert,
  missing,
  type Range,
  total,
  union,
} from "../../lib/download/ranges.ts";
import { cut, SMALLEST_SLICE, steal } from "../../lib/transfer/slices.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

Deno.test("a file of n, n ± 1 slices, one byte or none is cut into slices that cover it", () => {
  const most = 16 * MiB;
  const sizes = [
    0,
    1,
    ...[1, 2, 5].flatMap((n) => [-1, 0, 1].map((more) => n * most + more)),
  ];
  for (const size of sizes) {
    for (const threads of [1, 3, 16]) {
      assertCovers(cutAll(size, most, threads), size, most);
    }
  }
});

Deno.test("a file of 1 TiB is cut exactly", () => {
  const size = 2 ** 40;
  assertCovers(cutAll(size, 2 ** 34, 16), size, 2 ** 34);
});

Deno.test("slices are small at the tail, so that all threads end together", () => {
  const slices = cutAll(64 * MiB, 16 * MiB, 16);
  const lengths = slices.map(({ start, end }) => end - start);
  assertEquals(lengths[0], 4 * MiB);
  assertEquals(lengths.at(-2), SMALLEST_SLICE);
  assertEquals(lengths, lengths.toSorted((a, b) => b - a));
});

Deno.test("cut() takes from the first gap, even if it is smaller than a slice", () => {
  const gaps = [{ start: 5, end: 6 }, { start: 9, end: 9 * MiB }];
  assertEquals(cut(gaps, MiB, MiB), { start: 5, end: 6 });
});

Deno.test("what steal() takes is the end of the rest, and is worth a request", () => {
  const rate = fc.double({ min: 0, max: 1e10, noNaN: true });
  const start = fc.nat(2 ** 30);
  const length = fc.integer({ min: 1, max: 64 * MiB });
  const share = fc.integer({ min: 1, max: 64 * MiB });
  fc.assert(
    fc.property(start, length, rate, rate, share, (start, n, ...rates) => {
      const [theirs, ours, share] = rates;
      const rest = { start, end: start + n };
      const stolen = steal({ rest, rate: theirs }, ours, share);
      assertEquals(stolen.end, rest.end);
      assert(stolen.start >= rest.start);
      if (n < 2 * SMALLEST_SLICE) assertEquals(stolen, rest);
      else assert(stolen.end - stolen.start >= SMALLEST_SLICE);
      if (stolen.start === rest.start) return;
      assert(total([stolen]) <= Math.max(share, SMALLEST_SLICE));
    }),
  );
});

Deno.test("after steal() both threads have as long to go", () => {
  const rest = { start: 0, end: 8 * MiB };
  assertEquals(steal({ rest, rate: 100 }, 100, 8 * MiB).start, 4 * MiB);
  assertEquals(steal({ rest, rate: 100 }, 300, 8 * MiB).start, 2 * MiB);
  assertEquals(steal({ rest, rate: 0 }, 0, 8 * MiB).start, 4 * MiB);
});

Deno.test("a thread that gets nothing has all of its rest taken over", () => {
  const rest = { start: 0, end: 8 * MiB };
  assertEquals(steal({ rest, rate: 0 }, 100, 8 * MiB), rest);
});

Deno.test("the rest of a thread that crawls is shared by all that are idle", () => {
  let rest = { start: 0, end: 4 * MiB };
  const stolen = Array.from({ length: 16 }, () => {
    const tail = steal({ rest, rate: 1 }, 1000, MiB / 4);
    rest = { start: 0, end: Math.max(tail.start, 1) };
    return tail;
  });
  assertEquals(union(stolen), [{ start: 0, end: 4 * MiB }]);
  assertEquals(stolen.map((tail) => total([tail])).slice(0, 15), [
    ...Array<number>(15).fill(MiB / 4),
  ]);
});

Deno.test("cut() and steal() together fetch every byte, and all but doubles once", () => {
  const size = fc.integer({ min: 0, max: 40 * MiB });
  const seeds = fc.infiniteStream(fc.nat(2 ** 20));
  fc.assert(
    fc.property(size, seeds, (size, seeds) => {
      const random = (below: number) => Number(seeds.next().value) % below;
      const { done, fetched, doubled } = fetchAll(size, 4 * MiB, 5, random);
      assertEquals(done, size === 0 ? [] : [{ start: 0, end: size }]);
      assertLessOrEqual(fetched, size + doubled);
    }),
    { numRuns: 50 },
  );
});

/** Cuts until nothing is missing, as if each slice came at once. */
function cutAll(size: number, most: number, threads: number): Range[] {
  const slices: Range[] = [];
  for (;;) {
    const gaps = missing(size, union(slices));
    const slice = cut(gaps, most, Math.ceil(total(gaps) / threads));
    if (slice === null) return slices;
    slices.push(slice);
  }
}

function assertCovers(slices: readonly Range[], size: number, most: number) {
  let end = 0;
  for (const slice of slices) {
    assertEquals(slice.start, end);
    assert(slice.end > slice.start && slice.end - slice.start <= most);
    end = slice.end;
  }
  assertEquals(end, size);
}

/** Threads take slices, get on at random, and take over each other's tails. */
function fetchAll(
  size: number,
  most: number,
  threads: number,
  random: (below: number) => number,
) {
  let flights: { at: number; end: number }[] = [];
  let done: Range[] = [];
  let fetched = 0;
  let doubled = 0;
  while (total(done) < size) {
    const taken = flights.map(({ at, end }) => ({ start: at, end }));
    const gaps = missing(size, union([...done, ...taken]));
    const share = Math.ceil(total([...gaps, ...taken]) / threads);
    const slice = flights.length < threads ? cut(gaps, most, share) : null;
    const from = flights[random(Math.max(1, flights.length))];
    if (slice !== null) {
      assert(slice.end - slice.start <= most);
      flights.push({ at: slice.start, end: slice.end });
    } else if (flights.length < threads && from !== undefined) {
      const rest = { start: from.at, end: from.end };
      const tail = steal({ rest, rate: random(100) }, random(100), share);
      if (tail.start === from.at) doubled += tail.end - tail.start;
      else from.end = tail.start;
      flights.push({ at: tail.start, end: tail.end });
    }
    for (const flight of flights) {
      const end = Math.min(flight.end, flight.at + random(MiB));
      done = insert(done, { start: flight.at, end });
      fetched += end - flight.at;
      flight.at = end;
    }
    flights = flights.filter(({ at, end }) => at < end);
  }
  return { done, fetched, doubled };
}
