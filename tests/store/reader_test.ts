import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { createDownload, type Download } from "../../lib/download/download.ts";
import { DownloadError } from "../../lib/download/errors.ts";
import { type Page, RECORD_ORDERS } from "../../lib/store/catalogue.ts";
import { createReader } from "../../lib/store/reader.ts";
import { openStore } from "../../lib/store/sqlite.ts";
import { makeDirectory } from "../support/directory.ts";

const ALL: Page = {
  states: ["Queued", "Paused", "Downloaded", "Failed"],
  search: "",
  queued: null,
  offset: 0,
  limit: 100,
  order: "oldest",
};

function create(name: string): Download {
  const url = `https://example.org/${name}`;
  const rest = { filename: null, headers: {}, checksum: null, threads: null };
  return createDownload({ url, ...rest }, 0);
}

/** A state, and a reader of it. */
async function openState(code?: URL) {
  const directory = await makeDirectory();
  const path = `${directory.path}/state.db`;
  const store = openStore(path, { sync: false });
  const reader = createReader(path, code);
  return {
    path,
    store,
    reader,
    names: directory.names,
    async [Symbol.asyncDispose]() {
      await reader[Symbol.asyncDispose]();
      store[Symbol.dispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a page sees every change whose promise has resolved", async () => {
  await using state = await openState();
  const { store, reader } = state;
  const expected: string[] = [];
  for (let n = 0; n < 30; n++) {
    const download = create(`${n}`);
    await store.add([download]);
    expected.push(download.id);
    const { ids, total } = await reader.find(ALL);
    assertEquals([ids, total], [expected, expected.length]);
  }
  const [first = ""] = expected;
  const settled = { file: null, downloaded: 0, finishedAt: null };
  const paused = { kind: "Paused", error: null } as const;
  await store.settle(first, { ...settled, state: paused });
  const page = { ...ALL, states: ["Paused"] } as const;
  assertEquals(await reader.find(page), { ids: [first], total: 1 });
  await store.remove(first);
  assertEquals((await reader.find(ALL)).total, expected.length - 1);
});

Deno.test("a page may be of some URLs, which are looked for as they are", async () => {
  await using state = await openState();
  const { store, reader } = state;
  const downloads = ["a", "b", "a", "a%20b", "A"].map(create);
  await store.add(downloads);
  const [first = "", , third = ""] = downloads.map(({ id }) => id);
  const urls = ["https://example.org/a", "https://example.org/none"];
  assertEquals(await reader.find({ ...ALL, urls }), {
    ids: [first, third],
    total: 2,
  });
  assertEquals((await reader.find({ ...ALL, urls: [] })).total, 0);
});

Deno.test("a page is sorted by what is recorded; what is not known is last", async () => {
  await using state = await openState();
  const { store, reader } = state;
  const facts = { ranges: true, validator: null };
  const paused = { kind: "Paused", error: null } as const;
  const created = ["Beta.bin?v=1/a", "%20", "alpha.bin", "dir/x"].map(create);
  const [beta = "", unknown = "", alpha = "", renamed = ""] = created.map((
    { id },
  ) => id);
  await store.add(created);
  for (
    const [id = "", name, size, downloaded] of [
      [beta, null, 300, 30],
      [alpha, null, 20, 20],
      [renamed, "aaa", 100, 50],
    ] as const
  ) {
    const file = {
      ...facts,
      size,
      name: name ?? (id === beta ? "Beta" : "al"),
    };
    const rest = { file, downloaded, finishedAt: null };
    await store.settle(id, { ...rest, state: paused });
  }
  const sorted = {
    oldest: [beta, unknown, alpha, renamed],
    latest: [renamed, alpha, unknown, beta],
    queue: [beta, unknown, alpha, renamed],
    "-queue": [renamed, alpha, unknown, beta],
    name: [unknown, renamed, alpha, beta],
    "-name": [beta, alpha, renamed, unknown],
    size: [alpha, renamed, beta, unknown],
    "-size": [beta, renamed, alpha, unknown],
    progress: [beta, renamed, alpha, unknown],
    "-progress": [alpha, renamed, beta, unknown],
  };
  for (const order of RECORD_ORDERS) {
    const { ids } = await reader.find({ ...ALL, order });
    assertEquals(ids, sorted[order], order);
  }
  const second = { ...ALL, order: "size", offset: 1, limit: 1 } as const;
  assertEquals((await reader.find(second)).ids, [renamed]);
});

Deno.test("a page and its number are of one moment", async () => {
  await using state = await openState();
  const { store, reader } = state;
  const few = { ...ALL, limit: 100_000 };
  const writing = (async () => {
    for (let n = 0; n < 100; n++) {
      await store.add(Array.from({ length: 1 + n % 7 }, () => create("x")));
    }
  })();
  let over = false;
  writing.finally(() => over = true);
  const seen = new Set<number>();
  while (!over) {
    const { ids, total } = await reader.find(few);
    assertEquals(ids.length, total);
    seen.add(total);
  }
  await writing;
  assert(seen.size > 3, `${seen.size} numbers`);
});

Deno.test("a search holds up nothing", async () => {
  await using state = await openState();
  const { store, reader, path } = state;
  fill(path, 100_000);
  const download = create("wanted.iso");
  await store.add([download]);
  const { promise, turns } = countTurns(
    reader.find({ ...ALL, search: "WANTED.iso" }),
    () => assertEquals(store.get(download.id), download),
  );
  assertEquals(await promise, { ids: [download.id], total: 1 });
  // A search on this thread would be over before the first turn.
  assert(turns() > 20, `${turns()} turns`);
});

Deno.test("a search finds names and URLs in any case, as they are by now", async () => {
  await using state = await openState();
  const { store, reader } = state;
  const download = create("%D0%AF");
  const { id, request } = download;
  await store.add([{ ...download, request: { ...request, filename: "Ä" } }]);
  const totalOf = async (search: string) =>
    (await reader.find({ ...ALL, search })).total;
  const totals = (...searches: string[]) => Promise.all(searches.map(totalOf));
  assertEquals(await totals("я", "ä", "ω", "ю"), [1, 1, 0, 0]);
  const file = { size: 1, ranges: true, validator: null, name: "Ω" };
  await store.checkpoint(id, file, { runs: [], fresh: [], bytes: 0 });
  assertEquals(await totals("я", "ä", "ω", "ю"), [1, 0, 1, 0]);
  const url = "https://example.org/%D0%AE";
  await store.renew(id, { ...request, url }, { kind: "Queued" });
  assertEquals(await totals("я", "ä", "ω", "ю"), [0, 0, 1, 1]);
  const failed = { kind: "Paused", error: null } as const;
  const settled = { state: failed, downloaded: 0, finishedAt: null };
  await store.settle(id, { ...settled, file: { ...file, name: "Ж" } });
  assertEquals(await totals("ж", "ω", "ю"), [1, 0, 1]);
});

/** Does `action` in each turn of the event loop until a promise is settled. */
function countTurns<Result>(promise: Promise<Result>, action: () => void) {
  let turns = 0;
  let timer = setImmediate(turn);
  function turn() {
    turns++;
    action();
    timer = setImmediate(turn);
  }
  return {
    promise: promise.finally(() => clearImmediate(timer)),
    turns: () => turns,
  };
}

/** Adds downloads faster than a store would. */
function fill(path: string, count: number): void {
  using db = new DatabaseSync(path);
  db.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO downloads
       (id, host, request, state, detail, downloaded, added_at)
     SELECT 'id-' || i, 'example.org', json_object(
       'url', 'https://example.org/' || i, 'filename', NULL,
       'headers', json('{}'), 'checksum', NULL, 'threads', NULL
     ), 'Queued', '{}', 0, 0 FROM n`,
  ).run(count);
  db.exec(
    `INSERT INTO listed SELECT seq, id, state, request ->> 'url' FROM downloads
     WHERE seq NOT IN (SELECT seq FROM listed)`,
  );
}

Deno.test("what cannot be read is an error, and the next page is read", async () => {
  await using state = await openState();
  const { store, reader, path } = state;
  await store.add([create("a")]);
  using db = new DatabaseSync(path);
  db.exec("ALTER TABLE downloads RENAME TO gone");
  const error = await assertRejects(() => reader.find(ALL), DownloadError);
  assertEquals(error.code, "STATE");
  db.exec("ALTER TABLE gone RENAME TO downloads");
  assertEquals((await reader.find(ALL)).total, 1);
});

Deno.test("a worker that dies is replaced, and nobody waits for it", async () => {
  // The search says what becomes of the worker.
  const code = new URL("workers/mortal_reader.ts", import.meta.url);
  await using state = await openState(code);
  const { reader } = state;
  const searches = ["", "die", ""].map((search) => ({ ...ALL, search }));
  const outcomes = await Promise.allSettled(
    searches.map((page) => reader.find(page)),
  );
  assertEquals(outcomes.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "rejected",
  ]);
  for (const outcome of outcomes.slice(1)) {
    assert(outcome.status === "rejected");
    assert(outcome.reason instanceof DownloadError);
    assertEquals(outcome.reason.code, "STATE");
  }
  assertEquals(await reader.find(ALL), { ids: ["1"], total: 1 });
});

Deno.test("the worker may read the state, and nothing else", async () => {
  const code = new URL("workers/curious_reader.ts", import.meta.url);
  await using state = await openState(code);
  const { ids } = await state.reader.find(ALL);
  assertEquals(ids, [`read ${state.path}`]);
});

Deno.test("a state that was read is one file when it is closed", async () => {
  await using directory = await makeDirectory();
  const path = `${directory.path}/state.db`;
  {
    using store = openStore(path, { sync: false });
    await using reader = createReader(path);
    await store.add([create("a")]);
    assertEquals((await reader.find(ALL)).total, 1);
    assertEquals(directory.names().length, 3);
  }
  assertEquals(directory.names(), ["state.db"]);
});

Deno.test("what is asked for as the reader closes ends", async () => {
  await using state = await openState();
  const { reader, path } = state;
  fill(path, 1_000);
  const found = Array.from({ length: 50 }, () => reader.find(ALL));
  const ended = Promise.allSettled(found);
  await reader[Symbol.asyncDispose]();
  for (const outcome of await ended) {
    if (outcome.status === "fulfilled") {
      assertEquals(outcome.value.total, 1_000);
    } else assert(outcome.reason instanceof DownloadError);
  }
  await assertRejects(() => reader.find(ALL), DownloadError);
});
