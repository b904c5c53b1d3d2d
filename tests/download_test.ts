import { assertEquals, assertMatch } from "@std/assert";
import { createDownload, type DownloadRequest } from "../lib/download.ts";

const REQUEST: DownloadRequest = {
  url: "https://example.org/a",
  filename: null,
  headers: {},
  checksum: null,
  threads: null,
};
/** RFC 9562. */
const UUID_7 =
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

Deno.test("ids are UUIDs in the order of time, each another one", () => {
  const times = [0, 1, 0xffff, 0x10000, 1e12, 1e12 + 1, 2 ** 48 - 1];
  const ids = times.map((time) => createDownload(REQUEST, time).id);
  for (const id of ids) assertMatch(id, UUID_7);
  assertEquals(ids.toSorted(), ids);
  const same = Array.from({ length: 1000 }, () => createDownload(REQUEST, 0));
  assertEquals(new Set(same.map(({ id }) => id)).size, same.length);
});
