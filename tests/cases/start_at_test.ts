/** Downloads that wait for their time; only the time of day is made up. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { DownloadError } from "../../lib/download/errors.ts";
import { createDownload } from "../../lib/download/download.ts";
import { parseDownload } from "../../lib/download/request.ts";
import { openStore } from "../../lib/store/sqlite.ts";
import { startDownloads } from "../support/downloads.ts";
import { makeDirectory } from "../support/directory.ts";
import { file, startOrigin } from "../support/origin.ts";
import { assertDownloaded } from "../support/status.ts";

const WHOLE = file(1000, 1);
const SIX = Date.UTC(2026, 10, 29, 18);
const START = { start_at: "2026-11-29T18:00:00Z" };
const START_AT = "2026-11-29T18:00:00.000Z";

/** A clock that a test sets. */
function clockAt(first: number) {
  let now = first;
  return { timeOfDay: () => now, set: (time: number) => void (now = time) };
}

Deno.test("a download starts at its time, also after a restart", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const clock = clockAt(SIX - 60_000);
  const options = { directory: directory.path, timeOfDay: clock.timeOfDay };
  const url = origin.serve("/a", WHOLE);
  let id: string;
  {
    await using downloads = await startDownloads(options);
    id = await downloads.add({ url, ...START });
    const { process_status, start_at } = downloads.coordinator.get(id) ?? {};
    assertEquals([process_status, start_at], ["Paused", START_AT]);
  }
  await using downloads = await startDownloads(options);
  assertEquals(downloads.coordinator.get(id)?.start_at, START_AT);
  // What has no time of its own, or one that is past, begins at once.
  const past = { start_at: "2026-11-29T17:58:59+00:00" };
  const now = await downloads.add({ url: origin.serve("/b", WHOLE), ...past });
  await assertDownloaded(await downloads.end(now), WHOLE, "b");
  assertEquals(origin.requests.map(({ path }) => path), ["/b"]);
  clock.set(SIX);
  const ended = await downloads.until(
    id,
    (status) => status.process_status === "Downloaded",
  );
  await assertDownloaded(ended, WHOLE, "a");
  assertEquals("start_at" in ended, false);
});

Deno.test("resume starts at once, or at another time; pause forgets the time", async () => {
  await using origin = await startOrigin();
  const clock = clockAt(SIX - 60_000);
  await using downloads = await startDownloads(clock);
  const { coordinator } = downloads;
  const [first, second, third] = await Promise.all(
    ["/a", "/b", "/c"].map((path) =>
      downloads.add({ url: origin.serve(path, WHOLE), ...START })
    ),
  );
  assert(first && second && third);
  const later = SIX + 60_000;
  await coordinator.command(second, { kind: "resume", startAt: later });
  assertEquals(
    coordinator.get(second)?.start_at,
    new Date(later).toISOString(),
  );
  // Its new URL is another thing than its time.
  const url = origin.serve("/d", WHOLE);
  await coordinator.command(second, { kind: "refresh", url });
  await coordinator.command(third, { kind: "pause" });
  assertEquals("start_at" in (coordinator.get(third) ?? {}), false);
  await assertRejects(
    () => coordinator.command(third, { kind: "pause" }),
    DownloadError,
    "paused",
  );
  await coordinator.command(first, { kind: "resume" });
  const ended = await downloads.until(
    first,
    (status) => status.process_status === "Downloaded",
  );
  await assertDownloaded(ended, WHOLE, "a");
  clock.set(later);
  const last = await downloads.until(
    second,
    (status) => status.process_status === "Downloaded",
  );
  await assertDownloaded(last, WHOLE, "d");
  assertEquals(coordinator.get(third)?.process_status, "Paused");
});

Deno.test("a start is a moment, and no pause", () => {
  const read = (fields: object) =>
    parseDownload({ url: "http://a.test/", ...fields }, { urlLength: 1000 });
  assertEquals(
    read({ start_at: "2026-11-29T18:00:00+01:00" }).startAt,
    SIX - 3_600_000,
  );
  assertEquals("startAt" in read({ start_at: null }), false);
  for (
    const fields of [
      { start_at: "18:00" },
      { start_at: "2026-11-29" },
      { start_at: "2026-11-29T18:00" },
      { start_at: "2026-13-29T18:00Z" },
      { start_at: "2027-02-29T18:00Z" },
      { start_at: "2027-04-31T18:00:00+01:00" },
      { start_at: SIX },
      { ...START, paused: true },
    ]
  ) {
    try {
      read(fields);
      assert(false, JSON.stringify(fields));
    } catch (error) {
      assert(error instanceof DownloadError, String(error));
      assertEquals(error.code, "BAD_REQUEST");
    }
  }
});

Deno.test("what is due is found at once among many that wait", async () => {
  await using directory = await makeDirectory();
  const path = join(directory.path, "state.db");
  using store = openStore(path, { sync: false });
  const many = (count: number, startAt: number) =>
    store.add(
      Array.from({ length: count }, (_, n) => {
        const url = `http://a.test/${n}`;
        const request = { ...parseDownload({ url }, { urlLength: 100 }) };
        return createDownload({ ...request, startAt }, 0);
      }),
    );
  const time = (action: () => unknown) => {
    const began = performance.now();
    for (let n = 0; n < 100; n++) action();
    return performance.now() - began;
  };
  await many(100, SIX);
  const few = time(() => assertEquals(store.due(SIX - 1, 1000), []));
  await many(20_000, SIX + 1);
  const among = time(() => assertEquals(store.due(SIX - 1, 1000), []));
  // Going through all of them takes 200 times as long.
  assert(among < 20 * few + 10, `${among} ms beside ${few} ms`);
  assertEquals(store.due(SIX, 1000).length, 100);
});
