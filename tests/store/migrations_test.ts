import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { copy } from "@std/fs";
import { DatabaseSync } from "node:sqlite";
import { createDownload, type Download } from "../../lib/download/download.ts";
import { openContentDirectory } from "../../lib/files/content_directory.ts";
import type { Page } from "../../lib/store/catalogue.ts";
import { migrate, STEPS } from "../../lib/store/migrations.ts";
import { defineSearchText } from "../../lib/store/search_text.ts";
import { preparePages } from "../../lib/store/pages.ts";
import { recover } from "../../lib/store/recovery.ts";
import { refuseDamagedRecords } from "../../lib/store/soundness.ts";
import { openStore } from "../../lib/store/sqlite.ts";
import { startDownloads } from "../support/downloads.ts";
import { file, firstDifference, startOrigin } from "../support/origin.ts";
import { makeDirectory } from "../support/directory.ts";

// The server of commit aa1e66f wrote `fixtures/version_1`, with slices of
// 1 KiB, and was killed. Its write-ahead log was written back into the file.

const DONE = "515a44a3-3fc3-4946-9632-9d2b67f5f1cb";
const FAILED = "d9fb6d68-8e17-43e6-87a7-1753c036ce61";
const LARGE = "6697e28b-5f74-48b3-9f82-43c048790b4d";
const PAUSED = "ef093481-5b85-488e-ba91-f21087f1f015";
const HALF = "7c0984bd-1a74-4444-b71b-6f274fb8c301";
const WAITING = "88398294-fc73-4a4c-942b-1375a20befce";

/** The origin that the server fetched from. */
const ORIGIN = "http://127.0.0.1:34879";
/** The files that the origin served, where some bytes of them are missing. */
const FILES = {
  half: file(4096, 1),
  paused: file(3072, 2, {
    etag: 'W/"2"',
    lastModified: "Mon, 06 Jul 2026 10:00:00 GMT",
  }),
  waiting: file(2048, 4),
};

const REQUEST = { filename: null, headers: {}, checksum: null, threads: null };

/** All downloads, as the server had recorded them. */
const RECORDED: readonly Download[] = [
  {
    id: DONE,
    request: {
      ...REQUEST,
      url: `${ORIGIN}/done.txt`,
      checksum: {
        algorithm: "md5",
        digest: "678e5e019a79526d0fcca5e29f6e5f78",
      },
    },
    state: {
      kind: "Downloaded",
      path: "/tmp/version_1/done.txt",
      identity: "2180570 1795651781423",
    },
    file: {
      size: 5,
      ranges: true,
      validator: { kind: "etag", value: '"3"' },
      name: "done.txt",
    },
    downloaded: 5,
    addedAt: 1795651781369,
    finishedAt: 1795651781531,
  },
  {
    id: FAILED,
    request: { ...REQUEST, url: `${ORIGIN}/nowhere` },
    state: {
      kind: "Failed",
      error: {
        code: "EXPIRED",
        message: "The origin answered 404: there is no such file, or the URL " +
          "has expired; check the URL, or get a new one. A server's download " +
          "can be refreshed with it.",
        retryAfter: null,
      },
    },
    file: null,
    downloaded: 0,
    addedAt: 1795651781836,
    finishedAt: 1795651781852,
  },
  {
    id: LARGE,
    request: { ...REQUEST, url: `${ORIGIN}/large.bin` },
    state: {
      kind: "Paused",
      error: {
        code: "DISK_FULL",
        message: "The file needs 1073741824 MiB more, and the disk has room " +
          "for 80812 MiB: make some. A server then goes on by itself.",
        retryAfter: null,
      },
    },
    file: {
      size: 2 ** 50,
      ranges: true,
      validator: { kind: "etag", value: '"5-1125899906842624"' },
      name: "large.bin",
    },
    downloaded: 1024,
    addedAt: 1795651782336,
    finishedAt: null,
  },
  {
    id: PAUSED,
    request: { ...REQUEST, url: `${ORIGIN}/paused.bin`, filename: "later.bin" },
    state: { kind: "Paused", error: null },
    file: {
      size: 3072,
      ranges: true,
      validator: {
        kind: "modified",
        value: "Mon, 06 Jul 2026 10:00:00 GMT",
        weak: 'W/"2"',
      },
      name: "later.bin",
    },
    downloaded: 2048,
    addedAt: 1795651782836,
    finishedAt: null,
  },
  {
    id: HALF,
    request: { ...REQUEST, url: `${ORIGIN}/half.bin` },
    state: { kind: "Queued" },
    file: {
      size: 4096,
      ranges: true,
      validator: { kind: "etag", value: '"1-4096"' },
      name: "half.bin",
    },
    downloaded: 2048,
    addedAt: 1795651784110,
    finishedAt: null,
  },
  {
    id: WAITING,
    request: {
      url: `${ORIGIN}/waiting.bin?token=1`,
      filename: "named.bin",
      headers: { "x-api-key": "secret" },
      checksum: {
        algorithm: "sha256",
        digest:
          "fc2e6eb258de63e475d0534012dda0340539971eca0b3f7f51204904b0a7ae9c",
      },
      threads: 2,
    },
    state: { kind: "Queued" },
    file: null,
    downloaded: 0,
    addedAt: 1795651785651,
    finishedAt: null,
  },
];

/** The first and the third KiB of a part. */
const RUNS_OF = {
  [PAUSED]: [
    { start: 0, end: 1024, crc: 3158586113 },
    { start: 2048, end: 3072, crc: 2714953038 },
  ],
  [HALF]: [
    { start: 0, end: 1024, crc: 1569551198 },
    { start: 2048, end: 3072, crc: 1026441710 },
  ],
};

/** Makes a copy of the content directory; `database` is its state. */
async function copyFixture() {
  const own = await makeDirectory();
  const directory = `${own.path}/downloads`;
  await copy(new URL("fixtures/version_1", import.meta.url), directory);
  const database = `${directory}/.sluice/state.db`;
  return { ...own, directory, database };
}

Deno.test("a state of version 1 is read as it was written", async () => {
  await using fixture = await copyFixture();
  using parts = await openContentDirectory(fixture.directory, { sync: false });
  using store = openStore(parts.statePath, { sync: false });
  await recover({ parts, catalogue: store, records: store });
  for (const download of RECORDED) {
    const { state } = download;
    const moved = state.kind === "Downloaded"
      ? { ...state, path: `${fixture.directory}/done.txt` }
      : state;
    assertEquals(store.get(download.id), { ...download, state: moved });
  }
  const expected = { Queued: 2, Paused: 2, Downloaded: 1, Failed: 1 };
  assertEquals(store.totals(), expected);
  for (const [id, runs] of Object.entries(RUNS_OF)) {
    assertEquals(store.runs(id).map((run) => ({ ...run })), runs);
  }
  const left = [...Deno.readDirSync(`${fixture.directory}/.sluice/parts`)];
  const names = left.map(({ name }) => name).sort();
  assertEquals(names, [LARGE, HALF, PAUSED].sort());
});

Deno.test("what version 1 had is found by a search, in any case", async () => {
  await using fixture = await copyFixture();
  using db = new DatabaseSync(fixture.database);
  db.prepare("UPDATE downloads SET request = replace(request, ?, ?)")
    .run("named.bin", "Отчёт.bin");
  using _store = openStore(fixture.database, { sync: false });
  const find = preparePages(db);
  const states = ["Queued", "Paused", "Downloaded", "Failed"] as const;
  const page = { states, queued: null, offset: 0, limit: 9, order: "oldest" };
  for (
    const [search, ...ids] of [
      ["отчёт.BIN", WAITING],
      ["LATER.bin", PAUSED],
      ["/nowhere", FAILED],
      [".bin", LARGE, PAUSED, HALF, WAITING],
    ]
  ) {
    assertEquals(find({ ...page, search } as Page).ids, ids);
  }
});

Deno.test("what version 1 had in line stays in the order of adding", async () => {
  await using fixture = await copyFixture();
  using store = openStore(fixture.database, { sync: false });
  const line = () =>
    [...store.order.after({ place: 0, seq: 0 })].map(({ id }) => id);
  assertEquals(line(), [LARGE, PAUSED, HALF, WAITING]);
  await store.order.place(WAITING, store.order.lastRank());
  const [download] = RECORDED;
  assert(download);
  const added = createDownload(download.request, 0);
  await store.add([added]);
  assertEquals(line(), [LARGE, PAUSED, HALF, WAITING, added.id]);
  using db = new DatabaseSync(fixture.database, { readOnly: true });
  refuseDamagedRecords(db);
});

Deno.test("what version 1 had half done ends whole, and only the rest is fetched", async () => {
  await using origin = await startOrigin();
  origin.serve("/half.bin", FILES.half);
  origin.serve("/paused.bin", FILES.paused);
  origin.serve("/waiting.bin", FILES.waiting);
  await using fixture = await copyFixture();
  moveOrigin(fixture.database, origin.url(""));
  const { directory } = fixture;
  await using downloads = await startDownloads({ directory });
  await downloads.command("resume", PAUSED);
  for (
    const [id, name, whole] of [
      [HALF, "half.bin", FILES.half],
      [PAUSED, "later.bin", FILES.paused],
      [WAITING, "named.bin", FILES.waiting],
    ] as const
  ) {
    const { process_status: status, error } = await downloads.end(id);
    assertEquals([status, error], ["Downloaded", null]);
    assertEquals(await firstDifference(`${directory}/${name}`, whole), null);
  }
  assertEquals(slicesOf("/half.bin"), [[1024, 2048], [3072, 4096]]);
  assertEquals(slicesOf("/paused.bin"), [[1024, 2048]]);
  const waiting = await origin.request(({ path }) =>
    path === "/waiting.bin?token=1"
  );
  assertEquals(waiting.headers.get("x-api-key"), "secret");

  function slicesOf(path: string) {
    return origin.requests.filter((request) => request.path === path)
      .map(({ range }) => [range?.start, range?.end]).sort();
  }
});

/** Changes what is recorded of where the finished file is. */
function recordPath(database: string, path: string, identity?: string): void {
  using db = new DatabaseSync(database);
  db.prepare("UPDATE downloads SET detail = ? WHERE id = ?")
    .run(JSON.stringify({ path, identity }), DONE);
}

Deno.test("a finished file of version 1 is found in a directory that was moved", async () => {
  await using fixture = await copyFixture();
  const { directory } = fixture;
  const { ino, birthtime } = await Deno.stat(`${directory}/done.txt`);
  const identity = `${ino} ${birthtime?.getTime() ?? ""}`;
  recordPath(fixture.database, "/old place/of files/done.txt", identity);
  await using downloads = await startDownloads({ directory });
  const { coordinator } = downloads;
  assertEquals(coordinator.pathOf(DONE), `${directory}/done.txt`);
  const link = `file://${directory}/done.txt`;
  assertEquals(coordinator.get(DONE)?.path_to_file, link);
});

for (
  const [what, path, identity] of [
    ["by another file's identity", "/old/done.txt", "1 2"],
    ["without an identity", "/old/done.txt", undefined],
  ] as const
) {
  Deno.test(`a path of version 1 ${what} claims no file in another directory`, async () => {
    await using fixture = await copyFixture();
    const { directory, database } = fixture;
    recordPath(database, path, identity);
    await using downloads = await startDownloads({ directory });
    assertEquals(downloads.coordinator.pathOf(DONE), null);
  });
}

Deno.test("a path of version 1 without an identity stays where it was", async () => {
  await using fixture = await copyFixture();
  const { directory, database } = fixture;
  recordPath(database, `${directory}/done.txt`);
  await using downloads = await startDownloads({ directory });
  assertEquals(downloads.coordinator.pathOf(DONE), `${directory}/done.txt`);
});

/** Has the downloads come from an origin that listens now. */
function moveOrigin(database: string, origin: string): void {
  using db = new DatabaseSync(database);
  const { host } = new URL(origin);
  db.prepare("UPDATE downloads SET host = ?, request = replace(request, ?, ?)")
    .run(host, ORIGIN, origin);
}

/** Version 1 and, made up, a version 2 that knows where downloads come from. */
const TWO = [
  ...STEPS.slice(0, 1),
  `ALTER TABLE downloads ADD COLUMN source TEXT;
   UPDATE downloads SET source = host;`,
];
const FAILING = `UPDATE downloads SET id = 'x' || id; SELECT * FROM nowhere;`;

/** All of a database: its version, its tables, and what is in them. */
function contentOf(db: DatabaseSync) {
  const all = (sql: string) => db.prepare(sql).all().map((row) => ({ ...row }));
  return [
    "PRAGMA user_version",
    "SELECT name, sql FROM sqlite_schema ORDER BY name",
    "SELECT * FROM downloads ORDER BY seq",
    "SELECT * FROM runs ORDER BY id, start",
  ].map(all);
}

Deno.test("a step that fails halfway leaves the version before it", async () => {
  await using fixture = await copyFixture();
  using db = new DatabaseSync(fixture.database);
  const version1 = contentOf(db);
  const failing = [...STEPS.slice(0, 1), FAILING];
  assertThrows(() => migrate(db, failing), Error, "nowhere");
  assertEquals(contentOf(db), version1);
  assertThrows(() => migrate(db, [...TWO, FAILING]), Error, "nowhere");
  const version2 = contentOf(db);
  assertEquals(version2[0], [{ user_version: 2 }]);
  migrate(db, TWO);
  assertEquals(contentOf(db), version2);
});

Deno.test("a step changes the rows of the version before it", async () => {
  await using fixture = await copyFixture();
  using db = new DatabaseSync(fixture.database);
  const [, , downloads, runs] = contentOf(db);
  migrate(db, TWO);
  const [version, , ...rows] = contentOf(db);
  assertEquals(version, [{ user_version: 2 }]);
  const stepped = downloads?.map((row) => ({ ...row, source: row.host }));
  assertEquals(rows, [stepped, runs]);
});

Deno.test("a new state is made by the same steps", () => {
  using db = new DatabaseSync(":memory:");
  migrate(db, TWO);
  assertEquals(contentOf(db)[0], [{ user_version: 2 }]);
});

Deno.test("a state of a newer version is refused, and left as it is", async () => {
  await using fixture = await copyFixture();
  const newer = STEPS.length + 1;
  using db = new DatabaseSync(fixture.database);
  db.exec(`PRAGMA user_version = ${newer}`);
  const before = contentOf(db);
  const { message } = assertThrows(() =>
    openStore(fixture.database, { sync: true })
  );
  const known = `it is of version ${newer}, and this Sluice knows version ` +
    `${STEPS.length}: run the newer Sluice again, or move the file away`;
  assertMatch(message, /^Cannot use the state in [^\n]*\.$/);
  assertStringIncludes(message, known);
  assertEquals(contentOf(db), before);
});

Deno.test("URIs that aria2's clients gave besides the first become mirrors", () => {
  using db = new DatabaseSync(":memory:");
  defineSearchText(db);
  migrate(db, STEPS.slice(0, -1));
  const add = db.prepare(
    `INSERT INTO downloads (id, host, request, state, detail, downloaded,
       added_at) VALUES (?, 'a', ?, 'Queued', '{}', 0, 0)`,
  );
  const kept = { options: { split: "4" } };
  const url = "http://a/b";
  const mirrors = ["http://c/d", "http://e/f?g"];
  const requests = [
    { url, kept: { ...kept, uris: mirrors } },
    { url, kept: { ...kept, uris: [] } },
    { url },
  ];
  for (const [n, request] of requests.entries()) {
    add.run(String(n), JSON.stringify(request));
  }
  migrate(db);
  const found = db.prepare("SELECT request FROM downloads ORDER BY seq").all();
  assertEquals(
    found.map(({ request }) => JSON.parse(String(request))),
    [{ url, kept, mirrors }, { url, kept }, { url }],
  );
});
