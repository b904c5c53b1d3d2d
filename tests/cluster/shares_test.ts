import { assert, assertEquals } from "@std/assert";
import { createShares, type Parts, shareOf } from "../../lib/cluster/shares.ts";
import type { Common } from "../../lib/engine/common.ts";
import * as fc from "../support/fast_check.ts";

const ALL = 10;
/** How often servers tell of themselves, in milliseconds. */
const TICK = 100;

/** Servers on a clock of ours, whose messages take a while. */
function createScene(count: number, what: Common = "rate", all = ALL) {
  let now = 0;
  const live = new Set<string>();
  const sessions = () =>
    new Map([...live].map((name) => [name, undefined as never]));
  const nodes = Array.from({ length: count }, (_, n) => {
    const name = `session-${n}`;
    live.add(name);
    const shares = createShares({ session: () => name, sessions }, () => now);
    return { name, shares, wants: false, used: 0 };
  });
  let mail: { at: number; from: string; parts: Parts }[] = [];

  function deliver(): void {
    const due = mail.filter(({ at }) => at <= now);
    mail = mail.filter(({ at }) => at > now);
    for (const { from, parts } of due) {
      for (const { name, shares } of nodes) {
        if (name !== from) shares.hear(from, parts);
      }
    }
  }

  function tell(node: typeof nodes[number], delay: number): void {
    const { name, shares, wants, used } = node;
    // A server looks all the time whether it may have more.
    if (wants) shares.partOf(what, all);
    const wanted = new Map(wants ? [[what, used]] : []);
    mail.push({ at: now + delay, from: name, parts: shares.divide(wanted) });
  }

  return {
    nodes,
    live,
    part: (n: number) => nodes[n]?.shares.partOf(what, all) ?? NaN,
    /** What all that want some may take now. */
    taken: () =>
      nodes.filter(({ name, wants }) => wants && live.has(name))
        .map(({ shares }) => shares.partOf(what, all))
        .reduce((sum, part) => sum + part, 0),
    /** Lets time pass; each server tells once a tick, at a time of its own. */
    pass(milliseconds: number, after: () => void = () => {}): void {
      const end = now + milliseconds;
      for (; now < end; now += TICK / 10) {
        deliver();
        nodes.forEach((node, n) => {
          const isDue = now % TICK === (n % 10) * (TICK / 10);
          if (isDue && live.has(node.name)) tell(node, 30);
        });
        after();
      }
    },
  };
}

Deno.test("what several want is divided, and who wants nothing leaves its share", () => {
  const scene = createScene(3);
  const [one, two] = scene.nodes;
  assert(one && two);
  one.wants = true;
  scene.pass(3_000);
  assertEquals(scene.part(0), ALL);
  two.wants = true;
  scene.pass(3_000);
  assertEquals([scene.part(0), scene.part(1)], [5, 5]);
  one.wants = false;
  scene.pass(5_000);
  assertEquals(scene.part(1), ALL);
});

Deno.test("who is new takes nothing until another has left some, and then soon", () => {
  const scene = createScene(2);
  const [one, two] = scene.nodes;
  assert(one && two);
  one.wants = true;
  scene.pass(3_000);
  two.wants = true;
  assertEquals(scene.part(1), 0);
  assertEquals(scene.part(0), ALL);
  scene.pass(2_000);
  assertEquals([scene.part(0), scene.part(1)], [5, 5]);
});

Deno.test("who has more than its share keeps it until it is done", () => {
  const scene = createScene(2, "downloads", 4);
  const [one, two] = scene.nodes;
  assert(one && two);
  one.wants = true;
  one.used = 4;
  scene.pass(3_000);
  two.wants = true;
  scene.pass(3_000);
  assertEquals([scene.part(0), scene.part(1)], [2, 0]);
  one.used = 3;
  scene.pass(3_000);
  assertEquals(scene.part(1), 1);
  one.used = 1;
  scene.pass(3_000);
  assertEquals(scene.part(1), 2);
});

Deno.test("what is less than one for each goes to some", () => {
  const scene = createScene(5, "downloads", 2);
  for (const node of scene.nodes) node.wants = true;
  scene.pass(5_000);
  const parts = scene.nodes.map((_, n) => scene.part(n));
  assertEquals(parts.toSorted(), [0, 0, 0, 1, 1]);
});

Deno.test("a server that is dead leaves its share", () => {
  const scene = createScene(2);
  for (const node of scene.nodes) node.wants = true;
  scene.pass(3_000);
  assertEquals(scene.part(0), 5);
  scene.live.delete("session-1");
  scene.pass(3_000);
  assertEquals(scene.part(0), ALL);
});

Deno.test("whoever comes, goes and dies: together they stay within the limit, and use it", () => {
  const change = fc.record({
    node: fc.integer({ min: 0, max: 3 }),
    kind: fc.constantFrom("wants", "wants no more", "dies"),
    after: fc.integer({ min: 0, max: 40 }),
  });
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 20 }),
      fc.integer({ min: 1, max: 1000 }),
      (changes, all) => {
        const scene = createScene(4, "rate", all);
        const look = () => assert(scene.taken() <= all, `${scene.taken()}`);
        for (const { node, kind, after } of changes) {
          const one = scene.nodes[node];
          assert(one);
          if (kind === "dies") scene.live.delete(one.name);
          else one.wants = kind === "wants";
          scene.pass(after * TICK, look);
        }
        scene.pass(15_000, look);
        const isWanted = scene.nodes
          .some(({ name, wants }) => wants && scene.live.has(name));
        assertEquals(scene.taken(), isWanted ? all : 0);
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("a share is an equal part, and all shares are all", () => {
  const names = ["a", "b", "c", "d"];
  for (const all of [0, 1, 3, 4, 7, 1e9 + 1]) {
    const parts = names.map((name) => shareOf("x", all, name, names));
    assertEquals(parts.reduce((a, b) => a + b), all);
    assert(Math.max(...parts) - Math.min(...parts) <= 1);
  }
});
