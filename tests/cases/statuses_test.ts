/** Statuses that are neither 200 nor 206. */

import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
} from "@std/assert";
import { filesIn } from "../support/directory.ts";
import type { Behave } from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  askedWhole,
  endAlone,
  ONE_SLICE,
  SLICE,
  startTrial,
  where,
  WHOLE,
} from "../support/trial.ts";

for (
  const [status, code, advice] of [
    [404, "EXPIRED", /no such file.*check.*refresh/i],
    [403, "EXPIRED", /does not allow.*check.*refresh/i],
    [410, "EXPIRED", /gone.*check.*refresh/i],
    [401, "EXPIRED", /credentials/],
    [407, "ORIGIN_STATUS", /HTTP_PROXY/],
    [400, "ORIGIN_STATUS", /check the URL\..*CLIENT_CERT/],
    [418, "ORIGIN_STATUS", /check the URL/],
    [501, "ORIGIN_STATUS", /check the URL/],
    [204, "ORIGIN_STATUS", /check the URL/],
    [304, "ORIGIN_STATUS", /check the URL/],
    [300, "ORIGIN_STATUS", /check the URL/],
  ] as const
) {
  Deno.test(`a ${status} is an error at once`, async () => {
    await using trial = await startTrial();
    const behave = { status, headers: { "Content-Length": null } };
    const end = await trial.end(trial.origin.serve("/a", null, behave));
    assertFailed(end, code, advice);
    assert(end.error?.message.includes(String(status)) || status === 407);
    // A range that is refused is asked for plainly, once, before that counts.
    const again = status === 304 ||
      status >= 400 && status !== 401 && status !== 407;
    // A 400 may be due to header names in lower case.
    const otherwise = status === 400;
    assertEquals(
      trial.origin.requests.length,
      1 + Number(again) + Number(otherwise),
    );
    assertEquals(filesIn(trial.downloads.directory), []);
  });

  if (![400, 204, 304].includes(status)) continue;
  Deno.test(`a ${status} in the middle is an error that keeps what there is`, async () => {
    await using trial = await startTrial();
    let bad = true;
    const behave: Behave = ({ n }) =>
      bad && n > 4
        ? { status, headers: { "Content-Length": null } }
        : n === 0
        ? ONE_SLICE
        : {};
    const url = trial.origin.serve("/a", WHOLE, behave);
    const end = await trial.end(url);
    assertFailed(end, code, advice);
    assertGreaterOrEqual(end.downloaded, SLICE);
    bad = false;
    await trial.downloads.command("retry", end.id);
    await assertDownloaded(await trial.downloads.end(end.id), WHOLE, "a");
  });
}

for (
  const [status, code] of [
    [429, "BUSY"],
    [503, "BUSY"],
    [500, "ORIGIN_FAULT"],
    [999, "ORIGIN_FAULT"],
  ] as const
) {
  Deno.test(`a ${status} for ever is an error after some attempts`, async () => {
    await using trial = await startTrial();
    const end = await trial.end(trial.origin.serve("/a", null, { status }));
    assertFailed(end, code, /retry later/);
    const ranged = trial.origin.requests.filter(({ range }) => range !== null);
    assertEquals(ranged.length, 4);
  });

  Deno.test(`a ${status} once, first or later, and then all is fine`, async () => {
    await using trial = await startTrial();
    const behave = where(({ n }) => n === 0 || n === 3, { status });
    const url = trial.origin.serve("/a", WHOLE, behave);
    await assertDownloaded(await trial.end(url), WHOLE, "a");
    assertLessOrEqual(askedWhole(trial.origin).length, 1);
  });
}

Deno.test("one passing 403 in the middle is not the end", async () => {
  await using trial = await startTrial({ threadsAmount: 1 });
  const behave = where(({ n }) => n === 4, { status: 403 });
  const url = trial.origin.serve("/a", WHOLE, behave);
  await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
});
