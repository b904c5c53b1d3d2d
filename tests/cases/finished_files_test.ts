/** Files that have their name: crashes before the record of it, and users. */

import { assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { createCoordinator } from "../../lib/coordinator.ts";
import { createDownload } from "../../lib/download/download.ts";
import { DownloadError } from "../../lib/download/errors.ts";
import { parseDownload } from "../../lib/download/request.ts";
import { openContentDirectory } from "../../lib/files/content_directory.ts";
import type { Status } from "../../lib/status/status.ts";
import type { Catalogue, Deferred } from "../../lib/store/catalogue.ts";
import { createQueue } from "../../lib/store/queue.ts";
import { openStore } from "../../lib/store/sqlite.ts";
import { flip, progress } from "../support/damage.ts";
import { filesIn, makeDirectory, partsIn } from "../support/directory.ts";
import {
  type Downloads,
  OPTIONS,
  startDownloads,
} from "../support/downloads.ts";
import { bytesOf, file, startOrigin } from "../support/origin.ts";
import { startSluice } from "../support/sluice.ts";
import { assertDownloaded } from "../support/status.ts";

const KiB = 1024;
/** Bytes of a slice in these tests. */
const SLICE = 64 * KiB;

/** A file of eight slices, and some. */
const WHOLE = file(8 * SLICE + 123);

for (
  const [what, whole, recorded] of [
    ["a file's", WHOLE, 0],
    ["a half recorded file's", WHOLE, SLICE],
    ["an empty file's", file(0), 0],
  ] as const
) {
  Deno.test(`after a crash between ${what} name and its record, there is one file`, async () => {
    await using origin = await startOrigin();
    const url = origin.serve("/a", whole);
    await using temporary = await makeDirectory();
    const directory = temporary.path;
    await Deno.mkdir(`${directory}/.sluice/parts`, { recursive: true });
    const request = parseDownload({ url }, { urlLength: 1000 });
    const download = createDownload(request, Date.now());
    const { size } = whole;
    {
      using store = openStore(`${directory}/.sluice/state.db`, {
        sync: true,
      });
      await store.add([download]);
      if (recorded > 0) {
        const validator = { kind: "etag", value: whole.etag ?? "" } as const;
        const crc = crc32(bytesOf(whole).slice(0, recorded));
        await store.checkpoint(
          download.id,
          { size, name: "a", ranges: true, validator },
          progress([{ start: 0, end: recorded, crc }]),
        );
      }
    }
    const part = `${directory}/.sluice/parts/${download.id}`;
    await Deno.writeFile(part, bytesOf(whole));
    await Deno.writeTextFile(`${directory}/a`, "mine");
    await Deno.link(part, `${directory}/a (1)`);
    await using downloads = await startDownloads({ directory });
    const status = await downloads.end(download.id);
    await assertDownloaded(status, whole);
    assertEquals(status.path_to_file, `file://${directory}/a%20(1)`);
    assertEquals([status.size, status.downloaded], [size, size]);
    assertEquals(filesIn(directory), ["a", "a (1)"]);
    assertEquals(partsIn(directory), []);
    assertEquals(origin.requests.length, 0);
  });
}

Deno.test("a named file that its user has changed is left as it is", async () => {
  await using origin = await startOrigin();
  const url = origin.serve("/a", WHOLE);
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  await Deno.mkdir(`${directory}/.sluice/parts`, { recursive: true });
  const request = parseDownload({ url }, { urlLength: 1000 });
  const download = createDownload(request, Date.now());
  const { size } = WHOLE;
  const half = Math.floor(size / 2);
  const bytes = bytesOf(WHOLE);
  const runs = [{ start: 0, end: half }, { start: half, end: size }]
    .map((run) => ({ ...run, crc: crc32(bytes.slice(run.start, run.end)) }));
  {
    using store = openStore(`${directory}/.sluice/state.db`, { sync: true });
    await store.add([download]);
    const validator = { kind: "etag", value: WHOLE.etag ?? "" } as const;
    const facts = { size, name: "a", ranges: true, validator };
    await store.checkpoint(download.id, facts, progress(runs));
  }
  const part = `${directory}/.sluice/parts/${download.id}`;
  await Deno.writeFile(part, bytes);
  await Deno.link(part, `${directory}/a`);
  flip(`${directory}/a`, 0);
  const theirs = await Deno.readFile(`${directory}/a`);
  await using downloads = await startDownloads({ directory });
  const status = await downloads.end(download.id);
  assertEquals(status.path_to_file, `file://${directory}/a`);
  assertEquals(await Deno.readFile(`${directory}/a`), theirs);
  assertEquals(filesIn(directory), ["a"]);
});

Deno.test("a finished file that somebody took away can still be removed", async () => {
  await using origin = await startOrigin();
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  let id;
  {
    await using downloads = await startDownloads({ directory });
    id = await downloads.add({ url: origin.serve("/a", WHOLE) });
    const { path_to_file } = await downloads.end(id);
    await Deno.remove(fromFileUrl(path_to_file ?? ""));
    await downloads.close();
  }
  await using downloads = await startDownloads({ directory });
  assertEquals(
    downloads.coordinator.get(id)?.process_status,
    "Downloaded",
  );
  assertEquals(downloads.coordinator.pathOf(id), null);
  const error = await assertRejects(
    () =>
      downloads.coordinator.command(id, { kind: "remove", deleteFile: true }),
    DownloadError,
    `off the list, but its file was not deleted: it was not at ${directory}/a `,
  );
  assertEquals(error.code, "FILE_GONE");
  assertEquals(downloads.coordinator.get(id), null);
  // And the name is free again.
  const again = await downloads.add({ url: origin.url("/a") });
  await assertDownloaded(await downloads.end(again), WHOLE);
  assertEquals(filesIn(directory), ["a"]);
});

for (
  const [what, replace] of [
    ["another download's", async ({ add, end }, url) => {
      await end(await add({ url }));
    }],
    ["one that is on no list", async ({ add, end, coordinator }, url) => {
      const id = await add({ url });
      await end(id);
      await coordinator.command(id, { kind: "remove", deleteFile: false });
    }],
    ["the user's own", ({ directory }) => {
      return Deno.writeTextFile(`${directory}/a`, "mine");
    }],
  ] as [string, (downloads: Downloads, url: string) => Promise<void>][]
) {
  Deno.test(`a file by a moved one's name, ${what}, is not taken for it`, async () => {
    await using origin = await startOrigin();
    await using downloads = await startDownloads();
    const { coordinator, directory } = downloads;
    const url = origin.serve("/a", WHOLE);
    const first = await downloads.add({ url });
    await downloads.end(first);
    assertEquals(coordinator.pathOf(first), `${directory}/a`);
    await Deno.rename(`${directory}/a`, `${directory}/moved`);
    await replace(downloads, url);
    assertEquals(coordinator.pathOf(first), null);
    const error = await assertRejects(
      () => coordinator.command(first, { kind: "remove", deleteFile: true }),
      DownloadError,
      `another file is at ${directory}/a by now, and was left there`,
    );
    assertEquals(error.code, "FILE_GONE");
    assertEquals(coordinator.get(first), null);
    assertEquals(filesIn(directory), ["a", "moved"]);
  });
}

Deno.test("a finished file that somebody wrote to is still its download's", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const { coordinator, directory } = downloads;
  const id = await downloads.add({ url: origin.serve("/a", WHOLE) });
  await downloads.end(id);
  await Deno.writeTextFile(`${directory}/a`, "mine");
  assertEquals(coordinator.pathOf(id), `${directory}/a`);
  await coordinator.command(id, { kind: "remove", deleteFile: true });
  assertEquals(filesIn(directory), []);
});

for (const code of ["DISK_FULL", "STATE"] as const) {
  Deno.test(`a file whose record fails with ${code} once has one name`, async () => {
    await using temporary = await makeDirectory();
    const directory = temporary.path;
    await using origin = await startOrigin();
    using parts = await openContentDirectory(directory, { sync: true });
    using store = openStore(parts.statePath, { sync: true });
    let failures = 1;
    const catalogue: Catalogue & Deferred = {
      ...store,
      settle(id, settled) {
        if (settled.state.kind !== "Downloaded" || failures-- === 0) {
          return store.settle(id, settled);
        }
        return Promise.reject(new DownloadError(code, "for once"));
      },
    };
    const ended = Promise.withResolvers<Status>();
    const coordinator = await createCoordinator(OPTIONS, {
      queue: createQueue(store),
      catalogue,
      records: store,
      parts,
      hear: () => {},
      broadcast({ changed: [status] }) {
        if (status?.process_status === "Downloaded") ended.resolve(status);
      },
    });
    const whole = file(1000, 1, { etag: null });
    const url = origin.serve("/a", whole);
    await coordinator.add([parseDownload({ url }, { urlLength: 1_000 })]);
    await assertDownloaded(await ended.promise, whole);
    assertEquals(filesIn(directory), ["a"]);
    assertEquals(origin.requests.length, 1);
    await coordinator.close();
  });
}

Deno.test("a file that is being moved is found by who verifies and reads it", async () => {
  await using origin = await startOrigin();
  await using server = await startSluice();
  await using mover = await server.connect();
  await using verifier = await server.connect();
  const id = await mover.add({ url: origin.serve("/a", WHOLE) });
  await mover.end(id);
  const sha256 = createHash("sha256").update(bytesOf(WHOLE)).digest("hex");
  const file = server.url.replace("ws:", "http:") + `files/${id}`;
  let moving = true;
  const found: unknown[] = [];

  async function verifyAll() {
    while (moving) {
      const reply = await verifier.request({ action: "verify", id, sha256 });
      if (!("data" in reply && "fits" in reply.data && reply.data.fits)) {
        found.push(reply);
      }
    }
  }

  async function readAll() {
    while (moving) {
      const answer = await fetch(file);
      const text = await answer.text();
      if (answer.status !== 200) found.push([answer.status, text]);
    }
  }

  const reading = [verifyAll(), readAll()];
  for (let n = 0; n < 100; n++) {
    const directory = n % 2 === 0 ? "x" : ".";
    const reply = await mover.request({ action: "relocate", id, directory });
    assertEquals("data" in reply, true, JSON.stringify(reply));
  }
  moving = false;
  await Promise.all(reading);
  assertEquals(found, []);
});
