import { assertEquals, assertRejects } from "@std/assert";
import { inGroups } from "../../lib/engine/batches.ts";

/** Work that fails for negative numbers, and notes what was done together. */
function startWork(options: { most: number; atOnce: number }) {
  const groups: (readonly number[])[] = [];
  let running = 0;
  let mostRunning = 0;
  const square = inGroups(options, async (items: readonly number[]) => {
    groups.push(items);
    mostRunning = Math.max(mostRunning, ++running);
    await new Promise((resolve) => setTimeout(resolve));
    running--;
    if (items.some((item) => item < 0)) throw new RangeError("negative");
    return items.map((item) => item * item);
  });
  return { square, groups, mostRunning: () => mostRunning };
}

Deno.test("each item gets its own result, and groups are full while work waits", async () => {
  const { square, groups } = startWork({ most: 3, atOnce: 1 });
  const items = [1, 2, 3, 4, 5, 6, 7];
  assertEquals(await Promise.all(items.map(square)), [1, 4, 9, 16, 25, 36, 49]);
  assertEquals(groups, [[1, 2, 3], [4, 5, 6], [7]]);
});

Deno.test("an item does not wait for others", async () => {
  const { square, groups } = startWork({ most: 3, atOnce: 1 });
  assertEquals(await square(8), 64);
  assertEquals(await square(9), 81);
  assertEquals(groups, [[8], [9]]);
});

Deno.test("no more groups are worked on at a time than may be", async () => {
  const { square, mostRunning } = startWork({ most: 1, atOnce: 2 });
  await Promise.all([1, 2, 3, 4, 5].map(square));
  assertEquals(mostRunning(), 2);
});

Deno.test("a group that fails costs only what is in it", async () => {
  const { square } = startWork({ most: 2, atOnce: 1 });
  const [bad, withIt, good] = [square(-1), square(2), square(3)];
  await assertRejects(() => bad, RangeError);
  await assertRejects(() => withIt, RangeError);
  assertEquals(await good, 9);
});
