/** How many downloads run at a time. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { startDownloads } from "../support/downloads.ts";
import { file, startOrigin } from "../support/origin.ts";
import { assertDownloaded } from "../support/status.ts";

const COUNT = 12;
/** Slices enough for all threads. */
const SIZE = 300_000;

for (const most of [1, 2]) {
  Deno.test(`no more than ${most} run at a time, in the queue's order`, async () => {
    await using origins = new AsyncDisposableStack();
    await using downloads = await startDownloads({ maxDownloads: most });
    const asked: number[] = [];
    const crowds: number[] = [];
    const ids: string[] = [];
    const hasAll = (id?: string) =>
      id !== undefined && downloads.coordinator.get(id)?.downloaded === SIZE;
    for (let n = 0; n < COUNT; n++) {
      // Each comes from a host of its own, which nobody has heard from.
      const origin = origins.use(await startOrigin());
      const url = origin.serve(`/${n}`, file(SIZE, n), () => {
        if (!asked.includes(n)) asked.push(n);
        crowds.push(asked.filter((m) => !hasAll(ids[m])).length);
        return {};
      });
      ids.push(await downloads.add({ url }));
    }
    for (const [n, id] of ids.entries()) {
      await assertDownloaded(await downloads.end(id), file(SIZE, n), `${n}`);
    }
    assertEquals(Math.max(...crowds), most);
    // Those that run at a time may be heard of in any order.
    asked.forEach((n, place) => {
      const earlier = asked.slice(0, place).filter((m) => m < n);
      assertLess(n - earlier.length, most);
    });
    assertEquals(asked.length, COUNT);
  });
}

Deno.test("one that waits for another try lets the next one run", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads({
    maxDownloads: 1,
    retryWait: 60_000,
  });
  const bad = origin.serve("/bad", file(SIZE, 1), { status: 503 });
  const waiting = await downloads.add({ url: bad });
  const good = origin.serve("/good", file(SIZE, 2));
  const id = await downloads.add({ url: good });
  await assertDownloaded(await downloads.end(id), file(SIZE, 2), "good");
  assert(downloads.coordinator.get(waiting)?.error);
});
