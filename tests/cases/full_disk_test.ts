/** Disks that are full. */

import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { DownloadError } from "../../lib/download/errors.ts";
import { parseDownload } from "../../lib/download/request.ts";
import { partsIn } from "../support/directory.ts";
import { type Downloads, startDownloads } from "../support/downloads.ts";
import { file, type Origin, startOrigin } from "../support/origin.ts";
import { canMount, fill, makeRoom, mountDisk } from "../support/small_disk.ts";
import { assertDownloaded } from "../support/status.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

const WHOLE = file(512 * KiB + 123);

const ignore = !await canMount();

/** Starts `/a`, whose second half does not come before `goOn` is called. */
async function startOnDisk(
  origin: Origin,
  directory: string,
  minFreeSpace: number,
): Promise<{ downloads: Downloads; id: string; goOn: () => void }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const gates = { head: () => promise };
  const url = origin.serve(
    "/a",
    BIG,
    ({ range }) => (range?.start ?? 0) < BIG.size / 2 ? {} : { gates },
  );
  const downloads = await startDownloads({ directory, minFreeSpace });
  const id = await downloads.add({ url });
  await downloads.until(id, ({ downloaded }) => downloaded >= BIG.size / 2);
  return { downloads, id, goOn: resolve };
}

const BIG = file(4 * MiB);

for (const how of ["by itself", "by command"] as const) {
  Deno.test({
    name:
      `a full disk pauses its downloads only, which go on ${how} once there is room`,
    ignore,
    async fn() {
      await using origin = await startOrigin();
      await using disk = await mountDisk();
      const directory = disk.path;
      const { downloads, id, goOn } = await startOnDisk(
        origin,
        directory,
        MiB,
      );
      await using _downloads = downloads;
      await fill(directory, MiB / 2);
      const paused = await downloads.end(id);
      assertEquals(paused.process_status, "Paused");
      assertEquals(paused.error?.code, "DISK_FULL");
      assertGreater(paused.downloaded, BIG.size / 2 - 1);
      // Another disk has room.
      await using others = await startDownloads();
      const other = await others.add({ url: origin.serve("/b", WHOLE) });
      await assertDownloaded(await others.end(other), WHOLE);
      assertEquals(
        downloads.coordinator.get(id)?.process_status,
        "Paused",
      );
      const asked = origin.requests.length;
      goOn();
      await makeRoom(directory);
      if (how === "by command") {
        await downloads.command("resume", id).catch((error) => {
          // It was quicker by itself.
          assertEquals(error.code, "WRONG_STATE");
        });
      }
      const status = await downloads.until(
        id,
        ({ process_status }) => process_status === "Downloaded",
      );
      await assertDownloaded(status, BIG);
      for (const { range, path } of origin.requests.slice(asked)) {
        assert(path === "/b" || range !== null && range.start > 0);
      }
    },
  });
}

Deno.test({
  name: "a disk without one byte left, not even for the state, is survived",
  ignore,
  async fn() {
    await using origin = await startOrigin();
    await using disk = await mountDisk();
    const directory = disk.path;
    const { downloads, id, goOn } = await startOnDisk(origin, directory, 0);
    await using _downloads = downloads;
    await fill(directory, 0);
    goOn();
    const { process_status } = await downloads.until(
      id,
      ({ error }) => error?.code === "DISK_FULL",
    );
    assert(process_status !== "Downloaded" && process_status !== "Failed");
    // What cannot be recorded must not be acknowledged.
    const request = parseDownload(
      { url: origin.url("/a?".padEnd(100_000, "x")) },
      { urlLength: 1_000_000 },
    );
    const error = await assertRejects(
      () => downloads.coordinator.add([request]),
      DownloadError,
    );
    assertEquals(error.code, "DISK_FULL");
    await makeRoom(directory);
    const status = await downloads.until(
      id,
      ({ process_status }) => process_status === "Downloaded",
    );
    await assertDownloaded(status, BIG);
    assertEquals(partsIn(directory), []);
    const more = await downloads.add({ url: origin.serve("/b", WHOLE) });
    await assertDownloaded(await downloads.end(more), WHOLE);
  },
});

Deno.test({
  name: "a file waits that has no room beside the one that is being fetched",
  ignore,
  async fn() {
    await using origin = await startOrigin();
    await using disk = await mountDisk();
    const directory = disk.path;
    await using downloads = await startDownloads({
      directory,
      minFreeSpace: MiB,
    });
    const content = file(5 * MiB);
    const urls = ["/a", "/b"].map((path) =>
      origin.serve(path, content, { rate: 1.5 * MiB })
    );
    const ids = await Promise.all(urls.map((url) => downloads.add({ url })));
    const ends = await Promise.all(ids.map((id) => downloads.end(id)));
    const come = ends.find(({ error }) => error === null);
    const waits = ends.find(({ error }) => error !== null);
    assert(come !== undefined && waits !== undefined);
    await assertDownloaded(come, content);
    assertEquals(waits.error?.code, "DISK_FULL");
    assertMatch(waits.error?.message ?? "", /beside what is being fetched/);
    await Deno.remove(`${directory}/${come.filename}`);
    const last = await downloads.until(
      waits.id,
      ({ process_status }) => process_status === "Downloaded",
    );
    await assertDownloaded(last, content);
  },
});

Deno.test({
  name:
    "a file that would not leave MIN_FREE_SPACE waits, and smaller ones come",
  ignore,
  async fn() {
    await using origin = await startOrigin();
    await using disk = await mountDisk();
    const directory = disk.path;
    await using downloads = await startDownloads({
      directory,
      minFreeSpace: 5 * MiB,
    });
    const id = await downloads.add({ url: origin.serve("/a", BIG) });
    const { process_status, error } = await downloads.end(id);
    assertEquals([process_status, error?.code], ["Paused", "DISK_FULL"]);
    assertMatch(error?.message ?? "", /needs 4 MiB more/);
    const small = await downloads.add({ url: origin.serve("/b", WHOLE) });
    await assertDownloaded(await downloads.end(small), WHOLE);
  },
});
