/** Downloads that go to directories below the content directory. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { createDownload } from "../../lib/download/download.ts";
import { parseDownload } from "../../lib/download/request.ts";
import { openContentDirectory } from "../../lib/files/content_directory.ts";
import { namingOf } from "../../lib/files/find_naming.ts";
import { openStore } from "../../lib/store/sqlite.ts";
import { filesIn, makeDirectory, partsIn } from "../support/directory.ts";
import { startDownloads } from "../support/downloads.ts";
import { bytesOf, file, startOrigin } from "../support/origin.ts";
import { codeOf } from "../support/requests.ts";
import { canMount, mountOn } from "../support/small_disk.ts";
import { startSluice } from "../support/sluice.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";

const KiB = 1024;
const WHOLE = file(300 * KiB + 5, 1);

Deno.test("a file goes to its directory, which is made when it gets its name", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const { coordinator, directory } = downloads;
  const gate = Promise.withResolvers<void>();
  const url = origin.serve("/a", WHOLE, { gates: { 9: () => gate.promise } });
  const id = await downloads.add({ url, directory: "films/2026" });
  await downloads.until(id, ({ size }) => size !== null);
  assertEquals(coordinator.get(id)?.directory, "films/2026");
  assertEquals(filesIn(directory), []);
  gate.resolve();
  const status = await downloads.end(id);
  await assertDownloaded(status, WHOLE, "a");
  assertEquals(status.filename, "a");
  assertEquals(status.directory, "films/2026");
  assertEquals(status.path_to_file, `file://${directory}/films/2026/a`);
  assertEquals(filesIn(directory), ["films"]);
  assertEquals(filesIn(`${directory}/films`), ["2026"]);
  assertEquals(partsIn(directory), []);
});

Deno.test("names collide within a directory only, also when all end at once", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads({ threadsPerHost: 30 });
  const url = origin.serve("/a.bin", WHOLE);
  const places = ["x", "x/y", undefined];
  const ids = await Promise.all(
    places.flatMap((directory) =>
      Array.from({ length: 3 }, () => downloads.add({ url, directory }))
    ),
  );
  for (const id of ids) {
    await assertDownloaded(await downloads.end(id), WHOLE);
  }
  const names = ["a (1).bin", "a (2).bin", "a.bin"];
  const { directory } = downloads;
  assertEquals(filesIn(directory), [...names, "x"]);
  assertEquals(filesIn(`${directory}/x`), [...names, "y"]);
  assertEquals(filesIn(`${directory}/x/y`), names);
});

Deno.test("removed with its file, a download leaves its directory", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const { coordinator, directory } = downloads;
  const url = origin.serve("/a", WHOLE);
  const id = await downloads.add({ url, directory: "x/y" });
  await downloads.end(id);
  await Deno.writeTextFile(`${directory}/a`, "mine");
  await coordinator.command(id, { kind: "remove", deleteFile: true });
  assertEquals(filesIn(`${directory}/x`), ["y"]);
  assertEquals(filesIn(`${directory}/x/y`), []);
  assertEquals(filesIn(directory), ["a", "x"]);
});

for (
  const [what, put, told] of [
    [
      "a file",
      (path) => Deno.writeTextFileSync(path, "mine"),
      /There is a file/,
    ],
    [
      "a symlink that leads out",
      (path, outside) => Deno.symlinkSync(outside, path),
      /There is a symlink, which is not followed/,
    ],
    [
      "a symlink that stays inside",
      (path) => Deno.symlinkSync("inside", path),
      /There is a symlink, which is not followed/,
    ],
  ] as [string, (path: string, outside: string) => void, RegExp][]
) {
  Deno.test(`${what} that is put in a directory's place is told, and a retry goes on`, async () => {
    await using origin = await startOrigin();
    await using outside = await makeDirectory();
    await using downloads = await startDownloads();
    const { directory } = downloads;
    const gate = Promise.withResolvers<void>();
    const url = origin.serve("/a", WHOLE, { gates: { 9: () => gate.promise } });
    await Deno.mkdir(`${directory}/inside`);
    await Deno.mkdir(`${directory}/x`);
    const id = await downloads.add({ url, directory: "x/y" });
    await downloads.until(id, ({ size }) => size !== null);
    await Deno.remove(`${directory}/x`);
    put(`${directory}/x`, outside.path);
    gate.resolve();
    const failed = await downloads.end(id);
    assertFailed(failed, "DISK", /move it away, and try the download again/);
    assertMatch(failed.error?.message ?? "", told);
    assertEquals(outside.names(), []);
    assertEquals(filesIn(`${directory}/inside`), []);
    await Deno.remove(`${directory}/x`);
    const asked = origin.requests.length;
    await downloads.command("retry", id);
    const status = await downloads.end(id);
    await assertDownloaded(status, WHOLE);
    assertEquals(status.path_to_file, `file://${directory}/x/y/a`);
    // What had come is kept.
    assertEquals(origin.requests.length, asked);
  });
}

Deno.test({
  ignore: !await canMount(),
  name: "a directory on another disk is told, and a retry without it goes on",
  async fn() {
    await using origin = await startOrigin();
    await using downloads = await startDownloads();
    const { directory } = downloads;
    const url = origin.serve("/a", WHOLE);
    await Deno.mkdir(`${directory}/x`);
    let id = "";
    {
      await using _disk = await mountOn(`${directory}/x`);
      id = await downloads.add({ url, directory: "x/y" });
      const failed = await downloads.end(id);
      assertFailed(failed, "DISK", /on another file system .* unmount it/);
      assertEquals(filesIn(`${directory}/x/y`), []);
    }
    await downloads.command("retry", id);
    const status = await downloads.end(id);
    await assertDownloaded(status, WHOLE);
    assertEquals(status.path_to_file, `file://${directory}/x/y/a`);
  },
});

Deno.test("killed between name and record, a download has its file in its directory", async () => {
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  const ids: Record<string, string> = {};
  {
    using parts = await openContentDirectory(directory, { sync: true });
    using store = openStore(parts.statePath, { sync: true });
    for (const below of ["x/y", "z", undefined]) {
      const fields = { url: "http://127.0.0.1:9/a", directory: below };
      const request = parseDownload(fields, { urlLength: 100 });
      const download = createDownload(request, Date.now());
      await store.add([download]);
      const part = parts.path(download.id);
      await Deno.writeFile(part, bytesOf(WHOLE));
      const place = below === undefined ? directory : `${directory}/${below}`;
      await Deno.mkdir(place, { recursive: true });
      await namingOf("links").give(part, place, "a", { sync: true });
      ids[place] = download.id;
    }
  }
  await Deno.rename(`${directory}/z`, `${directory}/z2`);
  await using downloads = await startDownloads({ directory });
  for (const place of [directory, `${directory}/x/y`]) {
    const status = downloads.coordinator.get(ids[place] ?? "");
    assert(status);
    await assertDownloaded(status, WHOLE, "a");
    assertEquals(status.path_to_file, `file://${place}/a`);
  }
  assertEquals(filesIn(`${directory}/z2`), ["a"]);
});

Deno.test("a directory may be very deep, and have the names of any script", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const url = origin.serve("/a", WHOLE);
  const deep = Array(250).fill("a").join("/");
  for (const below of [deep, "Фильмы/電影/ملفات"]) {
    const id = await downloads.add({ url, directory: below });
    const status = await downloads.end(id);
    await assertDownloaded(status, WHOLE);
    assertEquals(status.directory, below);
    const path = `${downloads.directory}/${below}/a`;
    assertEquals(downloads.coordinator.pathOf(id), path);
  }
});

Deno.test("clients name a directory, read the file of it, and are told of a wrong one", async () => {
  await using origin = await startOrigin();
  await using server = await startSluice();
  await using client = await server.connect();
  const url = origin.serve("/a", WHOLE);
  const page = server.url.replace("ws:", "http:");
  const id = await client.add({ url, directory: "x:y/./z/" });
  const status = await client.end(id);
  assertEquals(status.directory, "x_y/z");
  assertEquals(status.path_to_file, `file://${server.directory}/x_y/z/a`);
  const answer = await fetch(`${page}files/${id}`);
  assertEquals(await answer.bytes(), bytesOf(WHOLE));
  for (const directory of ["../x", "/etc", "a\\b", ".sluice/parts"]) {
    const reply = await client.request({ urls: [url, { url, directory }] });
    assertEquals(codeOf(reply), "BAD_REQUEST");
    assertMatch(JSON.stringify(reply), /urls.*\[1\].*directory/);
  }
  assertEquals(filesIn(server.directory), ["x_y"]);
});
