/** Answers whose heads Deno's HTTP client refuses, and Sluice repairs. */

import { assertEquals, assertGreater } from "@std/assert";
import { caCertificate } from "../support/certificate.ts";
import {
  type Behaviour,
  forever,
  literal,
  type OriginRequest,
} from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  askedWhole,
  endAlone,
  ONE_SLICE,
  PATIENT,
  startTrial,
  TLS,
  WHOLE,
} from "../support/trial.ts";

const BYTES = literal("bytes");

/** An answer in chunks whose head is to be repaired. */
function inChunks(body: string): string {
  return `HTTP/1.1 200 OK\r\nX Y: 1\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;
}

/** An answer of five bytes, with more header lines. */
function withLines(...lines: string[]): string {
  const head = ["HTTP/1.1 200 OK", ...lines, "Content-Length: 5", "", ""];
  return head.join("\r\n") + "bytes";
}

function repeated(count: number, line: (n: number) => string): string[] {
  return Array.from({ length: count }, (_, n) => line(n));
}

for (
  const [what, raw] of [
    ["a folded header line", withLines("X-A: one", " two", "\tthree")],
    ["a line folded by a tab", withLines("ETag:", '\t"1"')],
    ["a folded line of spaces", withLines("X-A: one", "  ")],
    ["a space before a colon", withLines("ETag : 1")],
    ["a header line without a colon", withLines("garbage")],
    ["a second status line", withLines("HTTP/1.0 200 OK")],
    ["a header without a name", withLines(": x")],
    ["a space in a header's name", withLines("X Foo: 1")],
    ["UTF-8 in a header's name", withLines("X-é: 1")],
    ["a control character in a header", withLines("X: a\x01b")],
    ["101 header lines", withLines(...repeated(100, (n) => `X-${n}: a`))],
    ["150 cookies", withLines(...repeated(150, (n) => `Set-Cookie: c${n}=a`))],
    ["2,000 header lines", withLines(...repeated(2_000, (n) => `X-${n}: a`))],
    ["HTTP/1.2", withLines().replace("1.1", "1.2")],
    ["HTTP/2 in words", withLines().replace("/1.1", "/2")],
    ["two spaces before the status", withLines().replace(" 2", "  2")],
    ["the same length twice", withLines("X Y: 1", "Content-Length: 5")],
    [
      "an interim answer before it",
      `HTTP/1.1 103 Early Hints\r\nX Y: 1\r\n\r\n${withLines("X Y: 1")}`,
    ],
    ["lone line feeds", withLines("X-A: one", " two").replaceAll("\r", "")],
    ["no length", withLines("X Y: 1").replace(/Content-Length: 5\r\n/, "")],
    [
      "chunks in HTTP/1.0",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbytes\r\n0\r\n\r\n",
    ],
    // python-hyper/h11#133, me-no-dev/ESPAsyncWebServer#1324
    ["spaces behind chunks' sizes", inChunks("5  \r\nbytes\r\n0  \r\n\r\n")],
    [
      "chunk extensions and trailers", // moonbitlang/async#618
      inChunks("5 ; a=b\r\nbytes\r\n0\r\nContent-Length: 3\r\n\r\n"),
    ],
  ] as const
) {
  Deno.test(`an answer with ${what} brings its file`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", BYTES, { raw });
    await assertDownloaded(await trial.end(url), BYTES, "a");
  });
}

/** Every head is folded, and right. */
const FOLDED: Behaviour = { headers: { "X-A": "one\r\n two" } };

for (const tls of [false, true]) {
  Deno.test(`an origin that folds lines is asked in slices${tls ? " over TLS" : ""}`, async () => {
    const options = { caCerts: [caCertificate], workers: 1 };
    await using trial = await startTrial(options, tls ? TLS : {});
    const behave = ({ nth }: OriginRequest) =>
      nth === 1 ? { ...FOLDED, ...ONE_SLICE } : FOLDED;
    const url = trial.origin.serve("/a", WHOLE, behave);
    const status = await trial.end(url);
    await assertDownloaded(status, WHOLE, "a");
    assertEquals(status.ranges, true);
    assertEquals(askedWhole(trial.origin), []);
    // By `fetch`, which writes header names in lower case, once and never again.
    const { requests } = trial.origin;
    const byFetch = requests.map(({ lines }) => lines.includes("accept: */*"));
    assertEquals(byFetch, requests.map((_, n) => n === 0));
    assertGreater(requests.length, 3);
  });
}

Deno.test("a certificate that is not trusted stays so in each request", async () => {
  await using trial = await startTrial({}, TLS);
  const url = trial.origin.serve("/a", WHOLE, FOLDED);
  assertFailed(await trial.end(url), "TLS", /not trusted.*CA_FILE/);
  assertEquals(trial.origin.requests, []);
});

for (
  const [what, body] of [
    ["whose sizes count their line ends", "7\r\nbytes\r\n0\r\n\r\n"], // hyperium/hyper#441
    ["that end in a line feed alone", "5\nbytes\n0\n\n"], // nginx/nginx#1016
    ["that are cut before the last one", "5\r\nbytes\r\n"],
  ] as const
) {
  Deno.test(`repaired answers in chunks ${what} are no file`, async () => {
    await using trial = await startTrial({ attempts: 2 });
    const raw = inChunks(body);
    const url = trial.origin.serve("/a", BYTES, { raw });
    assertFailed(await trial.end(url), "CUT");
  });
}

for (const by of ["fin", "reset"] as const) {
  Deno.test(`repaired answers that are cut by a ${by} go on from there`, async () => {
    await using trial = await startTrial(PATIENT);
    const behave = ({ n }: OriginRequest) =>
      n < 5 ? { ...FOLDED, cut: { after: 1000, by } } : FOLDED;
    const url = trial.origin.serve("/a", WHOLE, behave);
    await assertDownloaded(await trial.end(url), WHOLE, "a");
  });
}

Deno.test("a repaired answer that stalls is given up, and its connection ended", async () => {
  await using trial = await startTrial({ stallTimeout: 400, attempts: 2 });
  const url = trial.origin.serve("/a", WHOLE, {
    ...FOLDED,
    gates: { 1000: forever },
  });
  assertFailed(await endAlone(trial, url), "STALLED", /0.4 s.*retry/);
  for (const { ended } of trial.origin.requests) {
    assertEquals(await ended, "gone");
  }
});

Deno.test("an origin that knows headers in title case only", async () => {
  await using trial = await startTrial({ workers: 1 });
  let refused = 0;
  const url = trial.origin.serve("/a", WHOLE, ({ lines }) => {
    const isKnown = lines.some((line) => line.startsWith("Host: "));
    if (isKnown) return {};
    refused++;
    return { status: 400 };
  });
  await assertDownloaded(await trial.end(url), WHOLE, "a");
  // With a range, and plainly.
  assertEquals(refused, 2);
});

for (const allowPrivate of [true, false]) {
  Deno.test(`port 10080 is ${allowPrivate ? "asked" : "named as forbidden"}`, async () => {
    // Nobody listens there: that is known by who refuses.
    await using trial = await startTrial({ allowPrivate, attempts: 1 });
    const status = await trial.end("http://127.0.0.1:10080/a");
    if (allowPrivate) assertFailed(status, "REFUSED", /take the connection/);
    else assertFailed(status, "BAD_URL", /port 10080:.*forbids.*[Cc]heck/);
  });
}
