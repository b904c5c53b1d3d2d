/** First answers that contradict themselves, refuse the range, or give less. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { filesIn } from "../support/directory.ts";
import {
  type Behaviour,
  bytesOf,
  file,
  literal,
  type OriginRequest,
  redirect,
} from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  askedWhole,
  endAlone,
  SLICE,
  startTrial,
  where,
  WHOLE,
} from "../support/trial.ts";

/** Requests with a Range header. */
function inRanges({ range }: OriginRequest): boolean {
  return range !== null;
}

/** What an origin sends that gives at most `most` bytes in one answer. */
function clamped(most: number): (request: OriginRequest) => Behaviour {
  return ({ range }) => {
    const start = range?.start ?? 0;
    const end = Math.min(range?.end ?? Infinity, WHOLE.size, start + most);
    return { slice: { start, end }, status: 206 };
  };
}

Deno.test("a 200 with a Content-Range is asked for once more, plainly", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    where(inRanges, ({ range }) => ({
      slice: { start: range?.start ?? 0, end: 5 * SLICE },
      status: 200,
      headers: { "Content-Range": `bytes 0-${5 * SLICE - 1}/${WHOLE.size}` },
    })),
  );
  await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
  assertEquals(trial.origin.requests.length, 2);
  assertEquals(askedWhole(trial.origin).length, 1);
});

for (const cut of [undefined, { after: SLICE, by: "fin" }] as const) {
  const first = cut ? "after a 206 that is cut" : "from the first";
  Deno.test(`a 200 of just the bytes asked for is never less than the file, ${first}`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", WHOLE, ({ n, range }) => {
      if (range === null || cut && n === 0) return n === 0 ? { cut } : {};
      const end = Math.min(range.end, WHOLE.size);
      return {
        status: 200,
        slice: { start: range.start, end },
        headers: { "Content-Range": null },
      };
    });
    await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
  });
}

Deno.test("a part that is called the whole, plainly too, is no file", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE, {
    slice: { start: 0, end: 1000 },
    status: 200,
    headers: { "Content-Range": `bytes 0-999/${WHOLE.size}` },
  });
  assertFailed(await trial.end(url), "WRONG_RANGE", /a part of the file/);
  assertEquals(filesIn(trial.downloads.directory), []);
});

for (
  const [what, value] of [
    ["with =, as in a Range", `bytes=0-${WHOLE.size - 1}/${WHOLE.size}`],
    ["that ends behind the file", `bytes 0-${WHOLE.size}/${WHOLE.size}`],
    ["that is a fraction", "-0.99999998516848"],
    ["of all", `bytes 0-${WHOLE.size - 1}/${WHOLE.size}`],
  ] as const
) {
  Deno.test(`a Content-Range ${what} says nothing against a plain 200`, async () => {
    await using trial = await startTrial();
    const headers = { "Content-Range": value };
    const behave = { ranges: "ignore", headers } as const;
    const url = trial.origin.serve("/a", WHOLE, behave);
    await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
    assertEquals(trial.origin.requests.length, 2);
  });
}

for (
  const value of [
    `bytes=0-999/${WHOLE.size}`,
    `bytes 0-1000/${WHOLE.size}, all`,
    `bytes 0-1000/ ${WHOLE.size}`,
    "bytes 0-999/*",
    "bytes 0-999",
  ]
) {
  Deno.test(`a plain 200 of 1,000 bytes with ${value} is no file`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", WHOLE, {
      slice: { start: 0, end: 1000 },
      status: 200,
      headers: { "Content-Range": value },
    });
    assertFailed(await trial.end(url), "WRONG_RANGE", /a part of the file/);
    assertEquals(filesIn(trial.downloads.directory), []);
  });
}

for (const status of [400, 403, 404, 405, 406, 412, 416, 500, 501, 502, 503]) {
  Deno.test(`a first range refused with ${status} becomes a plain request`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", WHOLE, where(inRanges, { status }));
    const end = await endAlone(trial, url);
    await assertDownloaded(end, WHOLE, "a");
    assertEquals(end.ranges, false);
    assertEquals(trial.origin.requests.length, 2);
  });
}

for (const status of [202, 403, 429, 503]) {
  Deno.test(`a ${status} with Retry-After is waited for`, async () => {
    await using trial = await startTrial();
    const later = { status, headers: { "Retry-After": "0" }, body: "" };
    const url = trial.origin.serve("/a", WHOLE, where(({ n }) => n < 2, later));
    const end = await endAlone(trial, url);
    await assertDownloaded(end, WHOLE, "a");
    assertEquals(askedWhole(trial.origin), []);
  });
}

for (const status of [209, 226, 299]) {
  for (const ranges of ["ignore", undefined] as const) {
    Deno.test(`a ${status} without more is a 200, ranges: ${ranges}`, async () => {
      await using trial = await startTrial();
      const url = trial.origin.serve("/a", WHOLE, { status, ranges });
      await assertDownloaded(await trial.end(url), WHOLE, "a");
    });
  }
}

for (
  const behave of [
    { status: 226, headers: { IM: "vcdiff" } },
    { status: 201 },
    { status: 207 },
  ]
) {
  Deno.test(`a ${behave.status} whose body is not the file is no file`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", WHOLE, behave);
    const said = new RegExp(`${behave.status}: it gives no file`);
    assertFailed(await trial.end(url), "ORIGIN_STATUS", said);
    assertEquals(filesIn(trial.downloads.directory), []);
  });
}

Deno.test("a 203 is the whole file, changed by a proxy or not", async () => {
  await using trial = await startTrial();
  const behave = { ranges: "ignore", status: 203 } as const;
  const url = trial.origin.serve("/a", WHOLE, behave);
  await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
  assertEquals(trial.origin.requests.length, 1);
});

Deno.test("ranges that are shorter than asked for are put together", async () => {
  await using trial = await startTrial();
  const most = SLICE / 2;
  const url = trial.origin.serve("/a", WHOLE, clamped(most));
  await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
  assertEquals(askedWhole(trial.origin), []);
  assertLess(trial.origin.requests.length, 2 * WHOLE.size / most);
});

Deno.test("ranges that begin at the block before are not written elsewhere", async () => {
  // xroche/httrack#428
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE, ({ n, range }) => {
    if (range === null) return {};
    if (n === 0) return { cut: { after: SLICE + 5, by: "fin" } };
    const start = range.start - range.start % 40_000;
    return { slice: { start, end: Math.min(range.end, WHOLE.size) } };
  });
  await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
});

Deno.test("heads of parts are not written into the file", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    where(inRanges, ({ range }) => {
      const start = range?.start ?? 0;
      const end = Math.min(range?.end ?? Infinity, WHOLE.size);
      const told = `bytes ${start}-${end - 1}/${WHOLE.size}`;
      const head = `--x\r\nContent-Range: ${told}\r\n\r\n`;
      return {
        status: 206,
        headers: {
          "Content-Range": told,
          "Content-Type": "multipart/byteranges; boundary=x",
        },
        framing: "chunked",
        body: Buffer.concat([
          Buffer.from(head),
          WHOLE.read(start, end - start),
          Buffer.from("\r\n--x--\r\n"),
        ]),
      };
    }),
  );
  await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
  assertEquals(trial.origin.requests.length, 2);
});

Deno.test("a label of parts on a range whose length fits is only a label", async () => {
  await using trial = await startTrial();
  const headers = { "Content-Type": "multipart/byteranges; boundary=x" };
  const url = trial.origin.serve("/a", WHOLE, { headers });
  await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
  assertEquals(askedWhole(trial.origin), []);
});

Deno.test("a 304 that nobody asked for is asked once more, plainly", async () => {
  await using trial = await startTrial();
  const unchanged = { status: 304, headers: { "Content-Length": null } };
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    where(({ nth }) => nth === 0, unchanged),
  );
  await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
  assertEquals(trial.origin.requests.length, 2);
});

const NOTHING = "HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\n\r\n";

for (
  const [what, raw] of [
    ["", NOTHING],
    [" of HTTP/1.0", NOTHING.replace("1.1", "1.0")],
    [", which is repaired", NOTHING.replace("Type:", "Type :")],
  ] as const
) {
  Deno.test(`a first answer that is a head alone${what} is asked for once more`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", WHOLE, where(inRanges, { raw }));
    await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
    assertEquals(askedWhole(trial.origin).length, 1);
  });

  Deno.test(`an empty file whose answers are heads alone${what} comes`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", literal(""), { raw });
    await assertDownloaded(await endAlone(trial, url), literal(""), "a");
    // Each is asked by `fetch` first.
    const requests = what.includes("repaired") ? 3 : 2;
    assertEquals(trial.origin.requests.length, requests);
  });
}

for (const framing of ["length", "chunked"] as const) {
  Deno.test(`an answer that says it is empty, by ${framing}, is believed`, async () => {
    await using trial = await startTrial();
    const behave = { ranges: "ignore", framing } as const;
    const url = trial.origin.serve("/a", literal(""), behave);
    await assertDownloaded(await endAlone(trial, url), literal(""), "a");
    assertEquals(trial.origin.requests.length, 1);
  });
}

Deno.test("an origin that sends crumbs in ranges is asked for the whole", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE, where(inRanges, clamped(100)));
  await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
  assertEquals(trial.origin.requests.length, 2);
});

Deno.test("a 206 to a plain request is the file if it is all of it", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    ({ range }) =>
      range !== null ? { status: 403 } : {
        slice: { start: 0, end: WHOLE.size },
        status: 206,
      },
  );
  await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
  assertEquals(trial.origin.requests.length, 2);
});

Deno.test("a range that claims more than the file has is asked for plainly", async () => {
  await using trial = await startTrial();
  const small = file(1000, 7);
  const url = trial.origin.serve(
    "/a",
    small,
    where(inRanges, {
      headers: {
        "Content-Range": "bytes 0-16777215/1000",
        "Content-Length": "16777216",
      },
      connection: "close",
    }),
  );
  await assertDownloaded(await endAlone(trial, url), small, "a");
});

for (const [good, size] of [[1, 40], [2, 40], [3, 9]] as const) {
  Deno.test(`a link that is good for ${good} of the requests for ${size} slices`, async () => {
    await using trial = await startTrial();
    const whole = file(size * SLICE + 99, size);
    const spent = where(({ nth }) => nth >= good, { status: 403 });
    const url = trial.origin.serve("/a", whole, spent);
    await assertDownloaded(await endAlone(trial, url), whole, "a");
    assert(trial.origin.requests[0]?.range?.end === Infinity);
  });
}

Deno.test("a link behind a redirect that is good for one request", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", null, redirect("/once?token=1"));
  const spent = where(({ nth }) => nth > 0, { status: 410 });
  trial.origin.serve("/once?token=1", WHOLE, spent);
  await assertDownloaded(await endAlone(trial, url), WHOLE, "once");
});

for (
  const [what, behave] of [
    ["gzip", (bytes: Uint8Array) => ({
      body: gzipSync(bytes),
      headers: { "Transfer-Encoding": "gzip, chunked" },
    })],
    ["x-gzip, ended by the connection", (bytes: Uint8Array) => ({
      body: gzipSync(bytes),
      framing: "close",
      headers: { "Transfer-Encoding": "x-gzip" },
    })],
  ] as [string, (bytes: Uint8Array) => Record<string, unknown>][]
) {
  Deno.test(`the transfer coding ${what} is decoded`, async () => {
    await using trial = await startTrial();
    const whole = literal("a file with some words in it ".repeat(9_000));
    const raw = rawAnswer(behave(bytesOf(whole)));
    const url = trial.origin.serve("/a", whole, { raw });
    await assertDownloaded(await endAlone(trial, url), whole, "a");
  });
}

for (const coding of ["chunked, gzip", "br, chunked", '"chunked"']) {
  Deno.test(`the transfer coding ${coding} is refused, not written`, async () => {
    await using trial = await startTrial();
    const raw = rawAnswer({
      body: gzipSync("bytes that are not the file's"),
      headers: { "Transfer-Encoding": coding },
    });
    const url = trial.origin.serve("/a", WHOLE, { raw });
    const end = await trial.end(url);
    assertEquals(end.process_status, "Failed");
    assertEquals(filesIn(trial.downloads.directory), []);
  });
}

/** An answer in bytes, chunked if its last transfer coding says so. */
function rawAnswer(
  { body, headers }: { body?: unknown; headers?: unknown },
): Uint8Array {
  const bytes = body as Uint8Array;
  const fields = Object.entries(headers as Record<string, string>)
    .map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const chunked = /chunked$/.test(fields.trim());
  const head = `HTTP/1.1 200 OK\r\n${fields}Connection: close\r\n\r\n`;
  const encoder = new TextEncoder();
  const parts = chunked
    ? [
      encoder.encode(`${head}${bytes.length.toString(16)}\r\n`),
      bytes,
      encoder.encode("\r\n0\r\n\r\n"),
    ]
    : [encoder.encode(head), bytes];
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test("identity beside a length is no transfer coding", async () => {
  await using trial = await startTrial();
  const headers = { "Transfer-Encoding": "identity" };
  const url = trial.origin.serve("/a", WHOLE, { headers });
  await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
});

for (
  const [what, path, named] of [
    ["its asked path", "/data.tar.gz", "data.tar.gz"],
    ["an inner extension", "/data.sql.gz.part1", "data.sql.gz.part1"],
  ] as const
) {
  Deno.test(`a .gz labelled gzip is stored as it is, by ${what}`, async () => {
    await using trial = await startTrial();
    const whole = literal(gzipSync("data ".repeat(50_000)), { etag: '"1"' });
    const headers = { "Content-Encoding": "gzip" };
    const url = trial.origin.serve(path, null, redirect("/objects/4711"));
    trial.origin.serve("/objects/4711", whole, { headers });
    await assertDownloaded(
      await endAlone(trial, `${url}#${named}`),
      whole,
      "4711",
    );
  });
}

Deno.test("a .gz labelled gzip is stored as it is, by its Content-Disposition", async () => {
  await using trial = await startTrial();
  const whole = literal(gzipSync("data ".repeat(50_000)), { etag: '"1"' });
  const url = trial.origin.serve("/download?id=1", whole, {
    headers: {
      "Content-Encoding": "gzip",
      "Content-Disposition": 'attachment; filename="data.csv.gz"',
    },
  });
  await assertDownloaded(await endAlone(trial, url), whole, "data.csv.gz");
});

Deno.test("an archive under a web page's type is the archive", async () => {
  await using trial = await startTrial();
  const zip = new Uint8Array(3 * SLICE);
  zip.set([0x50, 0x4b, 3, 4]);
  const whole = literal(zip, { etag: '"1"' });
  const headers = { "Content-Type": "text/html; charset=utf-8" };
  const url = trial.origin.serve("/a.zip", whole, { headers });
  await assertDownloaded(await endAlone(trial, url), whole, "a.zip");
});
