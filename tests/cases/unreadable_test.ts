/** Answers that Deno's HTTP client refuses to read. */

import { assertEquals, assertGreater } from "@std/assert";
import { filesIn } from "../support/directory.ts";
import type { OriginRequest } from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import { PATIENT, startTrial, WHOLE } from "../support/trial.ts";

/** An answer of five bytes, with more header lines. */
function withLines(...lines: string[]): string {
  const head = ["HTTP/1.1 200 OK", ...lines, "Content-Length: 5", "", ""];
  return head.join("\r\n") + "bytes";
}

const LINE = /header line.*RFC 9112 §5.*check/;
const MANY = /more header lines than the 100.*check/;
const VERSION = /does not speak HTTP.*check the URL/;
const STATUS = /status line.*RFC 9112 §4.*check/;
const LENGTH = /Content-Length.*RFC 9112 §6.3.*check/;

for (
  const [what, raw, message] of [
    ["a folded header line", withLines("X-A: one", " two"), LINE],
    ["a line folded by a tab", withLines("ETag:", '\t"1"'), LINE],
    ["a space before a colon", withLines("ETag : 1"), LINE],
    ["a header line without a colon", withLines("garbage"), LINE],
    ["a header without a name", withLines(": x"), LINE],
    ["a space in a header's name", withLines("X Foo: 1"), LINE],
    ["UTF-8 in a header's name", withLines("X-é: 1"), LINE],
    ["a NUL in a header", withLines("X: a\0b"), LINE],
    ["a control character in a header", withLines("X: a\x01b"), LINE],
    [
      "101 header lines",
      withLines(...Array.from({ length: 100 }, (_, n) => `X-${n}: a`)),
      MANY,
    ],
    [
      "150 cookies",
      withLines(
        ...Array.from({ length: 150 }, (_, n) => `Set-Cookie: c${n}=a`),
      ),
      MANY,
    ],
    [
      "headers without end",
      `HTTP/1.1 200 OK\r\n${"X-A: b\r\n".repeat(200_000)}`,
      MANY,
    ],
    [
      "a header of a megabyte",
      `HTTP/1.1 200 OK\r\nX: ${"a".repeat(2 ** 20)}`,
      MANY,
    ],
    ["HTTP/1.2", withLines().replace("1.1", "1.2"), VERSION],
    ["HTTP/2 in words", withLines().replace("/1.1", "/2"), VERSION],
    ["ICY", withLines().replace("HTTP/1.1", "ICY"), VERSION],
    ["SSH", "SSH-2.0-OpenSSH_9.2\r\n", VERSION],
    ["HTTP/0.9", "abc", VERSION],
    ["a status of two digits", withLines().replace("200", "20"), STATUS],
    ["two spaces before the status", withLines().replace(" 2", "  2"), STATUS],
    ["a length with a sign", withLines("Content-Length: +5"), LENGTH],
    ["two lengths", withLines("Content-Length: 6"), LENGTH],
    [
      "chunks in HTTP/1.0",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbytes\r\n0\r\n\r\n",
      /chunks.*HTTP\/1.0.*RFC 9112 §6.1.*check/,
    ],
  ] as const
) {
  Deno.test(`an answer with ${what} is named at once`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", WHOLE, { raw });
    assertFailed(await trial.end(url), "UNREADABLE", message);
    assertEquals(trial.origin.requests.length, 1);
    assertEquals(filesIn(trial.downloads.directory), []);
  });
}

for (const port of [6000, 10080, 25]) {
  Deno.test(`port ${port}, which browsers' rule forbids, is named`, async () => {
    await using trial = await startTrial();
    const status = await trial.end(`http://127.0.0.1:${port}/a`);
    assertFailed(
      status,
      "BAD_URL",
      new RegExp(`port ${port}:.*forbids.*[Cc]heck`),
    );
  });
}

Deno.test("one unreadable answer among good ones is asked for again", async () => {
  await using trial = await startTrial(PATIENT);
  const behave = ({ n }: OriginRequest) =>
    n === 3 ? { raw: withLines("X Y: 1") } : {};
  const url = trial.origin.serve("/a", WHOLE, behave);
  await assertDownloaded(await trial.end(url), WHOLE, "a");
  assertGreater(trial.origin.requests.length, 4);
});
