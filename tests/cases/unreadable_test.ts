/** Answers that no client of ours reads: what they mean is not certain. */

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

const FRAMING = /length or range.*RFC 9112 §5.*check/;
const LINE = /NUL or a lone CR.*RFC 9112 §2.2.*check/;
const MANY = /too many header lines.*check/;
const VERSION = /does not speak HTTP.*check the URL/;
const STATUS = /status line.*RFC 9112 §4.*check/;
const LENGTH = /Content-Length.*RFC 9112 §6.3.*check/;
const CODING = /transfer coding.*RFC 9112 §6.1.*check/;

/** Five bytes in a chunk, after more header lines. */
function chunked(...lines: string[]): string {
  const head = ["HTTP/1.1 200 OK", ...lines, "", ""];
  return head.join("\r\n") + "5\r\nbytes\r\n0\r\n\r\n";
}

/** A line that `fetch` does not read. */
const ODD = "X Y: 1";

for (
  const [what, raw, message] of [
    ["a NUL in a header", withLines("X: a\0b"), LINE],
    ["a lone CR in a header", withLines("X: a\rContent-Length: 3"), LINE],
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
    [
      "interim answers without end",
      `HTTP/1.1 100 Continue\r\n${ODD}\r\n\r\n`.repeat(20_000),
      MANY,
    ],
    ["ICY", withLines().replace("HTTP/1.1", "ICY"), VERSION],
    ["SSH", "SSH-2.0-OpenSSH_9.2\r\n", VERSION],
    ["HTTP/0.9", "abc", VERSION],
    [
      "4,001 header lines",
      withLines(...Array.from({ length: 4_000 }, (_, n) => `X-${n}: a`)),
      MANY,
    ],
    ["a status of two digits", withLines().replace("200", "20"), STATUS],
    ["a length with a sign", withLines(ODD, "Content-Length: +5"), LENGTH],
    ["two lengths", withLines(ODD, "Content-Length: 6"), LENGTH],
    ["two lengths in a line", withLines(ODD, "Content-Length: 5, 6"), LENGTH],
    ["a folded length", chunked("Content-Length:", " 5"), FRAMING],
    ["a length before spaces", chunked("Content-Length : 5"), FRAMING],
    ["a length without a colon", chunked("Content-Length 5"), FRAMING],
    ["a folded range", withLines("Content-Range: bytes 0-4", " /5"), FRAMING],
    ["a folded coding", chunked("Transfer-Encoding:", " chunked"), FRAMING],
    ["a coding before spaces", chunked("Transfer-Encoding : chunked"), FRAMING],
    [
      "chunks and a length",
      chunked(ODD, "Content-Length: 5", "Transfer-Encoding: chunked"),
      LENGTH,
    ],
    [
      "the transfer coding identity",
      withLines(ODD, "Transfer-Encoding: identity"),
      CODING,
    ],
    [
      "two transfer codings",
      chunked(ODD, "Transfer-Encoding: gzip, chunked"),
      CODING,
    ],
  ] as const
) {
  Deno.test(`an answer with ${what} is named at once`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", WHOLE, { raw });
    assertFailed(await trial.end(url), "UNREADABLE", message);
    assertEquals(trial.origin.requests.length, 2);
    assertEquals(filesIn(trial.downloads.directory), []);
  });
}

Deno.test("one unreadable answer among good ones is asked for again", async () => {
  await using trial = await startTrial(PATIENT);
  const behave = ({ n }: OriginRequest) =>
    n === 3 ? { raw: withLines("X: a\0b") } : {};
  const url = trial.origin.serve("/a", WHOLE, behave);
  await assertDownloaded(await trial.end(url), WHOLE, "a");
  assertGreater(trial.origin.requests.length, 4);
});
