/** Web pages that come in place of the file. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { filesIn } from "../support/directory.ts";
import { type Behaviour, redirect } from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  askedWhole,
  ONE_SLICE,
  startTrial,
  where,
  WHOLE,
} from "../support/trial.ts";

const PAGE: Behaviour = {
  body: "<!doctype html><title>Log in</title>",
  headers: { "Content-Type": "text/html; charset=utf-8" },
};

Deno.test("an HTML error page with 200 is not taken for the file", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a.zip", WHOLE, PAGE);
  assertFailed(await trial.end(url), "WEB_PAGE", /open the URL in a browser/);
  assertEquals(filesIn(trial.downloads.directory), []);
});

Deno.test("an HTML error page behind a redirect is not taken for the file", async () => {
  await using trial = await startTrial();
  trial.origin.serve("/login", null, PAGE);
  const url = trial.origin.serve("/a.zip", null, redirect("/login"));
  assertFailed(await trial.end(url), "WEB_PAGE", /open the URL in a browser/);
});

for (
  const [what, odd] of [
    ["an HTML page", PAGE],
    ["a 204", { status: 204 }],
    ["a 400", { status: 400 }],
    ["a 200 of the whole", { ranges: "ignore" }],
    ["gzip", { headers: { "Content-Encoding": "gzip" } }],
    ["a redirect to a page", redirect("/login")],
  ] as const
) {
  Deno.test(`${what} for one slice of many costs no more than that slice`, async () => {
    await using trial = await startTrial();
    trial.origin.serve("/login", null, PAGE);
    const behave = where(({ n }) => n === 6, odd);
    const url = trial.origin.serve("/a", WHOLE, behave);
    await assertDownloaded(await trial.end(url), WHOLE, "a");
    assertEquals(askedWhole(trial.origin), []);
  });
}

for (const path of ["/a.zip", "/download?id=5"]) {
  Deno.test(`an HTML error page with 200 in the middle of ${path} is not taken for the file`, async () => {
    await using trial = await startTrial();
    let loggedIn = true;
    const url = trial.origin.serve(path, WHOLE, ({ n }) => {
      loggedIn &&= n < 5;
      if (!loggedIn) return PAGE;
      return n === 0 ? ONE_SLICE : {};
    });
    const status = await trial.end(url);
    assertFailed(status, "WEB_PAGE", /open the URL in a browser/);
    assertEquals(filesIn(trial.downloads.directory), []);
    // What had come is still of use to who logs in again.
    const { length } = trial.origin.requests;
    trial.origin.serve(path, WHOLE);
    await trial.downloads.command("retry", status.id);
    const name = path.includes("?") ? "download" : "a.zip";
    await assertDownloaded(await trial.downloads.end(status.id), WHOLE, name);
    const again = trial.origin.requests.slice(length);
    assertGreater(again.length, 0);
    assert(again.every(({ range }) => range && range.end <= WHOLE.size));
  });
}
