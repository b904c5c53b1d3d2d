import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import * as fc from "../support/fast_check.ts";
import {
  createDownload,
  type Download,
  type State,
} from "../../lib/download/download.ts";
import type { Page } from "../../lib/store/catalogue.ts";
import { preparePages } from "../../lib/store/pages.ts";
import { rankOfAdded } from "../../lib/store/places.ts";
import { refuseDamagedRecords } from "../../lib/store/soundness.ts";
import { openStore } from "../../lib/store/sqlite.ts";
import { makeDirectory } from "../support/directory.ts";

const KINDS = ["Queued", "Paused", "Downloaded", "Failed"] as const;
/** Enough to lie in several blocks. */
const COUNT = 5_000;

function create(n: number): Download {
  const request = {
    url: `https://${n % 7}.test/${n}`,
    ...{ filename: null, headers: {}, checksum: null, threads: null },
  };
  return createDownload(request, 0, `id-${n}`);
}

function stateOf(kind: State["kind"]): State {
  const error = { code: "CUT", message: "Cut.", retryAfter: null } as const;
  switch (kind) {
    case "Queued":
      return { kind };
    case "Paused":
      return { kind, error: null };
    case "Downloaded":
      return { kind, path: "/a" };
    case "Failed":
      return { kind, error };
  }
}

/** What is queued or paused, in the order of adding. */
function inLine(kinds: ReadonlyMap<string, State["kind"]>): string[] {
  return [...kinds].filter(([, kind]) => kind === "Queued" || kind === "Paused")
    .map(([id]) => id);
}

/** A state of many downloads, some removed, some of which stand otherwise. */
async function openMany() {
  const directory = await makeDirectory();
  const path = `${directory.path}/state.db`;
  const store = openStore(path, { sync: false });
  const all = Array.from({ length: COUNT }, (_, n) => create(n));
  await store.add(all);
  const kinds = new Map(all.map(({ id }) => [id, "Queued" as State["kind"]]));
  const changes = all.flatMap(({ id }, n) => {
    // A whole block is gone, and one in eleven elsewhere.
    if (n % 11 === 0 || n >= 2_100 && n < 3_200) {
      kinds.delete(id);
      return [store.remove(id)];
    }
    const kind = KINDS[n % 13 % 4] ?? "Queued";
    kinds.set(id, kind);
    const rest = { file: null, downloaded: 0, finishedAt: null };
    return [store.settle(id, { ...rest, state: stateOf(kind) })];
  });
  await Promise.all(changes);
  const line = inLine(kinds);
  // Some go elsewhere: far, near, and all to one place.
  const moves = line.filter((_, n) => n % 9 === 0).map((id, n) => {
    const rank = rankOfAdded(n % 3 === 0 ? n * 37 : n % 3 - 40 + n / 4);
    return store.order.place(id, n % 5 === 0 ? rankOfAdded(700.5) : rank);
  });
  const priorities = line.filter((_, n) => n % 17 === 0).map((id, n) => {
    const request = create(Number(id.slice(3))).request;
    const priority = n % 2 === 0 ? "high" : "low";
    return store.reword(id, () => ({ ...request, priority }));
  });
  await Promise.all([...moves, ...priorities]);
  const db = new DatabaseSync(path, { readOnly: true });
  // By what is recorded alone.
  const ranked = line.map((id) => store.order.find(id))
    .filter((one) => one !== null)
    .sort((a, b) => a.place - b.place || a.seq - b.seq);
  return {
    store,
    db,
    kinds,
    queue: ranked.map(({ id }) => id),
    find: preparePages(db),
    async [Symbol.asyncDispose]() {
      db.close();
      store[Symbol.dispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a page is what it would be in a list of all", async () => {
  await using many = await openMany();
  const { kinds, queue, find } = many;
  const ids = fc.uniqueArray(fc.nat(COUNT - 1), { maxLength: 40 })
    .map((numbers) => numbers.map((n) => `id-${n}`));
  const queued = fc.option(fc.record({
    kind: fc.constantFrom("only", "except"),
    ids,
  }));
  const page: fc.Arbitrary<Page> = fc.record({
    states: fc.subarray([...KINDS]),
    search: fc.constantFrom("", "3.test", "99", "no such"),
    queued,
    offset: fc.oneof(fc.nat(COUNT), fc.constant(0)),
    limit: fc.oneof(fc.nat(60), fc.constant(COUNT)),
    order: fc.constantFrom("oldest", "latest", "queue", "-queue"),
  });
  fc.assert(
    fc.property(page, (page) => {
      const { states, search, queued, offset, limit, order } = page;
      const all: [string, State["kind"]][] = order.endsWith("queue")
        ? queue.map((id) => [id, kinds.get(id) ?? "Queued"])
        : [...kinds];
      const expected = all.filter(([id, kind]) =>
        states.includes(kind) &&
        create(Number(id.slice(3))).request.url.includes(search) &&
        (kind !== "Queued" || queued === null ||
          queued.ids.includes(id) === (queued.kind === "only"))
      ).map(([id]) => id);
      if (order === "latest" || order === "-queue") expected.reverse();
      assertEquals(find(page), {
        ids: expected.slice(offset, offset + limit),
        total: expected.length,
      });
    }),
    { numRuns: 300 },
  );
});

Deno.test("what is listed and counted is what is recorded, after any change", async () => {
  await using many = await openMany();
  const { store, db, kinds } = many;
  refuseDamagedRecords(db);
  const totals = { Queued: 0, Paused: 0, Downloaded: 0, Failed: 0 };
  for (const kind of kinds.values()) totals[kind]++;
  assertEquals(store.totals(), totals);
});

Deno.test("the line is that of the hosts that are not full, in its order", async () => {
  await using many = await openMany();
  const { store, kinds, queue } = many;
  const hosts = Array.from({ length: 7 }, (_, n) => `${n}.test`);
  fc.assert(
    fc.property(
      fc.subarray([...hosts, "none.test"]),
      fc.nat(300),
      (full, limit) => {
        const expected = queue.filter((id) =>
          kinds.get(id) === "Queued" &&
          !full.includes(`${Number(id.slice(3)) % 7}.test`)
        ).slice(0, limit);
        assertEquals(store.waiting(full, limit), expected);
      },
    ),
  );
});

Deno.test("of more hosts than are looked through one by one, too", async () => {
  using store = openStore(":memory:", { sync: false });
  const all = Array.from({ length: 1_000 }, (_, n) => {
    const one = create(n);
    const url = `https://${n % 500}.test/`;
    return { ...one, request: { ...one.request, url } };
  });
  await store.add(all);
  const ids = all.map(({ id }) => id);
  assertEquals(store.waiting(["0.test", "2.test"], 3), [
    ids[1],
    ids[3],
    ids[4],
  ]);
  assertEquals(store.waiting([], 1_000), ids);
});
