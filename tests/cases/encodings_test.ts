/** Answers that are encoded, though `identity` was asked for. */

import { assertEquals } from "@std/assert";
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { filesIn } from "../support/directory.ts";
import { type Behave, bytesOf, literal } from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  askedWhole,
  isLater,
  SLICE,
  startTrial,
  WHOLE,
} from "../support/trial.ts";

for (
  const [what, behave] of [
    ["a slice", { encoding: "gzip" }],
    ["the whole", { encoding: "gzip", ranges: "ignore" }],
    ["the whole, by two labels", {
      encoding: "gzip",
      headers: { "Content-Encoding": "aws-chunked, gzip" },
    }],
  ] as [string, Behave][]
) {
  Deno.test(`gzip in spite of identity, of ${what}, is an error`, async () => {
    await using trial = await startTrial();
    const status = await trial.end(trial.origin.serve("/a", WHOLE, behave));
    assertFailed(status, "ENCODED");
    assertEquals(filesIn(trial.downloads.directory), []);
    for (const { headers } of trial.origin.requests) {
      assertEquals(headers.get("accept-encoding"), "identity");
    }
  });
}

for (
  const [path, content, coding] of [
    ["/a.gz/b.txt", gzipSync(bytesOf(WHOLE)), "gzip"],
    ["/web/a.com.zst/b.txt", zstdCompressSync(bytesOf(WHOLE)), "zstd"],
  ] as const
) {
  Deno.test(`a directory's name is no file's: ${path}`, async () => {
    await using trial = await startTrial();
    const headers = { "Content-Encoding": coding };
    const url = trial.origin.serve(path, literal(content, { headers }));
    const status = await trial.end(url);
    assertFailed(status, "ENCODED");
    assertEquals(filesIn(trial.downloads.directory), []);
  });
}

for (const ranges of [undefined, "ignore"] as const) {
  Deno.test(`a label that names a .tar.gz's own format changes no byte, ranges: ${ranges}`, async () => {
    await using trial = await startTrial();
    const behave: Behave = ({ n }) => ({
      ranges,
      headers: { "Content-Encoding": n % 2 ? "x-gzip" : "gzip" },
      ...(n < 2 && { cut: { after: 1000, by: "fin" } }),
    });
    const url = trial.origin.serve("/a.tar.gz", WHOLE, behave);
    await assertDownloaded(await trial.end(url), WHOLE, "a.tar.gz");
  });
}

for (const isCoded of [false, true]) {
  const outcome = isCoded ? "an error" : "the file, by one plain request";
  Deno.test(`gzip for each range but a first that is cut: ${outcome}`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", WHOLE, ({ n, range }) => {
      if (n === 0) return { cut: { after: SLICE, by: "fin" } };
      return range !== null || isCoded ? { encoding: "gzip" } : {};
    });
    const status = await trial.end(url);
    if (isCoded) assertFailed(status, "ENCODED", /Check the URL, or add/);
    else await assertDownloaded(status, WHOLE, "a");
    assertEquals(askedWhole(trial.origin).length, 1);
    assertEquals(filesIn(trial.downloads.directory), isCoded ? [] : ["a"]);
  });
}

Deno.test("gzip for ranges only is no hindrance", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    ({ range }) => range === null ? {} : { encoding: "gzip" },
  );
  await assertDownloaded(await trial.end(url), WHOLE, "a");
  assertEquals(trial.origin.requests.length, 2);
});

Deno.test("slices in gzip are not taken: the first answer goes on", async () => {
  await using trial = await startTrial();
  const refused = Promise.withResolvers<unknown>();
  // Once the first answer has ended, nothing but gzip is to be had.
  const url = trial.origin.serve("/a", WHOLE, (request) => {
    if (!isLater(request)) return { gates: { [SLICE]: () => refused.promise } };
    refused.resolve(request.ended);
    return { encoding: "gzip" };
  });
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

for (
  const label of [
    "gzip",
    "utf-8",
    "none",
    "aws-chunked",
    "br",
    "deflate",
    "zstd",
  ]
) {
  Deno.test(`the label ${label} on bytes that are in no coding changes no byte`, async () => {
    await using trial = await startTrial();
    const zip = new Uint8Array(3 * SLICE);
    zip.set([0x50, 0x4b, 3, 4]);
    const whole = literal(zip, { etag: '"1"' });
    const url = trial.origin.serve("/a", whole, {
      headers: { "Content-Encoding": label },
    });
    await assertDownloaded(await trial.end(url), whole, "a");
  });
}

for (const label of ["br", "deflate", "zstd"]) {
  for (const ranges of [undefined, "ignore"] as const) {
    Deno.test(`the label ${label} on bytes of an unknown kind changes no byte, ranges: ${ranges}`, async () => {
      await using trial = await startTrial();
      // A disk image begins so: no decoder takes it.
      const image = new Uint8Array(3 * SLICE).fill(0xee, 446);
      const whole = literal(image, { etag: '"1"' });
      const url = trial.origin.serve("/a", whole, {
        ranges,
        headers: { "Content-Encoding": label },
      });
      await assertDownloaded(await trial.end(url), whole, "a");
    });
  }
}

for (
  const [label, format, encode] of [
    ["br", "Brotli", brotliCompressSync],
    ["deflate", "zlib", deflateSync],
    ["deflate", "zlib without its wrapper", deflateRawSync],
    ["zstd", "Zstandard", zstdCompressSync],
  ] as const
) {
  Deno.test(`bytes in ${format} are an error under the label ${label}`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", literal(encode(bytesOf(WHOLE))), {
      headers: { "Content-Encoding": label },
    });
    assertFailed(await trial.end(url), "ENCODED", /encoding.*Check the URL/);
    assertEquals(filesIn(trial.downloads.directory), []);
  });
}
