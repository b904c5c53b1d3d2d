import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import * as fc from "../support/fast_check.ts";
import {
  createDownload,
  type Download,
  type DownloadRequest,
  type State,
} from "../../lib/download/download.ts";
import { DownloadError } from "../../lib/download/errors.ts";
import { parseUrl } from "../../lib/download/request.ts";
import { openStore } from "../../lib/store/sqlite.ts";
import { makeDirectory } from "../support/directory.ts";

const REQUEST: DownloadRequest = {
  url: "https://example.org/a",
  filename: null,
  headers: {},
  checksum: null,
  threads: null,
};
const PAUSED: State = { kind: "Paused", error: null };
const DOWNLOADED: State = { kind: "Downloaded", path: "/a" };

function create(count: number): Download[] {
  return Array.from({ length: count }, () => createDownload(REQUEST, 0));
}

Deno.test("totals are right after every kind of write, and a failed one", async () => {
  using store = openStore(":memory:", { sync: true });
  const expected = { Queued: 0, Paused: 0, Downloaded: 0, Failed: 0 };
  assertEquals(store.totals(), expected);
  const [a, b, c, ...rest] = create(10) as [Download, Download, Download];
  await store.add([a, b, c, ...rest]);
  assertEquals(store.totals(), { ...expected, Queued: 10 });
  const settled = { file: null, downloaded: 0, finishedAt: null };
  // All of these are gathered into one transaction.
  await Promise.all([
    store.add(create(1).map((one) => ({ ...one, state: PAUSED }))),
    store.settle(a.id, { ...settled, state: PAUSED }),
    store.settle(b.id, { ...settled, state: DOWNLOADED }),
    store.remove(c.id),
    store.add(create(2)),
  ]);
  const after = { Queued: 9, Paused: 2, Downloaded: 1, Failed: 0 };
  assertEquals(store.totals(), after);
  const error = await assertRejects(() => store.add([...create(5), a]));
  assertEquals(error instanceof DownloadError && error.code, "STATE");
  assertEquals(store.totals(), after);
  await store.renew(a.id, REQUEST, { kind: "Queued" });
  assertEquals(store.totals(), { ...after, Queued: 10, Paused: 1 });
});

Deno.test("a checkpoint adds to what is recorded", async () => {
  using store = openStore(":memory:", { sync: true });
  const [download] = create(1) as [Download];
  const { id } = download;
  await store.add([download]);
  const validator = { kind: "etag", value: '"a"' } as const;
  const facts = { size: 100, ranges: true, validator, name: "a" };
  const [first, longer, shorter, other] = [
    { start: 0, end: 10, crc: 1 },
    { start: 0, end: 20, crc: 2 },
    { start: 0, end: 15, crc: 3 },
    { start: 50, end: 60, crc: 4 },
  ];
  const steps = [
    [[first], [first]],
    [[longer, other], [longer, other]],
    // Of two that begin alike, the longer one is kept.
    [[shorter], [longer, other]],
  ];
  for (const [fresh = [], expected = []] of steps) {
    await store.checkpoint(id, facts, { runs: expected, fresh, bytes: 30 });
    assertEquals(store.runs(id).map((run) => ({ ...run })), expected);
  }
  assertEquals(store.get(id)?.downloaded, 30);
  await store.forget(id);
  assertEquals(store.runs(id), []);
});

Deno.test("what is told from memory is what is recorded", async () => {
  const validator = { kind: "etag", value: '"a"' } as const;
  const file = { size: 100, ranges: true, validator, name: "a" };
  const step = fc.record({
    of: fc.nat(5),
    what: fc.constantFrom(
      "pause",
      "finish",
      "again",
      "note",
      "renew",
      "remove",
    ),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      async (steps) => {
        const path = await Deno.makeTempFile();
        try {
          let store = openStore(path, { sync: false });
          const ids = create(6).map(({ id }) => id);
          await store.add(ids.map((id) => createDownload(REQUEST, 0, id)));
          const renewed = { ...REQUEST, url: "https://example.com/b" };
          const runs = [{ start: 0, end: 50, crc: 1 }];
          const at = { file, downloaded: 50, finishedAt: null };
          await Promise.all(steps.map(({ of, what }) => {
            const id = ids[of] ?? "";
            switch (what) {
              case "pause":
                return store.settle(id, { ...at, state: PAUSED });
              case "finish":
                return store.settle(id, { ...at, state: DOWNLOADED });
              case "again": {
                const state = { kind: "Queued" } as const;
                const anew = { file: null, downloaded: 0, finishedAt: null };
                return store.settle(id, { ...anew, state });
              }
              case "note": {
                const progress = { runs, fresh: runs, bytes: 50 };
                return store.checkpoint(id, file, progress);
              }
              case "renew":
                return store.renew(id, renewed, { kind: "Queued" });
              default:
                return store.remove(id);
            }
          }));
          const told = ids.map((id) => [store.get(id), store.runs(id)]);
          const totals = store.totals();
          store[Symbol.dispose]();
          store = openStore(path, { sync: false });
          assertEquals(ids.map((id) => [store.get(id), store.runs(id)]), told);
          assertEquals(store.totals(), totals);
          store[Symbol.dispose]();
        } finally {
          for (const suffix of ["", "-wal", "-shm"]) {
            await Deno.remove(path + suffix).catch(() => {});
          }
        }
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("nothing stays recorded of the part of a finished download", async () => {
  using store = openStore(":memory:", { sync: false });
  const [download] = create(1) as [Download];
  const { id } = download;
  const validator = { kind: "etag", value: '"a"' } as const;
  const file = { size: 50, ranges: true, validator, name: "a" };
  const runs = [{ start: 0, end: 50, crc: 1 }];
  await store.add([download]);
  await store.checkpoint(id, file, { runs, fresh: runs, bytes: 50 });
  assertEquals(store.runs(id).length, 1);
  const state = DOWNLOADED;
  await store.settle(id, { state, file, downloaded: 50, finishedAt: 0 });
  assertEquals(store.runs(id), []);
});

Deno.test("a state is opened again, however its URLs are written", async () => {
  await using directory = await makeDirectory();
  const path = `${directory.path}/state.db`;
  const urls = [
    "HTTP://Example.ORG/a",
    "Https://example.org",
    "https://user:word@example.org:443/a",
    "https://bücher.example/?a",
    "http://[::1]:8080/a",
  ].map((url) => parseUrl(url, 1_000));
  const downloads = urls.map((url) => createDownload({ ...REQUEST, url }, 0));
  {
    using store = openStore(path, { sync: false });
    await store.add(downloads);
  }
  using store = openStore(path, { sync: false });
  assertEquals(store.open(10).map(({ request }) => request.url), urls);
});

for (const scheme of ["http\u0001", "httpx", "ftp"]) {
  Deno.test(`a URL of ${JSON.stringify(scheme)} is damaged`, async () => {
    await using directory = await makeDirectory();
    const path = `${directory.path}/state.db`;
    {
      using store = openStore(path, { sync: false });
      await store.add(create(1));
      using db = new DatabaseSync(path);
      db.prepare("UPDATE downloads SET request = replace(request, ?, ?)")
        .run("https:", JSON.stringify(`${scheme}:`).slice(1, -1));
    }
    assertThrows(
      () => openStore(path, { sync: false }),
      DownloadError,
      "is damaged",
    );
  });
}

for (
  const [what, from, to] of [
    ["a rate of nothing", "5000", "0"],
    ["a rate that is text", "5000", '"fast"'],
    ["kept options under another name", '"options"', '"opt1ons"'],
    ["a mirror that is no URL", "https://mirror", "mirror"],
    ["mirrors that are no list", '["https://mirror.test/a"]', "7"],
  ] as const
) {
  Deno.test(`a request with ${what} is damaged`, async () => {
    await using directory = await makeDirectory();
    const path = `${directory.path}/state.db`;
    const kept = { options: { split: "4" } };
    const mirrors = ["https://mirror.test/a"];
    const request = { ...REQUEST, limitRate: 5000, kept, mirrors };
    {
      using store = openStore(path, { sync: false });
      await store.add([createDownload(request, 0)]);
      using db = new DatabaseSync(path);
      db.prepare("UPDATE downloads SET request = replace(request, ?, ?)")
        .run(from, to);
    }
    assertThrows(
      () => openStore(path, { sync: false }),
      DownloadError,
      "is damaged",
    );
  });
}
