/** What an origin says of when to come again. */

import {
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
} from "@std/assert";
import type { Downloads } from "../support/downloads.ts";
import { file } from "../support/origin.ts";
import { assertDownloaded } from "../support/status.ts";
import { SLICE, startTrial, where, WHOLE } from "../support/trial.ts";

for (const status of [429, 503]) {
  for (
    const [what, value, least, most] of [
      ["of a second", () => "1", 1000, 1005],
      ["that is a date", () => inSeconds(2), 1, 2005],
      ["that is a date gone by", () => inSeconds(-60), 0, 5],
      ["of no seconds", () => "0", 0, 5],
      ["below zero", () => "-5", 0, 5],
      ["that makes no sense", () => "soon", 0, 5],
      ["twice", () => ["1", "2"], 0, 5],
    ] as const
  ) {
    if (status === 503 && most < 1000) continue;
    Deno.test(`a ${status} with a Retry-After ${what}, and then all is fine`, async () => {
      await using trial = await startTrial();
      const behave = where(({ n }) => n === 0, () => ({
        status,
        headers: { "Retry-After": value() },
      }));
      const url = trial.origin.serve("/a", WHOLE, behave);
      const end = await trial.end(url);
      await assertDownloaded(end, WHOLE, "a");
      const wait = waitOf(trial.downloads, end.id);
      assertGreaterOrEqual(wait, least);
      assertLessOrEqual(wait, most);
    });
  }

  for (const value of ["9".repeat(30), inSeconds(1e9)]) {
    Deno.test(`a ${status} with a Retry-After of ${value} holds up none but itself`, async () => {
      await using trial = await startTrial();
      const { downloads, origin } = trial;
      const behave = where(({ n }) => n === 0, {
        status,
        headers: { "Retry-After": value },
      });
      const id = await downloads.add({
        url: origin.serve("/a", WHOLE, behave),
      });
      const waiting = await downloads.until(id, ({ error }) => error !== null);
      assertEquals(waiting.error?.code, "BUSY");
      assertLessOrEqual(waitOf(downloads, id), 15 * 60_000 + 5);
      await trial.good();
      const url = origin.serve("/b", WHOLE);
      const beside = await downloads.end(await downloads.add({ url }));
      await assertDownloaded(beside, WHOLE, "b");
      await downloads.command("pause", id);
      await downloads.command("resume", id);
      await assertDownloaded(await downloads.end(id), WHOLE, "a");
    });
  }
}

Deno.test("a download that waits has no speed, and no time left", async () => {
  await using trial = await startTrial();
  const { downloads, origin } = trial;
  const busy = { status: 503, headers: { "Retry-After": "600" } };
  let isBusy = false;
  const url = origin.serve(
    "/a",
    file(64 * SLICE, 5),
    () => isBusy ? busy : { rate: 200_000 },
  );
  const id = await downloads.add({ url });
  await downloads.until(id, ({ speed, eta }) => speed > 0 && eta !== null);
  isBusy = true;
  const waiting = await downloads.until(
    id,
    ({ threads, error }) => threads === 0 && error?.code === "BUSY",
  );
  assertEquals([waiting.speed, waiting.eta], [0, null]);
});

function inSeconds(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toUTCString();
}

/** How long a download waited after its first failure, in milliseconds. */
function waitOf({ log }: Downloads, id: string): number {
  const line = log.find(({ event, fields }) =>
    event === "setback" && fields.id === id
  );
  return Number(line?.fields.wait);
}
