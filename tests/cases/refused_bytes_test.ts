/**
 * Disks that take bytes and refuse them later. Linux tells of that once, at a sync;
 * what was refused can still be read until memory runs short, and the next sync
 * succeeds.
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import type { ErrorRecord } from "../../lib/download/errors.ts";
import { startDownloads } from "../support/downloads.ts";
import { file, startOrigin } from "../support/origin.ts";
import {
  canMountThin,
  fill,
  makeRoom,
  mountThinDisk,
} from "../support/small_disk.ts";
import { assertDownloaded } from "../support/status.ts";

const MiB = 2 ** 20;
const SMALL = file(4 * MiB, 1);
const BIG = file(12 * MiB, 2);

const ignore = !await canMountThin();

Deno.test({
  name: "what a thin disk has refused is fetched again once it has room",
  ignore,
  async fn() {
    await using origin = await startOrigin();
    await using disk = await mountThinDisk();
    const directory = disk.path;
    const status = await (async () => {
      await using downloads = await startDownloads({ directory });
      // The state has its blocks by then.
      const small = await downloads.add({ url: origin.serve("/small", SMALL) });
      await assertDownloaded(await downloads.end(small), SMALL);
      await disk.sync();
      await fill(disk.below, 0);
      const url = origin.serve("/big", BIG);
      const id = await downloads.add({ url });
      const paused = await downloads.until(
        id,
        ({ error }) => error?.code === "DISK_FULL",
      );
      assert(paused.process_status !== "Downloaded");
      await makeRoom(disk.below);
      return await downloads.until(
        id,
        ({ process_status }) => process_status === "Downloaded",
      );
    })();
    await disk.remount();
    await assertDownloaded(status, BIG);
  },
});

for (const code of ["DISK", "DISK_FULL"] as const) {
  Deno.test(`nothing counts that was written before a sync failed with ${code}`, async () => {
    await using origin = await startOrigin();
    let refusals = 0;
    const refusal: ErrorRecord = { code, message: "No.", retryAfter: null };
    await using downloads = await startDownloads({
      syncPart: (sync) => (id) =>
        refusals++ === 0 ? Promise.resolve(refusal) : sync(id),
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    const gates = { head: () => promise };
    const url = origin.serve(
      "/a",
      SMALL,
      ({ range }) => (range?.start ?? 0) < SMALL.size / 2 ? {} : { gates },
    );
    const id = await downloads.add({ url });
    await downloads.until(id, ({ error }) => error?.code === code);
    const ended = await downloads.end(id);
    assertEquals(ended.downloaded, 0);
    const asked = origin.requests.length;
    resolve();
    if (code === "DISK") await downloads.command("retry", id);
    const status = await downloads.until(
      id,
      ({ process_status }) => process_status === "Downloaded",
    );
    await assertDownloaded(status, SMALL);
    const again = origin.requests.slice(asked);
    assert(again.some(({ range }) => (range?.start ?? 0) === 0));
  });
}

Deno.test("a sync that is refused as a download comes to rest leaves what was recorded", async () => {
  await using origin = await startOrigin();
  const recorded = Promise.withResolvers<void>();
  let isRefusing = false;
  await using downloads = await startDownloads({
    syncPart: (sync) => async (id) => {
      if (isRefusing) return { code: "DISK", message: "No.", retryAfter: null };
      const refusal = await sync(id);
      recorded.resolve();
      return refusal;
    },
  });
  const never = () => new Promise<void>(() => {});
  const url = origin.serve(
    "/a",
    SMALL,
    ({ range }) =>
      (range?.start ?? 0) < SMALL.size / 2 ? {} : { gates: { head: never } },
  );
  const id = await downloads.add({ url });
  await recorded.promise;
  isRefusing = true;
  await downloads.command("pause", id);
  assertGreater((await downloads.end(id)).downloaded, 0);
});
