/** Answers to a Range that are no 206, or a 206 of something else. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { filesIn } from "../support/directory.ts";
import type { Behaviour, OriginRequest } from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  askedWhole,
  contentRange,
  isLater,
  SLICE,
  startTrial,
  where,
  WHOLE,
} from "../support/trial.ts";

function isFirst({ range }: OriginRequest): boolean {
  return range?.start === 0;
}

Deno.test("a 200 to the first ranged GET is taken whole, in one request", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE, { ranges: "ignore" });
  const status = await trial.end(url);
  await assertDownloaded(status, WHOLE, "a");
  assertEquals(status.ranges, false);
  assertEquals(trial.origin.requests.length, 1);
});

for (
  const [what, matches] of [
    ["one later slice", ({ n }: OriginRequest) => n === 3],
    ["every later slice", isLater],
  ] as const
) {
  Deno.test(`a 200 to ${what} after a 206 is not written at its offset`, async () => {
    await using trial = await startTrial();
    const behave = where(matches, { ranges: "ignore" });
    const url = trial.origin.serve("/a", WHOLE, behave);
    await assertDownloaded(await trial.end(url), WHOLE, "a");
    // The first answer went on, or had gone on by then.
    assertEquals(askedWhole(trial.origin), []);
  });
}

const WRONG_RANGES: [string, (request: OriginRequest) => Behaviour][] = [
  ["without Content-Range", () => ({ headers: { "Content-Range": null } })],
  [
    "with the wrong start",
    contentRange((start, last, size) => `bytes ${start + 1}-${last}/${size}`),
  ],
  [
    "with the wrong end",
    contentRange((start, last, size) => `bytes ${start}-${last - 1}/${size}`),
  ],
  [
    "with an end beyond the slice",
    contentRange((start, last, size) => `bytes ${start}-${last + 1}/${size}`),
  ],
  [
    "with the wrong total",
    contentRange((start, last, size) => `bytes ${start}-${last}/${size + 1}`),
  ],
  ["with /*", contentRange((start, last) => `bytes ${start}-${last}/*`)],
  ["with * in place of the range", contentRange((_, __, n) => `bytes */${n}`)],
  [
    "with two of them, both right",
    contentRange((start, last, size) => {
      const right = `bytes ${start}-${last}/${size}`;
      return [right, right];
    }),
  ],
  [
    "with two of them, the second one wrong",
    contentRange((start, last, size) => [
      `bytes ${start}-${last}/${size}`,
      `bytes 0-${size - 1}/${size}`,
    ]),
  ],
  [
    "in another unit",
    contentRange((start, last, size) => `items ${start}-${last}/${size}`),
  ],
  [
    "with numbers beyond all bounds",
    contentRange((start) => `bytes ${start}-${"9".repeat(30)}/${9e15}`),
  ],
  [
    "in several parts",
    () => ({
      headers: {
        "Content-Range": null,
        "Content-Type": "multipart/byteranges; boundary=x",
      },
    }),
  ],
  ["of another slice, as it says", ({ range }) => ({
    slice: { start: (range?.start ?? 0) + 1, end: (range?.start ?? 0) + 5 },
  })],
  ["of a part of the slice, as it says", ({ range }) => ({
    slice: { start: range?.start ?? 0, end: (range?.start ?? 0) + 5 },
  })],
  [
    "with another body's Content-Length",
    () => ({ headers: { "Content-Length": "5" } }),
  ],
];

for (const [what, wrong] of WRONG_RANGES) {
  Deno.test(`a 206 ${what}, be it the first or a later one, is not taken`, async () => {
    await using trial = await startTrial();
    const { origin } = trial;
    const [first, later] = await Promise.all([
      trial.end(origin.serve("/first", WHOLE, where(isFirst, wrong))),
      trial.end(origin.serve("/later", WHOLE, where(isLater, wrong))),
    ]);
    await assertDownloaded(first, WHOLE, "first");
    await assertDownloaded(later, WHOLE, "later");
    const wholes = askedWhole(origin).map(({ path }) => path);
    assertEquals(wholes.filter((path) => path === "/first").length, 1);
    // The first answer goes on where later ones are not taken.
    assert(wholes.length <= 2);
  });
}

Deno.test("a total that is too large in every answer is found out at the end", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    where(
      ({ range }) => range !== null && range.start < WHOLE.size,
      contentRange((start, last, n) => `bytes ${start}-${last}/${n + SLICE}`),
    ),
  );
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

Deno.test("a total beyond all disks waits for room, and takes none", async () => {
  await using trial = await startTrial();
  const size = Number.MAX_SAFE_INTEGER;
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    contentRange((start, last) => `bytes ${start}-${last}/${size}`),
  );
  const status = await trial.end(url);
  assertEquals(status.process_status, "Paused");
  assertEquals(status.error?.code, "DISK_FULL");
  assertMatch(
    status.error?.message ?? "",
    /make some. A server then goes on by itself/,
  );
  assertEquals(trial.origin.requests.length, 1);
  assertEquals(filesIn(trial.downloads.directory), []);
});

for (const size of [String(WHOLE.size), "0", "*"]) {
  Deno.test(`a 416 with */${size} means that the whole is asked for`, async () => {
    await using trial = await startTrial();
    const headers = { "Content-Range": `bytes */${size}` };
    const refused = { status: 416, headers };
    const behave = where(({ range }) => range !== null, refused);
    const url = trial.origin.serve("/a", WHOLE, behave);
    await assertDownloaded(await trial.end(url), WHOLE, "a");
    assertEquals(trial.origin.requests.length, 2);
  });
}

Deno.test("a 416 to a later slice means that the whole is asked for", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE, where(isLater, { status: 416 }));
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

Deno.test("a 416 to the whole, too, is an error", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE, { status: 416 });
  assertFailed(await trial.end(url), "ORIGIN_STATUS");
});

Deno.test("a 206 without a range to the whole is an error", async () => {
  await using trial = await startTrial();
  const behave = { status: 206, headers: { "Content-Range": null } };
  const url = trial.origin.serve("/a", WHOLE, behave);
  assertFailed(await trial.end(url), "WRONG_RANGE");
  assertEquals(trial.origin.requests.length, 2);
  assertEquals(filesIn(trial.downloads.directory), []);
});
