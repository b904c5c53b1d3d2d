/** Finished files that clients move to other directories. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { DownloadError } from "../../lib/download/errors.ts";
import { createDownload } from "../../lib/download/download.ts";
import { parseDownload } from "../../lib/download/request.ts";
import { recover } from "../../lib/store/recovery.ts";
import { relocate } from "../../lib/store/relocation.ts";
import { filesIn, makeDirectory, partsIn } from "../support/directory.ts";
import { startDownloads } from "../support/downloads.ts";
import {
  type Home,
  moveAndDie,
  open,
  recovered,
} from "../support/move_and_die.ts";
import { bytesOf, file, startOrigin } from "../support/origin.ts";
import { canMount, mountOn } from "../support/small_disk.ts";
import { assertDownloaded } from "../support/status.ts";

const WHOLE = file(30_005, 1);

function to(directory: string) {
  return { kind: "relocate", directory } as const;
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const { code, message } = await assertRejects(() => work, DownloadError);
  return `${code}: ${message}`;
}

Deno.test("a finished file is moved, and found where it is then", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const { coordinator, directory } = downloads;
  const id = await downloads.add({ url: origin.serve("/a.bin", WHOLE) });
  await downloads.end(id);
  await coordinator.command(id, to("films/2026"));
  const status = coordinator.get(id);
  assert(status !== null);
  await assertDownloaded(status, WHOLE, "a.bin");
  assertEquals(status.directory, "films/2026");
  assertEquals(status.path_to_file, `file://${directory}/films/2026/a.bin`);
  assertEquals(coordinator.pathOf(id), `${directory}/films/2026/a.bin`);
  assertEquals(filesIn(directory), ["films"]);
  await coordinator.command(id, to("films/2026"));
  assertEquals(filesIn(`${directory}/films/2026`), ["a.bin"]);
  await Deno.writeTextFile(`${directory}/a.bin`, "mine");
  await coordinator.command(id, to(""));
  const back = coordinator.get(id);
  assertEquals([back?.directory, back?.filename], [null, "a (1).bin"]);
  assertEquals(await Deno.readTextFile(`${directory}/a.bin`), "mine");
  assertEquals(partsIn(directory), []);
  await coordinator.command(id, { kind: "remove", deleteFile: true });
  assertEquals(filesIn(directory), ["a.bin", "films"]);
});

Deno.test("nothing is moved through a symlink, nor what is not finished, or gone", async () => {
  await using origin = await startOrigin();
  await using outside = await makeDirectory();
  await using downloads = await startDownloads();
  const { coordinator, directory } = downloads;
  const url = origin.serve("/a", WHOLE);
  const paused = await downloads.add({ url, paused: true });
  assertMatch(
    await refusal(coordinator.command(paused, to("x"))),
    /^WRONG_STATE: Cannot relocate: the download is paused/,
  );
  const id = await downloads.add({ url });
  await downloads.end(id);
  await Deno.symlink(outside.path, `${directory}/out`);
  assertMatch(
    await refusal(coordinator.command(id, to("out/x"))),
    /^DISK: There is a symlink/,
  );
  assertEquals(filesIn(outside.path), []);
  assertEquals(coordinator.pathOf(id), `${directory}/a`);
  await Deno.remove(`${directory}/a`);
  assertMatch(
    await refusal(coordinator.command(id, to("x"))),
    /^FILE_GONE: The file was not at/,
  );
  assertEquals(partsIn(directory), []);
});

Deno.test({
  name: "another disk is refused in words, and the file stays",
  ignore: !canMount,
  async fn() {
    await using origin = await startOrigin();
    await using downloads = await startDownloads();
    const { coordinator, directory } = downloads;
    const id = await downloads.add({ url: origin.serve("/a", WHOLE) });
    await downloads.end(id);
    await Deno.mkdir(`${directory}/other`);
    await using _disk = await mountOn(`${directory}/other`);
    assertMatch(
      await refusal(coordinator.command(id, to("other"))),
      /^DISK: That directory is on another disk/,
    );
    assertEquals(coordinator.get(id)?.directory, null);
    assertEquals(coordinator.pathOf(id), `${directory}/a`);
    assertEquals(partsIn(directory), []);
  },
});

/** Puts a finished download into a content directory that has nothing else. */
async function finish({ parts: { directory }, store }: Home, id: string) {
  const request = parseDownload({ url: "http://a.test/a.bin" }, {
    urlLength: 100,
  });
  const path = `${directory}/a.bin`;
  await Deno.writeFile(path, bytesOf(WHOLE));
  await store.add([createDownload(request, 0, id)]);
  await store.settle(id, {
    state: { kind: "Downloaded", path },
    file: { size: WHOLE.size, ranges: true, validator: null, name: "a.bin" },
    downloaded: WHOLE.size,
    finishedAt: 1,
  });
}

for (const kind of ["links", "renames"] as const) {
  Deno.test(`a move that cannot be recorded says why, and the file is not lost, by ${kind}`, async () => {
    const id = "11111111-2222-3333-4444-555555555555";
    await using place = await makeDirectory();
    const { path: directory } = place;
    using home = await open(kind, directory);
    const { parts, store } = home;
    await finish(home, id);
    const download = store.get(id);
    assert(download !== null);
    const reword = () =>
      Promise.reject(new DownloadError("STATE", "It cannot be written."));
    const catalogue = { ...store, reword };
    assertEquals(
      await refusal(relocate(download, "x", { parts, catalogue })),
      "STATE: It cannot be written.",
    );
    await recover({ parts, catalogue: store, records: store });
    const state = store.get(id)?.state;
    assert(state?.kind === "Downloaded");
    assertEquals(state.path, `${directory}/a.bin`);
    assertEquals(filesIn(directory), ["a.bin", "x"]);
    assertEquals(filesIn(`${directory}/x`), []);
    assertEquals(partsIn(directory), []);
  });
}

/** More changes than a move makes. */
const STEPS = Array.from({ length: 20 }, (_, n) => n);

for (const kind of ["links", "renames"] as const) {
  Deno.test(`killed at any instant, a move leaves the file once, by ${kind}`, async () => {
    const id = "11111111-2222-3333-4444-555555555555";
    const ends = new Set<string>();
    let isOver = false;
    for (const n of STEPS) {
      if (isOver) break;
      await using place = await makeDirectory();
      const { path: directory } = place;
      {
        using home = await open(kind, directory);
        await finish(home, id);
      }
      await Deno.mkdir(`${directory}/x`);
      await Deno.writeTextFile(`${directory}/x/a.bin`, "mine");
      isOver = await moveAndDie(n, kind, directory, id, "x");
      const download = await recovered(kind, directory, id);
      assert(download?.state.kind === "Downloaded");
      const { request, state: { path }, file } = download;
      const name = `${request.directory || "."}/${file?.name}`;
      ends.add(name);
      assertEquals(path, `${directory}/${name}`.replace("/./", "/"), `${n}`);
      assertEquals(await Deno.readFile(path), bytesOf(WHOLE), `${n}`);
      // See renames.ts: such a kill may leave an empty file, which is nobody's.
      const isMine = (name: string) =>
        Deno.statSync(`${directory}/x/${name}`).size > 0;
      const inside = filesIn(`${directory}/x`).filter(isMine);
      const all = [...filesIn(directory), ...inside];
      const moved = name.startsWith("x") ? [] : ["a.bin"];
      const there = name.startsWith("x") ? ["a (1).bin"] : [];
      assertEquals(all, [...moved, "x", ...there, "a.bin"], `${n}`);
      assertEquals(
        await Deno.readTextFile(`${directory}/x/a.bin`),
        "mine",
      );
      assertEquals(partsIn(directory), [], `${n}`);
    }
    assert(isOver);
    assertEquals(ends, new Set(["./a.bin", "x/a (1).bin"]));
  });
}
