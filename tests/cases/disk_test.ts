import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { fromFileUrl } from "@std/path";
import fc from "fast-check";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { createCoordinator } from "../../lib/coordinator.ts";
import { createDownload } from "../../lib/download/download.ts";
import { DownloadError } from "../../lib/download/errors.ts";
import { type Range, type Run, total } from "../../lib/download/ranges.ts";
import { parseDownload } from "../../lib/download/request.ts";
import { openContentDirectory } from "../../lib/files/content_directory.ts";
import type { Status } from "../../lib/status/status.ts";
import type { Catalogue } from "../../lib/store/catalogue.ts";
import type { Progress } from "../../lib/store/part_records.ts";
import { createQueue } from "../../lib/store/queue.ts";
import { preparePages } from "../../lib/store/pages.ts";
import { openStore, type Store } from "../../lib/store/sqlite.ts";
import { digest } from "../../lib/threads/digest.ts";
import {
  type Downloads,
  OPTIONS,
  startDownloads,
} from "../support/downloads.ts";
import {
  bytesOf,
  file,
  firstDifference,
  forever,
  type Origin,
  type OriginFile,
  startOrigin,
} from "../support/origin.ts";
import { run, taskArguments } from "../support/sluice.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
/** The slices of these tests. */
const SLICE = 64 * KiB;

/** Fails unless a download ended with exactly the bytes of its file. */
async function assertDownloaded(status: Status, whole: OriginFile) {
  assertEquals([status.process_status, status.error], ["Downloaded", null]);
  const path = new URL(status.path_to_file ?? "");
  assertEquals(await firstDifference(path, whole), null);
}

/** What is in a content directory, but for Sluice's own. */
async function filesOf(directory: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(directory));
  return entries.map(({ name }) => name).filter((name) => name !== ".sluice")
    .sort();
}

/** Runs of which nothing is recorded yet. */
function progress(runs: readonly Run[]): Progress {
  return { runs, fresh: runs, bytes: total(runs) };
}

async function partsOf(directory: string): Promise<string[]> {
  return await filesOf(`${directory}/.sluice/parts`);
}

async function withDirectory(
  action: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "sluice-" });
  try {
    await action(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

// Part files that somebody has changed

const WHOLE = file(8 * SLICE + 123);
/** What the first run fetches. */
const HALF = 4 * SLICE;

/** Fetches the first half of `/a`, records it, and stops. */
async function fetchHalf(origin: Origin, directory: string): Promise<string> {
  const url = origin.serve(
    "/a",
    WHOLE,
    ({ range }) =>
      range !== null && range.start < HALF ? {} : {
        gates: { head: forever },
      },
  );
  await using downloads = await startDownloads({ directory });
  const id = await downloads.add({ url });
  await downloads.until(id, ({ downloaded }) => downloaded === HALF);
  await downloads.close();
  origin.serve("/a", WHOLE);
  return id;
}

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
    await withDirectory(async (directory) => {
      const id = await fetchHalf(origin, directory);
      const asked = origin.requests.length;
      change(`${directory}/.sluice/parts/${id}`);
      await using downloads = await startDownloads({ directory });
      await assertDownloaded(await downloads.end(id), WHOLE);
      assertEquals(await filesOf(directory), ["a"]);
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
  });
}

function sizeOf(path: string): number {
  return Deno.statSync(path).size;
}

function flip(path: string, at: number): void {
  const bytes = Deno.readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  Deno.writeFileSync(path, bytes);
}

function punch(path: string, { start, end }: Range): void {
  const bytes = Deno.readFileSync(path);
  Deno.writeFileSync(path, bytes.fill(0, start, end));
}

Deno.test("a part that somebody made longer never becomes a file", async () => {
  await using origin = await startOrigin();
  await withDirectory(async (directory) => {
    const id = await fetchHalf(origin, directory);
    const part = `${directory}/.sluice/parts/${id}`;
    await Deno.truncate(part, WHOLE.size + 1000);
    await using downloads = await startDownloads({ directory });
    await assertDownloaded(await downloads.end(id), WHOLE);
  });
});

Deno.test("a part that is deleted while it is being fetched is begun anew", async () => {
  await using origin = await startOrigin();
  const gate = Promise.withResolvers<void>();
  const gates = { head: () => gate.promise };
  const url = origin.serve("/a", WHOLE, ({ n }) => n === 0 ? {} : { gates });
  await using downloads = await startDownloads();
  const { directory } = downloads;
  const id = await downloads.add({ url });
  await downloads.until(id, ({ downloaded }) => downloaded >= SLICE);
  await Deno.remove(`${directory}/.sluice/parts/${id}`);
  gate.resolve();
  await assertDownloaded(await downloads.end(id), WHOLE);
  assertEquals(await partsOf(directory), []);
});

// State that somebody has changed

/** A directory whose state has a bit of everything; returns all ids. */
async function makeHistory(
  origin: Origin,
  directory: string,
): Promise<{ half: string; done: string }> {
  const half = await fetchHalf(origin, directory);
  await using downloads = await startDownloads({ directory });
  await downloads.command("pause", half).catch(() => {});
  const done = await downloads.add({ url: origin.serve("/done", file(1000)) });
  await downloads.end(done);
  const none = await downloads.add({ url: origin.url("/none") });
  await downloads.end(none);
  await downloads.close();
  return { half, done };
}

function assertStateError(error: unknown, includes = ""): void {
  assertInstanceOf(error, DownloadError);
  assertEquals(error.code, "STATE");
  assertStringIncludes(error.message, includes);
}

for (
  const [what, change] of [
    ["has only zeros", (path) => {
      Deno.writeFileSync(path, new Uint8Array(sizeOf(path)));
    }],
    ["is cut in the middle", (path) => {
      Deno.truncateSync(path, Math.floor(sizeOf(path) / 2));
    }],
    ["is text", (path) => Deno.writeTextFileSync(path, "hello\n".repeat(999))],
    ["is of a newer version", (path) => {
      using db = new DatabaseSync(path);
      db.exec("PRAGMA user_version = 99");
    }],
    ["is another program's", (path) => {
      Deno.removeSync(path);
      using db = new DatabaseSync(path);
      db.exec("CREATE TABLE bookmarks (url TEXT); PRAGMA user_version = 1");
    }],
    ["has a row that is none", (path) => {
      using db = new DatabaseSync(path);
      db.exec(`UPDATE downloads SET request = '{"url":' WHERE seq = 1`);
    }],
    ["has an unknown word for a download's state", (path) => {
      using db = new DatabaseSync(path);
      db.exec(`UPDATE downloads SET state = 'Qeued' WHERE seq = 1`);
    }],
  ] satisfies [string, (path: string) => void][]
) {
  Deno.test(`state that ${what} is refused in one line, and kept`, async () => {
    await using origin = await startOrigin();
    await withDirectory(async (directory) => {
      await makeHistory(origin, directory);
      const path = `${directory}/.sluice/state.db`;
      change(path);
      const before = sizeOf(path);
      const error = assertThrows(() => openStore(path, { sync: true }));
      assertStateError(error, path);
      const { code, stderr } = await run([
        ...taskArguments("start", directory),
        ...["--port", "0", "--content-directory", directory],
      ]);
      assertEquals(code, 1);
      assertMatch(stderr, /^sluice: Cannot use the state in .*\n$/);
      // Whoever repairs it finds all there is.
      assertEquals(sizeOf(path), before);
      assertEquals((await partsOf(directory)).length, 1);
    });
  });
}

Deno.test("without its state, a server starts anew and touches no file", async () => {
  await using origin = await startOrigin();
  await withDirectory(async (directory) => {
    await makeHistory(origin, directory);
    await Deno.remove(`${directory}/.sluice/state.db`);
    await using downloads = await startDownloads({ directory });
    assertEquals(downloads.lists.snapshot(), []);
    assertEquals(await partsOf(directory), []);
    const id = await downloads.add({ url: origin.url("/done") });
    await assertDownloaded(await downloads.end(id), file(1000));
    assertEquals((await filesOf(directory)).includes("done (1)"), true);
  });
});

Deno.test("runs and parts of another URL are not taken for a download's own", async () => {
  await using origin = await startOrigin();
  await withDirectory(async (directory) => {
    const others = file(WHOLE.size, 5);
    const id = await fetchHalf(origin, directory);
    // The state says: it is of `/b`, whose size is the same.
    const path = `${directory}/.sluice/state.db`;
    {
      using db = new DatabaseSync(path);
      db.prepare("UPDATE downloads SET request = replace(request, ?, ?)")
        .run(origin.url("/a"), origin.url("/b"));
    }
    origin.serve("/b", others);
    await using downloads = await startDownloads({ directory });
    await assertDownloaded(await downloads.end(id), others);
  });
});

Deno.test("two downloads' parts that were swapped are noticed", async () => {
  await using origin = await startOrigin();
  await withDirectory(async (directory) => {
    const gates = { head: forever };
    const files = [file(8 * SLICE, 1), file(8 * SLICE, 2)] as const;
    const behave = ({ range }: { range: Range | null }) =>
      range?.start === 0 ? {} : { gates };
    const urls = files.map((whole, n) => origin.serve(`/${n}`, whole, behave));
    const ids: string[] = [];
    {
      await using downloads = await startDownloads({ directory });
      for (const url of urls) ids.push(await downloads.add({ url }));
      for (const id of ids) {
        await downloads.until(id, ({ downloaded }) => downloaded === SLICE);
      }
      await downloads.close();
    }
    const [one, other] = ids.map((id) => `${directory}/.sluice/parts/${id}`);
    await Deno.rename(one ?? "", `${one}.x`);
    await Deno.rename(other ?? "", one ?? "");
    await Deno.rename(`${one}.x`, other ?? "");
    files.forEach((whole, n) => origin.serve(`/${n}`, whole));
    await using downloads = await startDownloads({ directory });
    for (const [n, id] of ids.entries()) {
      await assertDownloaded(await downloads.end(id), files[n] as OriginFile);
    }
  });
});

Deno.test("another directory's state, copied in, brings its downloads here", async () => {
  await using origin = await startOrigin();
  await withDirectory(async (directory) => {
    const { half, done } = await makeHistory(origin, directory);
    await withDirectory(async (other) => {
      await Deno.mkdir(`${other}/.sluice/parts`, { recursive: true });
      await Deno.copyFile(
        `${directory}/.sluice/state.db`,
        `${other}/.sluice/state.db`,
      );
      await using downloads = await startDownloads({ directory: other });
      const { process_status } = downloads.coordinator.get(half) ?? {};
      if (process_status === "Paused") await downloads.command("resume", half);
      const status = await downloads.until(
        half,
        ({ process_status }) => process_status === "Downloaded",
      );
      await assertDownloaded(status, WHOLE);
      assertEquals(status.path_to_file, `file://${other}/a`);
      assertEquals(
        downloads.coordinator.get(done)?.path_to_file,
        `file://${directory}/done`,
      );
    });
  });
});

Deno.test("a damaged state file is refused, or works: never a wrong file", async () => {
  await using origin = await startOrigin();
  await withDirectory(async (directory) => {
    await makeHistory(origin, directory);
    const path = `${directory}/.sluice/state.db`;
    const bytes = await Deno.readFile(path);
    let refused = 0;
    let worked = 0;
    const damage = fc.record({
      flips: fc.array(
        fc.tuple(
          fc.nat(bytes.length - 1),
          fc.integer({ min: 1, max: 255 }),
        ),
        { maxLength: 8 },
      ),
      length: fc.oneof(
        { weight: 3, arbitrary: fc.constant(bytes.length) },
        { weight: 1, arbitrary: fc.nat(bytes.length) },
      ),
    });
    fc.assert(
      fc.property(damage, ({ flips, length }) => {
        const copy = bytes.slice(0, length);
        for (const [at, mask] of flips) {
          if (at < length) copy[at] = (copy[at] ?? 0) ^ mask;
        }
        const name = `${directory}/${crypto.randomUUID()}.db`;
        Deno.writeFileSync(name, copy);
        try {
          using store = openStore(name, { sync: true });
          readAll(store, name);
          worked++;
        } catch (error) {
          assertStateError(error);
          refused++;
        } finally {
          for (const suffix of ["", "-wal", "-shm"]) {
            try {
              Deno.removeSync(name + suffix);
            } catch (error) {
              assertInstanceOf(error, Deno.errors.NotFound);
            }
          }
        }
      }),
      { numRuns: 1000 },
    );
    assertGreater(refused, 10);
    assertGreater(worked, 10);
  });
});

/** Reads all that a server ever would. */
function readAll(store: Store, path: string): void {
  using db = new DatabaseSync(path, { readOnly: true });
  const find = preparePages(db);
  const filter = {
    states: ["Queued", "Paused", "Downloaded", "Failed"] as const,
    search: "",
    queued: null,
  };
  const page = { ...filter, offset: 0, limit: 100 };
  for (const order of ["oldest", "latest"] as const) {
    for (const id of find({ ...page, order }).ids) {
      store.runs(id);
      store.get(id);
    }
  }
  store.waiting([], 10);
  store.open(100);
  store.finished(100);
  store.totals();
  store.waitingForRoom(Infinity);
}

// Names

Deno.test("many downloads that want one name at once all get one", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads({ threadsAmount: 16 });
  const count = 40;
  const files = Array.from({ length: count }, (_, n) => file(1000 + n, n));
  const ids = await Promise.all(
    files.map((whole, n) =>
      downloads.add({ url: origin.serve(`/${n}`, whole), filename: "a.b" })
    ),
  );
  for (const [n, id] of ids.entries()) {
    await assertDownloaded(await downloads.end(id), files[n] as OriginFile);
  }
  const names = Array.from(
    { length: count },
    (_, n) => n === 0 ? "a.b" : `a (${n}).b`,
  );
  assertEquals(await filesOf(downloads.directory), names.sort());
});

Deno.test("what has the name already stays as it is, be it what it may", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const { directory } = downloads;
  await withDirectory(async (elsewhere) => {
    await Deno.writeTextFile(`${directory}/a`, "mine");
    await Deno.writeTextFile(`${elsewhere}/target`, "mine, too");
    await Deno.symlink(`${elsewhere}/target`, `${directory}/a (1)`);
    await Deno.symlink(`${elsewhere}/nothing`, `${directory}/a (2)`);
    await Deno.symlink(elsewhere, `${directory}/a (3)`);
    await Deno.mkdir(`${directory}/a (4)`);
    const id = await downloads.add({ url: origin.serve("/a", WHOLE) });
    const status = await downloads.end(id);
    await assertDownloaded(status, WHOLE);
    assertEquals(status.path_to_file, `file://${directory}/a%20(5)`);
    assertEquals(await Deno.readTextFile(`${directory}/a`), "mine");
    assertEquals(
      await Deno.readTextFile(`${elsewhere}/target`),
      "mine, too",
    );
    assertEquals(await filesOf(elsewhere), ["target"]);
    assertEquals(await filesOf(`${directory}/a (4)`), []);
  });
});

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
    await withDirectory(async (directory) => {
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
      assertEquals(await filesOf(directory), ["a", "a (1)"]);
      assertEquals(await partsOf(directory), []);
      assertEquals(origin.requests.length, 0);
    });
  });
}

Deno.test("a damaged part without a validator is fetched anew, as a whole", async () => {
  await using origin = await startOrigin();
  const whole = file(4 * SLICE, 0, { etag: null });
  const url = origin.serve("/a", whole);
  await withDirectory(async (directory) => {
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
    assertEquals(origin.requests.at(-1)?.range, null);
  });
});

Deno.test("a named file that its user has changed is left as it is", async () => {
  await using origin = await startOrigin();
  const url = origin.serve("/a", WHOLE);
  await withDirectory(async (directory) => {
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
    assertEquals(await filesOf(directory), ["a"]);
  });
});

Deno.test("a finished file that somebody took away can still be removed", async () => {
  await using origin = await startOrigin();
  await withDirectory(async (directory) => {
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
    await downloads.coordinator.command(id, {
      kind: "remove",
      deleteFile: true,
    });
    assertEquals(downloads.coordinator.get(id), null);
    // And the name is free again.
    const again = await downloads.add({ url: origin.url("/a") });
    await assertDownloaded(await downloads.end(again), WHOLE);
    assertEquals(await filesOf(directory), ["a"]);
  });
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
    await coordinator.command(first, { kind: "remove", deleteFile: true });
    assertEquals(coordinator.get(first), null);
    assertEquals(await filesOf(directory), ["a", "moved"]);
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
  assertEquals(await filesOf(directory), []);
});

// Disks that are full

async function mount(directory: string): Promise<boolean> {
  const args = ["-t", "tmpfs", "-o", "size=8m", "tmpfs", directory];
  try {
    return (await new Deno.Command("mount", { args }).output()).success;
  } catch {
    return false;
  }
}

async function unmount(directory: string): Promise<void> {
  const { success } = await new Deno.Command("umount", {
    args: ["-l", directory],
  }).output();
  assert(success);
}

async function canMount(): Promise<boolean> {
  const directory = await Deno.makeTempDir({ prefix: "sluice-" });
  const mounted = await mount(directory);
  if (mounted) await unmount(directory);
  else console.log("Left out: a disk of its own can be mounted by root only.");
  await Deno.remove(directory);
  return mounted;
}

const ignore = !await canMount();

/** A disk of 8 MiB. */
async function withDisk(
  action: (directory: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    assert(await mount(directory));
    try {
      await action(directory);
    } finally {
      await unmount(directory);
    }
  });
}

/** Fills a disk but for so many bytes. */
async function fill(directory: string, left: number): Promise<void> {
  using ballast = await Deno.open(`${directory}/ballast`, {
    write: true,
    create: true,
  });
  const page = new Uint8Array(4096).fill(1);
  try {
    for (;;) await ballast.write(page);
  } catch (error) {
    assertMatch(String(error), /No space left/);
  }
  if (left > 0) await ballast.truncate((await ballast.stat()).size - left);
}

function makeRoom(directory: string): Promise<void> {
  return Deno.remove(`${directory}/ballast`);
}

/** Starts `/a` on a disk that fills while it waits for more; half is there. */
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
      await withDisk(async (directory) => {
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
      });
    },
  });
}

Deno.test({
  name: "a disk without one byte left, not even for the state, is survived",
  ignore,
  async fn() {
    await using origin = await startOrigin();
    await withDisk(async (directory) => {
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
      assertEquals(await partsOf(directory), []);
      const more = await downloads.add({ url: origin.serve("/b", WHOLE) });
      await assertDownloaded(await downloads.end(more), WHOLE);
    });
  },
});

Deno.test({
  name:
    "a file that would not leave MIN_FREE_SPACE waits, and smaller ones come",
  ignore,
  async fn() {
    await using origin = await startOrigin();
    await withDisk(async (directory) => {
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
    });
  },
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
    for (const name of await partsOf(directory)) {
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

for (const code of ["DISK_FULL", "STATE"] as const) {
  Deno.test(`a file whose record fails with ${code} once has one name`, () =>
    withDirectory(async (directory) => {
      await using origin = await startOrigin();
      using parts = await openContentDirectory(directory, { sync: true });
      using store = openStore(parts.statePath, { sync: true });
      let failures = 1;
      const catalogue: Catalogue = {
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
      assertEquals(await filesOf(directory), ["a"]);
      assertEquals(origin.requests.length, 1);
      await coordinator.close();
    }));
}

Deno.test("a range that the file does not reach has no digest", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "abcd");
    const ranges = [{ start: 0, end: 4 }, { start: 2, end: 5 }];
    const [whole, short] = await digest({ path, algorithm: "crc32", ranges });
    assertEquals([whole, short], [String(crc32("abcd")), ""]);
  } finally {
    await Deno.remove(path);
  }
});

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
          range === null
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
      for (const name of await partsOf(downloads.directory)) {
        change(`${parts}/${name}`);
      }
      changed = true;
      held.resolve();
      await assertDownloaded(await downloads.end(id), whole);
    });
  }
}
