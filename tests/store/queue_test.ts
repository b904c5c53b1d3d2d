import { assert, assertEquals } from "@std/assert";
import * as fc from "../support/fast_check.ts";
import {
  createDownload,
  type Download,
  hostOf,
} from "../../lib/download/download.ts";
import { type Claim, createQueue, type Line } from "../../lib/store/queue.ts";
import { openStore, type Store } from "../../lib/store/sqlite.ts";

function createAt(hosts: readonly string[]): Download[] {
  return hosts.map((host) =>
    createDownload({
      url: `https://${host}/file`,
      filename: null,
      headers: {},
      checksum: null,
      threads: null,
    }, 0)
  );
}

/** What is taken from a queue, until it is done. */
function startTaking(store: Store, line: Line = store) {
  const queue = createQueue(line);
  const taken = new Map<string, Claim>();
  return {
    queue,
    taken,
    take(...fullHosts: string[]): Download | null {
      const claim = queue.take(fullHosts);
      if (claim === null) return null;
      const { id } = claim.download;
      assert(!taken.has(id), "taken twice");
      taken.set(id, claim);
      return claim.download;
    },
    /** What has been taken is done. */
    async finish(): Promise<void> {
      const state = { kind: "Downloaded", path: "/file" } as const;
      const rest = { file: null, downloaded: 0, finishedAt: 0 };
      const settled = taken.keys().map((id) =>
        store.settle(id, { state, ...rest })
      );
      await Promise.all(settled);
      for (const { release } of taken.values()) release();
      taken.clear();
    },
  };
}

Deno.test("downloads are taken in the order of the queue, each once", async () => {
  using store = openStore(":memory:", { sync: false });
  const { take, finish } = startTaking(store);
  const downloads = createAt(
    Array.from({ length: 350 }, (_, n) => `h${n % 3}`),
  );
  await store.add(downloads);
  for (const [n, { id }] of downloads.entries()) {
    assertEquals(take()?.id, id);
    if (n % 20 === 0) await finish();
  }
  assertEquals(take(), null);
});

Deno.test("what waits at no full host is found, whatever hosts are full", async () => {
  const hosts = ["a", "b", "c", "d"];
  const block = fc.tuple(fc.constantFrom(...hosts), fc.nat(150));
  const step = fc.record({
    full: fc.subarray(hosts),
    takes: fc.integer({ min: 1, max: 60 }),
    added: fc.option(block),
  });
  let empty = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(block, { minLength: 3, maxLength: 6 }),
      fc.array(step, { minLength: 5, maxLength: 15 }),
      async (blocks, steps) => {
        using store = openStore(":memory:", { sync: false });
        const { queue, take, finish } = startTaking(store);
        const waiting = new Map<string, string>();
        async function add(...blocks: [string, number][]): Promise<void> {
          const downloads = createAt(
            blocks.flatMap(([host, count]) => Array(count).fill(host)),
          );
          await store.add(downloads);
          queue.reset();
          for (const { id, request } of downloads) {
            waiting.set(id, hostOf(request));
          }
        }
        await add(...blocks);
        for (const { full, takes, added } of steps) {
          if (added !== null) await add(added);
          for (let n = 0; n < takes; n++) {
            const download = take(...full);
            if (download === null) {
              empty++;
              assert(waiting.values().every((host) => full.includes(host)));
              break;
            }
            const host = waiting.get(download.id);
            assert(host && !full.includes(host), "taken from a full host");
            waiting.delete(download.id);
          }
          await finish();
        }
      },
    ),
    { numRuns: 20 },
  );
  assert(empty > 0);
});

Deno.test("a host that is full now and again is no reason to search anew", async () => {
  using store = openStore(":memory:", { sync: false });
  let searches = 0;
  const { take, finish } = startTaking(store, {
    get: store.get,
    waiting(...asked) {
      searches++;
      return store.waiting(...asked);
    },
  });
  const many = 2_000;
  await store.add(createAt(Array.from({ length: many }, () => "slow")));
  for (let n = 0; n < many; n++) {
    assertEquals(take("slow"), null);
    const download = take();
    assert(download);
    if (n % 20 === 0) await finish();
  }
  assertEquals(take(), null);
  assert(searches < many / 50, `${searches} searches`);
});

Deno.test("what is claimed is nobody else's until it is released", async () => {
  using store = openStore(":memory:", { sync: false });
  const queue = createQueue(store);
  const [first, second] = createAt(["a", "a"]) as [Download, Download];
  await store.add([first, second]);
  // Both have been read by now.
  queue.take([])?.release();
  const claim = queue.claim(first.id);
  assert(claim);
  assertEquals(queue.claim(first.id), null);
  assertEquals(queue.claim("unknown"), null);
  queue.reset();
  assertEquals(queue.take([])?.download.id, second.id);
  assertEquals(queue.take([]), null);
  await store.renew(first.id, { ...first.request, url: "https://b/file" }, {
    kind: "Queued",
  });
  claim.release();
  queue.reset();
  assertEquals(queue.take([])?.download.request.url, "https://b/file");
});
