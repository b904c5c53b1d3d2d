import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { createHostLimits } from "../../lib/engine/host_limits.ts";

const HOST = "a.test";

/** Limits that know all hosts of these tests to answer. */
function createLimits(most: number, clock: () => number) {
  const hosts = createHostLimits(() => most, clock);
  for (const host of [HOST, "b.test"]) hosts.answered(host);
  return hosts;
}

Deno.test("a host gets few threads until it has answered", () => {
  const hosts = createHostLimits(() => 16, () => 0);
  assertEquals(hosts.of(HOST), 2);
  hosts.answered(HOST);
  assertEquals([hosts.of(HOST), hosts.of("b.test")], [16, 2]);
  assertEquals(createHostLimits(() => 1, () => 0).of(HOST), 1);
});

Deno.test("a host that was asked is no new one, and answers until it is silent", () => {
  const hosts = createHostLimits(() => 16, () => 0);
  const standings = [hosts.standing(HOST)];
  for (const event of ["started", "answered", "started", "silent"] as const) {
    hosts[event](HOST);
    standings.push(hosts.standing(HOST));
  }
  assertEquals(standings, ["new", "asked", "answers", "answers", "asked"]);
  assertEquals(hosts.standing("b.test"), "new");
});

Deno.test("a host that falls silent gets few threads until it serves", () => {
  const hosts = createLimits(16, () => 0);
  hosts.silent(HOST);
  assertEquals([hosts.of(HOST), hosts.of("b.test")], [2, 16]);
  hosts.served(HOST);
  assertEquals(hosts.of(HOST), 16);
});

Deno.test("a silent host that is busy, too, gets the fewer threads", () => {
  const hosts = createLimits(16, () => 0);
  hosts.refused(HOST, 1);
  hosts.silent(HOST);
  assertEquals(hosts.of(HOST), 1);
});

Deno.test("what a host bears is the most that it served at once in the last minute", () => {
  let now = 0;
  const hosts = createLimits(16, () => now);
  assertEquals(hosts.bears(HOST), 0);
  hosts.answered(HOST, 8);
  hosts.answered(HOST, 3);
  hosts.answered(HOST);
  assertEquals([hosts.bears(HOST), hosts.bears("b.test")], [8, 0]);
  now = 59_999;
  assertEquals(hosts.bears(HOST), 8);
  now = 60_000;
  assertEquals(hosts.bears(HOST), 0);
  hosts.answered(HOST, 3);
  assertEquals(hosts.bears(HOST), 3);
});

Deno.test("a refusal takes one thread of a host that bore more than are left", () => {
  const hosts = createLimits(16, () => 0);
  hosts.answered(HOST, 8);
  for (const threads of [7, 6, 5]) {
    hosts.refused(HOST, 2);
    assertEquals(hosts.of(HOST), threads);
  }
});

Deno.test("a host that refused threads gets fewer, for a minute", () => {
  let now = 0;
  const hosts = createLimits(16, () => now);
  assertEquals(hosts.of(HOST), 16);
  hosts.refused(HOST, 4);
  assertEquals([hosts.of(HOST), hosts.of("b.test")], [4, 16]);
  now = 59_999;
  assertEquals(hosts.of(HOST), 4);
  now = 60_000;
  assertEquals(hosts.of(HOST), 16);
});

Deno.test("a host that refused threads bears few, until it bears more again", () => {
  const hosts = createLimits(16, () => 0);
  assertEquals(hosts.bearsFew(HOST), false);
  hosts.refused(HOST, 9);
  assertEquals(hosts.bearsFew(HOST), false);
  hosts.refused(HOST, 8);
  assertEquals([hosts.bearsFew(HOST), hosts.bearsFew("b.test")], [true, false]);
  for (let n = 0; n < 8; n++) hosts.served(HOST);
  assertEquals(hosts.bearsFew(HOST), false);
});

Deno.test("a host that serves well gets one thread more now and then", () => {
  const hosts = createLimits(5, () => 0);
  hosts.refused(HOST, 4);
  for (let n = 0; n < 7; n++) hosts.served(HOST);
  assertEquals(hosts.of(HOST), 4);
  hosts.served(HOST);
  assertEquals(hosts.of(HOST), 5);
  for (let n = 0; n < 8; n++) hosts.served(HOST);
  assertEquals(hosts.of(HOST), 5);
});

Deno.test("one failure of a lone thread takes nothing from its host", () => {
  const hosts = createLimits(16, () => 0);
  hosts.started(HOST);
  hosts.refused(HOST, 0);
  assertEquals([hosts.of(HOST), hosts.nextGap()], [16, null]);
});

Deno.test("a lone thread that is refused gets a gap, which ends", () => {
  let now = 0;
  const hosts = createLimits(16, () => now);
  hosts.refused(HOST, 1);
  hosts.started(HOST);
  hosts.refused(HOST, 0);
  assertEquals(hosts.of(HOST), 0);
  const gap = hosts.nextGap() ?? 0;
  assertGreater(gap, 0);
  now = gap;
  assertEquals([hosts.of(HOST), hosts.nextGap()], [1, null]);
});

Deno.test("an origin that has a bad moment once in a while gets no gap", () => {
  let now = 0;
  const hosts = createLimits(1, () => now);
  hosts.refused(HOST, 1);
  for (; now < 5_000; now++) {
    assertEquals(hosts.of(HOST), 1);
    hosts.started(HOST);
    if (now % 50 === 49) hosts.refused(HOST, 0);
    else hosts.served(HOST);
  }
});

// An origin that allows a request every so many milliseconds.
for (const every of [20, 100, 500]) {
  Deno.test(`threads come no faster than every ${every} ms, and not much slower`, () => {
    let now = 0;
    const hosts = createLimits(16, () => now);
    hosts.refused(HOST, 1);
    let [last, taken, refused] = [-Infinity, 0, 0];
    for (; now < 600 * every; now++) {
      if (hosts.of(HOST) === 0) continue;
      hosts.started(HOST);
      if (now - last < every) {
        refused++;
        hosts.refused(HOST, 0);
      } else {
        last = now;
        taken++;
        hosts.served(HOST);
      }
    }
    assertGreater(taken, 600 / 2);
    assertLess(refused, taken / 5);
  });
}
