/** A file that changes at its origin, or that nothing tells from another. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { SEVERAL_WORKERS } from "../support/downloads.ts";
import { type Behave, file } from "../support/origin.ts";
import { assertDownloaded } from "../support/status.ts";
import {
  askedWhole,
  contentRange,
  gate,
  OTHER,
  SLICE,
  startTrial,
  where,
  WHOLE,
} from "../support/trial.ts";

Deno.test("a total that differs between slices ends in the whole at once", async () => {
  await using trial = await startTrial(SEVERAL_WORKERS);
  const longer = contentRange((start, last, size) =>
    `bytes ${start}-${last}/${size + 1}`
  );
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    where(
      ({ range }) => range !== null && range.start > WHOLE.size / 2,
      longer,
    ),
  );
  await assertDownloaded(await trial.end(url), WHOLE, "a");
  assertEquals(askedWhole(trial.origin).length, 1);
});

for (
  const [what, next] of [
    ["an ETag that changes in the middle", OTHER],
    ["a file that shrinks in the middle", file(3 * SLICE, 4)],
    ["a file that grows in the middle", file(20 * SLICE, 4)],
    ["a file that is emptied in the middle", file(0, 4)],
  ] as const
) {
  Deno.test(`${what} begins the download anew`, async () => {
    await using trial = await startTrial(SEVERAL_WORKERS);
    const url = trial.origin.serve("/a", WHOLE, ({ n }) => {
      return n < 5 ? {} : { file: next };
    });
    const status = await trial.end(url);
    await assertDownloaded(status, next, "a");
    // An emptied file has no range to give: that is a 416, and a whole.
    assert(status.ranges || next.size === 0);
  });
}

Deno.test("a file that changes where it is being read begins anew", async () => {
  await using trial = await startTrial(SEVERAL_WORKERS);
  let now = WHOLE;
  const half = gate();
  const url = trial.origin.serve("/a", null, ({ n }) => ({
    file: now,
    gates: n === 1 ? { [SLICE / 2]: () => half.opened } : {},
  }));
  const id = await trial.downloads.add({ url });
  await trial.origin.request(({ n, sent }) => n === 1 && sent >= 0);
  now = OTHER;
  half.open();
  const [status] = await Promise.all([trial.downloads.end(id), trial.good()]);
  await assertDownloaded(status, OTHER, "a");
});

Deno.test("an ETag that changes with each answer ends in the whole at once", async () => {
  await using trial = await startTrial(SEVERAL_WORKERS);
  const url = trial.origin.serve("/a", WHOLE, ({ n }) => ({
    headers: { ETag: `"${n}"` },
  }));
  await assertDownloaded(await trial.end(url), WHOLE, "a");
  assertEquals(askedWhole(trial.origin).length, 1);
});

Deno.test("alternating nodes with different ETags end in the whole at once", async () => {
  await using trial = await startTrial(SEVERAL_WORKERS);
  const nodes = [WHOLE, OTHER];
  const url = trial.origin.serve("/a", null, ({ n }) => ({
    file: nodes[n % 2] ?? WHOLE,
  }));
  const status = await trial.end(url);
  const last = trial.origin.requests.find(({ range }) => range === null);
  assert(last);
  await assertDownloaded(status, nodes[last.n % 2] ?? WHOLE, "a");
});

for (
  const [what, facts] of [
    ["a weak ETag only", { etag: 'W/"1"' }],
    ["no validator at all", { etag: null }],
    ["an ETag without quotes", { etag: "1" }],
    ["an empty ETag", { etag: '""' }],
    ["a Last-Modified that is no date", { etag: null, lastModified: "-5" }],
    ["a Last-Modified at the epoch", {
      etag: null,
      lastModified: "Thu, 01 Jan 1970 00:00:00 GMT",
    }],
    ["nginx's ETag of a time at the epoch", {
      etag: '"1-a007b"',
      lastModified: "Thu, 01 Jan 1970 00:00:01 GMT",
    }],
    ["a Last-Modified to come", {
      etag: null,
      lastModified: new Date(Date.now() + 3_600_000).toUTCString(),
    }],
  ] as const
) {
  Deno.test(`with ${what}, all comes in one answer`, async () => {
    await using trial = await startTrial(SEVERAL_WORKERS);
    const whole = file(WHOLE.size, 1, facts);
    const status = await trial.end(trial.origin.serve("/a", whole));
    await assertDownloaded(status, whole, "a");
    assertEquals(trial.origin.requests.length, 1);
  });

  if (what !== "a weak ETag only" && what !== "no validator at all") continue;
  Deno.test(`with ${what}, a second answer is not added to a cut one`, async () => {
    await using trial = await startTrial(SEVERAL_WORKERS);
    const [before, after] = [1, 2].map((n) => file(WHOLE.size, n, facts));
    assert(before && after);
    const behave: Behave = ({ nth }) =>
      nth < 3
        ? { cut: { after: 3 * SLICE + 7, by: "fin" }, file: before }
        : { file: after };
    const url = trial.origin.serve("/a", before, behave);
    const status = await trial.end(url);
    await assertDownloaded(status, after, "a");
  });
}

Deno.test("a Last-Modified of long ago proves that slices belong together", async () => {
  await using trial = await startTrial(SEVERAL_WORKERS);
  const lastModified = "Tue, 01 Jan 2019 00:00:00 GMT";
  const whole = file(WHOLE.size, 1, { etag: 'W/"1"', lastModified });
  const status = await trial.end(trial.origin.serve("/a", whole));
  await assertDownloaded(status, whole, "a");
  assertEquals(status.ranges, true);
  assertGreater(trial.origin.requests.length, 1);
});

for (const quotes of [['W/"', '"'], ["", ""]] as const) {
  const of = (tag: string) => quotes.join(tag);
  Deno.test(`ETags like ${of("1")} tell files of one Last-Modified apart`, async () => {
    await using trial = await startTrial(SEVERAL_WORKERS);
    const lastModified = "Thu, 04 Jan 2018 23:54:26 GMT";
    const nodes = [WHOLE, OTHER].map((node, n) => ({
      ...node,
      etag: of(`t202_f274_${n}`),
      lastModified,
    }));
    const url = trial.origin.serve("/a", null, ({ n }) => ({
      file: nodes[n % 2] ?? WHOLE,
    }));
    const status = await trial.end(url);
    const last = trial.origin.requests.find(({ range }) => range === null);
    assert(last);
    await assertDownloaded(status, nodes[last.n % 2] ?? WHOLE, "a");
  });
}

Deno.test("a Last-Modified that changes in the middle begins anew", async () => {
  await using trial = await startTrial(SEVERAL_WORKERS);
  const [before, after] = [2018, 2019].map((year) =>
    file(WHOLE.size, year, {
      etag: null,
      lastModified: `Tue, 01 Jan ${year} 00:00:00 GMT`,
    })
  );
  assert(before && after);
  const url = trial.origin.serve("/a", null, ({ n }) => ({
    file: n < 4 ? before : after,
  }));
  await assertDownloaded(await trial.end(url), after, "a");
});
