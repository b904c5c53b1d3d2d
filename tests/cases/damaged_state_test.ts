/** State that somebody changes between two runs. */

import {
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import * as fc from "../support/fast_check.ts";
import { DatabaseSync } from "node:sqlite";
import { hostOf } from "../../lib/download/download.ts";
import { DownloadError } from "../../lib/download/errors.ts";
import { preparePages } from "../../lib/store/pages.ts";
import { placeOf, rankOfAdded } from "../../lib/store/places.ts";
import { openStore, type Store } from "../../lib/store/sqlite.ts";
import { fetchHalf, KEPT, sizeOf } from "../support/damage.ts";
import { filesIn, makeDirectory, partsIn } from "../support/directory.ts";
import { startDownloads } from "../support/downloads.ts";
import {
  type Behave,
  file,
  forever,
  type Origin,
  type OriginFile,
  startOrigin,
} from "../support/origin.ts";
import { run, startSluice, taskArguments } from "../support/sluice.ts";
import { assertDownloaded } from "../support/status.ts";

const KiB = 1024;
/** Bytes of a slice in these tests. */
const SLICE = 64 * KiB;

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
    ...([
      ["a finished file has no path", "detail", '"path"'],
      ["an error has no code", "detail", '"code"'],
      ["an error has no message", "detail", '"message"'],
      ["a request has no URL", "request", '"url"'],
      ["a request has no headers", "request", '"headers"'],
      ["a URL cannot be read", "request", "http://"],
      ["a file has no name", "file", '"name"'],
      ["a file has no size", "file", '"size"'],
      ["a validator is of no kind", "file", '"etag"'],
    ] as const).map(([what, column, part]) =>
      [`says that ${what}`, (path: string) => {
        using db = new DatabaseSync(path);
        const put = part === "http://"
          ? "http://["
          : part.replace(/.../, '"x-');
        const { changes } = db.prepare(
          `UPDATE downloads SET ${column} = replace(${column}, ?, ?)
           WHERE instr(${column}, ?)`,
        ).run(part, put, part);
        assertGreater(changes, 0);
      }] as const
    ),
  ] satisfies (readonly [string, (path: string) => void])[]
) {
  Deno.test(`state that ${what} is refused in one line, and kept`, async () => {
    await using origin = await startOrigin();
    await using temporary = await makeDirectory();
    const directory = temporary.path;
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
    assertEquals(partsIn(directory).length, 1);
  });
}

Deno.test("without its state, a server starts anew and touches no file", async () => {
  await using origin = await startOrigin();
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  await makeHistory(origin, directory);
  await Deno.remove(`${directory}/.sluice/state.db`);
  await using downloads = await startDownloads({ directory });
  assertEquals(downloads.lists.snapshot(), []);
  assertEquals(partsIn(directory), []);
  const id = await downloads.add({ url: origin.url("/done") });
  await assertDownloaded(await downloads.end(id), file(1000));
  assertEquals(filesIn(directory).includes("done (1)"), true);
});

Deno.test("runs and parts of another URL are not taken for a download's own", async () => {
  await using origin = await startOrigin();
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  const others = file(KEPT.size, 5);
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

Deno.test("two downloads' parts that were swapped are noticed", async () => {
  await using origin = await startOrigin();
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  const files = [file(8 * SLICE, 1), file(8 * SLICE, 2)] as const;
  const behave: Behave = ({ range }) => ({
    gates: range?.start === 0 ? { [SLICE]: forever } : { head: forever },
  });
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

Deno.test("another directory's state, copied in, brings its downloads here", async () => {
  await using origin = await startOrigin();
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  const { half, done } = await makeHistory(origin, directory);
  await using otherDirectory = await makeDirectory();
  const other = otherDirectory.path;
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
  await assertDownloaded(status, KEPT);
  assertEquals(status.path_to_file, `file://${other}/a`);
  // Its file was not copied along, and is not looked for elsewhere.
  assertEquals(
    downloads.coordinator.get(done)?.path_to_file,
    `file://${other}/done`,
  );
  assertEquals(downloads.coordinator.pathOf(done), null);
});

Deno.test("a damaged state file is refused, or works: never a wrong file", async () => {
  await using origin = await startOrigin();
  await using temporary = await makeDirectory();
  const directory = temporary.path;
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

/** The page that holds the first rows, which a server reads at its start. */
function firstLeaf(path: string): number {
  using db = new DatabaseSync(path);
  const page = db.prepare(
    `SELECT rootpage FROM sqlite_schema WHERE name = 'downloads'`,
  ).get();
  const size = Number(db.prepare("PRAGMA page_size").get()?.page_size);
  const bytes = Deno.readFileSync(path);
  const view = new DataView(bytes.buffer);
  let at = (Number(page?.rootpage) - 1) * size;
  // Type 5 is an inner page of a table; its first cell names the leftmost child.
  while (bytes[at] === 5) {
    const cell = at + view.getUint16(at + 12);
    at = (view.getUint32(cell) - 1) * size;
  }
  return at;
}

function damageRow(path: string, id: string): void {
  using db = new DatabaseSync(path);
  db.prepare("UPDATE downloads SET detail = '{}' WHERE id = ?").run(id);
}

for (
  const [what, change, message] of [
    [
      "where nobody looks",
      (path) => damageRow(path, "id-30000"),
      /download id-30000 is damaged/,
    ],
    [
      "first in line",
      (path) => damageRow(path, "id-1"),
      /download id-1 is damaged/,
    ],
    ["in the page of the first in line", (path) => {
      const at = firstLeaf(path);
      using file = Deno.openSync(path, { write: true });
      file.seekSync(at, Deno.SeekMode.Start);
      file.writeSync(new Uint8Array(4096));
    }, /malformed/],
  ] satisfies (readonly [string, (path: string) => void, RegExp])[]
) {
  Deno.test(`a server leaves a large state that is damaged ${what}`, async () => {
    await using origin = await startOrigin();
    await using temporary = await makeDirectory();
    const directory = temporary.path;
    await makeHistory(origin, directory);
    const path = `${directory}/.sluice/state.db`;
    const url = origin.serve("/a", file(1000));
    {
      using db = new DatabaseSync(path);
      // Each takes half a kilobyte: it is too large to be checked at the start.
      db.prepare(
        `WITH RECURSIVE n (i) AS (
           SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000
         )
         INSERT INTO downloads
           (id, host, request, state, detail, downloaded, added_at, place)
         SELECT 'id-' || i, ?1, json_object(
           'url', ?2 || '?' || printf('%0400d', i), 'filename', NULL,
           'headers', json('{}'), 'checksum', NULL, 'threads', NULL
         ), 'Paused', '{"error":null}', 0, 0, ?3 + i FROM n`,
      ).run(new URL(url).host, url, placeOf(rankOfAdded(0)));
      db.exec(
        `INSERT INTO listed SELECT seq, id, state, '' FROM downloads
         WHERE seq NOT IN (SELECT seq FROM listed)`,
      );
    }
    change(path);
    const size = sizeOf(path);
    await using sluice = await startSluice({ directory }).catch((error) => {
      // It may find that before it listens.
      assertMatch(error.message, message);
      assertMatch(error.message, /: sluice: Cannot use the state in [^\n]*\n$/);
      return null;
    });
    if (sluice !== null) {
      const [line] = await sluice.printed(/sluice: .*\n/);
      assertMatch(line, message);
      assertMatch(line, /^sluice: Cannot use the state in /);
      assertEquals((await sluice.ended).code, 1);
    }
    assertEquals(sizeOf(path), size);
  });
}

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
      const download = store.get(id);
      if (download !== null) hostOf(download.request);
    }
  }
  store.waiting([], 10);
  store.open(100);
  store.finished(100);
  store.totals();
  store.waitingForRoom(Infinity);
}
