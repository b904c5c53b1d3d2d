/** Signed URLs that expire in the middle. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import type { Status } from "../../lib/status/status.ts";
import {
  type Behave,
  file,
  forever,
  type Origin,
  redirect,
} from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  endAlone,
  ONE_SLICE,
  OTHER,
  PATIENT,
  SLICE,
  startTrial,
  type Trial,
  WHOLE,
} from "../support/trial.ts";

/**
 * Serves a URL that is good for four requests, a slice each, then expires. The
 * first answer ends there, too: it could go on otherwise.
 */
function serveExpiring(origin: Origin, status = 403): string {
  return origin.serve("/a.bin?sig=1", WHOLE, expiring(status));
}

function expiring(status: number): Behave {
  return ({ nth }) => nth >= 4 ? { status } : nth === 0 ? ONE_SLICE : {};
}

/** Bytes that the origin was asked for at a path. */
function bytesAsked({ requests }: Origin, path: string): number {
  return requests.filter((request) => request.path === path)
    .reduce((sum, { range }) => sum + (range ? range.end - range.start : 0), 0);
}

async function refreshAlone(
  { downloads }: Trial,
  id: string,
  url: string,
): Promise<Status> {
  await downloads.coordinator.command(id, { kind: "refresh", url });
  return await downloads.until(id, (status) =>
    status.url === url &&
    ["Downloaded", "Failed", "Paused"].includes(status.process_status));
}

async function refresh(
  trial: Trial,
  id: string,
  url: string,
): Promise<Status> {
  const [status] = await Promise.all([
    refreshAlone(trial, id, url),
    trial.good(),
  ]);
  return status;
}

for (const status of [401, 403, 404, 410]) {
  Deno.test(`a signed URL that expires with ${status} in the middle can be renewed`, async () => {
    await using trial = await startTrial();
    const { origin } = trial;
    const failed = await endAlone(trial, serveExpiring(origin, status));
    assertFailed(failed, "EXPIRED", /refresh/);
    assertEquals(failed.downloaded, 4 * SLICE);
    await trial.good();
    const url = origin.serve("/a.bin?sig=2", WHOLE);
    await assertDownloaded(
      await refreshAlone(trial, failed.id, url),
      WHOLE,
      "a.bin",
    );
    // What was there is not fetched again.
    assertEquals(bytesAsked(origin, "/a.bin?sig=2"), WHOLE.size - 4 * SLICE);
  });
}

for (
  const [what, other] of [
    ["of another ETag", OTHER],
    ["of another size", file(3 * SLICE, 9, { etag: WHOLE.etag })],
    ["without a validator", file(WHOLE.size, 9, { etag: null })],
  ] as const
) {
  Deno.test(`a signed URL renewed by one ${what} begins anew`, async () => {
    await using trial = await startTrial();
    const failed = await trial.end(serveExpiring(trial.origin));
    const url = trial.origin.serve("/b.bin?sig=2", other);
    await assertDownloaded(
      await refresh(trial, failed.id, url),
      other,
      "b.bin",
    );
  });
}

Deno.test("a signed URL renewed by a wrong one can be renewed again", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const { id } = await trial.end(serveExpiring(origin));
  const wrong = await refresh(trial, id, origin.serve("/nothing", null));
  assertFailed(wrong, "EXPIRED", /refresh/);
  assertEquals(wrong.downloaded, 4 * SLICE);
  const url = origin.serve("/a.bin?sig=2", WHOLE);
  await assertDownloaded(await refresh(trial, id, url), WHOLE, "a.bin");
  assertEquals(bytesAsked(origin, "/a.bin?sig=2"), WHOLE.size - 4 * SLICE);
});

for (const paused of [false, true]) {
  Deno.test(`a ${paused ? "paused" : "running"} download goes on from another URL`, async () => {
    await using trial = await startTrial();
    const { origin, downloads } = trial;
    const url = origin.serve(
      "/old?sig=1",
      WHOLE,
      ({ range }) =>
        (range?.start ?? 0) < 3 * SLICE ? {} : { gates: { 1000: forever } },
    );
    const id = await downloads.add({ url });
    await downloads.until(id, ({ downloaded }) => downloaded >= 3 * SLICE);
    if (paused) await downloads.command("pause", id);
    const fresh = origin.serve("/new?sig=2", WHOLE);
    await assertDownloaded(await refresh(trial, id, fresh), WHOLE);
    const asked = origin.requests.filter(({ path }) => path === "/new?sig=2");
    for (const { range } of asked) {
      assert(range !== null && range.start >= 3 * SLICE);
    }
  });
}

Deno.test("a signed URL that expires is fetched anew from the URL that redirected to it", async () => {
  await using trial = await startTrial(PATIENT);
  const { origin } = trial;
  let signed = 0;
  const url = origin.serve("/a.bin", null, () => redirect(`/s?${signed++}`));
  origin.serve("/s", WHOLE, expiring(403));
  await assertDownloaded(await trial.end(url), WHOLE, "s");
  assertGreater(signed, 1);
});

Deno.test("a signed URL that expires, and whose original is gone, is an error", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const target = serveExpiring(origin);
  const url = origin.serve(
    "/a",
    null,
    ({ nth }) => nth === 0 ? redirect(target) : { status: 404 },
  );
  const failed = await trial.end(url);
  assertFailed(failed, "EXPIRED", /refresh/);
  assertEquals(failed.downloaded, 4 * SLICE);
});
