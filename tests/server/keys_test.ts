import { assertEquals, assertRejects } from "@std/assert";
import type { DownloadRequest } from "../../lib/download/download.ts";
import { parseDownload } from "../../lib/download/request.ts";
import { createKeys } from "../../lib/server/keys.ts";

const DAY = 24 * 3600 * 1000;
const requestFor = (url: string) => parseDownload({ url }, { urlLength: 100 });
const ONE = [requestFor("http://h.test/1")];
const OTHER = [requestFor("http://h.test/2")];

/** A list of downloads, on which keys add, and a clock. */
function makeList() {
  const list = new Map<string, DownloadRequest>();
  const clock = { now: 0 };
  const trouble: Error[] = [];
  const keys = createKeys({
    coordinator: {
      add(requests, ids = []) {
        const [error] = trouble;
        if (error !== undefined) return Promise.reject(error);
        requests.forEach((request, n) => list.set(ids[n] ?? "", request));
        return Promise.resolve([...ids]);
      },
      requestOf: (id) => list.get(id) ?? null,
    },
    lists: {
      idsFrom: (beginning) =>
        [...list.keys()].filter((id) => id.startsWith(beginning)),
    },
    now: () => clock.now,
  });
  return { list, clock, trouble, keys };
}

Deno.test("of a download that was removed, a day's keys are known", async () => {
  const { list, clock, keys } = makeList();
  await keys.add("k", ONE);
  list.clear();
  clock.now = DAY - 1;
  assertEquals((await keys.add("k", ONE)).kind, "added");
  assertEquals(list.size, 0);
  assertEquals((await keys.add("k", OTHER)).kind, "reused");
  clock.now = DAY;
  await keys.add("k", ONE);
  assertEquals(list.size, 1);
});

Deno.test("ten thousand keys are remembered, the latest", async () => {
  const { list, keys } = makeList();
  for (let n = 0; n <= 10_001; n++) await keys.add(String(n), ONE);
  list.clear();
  await keys.add("10001", ONE);
  assertEquals(list.size, 0);
  await keys.add("0", ONE);
  assertEquals(list.size, 1);
});

Deno.test("what could not be added can be added with its key", async () => {
  const { list, trouble, keys } = makeList();
  trouble.push(new Error("full"));
  await assertRejects(() => keys.add("k", ONE), Error, "full");
  trouble.pop();
  await keys.add("k", ONE);
  assertEquals([...list.values()], ONE);
});
