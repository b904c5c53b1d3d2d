/** Bodies of the wrong length, or that end in the wrong way. */

import { assert, assertEquals } from "@std/assert";
import { filesIn } from "../support/directory.ts";
import type { Behave, OriginRequest } from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  askedWhole,
  endAlone,
  PATIENT,
  SLICE,
  startTrial,
  where,
  WHOLE,
} from "../support/trial.ts";

const KiB = 1024;

function isLong({ range }: OriginRequest): boolean {
  return range !== null && range.end - range.start > KiB;
}

for (const framing of ["length", "chunked", "close"] as const) {
  for (
    const [what, surplus] of [["longer", 100], ["shorter", -100]] as const
  ) {
    Deno.test(`a body ${what} than its slice, framed by ${framing}`, async () => {
      await using trial = await startTrial();
      // A rest as short as what is lacking would never come.
      const behave = where(isLong, { framing, surplus });
      const url = trial.origin.serve("/a", WHOLE, behave);
      await assertDownloaded(await trial.end(url), WHOLE, "a");
      // The HTTP client reads no more than the length that it is told.
      if (what === "shorter" || framing === "length") return;
      const { log } = trial.downloads;
      assert(log.some(({ fields }) => fields.code === "TOO_LONG"));
    });
  }

  for (const by of ["fin", "reset", "broken chunk"] as const) {
    if (by === "broken chunk" && framing !== "chunked") continue;
    // A reset may overtake all bytes before it, many times in a row.
    Deno.test(`slices cut by a ${by}, framed by ${framing}`, async () => {
      await using trial = await startTrial(PATIENT);
      const behave = where(
        ({ n }) => n < 12,
        { framing, cut: { after: 1000, by } },
      );
      const url = trial.origin.serve("/a", WHOLE, behave);
      await assertDownloaded(await trial.end(url), WHOLE, "a");
      assertEquals(askedWhole(trial.origin), []);
    });

    // Without length or chunks, a connection that ends says "that is all".
    if (framing === "close" && by === "fin") continue;
    Deno.test(`a whole cut by a ${by}, framed by ${framing}`, async () => {
      await using trial = await startTrial(PATIENT);
      const behave: Behave = ({ n }) => ({
        ranges: "ignore",
        framing,
        ...(n < 3 && { cut: { after: 3 * SLICE + n, by } }),
      });
      const url = trial.origin.serve("/a", WHOLE, behave);
      await assertDownloaded(await trial.end(url), WHOLE, "a");
      assertEquals(trial.origin.requests.length, 4);
    });
  }
}

Deno.test("a body longer than it says is cut off there", async () => {
  await using trial = await startTrial();
  const behave = where(({ range }) => range !== null, ({ range }) => ({
    surplus: 100,
    headers: {
      "Content-Length": String(
        Math.min(range?.end ?? 0, WHOLE.size) - (range?.start ?? 0),
      ),
    },
  }));
  const url = trial.origin.serve("/a", WHOLE, behave);
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

for (const framing of ["chunked", "close"] as const) {
  const behave: Behave = {
    status: 206,
    ranges: "ignore",
    framing,
    headers: { "Content-Range": "bytes 0-999/1000" },
  };

  Deno.test(`an answer longer than the file that it tells of is no file, framed by ${framing}`, async () => {
    await using trial = await startTrial();
    const { origin } = trial;
    const url = origin.serve(
      "/a",
      WHOLE,
      where(({ range }) => range !== null, behave),
    );
    await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
    assertEquals(origin.requests.length, 2);
  });

  Deno.test(`asked for plainly, too, it is an error, framed by ${framing}`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", WHOLE, behave);
    assertFailed(await trial.end(url), "TOO_LONG");
    assertEquals(filesIn(trial.downloads.directory), []);
  });
}

Deno.test("of a slice that is cut, only what is missing is asked for again", async () => {
  await using trial = await startTrial();
  const cut = { after: 1000, by: "fin" } as const;
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    where(({ n }) => n === 0, { cut }),
  );
  await assertDownloaded(await trial.end(url), WHOLE, "a");
  const starts = trial.origin.requests.map(({ range }) => range?.start);
  assert(starts.includes(1000));
  assertEquals(trial.origin.sent, WHOLE.size);
});

for (const ranges of [undefined, "ignore"] as const) {
  Deno.test(`a body that is always cut at the same byte fails, ranges: ${ranges}`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", WHOLE, ({ range }) => {
      const start = ranges ? 0 : range?.start ?? 0;
      const after = Math.max(0, 3 * SLICE + 5 - start);
      return { ranges, cut: { after, by: "fin" } };
    });
    assertFailed(await trial.end(url), "CUT", /retry/i);
    assertEquals(filesIn(trial.downloads.directory), []);
  });
}

for (
  const [what, length] of [
    ["of 1e30", "1e30"],
    ["of thirty digits", "9".repeat(30)],
    ["below zero", "-5"],
    ["that is no number", "many"],
    ["and another one", ["5", "7"]],
  ] as const
) {
  Deno.test(`a Content-Length ${what} is an error`, async () => {
    await using trial = await startTrial();
    const headers = { "Content-Length": length };
    const url = trial.origin.serve("/a", WHOLE, { headers });
    assertFailed(await trial.end(url), "UNREADABLE", /Content-Length.*check/);
    assertEquals(trial.origin.requests.length, 1);
  });
}

Deno.test("two Content-Lengths that say the same are one", async () => {
  await using trial = await startTrial();
  const length = String(WHOLE.size);
  const headers = { "Content-Length": [length, length] };
  const url = trial.origin.serve("/a", WHOLE, { ranges: "ignore", headers });
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

Deno.test("a Content-Length beyond all disks waits for room", async () => {
  await using trial = await startTrial();
  const headers = { "Content-Length": String(9e15) };
  const url = trial.origin.serve("/a", WHOLE, { ranges: "ignore", headers });
  const status = await trial.end(url);
  assertEquals(status.process_status, "Paused");
  assertEquals(status.error?.code, "DISK_FULL");
});

// RFC 9112 §6.3: the chunks tell the length, whatever Content-Length says.
for (const [what, more] of [["short", -1000], ["long", 1000]] as const) {
  Deno.test(`a Content-Length too ${what} for the chunks beside it is no length`, async () => {
    await using trial = await startTrial();
    const headers = { "Content-Length": String(WHOLE.size + more) };
    const url = trial.origin.serve("/a", WHOLE, {
      ranges: "ignore",
      framing: "chunked",
      headers,
    });
    await assertDownloaded(await trial.end(url), WHOLE, "a");
  });
}
