/** URLs that clients send. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertRejects,
} from "@std/assert";
import { DownloadError } from "../../lib/download/errors.ts";
import { startDownloads } from "../support/downloads.ts";
import { assertServes } from "../support/health.ts";
import { file, startOrigin } from "../support/origin.ts";
import { codeOf } from "../support/requests.ts";
import { startSluice } from "../support/sluice.ts";

const KiB = 1024;

const LONG_URL = `http://a.test/${"a".repeat(100_000)}`;

const WRONG_URLS: readonly (readonly [url: unknown, code: string])[] = [
  ["file:///etc/passwd", "BAD_URL"],
  ["FILE:///etc/passwd", "BAD_URL"],
  ["data:text/plain,x", "BAD_URL"],
  ["ftp://a.test/x", "BAD_URL"],
  ["javascript:alert(1)", "BAD_URL"],
  ["java\nscript:alert(1)", "BAD_URL"],
  ["blob:http://a.test/0b9", "BAD_URL"],
  ["ws://a.test/", "BAD_URL"],
  ["http:", "BAD_URL"],
  ["http://", "BAD_URL"],
  ["http://a b/", "BAD_URL"],
  ["http://[::1/", "BAD_URL"],
  ["http://a.test:99999/", "BAD_URL"],
  ["//a.test/x", "BAD_URL"],
  ["/etc/passwd", "BAD_URL"],
  ["a.test/x", "BAD_URL"],
  ["", "BAD_URL"],
  [" ", "BAD_URL"],
  [LONG_URL, "BAD_URL"],
  [null, "BAD_REQUEST"],
  [7, "BAD_REQUEST"],
  [{}, "BAD_REQUEST"],
  [undefined, "BAD_REQUEST"],
];

Deno.test("a URL that cannot be fetched is refused, and nothing is added", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  const fine = origin.url("/fine");
  for (const [url, code] of WRONG_URLS) {
    const what = String(url).slice(0, 50);
    assertEquals(codeOf(await client.request({ url })), code, what);
    const urls = [fine, { url }];
    assertEquals(codeOf(await client.request({ urls })), code, what);
  }
  const page = await client.request({ action: "list" });
  assertEquals("data" in page && page.data, []);
  assertEquals(origin.requests.length, 0);
  await assertServes(sluice, origin, client);
});

for (
  const [path, fault] of [
    ["/a\\b", /backslash/],
    ["\\a", /backslash/],
    ["/a\tb", /tab or a line end/],
    ["/a\nb", /tab or a line end/],
    ["/a\r\nb", /tab or a line end/],
    ["/a?x=1\t2", /tab or a line end/],
    ["/d/../b", /the segment \.\. in its path/],
    ["/d/./b", /the segment \. in its path/],
    ["/d/%2e%2E/b", /the segment %2e%2E in its path/],
    ["/d/.%2e", /the segment \.%2e in its path/],
    ["/..", /the segment \.\. in its path/],
  ] as const
) {
  Deno.test(`no other path is asked for than ${JSON.stringify(path)}`, async () => {
    await using origin = await startOrigin();
    await using downloads = await startDownloads();
    const url = origin.url("") + path;
    const error = await assertRejects(() => downloads.add({ url }));
    assert(error instanceof DownloadError);
    assertEquals(error.code, "BAD_URL");
    assertMatch(error.message, fault);
    assertEquals(origin.requests.length, 0);
  });
}

Deno.test("dots and backslashes that the client leaves alone are sent", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const paths = ["/a..b/...", "/.hidden", "/x?y=..\\z/../", "/%5C/%252e%252e"];
  for (const path of paths) {
    origin.serve(path, file(10));
    await downloads.end(await downloads.add({ url: origin.url("") + path }));
  }
  assertEquals(origin.requests.map(({ path }) => path), paths);
});

Deno.test("a URL's credentials reach its origin, and no log", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  const whole = file(10 * KiB);
  const bare = origin.serve("/a", whole, ({ headers, n }) => {
    if (n === 0) return { status: 503 };
    const basic = headers.get("authorization");
    return basic === `Basic ${btoa("us3r:p4ss")}` ? {} : { status: 401 };
  });
  const url = bare.replace("//", "//us3r:p4ss@") + "?k3y=v4lue";
  const status = await client.end(await client.add({ url }));
  assertEquals(status.process_status, "Downloaded");
  const refused = origin.serve("/b", null).replace("//", "//us3r:p4ss@");
  const failed = await client.end(await client.add({ url: refused }));
  assertEquals(failed.process_status, "Failed");
  assertMatch(sluice.output(), /added.*\/a"/);
  assertMatch(sluice.output(), /failed/);
  assertNotMatch(sluice.output(), /us3r|p4ss|k3y|v4lue/);
});
