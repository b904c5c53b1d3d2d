/** URLs that clients send. */

import {
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { DownloadError } from "../../lib/download/errors.ts";
import { startDownloads } from "../support/downloads.ts";
import { assertServes } from "../support/health.ts";
import { file, startOrigin } from "../support/origin.ts";
import { codeOf } from "../support/requests.ts";
import { startSluice } from "../support/sluice.ts";
import { startTrial, WHOLE } from "../support/trial.ts";

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
  ["http:/a.test/x", "BAD_URL"],
  ["http:a.test/x", "BAD_URL"],
  ["http:///a.test/x", "BAD_URL"],
  ["http:\\\\a.test\\x", "BAD_URL"],
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
  const [path, what] of [
    ["/d/../b", 'the dot segment ".."'],
    ["/d/./b", 'the dot segment "."'],
    ["/d/..", 'the dot segment ".."'],
    ["/d/..?q", 'the dot segment ".."'],
    ["/d/%2e%2E/b", 'the dot segment "%2e%2E"'],
    ["/d/.%2e/b", 'the dot segment ".%2e"'],
    ["/a\\b", "a backslash"],
    ["/d/..\\b", "a backslash"],
    ["/a\tb", "a tab"],
    ["/a\nb", "a line break"],
    ["/a\r\nb", "a line break"],
    ["/b?x=1\t2", "a tab"],
    ["/b#\nc", "a line break"],
    ["/b\0", "a control character"],
  ] as const
) {
  Deno.test(`no other path is asked for in place of ${JSON.stringify(path)}`, async () => {
    await using origin = await startOrigin();
    await using downloads = await startDownloads();
    const error = await assertRejects(
      () => downloads.add({ url: origin.url("/").slice(0, -1) + path }),
      DownloadError,
    );
    assertEquals(error.code, "BAD_URL");
    assertStringIncludes(error.message, `The URL holds ${what}`);
    assertEquals(origin.requests, []);
  });
}

Deno.test("what is only written otherwise is sent", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  for (
    const [given, sent] of [
      ["/a'b?n=it's&sig=1", "/a'b?n=it%27s&sig=1"],
      ["/a b/{é}", "/a%20b/%7B%C3%A9%7D"],
      ['/..;/a"b|^[]%zz?x=a\\b/../c|{}`', "/..;/a%22b|^[]%zz?x=a\\b/../c|{}`"],
      ["//a//b", "//a//b"],
      ["/%2F%5C..", "/%2F%5C.."],
      ["/.../..a", "/.../..a"],
      ["/?", "/?"],
    ] as const
  ) {
    const before = origin.requests.length;
    origin.serve(sent, WHOLE);
    const url = origin.url("/").slice(0, -1) + given;
    assertEquals((await trial.end(url)).process_status, "Downloaded", given);
    assertEquals(origin.requests[before]?.path, sent);
  }
});

for (
  const [given, refusal, told] of [
    ["/a.bin?n=it's&sig=s3cret", 403, "In the URL, ' was sent as %27."],
    [
      "/a b/{c}'?q=é s3cr€t",
      400,
      "In the URL, a space was sent as %20; { was sent as %7B; } was sent as " +
      "%7D; characters beyond ASCII were sent percent-encoded.",
    ],
    ["/a.bin?n=it%27s&sig=s3cret", 403, null],
  ] as const
) {
  Deno.test(`a refusal of ${given} tells what was written otherwise`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.url("/").slice(0, -1) + given;
    trial.origin.serve(new URL(url).pathname, null, { status: refusal });
    const { process_status, error } = await trial.end(url);
    assertEquals(process_status, "Failed");
    const message = error?.message ?? "";
    if (told === null) assertNotMatch(message, /In the URL/);
    else assertStringIncludes(message, told);
    assertNotMatch(message, /s3cr|sig/);
  });
}

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
