import { assertEquals } from "@std/assert";
import { createOverview } from "../../lib/status/overview.ts";

const MiB = 2 ** 20;

/** An overview of no downloads at all. */
function create() {
  const none = { Queued: 0, Paused: 0, Downloaded: 0, Failed: 0 };
  return createOverview({
    catalogue: { get: () => null, totals: () => none },
    engine: {
      get: () => undefined,
      transfers: () => [],
      limitedBy: () => null,
      held: () => null,
      rates: () => ({ server: 2_000, host: null }),
      maxDownloads: () => 3,
    },
  });
}

Deno.test("the disk's room is told once it is known, and then when it changes much", () => {
  const overview = create();
  assertEquals(overview.disk(), undefined);
  assertEquals(overview.take(), null);
  for (
    const [free, told] of [
      [10_000, true],
      [10_000, false],
      [9_950, false],
      [9_890, true],
      [9_891, false],
      [800, true],
      // A hundredth of little is nothing to tell of.
      [790, false],
      [784, true],
      [1_000, true],
    ] as const
  ) {
    const disk = { free: free * MiB, room: (free - 64) * MiB };
    overview.hear({ kind: "room", free: disk.free, bytes: disk.room });
    assertEquals(overview.disk(), disk);
    assertEquals(overview.take()?.disk, told ? disk : undefined, `${free}`);
  }
});

Deno.test("the disk's room goes along with every other news", () => {
  const overview = create();
  overview.hear({ kind: "room", free: 500 * MiB, bytes: 400 * MiB });
  overview.take();
  overview.hear({ kind: "room", free: 499 * MiB, bytes: 399 * MiB });
  assertEquals(overview.take(), null);
  overview.hear({ kind: "removed", id: "1" });
  assertEquals(overview.take()?.disk, { free: 499 * MiB, room: 399 * MiB });
});

Deno.test("limits that were set are told once, by themselves", () => {
  const overview = create();
  const limits = { rates: { server: 2_000, host: null }, maxDownloads: 3 };
  overview.hear({ kind: "limits", limits });
  assertEquals(overview.take()?.limits, {
    limit_rate: 2_000,
    limit_rate_per_host: null,
    max_downloads: 3,
  });
  assertEquals(overview.take(), null);
});

Deno.test("of very many new downloads, only so many wait to be told of", () => {
  const overview = create();
  const COUNT = 30_000;
  for (let n = 0; n < COUNT; n++) {
    overview.hear({ kind: "added", id: `${n}`, url: "https://example.org/" });
  }
  overview.hear({ kind: "removed", id: "29999" });
  const told: string[] = [];
  for (;;) {
    // Nothing is known of them here: they are told as removed.
    const changes = overview.take();
    if (changes === null) break;
    told.push(...changes.removed);
  }
  assertEquals(told.length, 20_001);
  assertEquals(told.slice(0, 2), ["29999", "0"]);
});
