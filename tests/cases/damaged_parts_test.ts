/** Parts that somebody changes, between two runs or while they are fetched. */

import { assert, assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import { createDownload } from "../../lib/download/download.ts";
import type { Range } from "../../lib/download/ranges.ts";
import { parseDownload } from "../../lib/download/request.ts";
import { openStore } from "../../lib/store/sqlite.ts";
import {
  fetchHalf,
  flip,
  HALF,
  KEPT,
  progress,
  sizeOf,
} from "../support/damage.ts";
import { filesIn, makeDirectory, partsIn } from "../support/directory.ts";
import { startDownloads } from "../support/downloads.ts";
import { bytesOf, file, forever, startOrigin } from "../support/origin.ts";
import { assertDownloaded } from "../support/status.ts";

const KiB = 1024;
/** Bytes of a slice in these tests. */
const SLICE = 64 * KiB;

const ALL: Range = { start: 0, end: HALF };

for (
  const [what, change, lost] of [
    ["is as it was", () => {}, null],
    [
      "is cut",
      (part) => Deno.truncateSync(part, 2 * SLICE + 10),
      { start: 2 * SLICE, end: HALF },
    ],
    ["is empty", (part) => Deno.truncateSync(part, 0), ALL],
    ["is deleted", (part) => Deno.removeSync(part), ALL],
    [
      "has only zeros of the same length",
      (part) => Deno.writeFileSync(part, new Uint8Array(sizeOf(part))),
      ALL,
    ],
    [
      "has other content of the same length",
      (part) => Deno.writeFileSync(part, bytesOf(file(sizeOf(part), 9))),
      ALL,
    ],
    [
      "has one bit flipped",
      (part) => flip(part, SLICE + 7),
      { start: SLICE, end: 2 * SLICE },
    ],
    [
      "has its last byte flipped",
      (part) => flip(part, HALF - 1),
      { start: HALF - SLICE, end: HALF },
    ],
    [
      "has a hole",
      (part) => punch(part, { start: SLICE + 5, end: 2 * SLICE - 5 }),
      { start: SLICE, end: 2 * SLICE },
    ],
    ["is a link to another file", (part) => {
      const other = `${part}.other`;
      Deno.writeFileSync(other, bytesOf(file(sizeOf(part), 9)));
      Deno.removeSync(part);
      Deno.symlinkSync(other, part);
    }, ALL],
    ["is an empty directory", (part) => {
      Deno.removeSync(part);
      Deno.mkdirSync(part);
    }, ALL],
  ] satisfies [string, (part: string) => void, Range | null][]
) {
  Deno.test(`a part that ${what} after a stop: only what is damaged is fetched again`, async () => {
    await using origin = await startOrigin();
    await using temporary = await makeDirectory();
    const directory = temporary.path;
    const id = await fetchHalf(origin, directory);
    const asked = origin.requests.length;
    change(`${directory}/.sluice/parts/${id}`);
    await using downloads = await startDownloads({ directory });
    await assertDownloaded(await downloads.end(id), KEPT);
    assertEquals(filesIn(directory), ["a"]);
    const again = origin.requests.slice(asked)
      .map(({ range }) => range ?? { start: 0, end: Infinity })
      .filter(({ start }) => start < HALF);
    const { start, end } = lost ?? { start: 0, end: 0 };
    for (const range of again) assert(range.start >= start, what);
    // What is damaged must be noticed, or this test proves nothing.
    assertEquals(again.some((range) => range.start < end), lost !== null);
    if (lost !== null && lost !== ALL) {
      assert(again.every((range) => range.end <= end));
    }
  });
}

function punch(path: string, { start, end }: Range): void {
  const bytes = Deno.readFileSync(path);
  Deno.writeFileSync(path, bytes.fill(0, start, end));
}

Deno.test("a part that somebody made longer never becomes a file", async () => {
  await using origin = await startOrigin();
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  const id = await fetchHalf(origin, directory);
  const part = `${directory}/.sluice/parts/${id}`;
  await Deno.truncate(part, KEPT.size + 1000);
  await using downloads = await startDownloads({ directory });
  await assertDownloaded(await downloads.end(id), KEPT);
});

Deno.test("a part that is deleted while it is being fetched is begun anew", async () => {
  await using origin = await startOrigin();
  const gate = Promise.withResolvers<void>();
  const gates = { head: () => gate.promise };
  const url = origin.serve("/a", KEPT, ({ n }) => n === 0 ? {} : { gates });
  await using downloads = await startDownloads();
  const { directory } = downloads;
  const id = await downloads.add({ url });
  await downloads.until(id, ({ downloaded }) => downloaded >= SLICE);
  await Deno.remove(`${directory}/.sluice/parts/${id}`);
  gate.resolve();
  await assertDownloaded(await downloads.end(id), KEPT);
  assertEquals(partsIn(directory), []);
});

Deno.test("a damaged part without a validator is fetched anew, in one answer", async () => {
  await using origin = await startOrigin();
  const whole = file(4 * SLICE, 0, { etag: null });
  const url = origin.serve("/a", whole);
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  await Deno.mkdir(`${directory}/.sluice/parts`, { recursive: true });
  const request = parseDownload({ url }, { urlLength: 1000 });
  const download = createDownload(request, Date.now());
  const bytes = bytesOf(whole);
  const runs = [{ start: 0, end: SLICE }, { start: SLICE, end: whole.size }]
    .map((run) => ({ ...run, crc: crc32(bytes.slice(run.start, run.end)) }));
  {
    using store = openStore(`${directory}/.sluice/state.db`, { sync: true });
    await store.add([download]);
    const facts = { ranges: true, validator: null, name: "a" };
    await store.checkpoint(
      download.id,
      { size: whole.size, ...facts },
      progress(runs),
    );
  }
  const part = `${directory}/.sluice/parts/${download.id}`;
  await Deno.writeFile(part, bytes);
  flip(part, 2 * SLICE);
  await using downloads = await startDownloads({ directory });
  await assertDownloaded(await downloads.end(download.id), whole);
  assertEquals(origin.requests.length, 1);
});

for (const kind of ["pause", "refresh"] as const) {
  Deno.test(`a part that is gone does not keep ${kind} from its end`, async () => {
    await using origin = await startOrigin();
    await using downloads = await startDownloads();
    const { coordinator, directory } = downloads;
    const whole = file(16 * SLICE);
    let held = true;
    const url = origin.serve(
      "/a",
      whole,
      ({ nth }) => held && nth > 0 ? { gates: { head: forever } } : {},
    );
    const id = await downloads.add({ url });
    await downloads.until(id, ({ downloaded }) => downloaded >= SLICE);
    for (const name of partsIn(directory)) {
      await Deno.remove(`${directory}/.sluice/parts/${name}`);
    }
    held = false;
    const command = kind === "pause" ? { kind } : { kind, url };
    await coordinator.command(id, command);
    if (kind === "pause") {
      assertEquals(coordinator.get(id)?.downloaded, 0);
      await downloads.command("resume", id);
    }
    await assertDownloaded(await downloads.end(id), whole);
  });
}

for (
  const [how, change] of [
    ["cut", (part: string) => Deno.truncateSync(part, 0)],
    ["replaced", (part: string) => {
      Deno.removeSync(part);
      Deno.writeFileSync(part, new Uint8Array(10));
    }],
  ] as const
) {
  for (const etag of ['"1"', null]) {
    Deno.test(`a part that is ${how} while it is fetched, ETag ${etag}`, async () => {
      await using origin = await startOrigin();
      const whole = file(16 * SLICE, 1, { etag });
      let changed = false;
      const held = Promise.withResolvers<void>();
      const url = origin.serve(
        "/a",
        whole,
        ({ range }) =>
          range === null || etag === null
            ? { gates: { [8 * SLICE]: () => held.promise } }
            : range.start >= 8 * SLICE && !changed
            ? { gates: { head: () => held.promise } }
            : {},
      );
      await using downloads = await startDownloads();
      const id = await downloads.add({ url });
      const half = etag === null ? 6 * SLICE : 8 * SLICE;
      await downloads.until(id, ({ downloaded }) => downloaded >= half);
      const parts = `${downloads.directory}/.sluice/parts`;
      for (const name of partsIn(downloads.directory)) {
        change(`${parts}/${name}`);
      }
      changed = true;
      held.resolve();
      await assertDownloaded(await downloads.end(id), whole);
    });
  }
}
