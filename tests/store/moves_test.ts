import { assert, assertEquals } from "@std/assert";
import * as fc from "../support/fast_check.ts";
import { createDownload } from "../../lib/download/download.ts";
import type { Priority } from "../../lib/download/priority.ts";
import { planMove, type Target } from "../../lib/store/moves.ts";
import { openStore, type Store } from "../../lib/store/sqlite.ts";

/** A state with downloads named by letters, and what can be done with them. */
async function openLine(letters: string, running = "") {
  const store = openStore(":memory:", { sync: false });
  await add(letters);

  async function add(letters: string, priority: Priority = "normal") {
    await store.add([...letters].map((id) => {
      const url = "https://a.test/file";
      const rest = { filename: null, headers: {}, checksum: null };
      const more = priority === "normal" ? {} : { priority };
      return createDownload({ url, ...rest, threads: null, ...more }, 0, id);
    }));
  }

  return {
    store,
    add,
    async pause(letters: string) {
      const state = { kind: "Paused", error: null } as const;
      const rest = { file: null, downloaded: 0, finishedAt: null };
      await Promise.all(
        [...letters].map((id) => store.settle(id, { ...rest, state })),
      );
    },
    /** Moves some; returns how often ranks had to be spread before. */
    async move(letters: string, to: Target) {
      for (let spread = 0;; spread++) {
        const { kind, moved } = planMove([...letters], to, {
          order: store.order,
          isRunning: (id) => running.includes(id),
        });
        const before = lettersOf(store);
        await Promise.all(
          moved.map(({ id, rank }) => store.order.place(id, rank)),
        );
        if (kind === "move") return spread;
        assertEquals(lettersOf(store), before, "spreading changed the order");
      }
    },
    letters: () => lettersOf(store),
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

function lettersOf(store: Store): string {
  return [...store.order.after({ place: 0, seq: 0 })].map(({ id }) => id)
    .join("");
}

for (
  const [what, moved, to, expected] of [
    ["one to the top", "c", "top", "cabdef"],
    ["some to the top", "ec", "top", "ceabdf"],
    ["the first to the top", "a", "top", "abcdef"],
    ["all to the top", "abcdef", "top", "abcdef"],
    ["one to the bottom", "c", "bottom", "abdefc"],
    ["some to the bottom", "ca", "bottom", "bdefac"],
    ["one up", "c", "up", "acbdef"],
    ["the first up", "a", "up", "abcdef"],
    ["two beside each other up", "cd", "up", "acdbef"],
    ["two apart up", "ce", "up", "acbedf"],
    ["the first two up, with a third", "abd", "up", "abdcef"],
    ["one down", "c", "down", "abdcef"],
    ["the last down", "f", "down", "abcdef"],
    ["two beside each other down", "cd", "down", "abecdf"],
    ["the last two down, with a third", "cef", "down", "abdcef"],
    ["one before another", "e", { before: "b" }, "aebcdf"],
    ["one before what is behind it", "a", { before: "d" }, "bcadef"],
    ["some before another", "fa", { before: "c" }, "bafcde"],
    ["some before one of them", "bd", { before: "b" }, "abdcef"],
    ["one before itself", "f", { before: "f" }, "abcdef"],
    ["none", "x", "top", "abcdef"],
    ["one before none", "b", { before: "x" }, "abcdef"],
  ] as const
) {
  Deno.test(`${what}: ${expected}`, async () => {
    using line = await openLine("abcdef");
    await line.move(moved, to);
    assertEquals(line.letters(), expected);
    await line.add("g");
    assertEquals(line.letters(), expected + "g");
  });
}

Deno.test("a step passes over what runs and what is paused", async () => {
  using line = await openLine("abcdef", "bc");
  await line.pause("e");
  await line.move("d", "up");
  assertEquals(line.letters(), "dabcef");
  await line.move("d", "down");
  assertEquals(line.letters(), "adbcef");
  await line.move("d", "down");
  assertEquals(line.letters(), "abcefd");
});

Deno.test("moves stay among those of their priority, which go first or last", async () => {
  using line = await openLine("abc");
  await line.add("hi", "high");
  await line.add("lm", "low");
  await line.add("de");
  assertEquals(line.letters(), "hiabcdelm");
  await line.move("cim", "top");
  assertEquals(line.letters(), "ihcabdeml");
  await line.move("cim", "bottom");
  assertEquals(line.letters(), "hiabdeclm");
  await line.move("a", "up");
  await line.move("c", "down");
  assertEquals(line.letters(), "hiabdeclm");
  await line.move("d", { before: "i" });
  assertEquals(line.letters(), "hidabeclm");
  await line.move("h", { before: "b" });
  assertEquals(line.letters(), "ihdabeclm");
  await line.add("z", "high");
  assertEquals(line.letters(), "ihzdabeclm");
});

Deno.test("a priority that changes back leaves the place as it was", async () => {
  using line = await openLine("abcd");
  const request = line.store.get("c")?.request;
  assert(request);
  await line.store.reword("c", () => ({ ...request, priority: "high" }));
  assertEquals(line.letters(), "cabd");
  await line.store.reword("c", () => ({ ...request, priority: "low" }));
  assertEquals(line.letters(), "abdc");
  await line.store.reword("c", () => request);
  assertEquals(line.letters(), "abcd");
});

Deno.test("where numbers are used up, ranks are spread anew, and seldom", async () => {
  using line = await openLine("abcdefgh");
  let spread = 0;
  let expected = "abcdefgh";
  for (let n = 0; n < 500; n++) {
    const [first = "", second = ""] = expected;
    const last = expected.at(-1) ?? "";
    spread += await line.move(last, { before: second });
    expected = first + last + expected.slice(1, -1);
    assertEquals(line.letters(), expected);
  }
  assert(spread > 0 && spread < 100, `spread ${spread} times in 500`);
});

Deno.test("any moves do what they would do in a list", async () => {
  const letters = "abcdefghij";
  const some = fc.subarray([...letters], { minLength: 1 });
  const to = fc.oneof(
    fc.constantFrom("top" as const, "bottom" as const),
    fc.constantFrom(...letters).map((before) => ({ before })),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(some, to), { minLength: 1, maxLength: 8 }),
      async (moves) => {
        using line = await openLine(letters);
        let expected = [...letters];
        for (const [ids, to] of moves) {
          const moved = expected.filter((id) => ids.includes(id));
          const rest = expected.filter((id) => !ids.includes(id));
          const at = typeof to === "object"
            ? expected.slice(expected.indexOf(to.before))
              .find((id) => !ids.includes(id))
            : to === "top"
            ? rest[0]
            : undefined;
          const index = at === undefined ? rest.length : rest.indexOf(at);
          expected = rest.toSpliced(index, 0, ...moved);
          await line.move(ids.join(""), to);
          assertEquals(line.letters(), expected.join(""));
        }
      },
    ),
    { numRuns: 50 },
  );
});
