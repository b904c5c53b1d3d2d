/** Answers that are encoded, though `identity` was asked for. */

import { assertEquals } from "@std/assert";
import { filesIn } from "../support/directory.ts";
import type { Behave } from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import { isLater, startTrial, where, WHOLE } from "../support/trial.ts";

for (
  const [what, behave] of [
    ["a slice", { encoding: "gzip" }],
    ["the whole", { encoding: "gzip", ranges: "ignore" }],
    ["a later slice only", where(isLater, { encoding: "gzip" })],
    ["the whole, by a label that is no encoding", {
      headers: { "Content-Encoding": "gzi" },
    }],
    ["the whole, twice", { headers: { "Content-Encoding": "gzip, gzip" } }],
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
