import { assertEquals } from "@std/assert";
import * as fc from "../support/fast_check.ts";
import {
  insert,
  missing,
  type Range,
  total,
  union,
} from "../../lib/download/ranges.ts";

/** The model: a set of offsets below `SIZE`. */
const SIZE = 24;
const ranges = fc.array(
  fc.tuple(fc.nat(SIZE), fc.nat(SIZE)).map(([start, end]) => ({ start, end })),
  { maxLength: 8 },
);

function offsetsOf(ranges: readonly Range[]): Set<number> {
  return new Set(
    ranges.flatMap(({ start, end }) =>
      Array.from({ length: Math.max(0, end - start) }, (_, n) => start + n)
    ),
  );
}

/** The fewest ranges that hold these offsets. */
function rangesOf(offsets: ReadonlySet<number>): Range[] {
  const found: { start: number; end: number }[] = [];
  for (let at = 0; at <= SIZE; at++) {
    if (!offsets.has(at)) continue;
    if (offsets.has(at - 1)) found.at(-1)!.end = at + 1;
    else found.push({ start: at, end: at + 1 });
  }
  return found;
}

Deno.test("union() holds the same bytes in the fewest ranges", () => {
  fc.assert(fc.property(ranges, (ranges) => {
    assertEquals(union(ranges), rangesOf(offsetsOf(ranges)));
  }));
});

Deno.test("insert() one by one, in any order, is union()", () => {
  fc.assert(fc.property(ranges, (ranges) => {
    assertEquals(ranges.reduce<Range[]>(insert, []), union(ranges));
  }));
});

Deno.test("insert() leaves the list that it was given alone", () => {
  const before = [{ start: 0, end: 4 }, { start: 8, end: 9 }];
  insert(before, { start: 3, end: 9 });
  assertEquals(before, [{ start: 0, end: 4 }, { start: 8, end: 9 }]);
});

Deno.test("missing() is all that a list does not hold", () => {
  fc.assert(fc.property(ranges, (ranges) => {
    const held = offsetsOf(ranges);
    const lacking = new Set(Array(SIZE).keys()).difference(held);
    assertEquals(missing(SIZE, union(ranges)), rangesOf(lacking));
  }));
});

Deno.test("total() counts each byte", () => {
  fc.assert(fc.property(ranges, (ranges) => {
    assertEquals(total(union(ranges)), offsetsOf(ranges).size);
  }));
});
