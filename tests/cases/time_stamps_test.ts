/** When a file was last modified: at its origin, where that is asked for. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { makeDirectory } from "../support/directory.ts";
import { startDownloads } from "../support/downloads.ts";
import { file, forever, startOrigin } from "../support/origin.ts";
import { startGet } from "../support/process.ts";
import { assertDownloaded } from "../support/status.ts";
import { isLater, SLICE, startTrial, where, WHOLE } from "../support/trial.ts";

const KEEPING = { remoteTime: true };
const NEW_YEAR = "Tue, 01 Jan 2019 00:00:00 GMT";

async function modified(path: string): Promise<string | undefined> {
  return (await Deno.stat(path)).mtime?.toISOString();
}

for (
  const [lastModified, time] of [
    [NEW_YEAR, "2019-01-01T00:00:00.000Z"],
    ["Tuesday, 01-Jan-19 00:00:00 GMT", "2019-01-01T00:00:00.000Z"],
    ["Tue Jan  1 00:00:00 2019", "2019-01-01T00:00:00.000Z"],
    ["Thu, 01 Jan 1970 00:00:01 GMT", "1970-01-01T00:00:01.000Z"],
    ["Wed, 31 Dec 1969 23:59:00 GMT", "1969-12-31T23:59:00.000Z"],
    ["Fri, 01 Jan 2100 00:00:00 GMT", "2100-01-01T00:00:00.000Z"],
    // aria2/aria2#330
    ["Tue, 01 Jan 2019 01:00:00 +0100", "2019-01-01T00:00:00.000Z"],
    // vert-x3/vertx-web#396
    ["Tue, 01 Jan 2019 00:00:00 UTC", "2019-01-01T00:00:00.000Z"],
    // nitrojs/nitro#1016
    ["2019-01-01T00:00:00Z", "2019-01-01T00:00:00.000Z"],
  ] as const
) {
  Deno.test(`a file modified on ${lastModified} keeps that`, async () => {
    await using trial = await startTrial(KEEPING);
    const facts = { ...WHOLE, lastModified };
    const status = await trial.end(trial.origin.serve("/a", facts));
    await assertDownloaded(status, WHOLE, "a");
    assertEquals(await modified(`${trial.downloads.directory}/a`), time);
  });
}

for (
  const [what, lastModified, remoteTime] of [
    ["that does not tell when it was modified", null, true],
    ["modified on a day that is none", "Tue, 99 Foo 2019", true],
    ["modified at -1", "-1", true],
    // vert-x/mod-web-server#25: several zones are called so.
    ["modified in a zone of its own", "Tue, 01 Jan 2019 00:00:00 CET", true],
    ["whose time nobody asked for", NEW_YEAR, false],
  ] as const
) {
  Deno.test(`a file ${what} has the time of its download`, async () => {
    const before = Date.now() - 2_000;
    await using trial = await startTrial({ remoteTime });
    const facts = { ...WHOLE, lastModified };
    const status = await trial.end(trial.origin.serve("/a", facts));
    await assertDownloaded(status, WHOLE, "a");
    const time = await modified(`${trial.downloads.directory}/a`);
    assert(Date.parse(time ?? "") >= before, time);
  });
}

Deno.test("a file without slices keeps its time", async () => {
  await using trial = await startTrial(KEEPING);
  const facts = { ...WHOLE, etag: null, lastModified: NEW_YEAR };
  const url = trial.origin.serve("/a", facts, { ranges: "ignore" });
  await assertDownloaded(await trial.end(url), WHOLE, "a");
  const time = await modified(`${trial.downloads.directory}/a`);
  assertEquals(time, "2019-01-01T00:00:00.000Z");
});

Deno.test("the time is kept over a restart", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const options = { ...KEEPING, directory: directory.path };
  let held = true;
  const facts = { ...WHOLE, lastModified: NEW_YEAR };
  const url = origin.serve(
    "/a",
    facts,
    where((request) => isLater(request) && held, { gates: { head: forever } }),
  );
  let id: string;
  {
    await using downloads = await startDownloads(options);
    id = await downloads.add({ url });
    await downloads.until(id, ({ downloaded }) => downloaded >= SLICE);
  }
  held = false;
  // Later answers need not tell it again.
  origin.serve("/a", WHOLE);
  await using downloads = await startDownloads(options);
  await assertDownloaded(await downloads.end(id), WHOLE, "a");
  const time = await modified(`${directory.path}/a`);
  assertEquals(time, "2019-01-01T00:00:00.000Z");
});

Deno.test("get keeps a file's time, too", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a", file(1000, 1, { lastModified: NEW_YEAR }));
  const asked = [["--remote-time"], ["--remote-time", "true"]];
  for (const [n, flags] of asked.entries()) {
    const args = [...flags, "--output", `${n}`, url];
    const { code, stderr } = await startGet(directory.path, args).ended;
    assertEquals(code, 0, stderr);
    const time = await modified(`${directory.path}/${n}`);
    assertEquals(time, "2019-01-01T00:00:00.000Z");
  }
  const args = ["--remote-time", "false", url];
  const { code, stderr } = await startGet(directory.path, args).ended;
  assertEquals(code, 0, stderr);
  const time = await modified(`${directory.path}/a`);
  assertNotEquals(time, "2019-01-01T00:00:00.000Z");
});
