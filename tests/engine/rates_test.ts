import { assert, assertEquals, assertLess } from "@std/assert";
import * as fc from "../support/fast_check.ts";
import { createRates, type Reader } from "../../lib/engine/rates.ts";

const READER: Reader = { id: "1", host: "a.test", own: null };

/** Bytes that readers draw in turn within some seconds of a clock of ours. */
function drawn(
  rates: ReturnType<typeof createRates>,
  readers: readonly Reader[],
  seconds: number,
): number[] {
  const sums = readers.map(() => 0);
  const waiting = new Set(readers.keys());
  let now = 0;
  while (now < seconds * 1000) {
    let soonest = Infinity;
    for (const n of [...waiting]) {
      const draw = rates.draw(readers[n] ?? READER, now);
      if (draw.kind === "wait") {
        soonest = Math.min(soonest, draw.milliseconds);
        continue;
      }
      sums[n] = (sums[n] ?? 0) + draw.bytes;
      waiting.delete(n);
      waiting.add(n);
    }
    // Timers come late.
    if (soonest < Infinity) now += Math.ceil(soonest) + 3;
  }
  return sums;
}

function assertNear(actual: number, expected: number, part: number): void {
  assertLess(Math.abs(actual - expected), part * expected, `${actual}`);
}

Deno.test("within ten seconds, readers get what the rate allows, within 5 %", () => {
  for (const rate of [10_000, 1e6, 1e9]) {
    for (const threads of [1, 16, 64]) {
      const rates = createRates({ server: rate, host: null });
      const readers = Array.from({ length: threads }, () => READER);
      const total = drawn(rates, readers, 10).reduce((a, b) => a + b, 0);
      assertNear(total, rate * 10, 0.05);
    }
  }
});

Deno.test("readers in turn get alike", () => {
  const rates = createRates({ server: 1e6, host: null });
  const sums = drawn(rates, Array.from({ length: 10 }, () => READER), 10);
  for (const sum of sums) assertNear(sum, 1e6, 0.1);
});

Deno.test("the strictest limit counts, and has its name", () => {
  const rates = createRates({ server: 3e6, host: 2e6 });
  const by = (reader: Partial<Reader>) =>
    rates.strictest({ ...READER, ...reader })?.by;
  assertEquals(by({}), "host");
  assertEquals(by({ own: 1e6 }), "download");
  assertEquals(by({ own: 4e6 }), "host");
  // Of two that are as strict, that of more downloads.
  assertEquals(by({ own: 2e6 }), "host");
  rates.limits = { server: 1e6, host: 2e6 };
  assertEquals(by({}), "server");
  rates.limits = { server: null, host: null };
  assertEquals(by({}), undefined);
});

Deno.test("each limit holds: of the server, a host, a download", () => {
  const rates = createRates({ server: 5e6, host: 2e6 });
  const readers = [
    { ...READER, id: "1", host: "a.test" },
    { ...READER, id: "2", host: "a.test", own: 5e5 },
    { ...READER, id: "3", host: "b.test" },
    { ...READER, id: "4", host: "c.test" },
    { ...READER, id: "5", host: "d.test" },
  ];
  const [a = 0, own = 0, ...others] = drawn(rates, readers, 10);
  assertNear(own, 5e6, 0.05);
  assertLess(a + own, 1.05 * 2e7);
  const all = a + own + others.reduce((sum, one) => sum + one, 0);
  assertNear(all, 5e7, 0.05);
});

Deno.test("beside readers with limits of their own, one without has its share", () => {
  for (const [own, count] of [[4e5, 3], [1e5, 16], [2e4, 63]] as const) {
    const rates = createRates({ server: 1e6, host: null });
    const limited = Array.from(
      { length: count },
      (_, n) => ({ ...READER, id: `${n}`, own }),
    );
    const readers = [...limited, { ...READER, id: "free" }];
    const sums = drawn(rates, readers, 20);
    const all = sums.reduce((a, b) => a + b, 0);
    assertNear(all, 2e7, 0.05);
    const fair = all / readers.length;
    for (const sum of sums) assert(sum > 0.8 * fair, `${own}: ${sums}`);
  }
});

Deno.test("never more than the rate and what one bucket saves", () => {
  const step = fc.record({
    wait: fc.nat(2_000),
    reader: fc.nat(3),
    back: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1_000, max: 1e9 }), fc.array(step), (
      rate,
      steps,
    ) => {
      const rates = createRates({ server: rate, host: rate });
      let now = 0;
      let read = 0;
      for (const { wait, reader: n, back } of steps) {
        now += wait;
        const reader = { ...READER, id: `${n}`, own: n > 1 ? rate : null };
        const draw = rates.draw(reader, now);
        if (draw.kind === "wait") {
          assert(draw.milliseconds > 0 && Number.isFinite(draw.milliseconds));
          continue;
        }
        const unread = Math.floor(draw.bytes * back);
        rates.giveBack(reader, unread);
        read += draw.bytes - unread;
        assert(read <= rate * now / 1000 + 1);
      }
    }),
  );
});
