import {
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { createClusterAdditions } from "../../lib/cluster/additions.ts";
import { refuseTooLarge } from "../../lib/cluster/entry_size.ts";
import { createDownload } from "../../lib/download/download.ts";
import { DownloadError } from "../../lib/download/errors.ts";
import { ask } from "../support/api.ts";
import { startBroker } from "../support/broker.ts";
import { nodesOn } from "../support/cluster.ts";
import { makeDirectory } from "../support/directory.ts";
import { REQUEST } from "../support/transfers.ts";

/** Headers of so many bytes together, each as long as one may be. */
function headersOf(bytes: number): Record<string, string> {
  const length = 7_000;
  return Object.fromEntries(
    Array.from({ length: bytes / length }, (_, n) => [
      `x-${n}`,
      "y".repeat(length),
    ]),
  );
}

Deno.test("what the broker does not take is refused at once, and said to be too large", async () => {
  await using broker = await startBroker();
  await using directory = await makeDirectory();
  await using one = await nodesOn(broker, directory)("one");
  const fields = { url: "http://127.0.0.1:1/f", paused: true };
  const fits = { ...fields, headers: headersOf(900_000) };
  assertEquals((await ask(one, "POST /downloads", fits)).status, 201);
  const start = performance.now();
  const large = headersOf(1_100_000);
  const { status, body } = await ask(one, "POST /downloads", {
    ...fields,
    headers: large,
  });
  assertEquals([status, body.code], [400, "BAD_REQUEST"]);
  assertMatch(body.detail, /too large .* 1\d{6} bytes.* raise .* max_payload/);
  // A write that is not answered is tried for twenty seconds.
  assertLess(performance.now() - start, 10_000);
  assertEquals((await ask(one, "GET /downloads")).body.total, 1);
});

Deno.test("of downloads of which one is too large, none is added", async () => {
  const written: string[] = [];
  const additions = createClusterAdditions({
    isConnected: () => true,
    find: () => Promise.resolve({ kind: "unknown" }),
    refuseTooLarge: (value) => refuseTooLarge(JSON.stringify(value), 9_000, 0),
    write(key) {
      written.push(key);
      return Promise.resolve(1);
    },
  }, () => Promise.resolve());
  const large = { ...REQUEST, headers: headersOf(14_000) };
  const downloads = [REQUEST, large].map((one, n) => createDownload(one, n));
  await assertRejects(
    () => additions.add(downloads),
    DownloadError,
    "too large",
  );
  assertEquals(written, []);
});

Deno.test("a value is measured in bytes, and has its room", () => {
  const refused = (text: string, most: number, room = 0) => {
    try {
      refuseTooLarge(text, most, room);
      return false;
    } catch {
      return true;
    }
  };
  const HEADERS = 1024;
  for (const [text, bytes] of [["ab", 2], ["äb", 3], ["語", 3]] as const) {
    assertEquals(refused(text, HEADERS + bytes), false, text);
    assertEquals(refused(text, HEADERS + bytes - 1), true, text);
    assertEquals(refused(text, HEADERS + bytes, 1), true, text);
    assertEquals(refused(text, Infinity), false, text);
  }
});
