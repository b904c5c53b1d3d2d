/** Files that may come from several URLs. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { createHash } from "node:crypto";
import { filesIn, makeDirectory } from "../support/directory.ts";
import { startDownloads } from "../support/downloads.ts";
import {
  bytesOf,
  file,
  firstDifference,
  forever,
  type Origin,
  type OriginFile,
  startOrigin,
} from "../support/origin.ts";
import { startGet } from "../support/process.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  isLater,
  OTHER,
  SLICE,
  startTrial,
  where,
  WHOLE,
} from "../support/trial.ts";

/** What a mirror may have by the same validator: other bytes. */
const TWIN = { ...OTHER, etag: WHOLE.etag };

function sha256(content: OriginFile): string {
  return createHash("sha256").update(bytesOf(content)).digest("hex");
}

/** Serves the beginning, and then nothing but a status. */
const GOES = where(
  ({ range }) => range === null || range.start >= 2 * SLICE,
  { status: 410 },
);

/** The first answer is cut, so that others are asked for. */
const CUT = { cut: { after: SLICE, by: "fin" } } as const;

/** An origin whose file goes away once some of it has come. */
function serveAndGo(origin: Origin, content: OriginFile): string {
  return origin.serve(
    "/a",
    content,
    (request) => isLater(request) ? GOES(request) : CUT,
  );
}

/** Where nothing listens. */
async function deadUrl(): Promise<string> {
  await using origin = await startOrigin();
  return origin.url("/dead");
}

for (
  const [what, url] of [
    ["is not found", (origin: Origin) => origin.serve("/gone/a", null)],
    ["cannot be reached", deadUrl],
    ["is a web page", (origin: Origin) =>
      origin.serve("/page/a.bin", null, {
        body: "<!doctype html><title>Gone</title>",
        headers: { "Content-Type": "text/html" },
      })],
  ] as const
) {
  Deno.test(`where a URL ${what}, its mirror stands in`, async () => {
    await using trial = await startTrial({ attempts: 2 });
    await using mirror = await startOrigin();
    const main = await url(trial.origin);
    const mirrors = [mirror.serve("/b", WHOLE)];
    const status = await trial.end({ url: main, mirrors });
    await assertDownloaded(status, WHOLE);
    assertEquals(
      status.sources?.map(({ url, standing }) => [url, standing]),
      [[main, "spare"], [mirrors[0], "used"]],
    );
  });
}

Deno.test("while a mirror stands in, the status shows why", async () => {
  await using trial = await startTrial();
  await using mirror = await startOrigin();
  const url = trial.origin.serve("/a", null);
  const held = mirror.serve("/b", WHOLE, { gates: { 1000: forever } });
  const { downloads } = trial;
  const id = await downloads.add({ url, mirrors: [held, `${url}?2`] });
  const { sources, error } = await downloads.until(
    id,
    ({ downloaded }) => downloaded > 0,
  );
  assertEquals(error, null);
  assertEquals(
    sources?.map(({ standing, threads }) => [standing, threads > 0]),
    [["failed", false], ["used", true], ["spare", false]],
  );
  assertEquals(sources?.[0]?.error?.code, "EXPIRED");
  const [line] = downloads.log.filter(({ event }) => event === "diverted");
  assertEquals(line?.fields, { id, url: held });
});

Deno.test("a name is the URL's, also where a mirror has another one", async () => {
  await using trial = await startTrial();
  await using mirror = await startOrigin();
  const url = trial.origin.serve("/right.bin", null);
  const mirrors = [mirror.serve("/get?id=7", WHOLE)];
  await assertDownloaded(await trial.end({ url, mirrors }), WHOLE, "right.bin");
});

Deno.test("a failure names all that was tried, and no secrets", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const url = origin.serve("/a", null);
  origin.serve("/b", null, { status: 410 });
  const mirror = origin.url("/b?key=secret").replace("//", "//me:secret@");
  const status = await trial.end({ url, mirrors: [mirror] });
  assertFailed(status, "EXPIRED");
  const message = status.error?.message ?? "";
  const host = `127.0.0.1:${origin.port}`;
  assertMatch(message, /^No URL has brought the file\. .* 404/);
  assertStringIncludes(message, `${host}/a: `);
  assertStringIncludes(message, `${host}/b: `);
  assert(!message.includes("secret"), message);
});

Deno.test("what was given for a URL's origin goes to no mirror elsewhere", async () => {
  await using trial = await startTrial();
  await using mirror = await startOrigin();
  const url = trial.origin.serve("/a", null).replace("//", "//me:pass@");
  const status = await trial.end({
    url,
    mirrors: [mirror.serve("/a", WHOLE)],
    headers: { "X-Key": "secret", "User-Agent": "x" },
  });
  await assertDownloaded(status, WHOLE);
  for (const { headers } of mirror.requests) {
    assertEquals(
      ["x-key", "authorization", "user-agent"].map((n) => headers.get(n)),
      [null, null, "x"],
    );
  }
});

Deno.test("without a checksum, a mirror begins anew, whatever its validator", async () => {
  await using trial = await startTrial();
  await using mirror = await startOrigin();
  const url = serveAndGo(trial.origin, WHOLE);
  const mirrors = [mirror.serve("/a", TWIN)];
  await assertDownloaded(await trial.end({ url, mirrors }), TWIN);
});

Deno.test("with a checksum, a mirror goes on from what is there", async () => {
  await using trial = await startTrial();
  await using mirror = await startOrigin();
  const url = serveAndGo(trial.origin, WHOLE);
  const mirrors = [mirror.serve("/a", { ...WHOLE, etag: '"of-the-mirror"' })];
  const fields = { url, mirrors, sha256: sha256(WHOLE) };
  const status = await trial.end(fields);
  await assertDownloaded(status, WHOLE);
  assertEquals(mirror.requests.filter((request) => !isLater(request)), []);
  assertEquals(
    status.sources?.map(({ standing }) => standing),
    ["used", "used"],
  );
});

Deno.test("with a checksum, a mirror of another size begins anew", async () => {
  await using trial = await startTrial();
  await using mirror = await startOrigin();
  const right = file(WHOLE.size + 1, 1);
  const url = serveAndGo(trial.origin, WHOLE);
  const mirrors = [mirror.serve("/a", right)];
  const status = await trial.end({ url, mirrors, sha256: sha256(right) });
  await assertDownloaded(status, right);
});

Deno.test("what a checksum disproves comes from a mirror alone", async () => {
  await using trial = await startTrial();
  await using mirror = await startOrigin();
  const url = trial.origin.serve("/a", OTHER);
  const mirrors = [mirror.serve("/a", WHOLE), `${url}?never`];
  const status = await trial.end({ url, mirrors, sha256: sha256(WHOLE) });
  await assertDownloaded(status, WHOLE);
});

Deno.test("if two have the same wrong file, no third is asked", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const url = origin.serve("/a", OTHER);
  const mirrors = [origin.serve("/b", OTHER), origin.serve("/c", WHOLE)];
  const status = await trial.end({ url, mirrors, sha256: sha256(file(1)) });
  assertFailed(status, "CHECKSUM", /\/a: .*\/b: /);
  assert(origin.requests.every(({ path }) => path !== "/c"));
  assertEquals(filesIn(trial.downloads.directory), []);
});

for (const [what, proves] of [["with", true], ["without", false]] as const) {
  Deno.test(`bytes of two files ${what} a checksum become neither`, async () => {
    await using trial = await startTrial();
    await using mirror = await startOrigin();
    const url = serveAndGo(trial.origin, WHOLE);
    const mirrors = [mirror.serve("/a", TWIN)];
    const checksum = proves && { sha256: sha256(TWIN) };
    const status = await trial.end({ url, mirrors, ...checksum });
    await assertDownloaded(status, TWIN);
  });
}

/** Downloads of which a mirror has brought the beginning when they are stopped. */
async function startedAtMirror(
  directory: string,
  fields: { url: string; mirrors: string[] },
): Promise<string> {
  await using downloads = await startDownloads({ directory });
  const id = await downloads.add(fields);
  await downloads.until(id, ({ downloaded }) => downloaded >= 2 * SLICE);
  return id;
}

/** Holds what comes after the beginning, until told not to. */
function holding() {
  const state = { holds: true };
  const behave = where(
    ({ range }) => state.holds && (range?.start ?? 0) >= 2 * SLICE,
    { gates: { head: forever } },
  );
  return { state, behave };
}

Deno.test("after a restart, a mirror's bytes are gone on with at the mirror", async () => {
  await using origin = await startOrigin();
  await using mirror = await startOrigin();
  await using directory = await makeDirectory();
  const { state, behave } = holding();
  const url = origin.serve("/a", null);
  const mirrors = [mirror.serve("/b", WHOLE, behave)];
  const id = await startedAtMirror(directory.path, { url, mirrors });
  state.holds = false;
  // It is there again, and looks the same.
  origin.serve("/a", TWIN);
  const before = [origin.requests.length, mirror.requests.length];
  await using downloads = await startDownloads({ directory: directory.path });
  await assertDownloaded(await downloads.end(id), WHOLE);
  assertEquals(origin.requests.length, before[0]);
  const later = mirror.requests.slice(before[1]);
  assertEquals(later.filter((request) => !isLater(request)), []);
});

Deno.test("a new URL begins anew where a mirror's bytes are there", async () => {
  await using origin = await startOrigin();
  await using mirror = await startOrigin();
  await using downloads = await startDownloads();
  const url = origin.serve("/a", null);
  const { behave } = holding();
  const mirrors = [mirror.serve("/b", WHOLE, behave)];
  const id = await downloads.add({ url, mirrors });
  await downloads.until(id, ({ downloaded }) => downloaded >= 2 * SLICE);
  const refresh = { kind: "refresh", url: origin.serve("/c", TWIN) } as const;
  await downloads.coordinator.command(id, refresh);
  await assertDownloaded(await downloads.end(id), TWIN);
  assertEquals(downloads.coordinator.requestOf(id)?.mirrors, mirrors);
});

Deno.test("a mirror that becomes the URL begins anew", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const { behave } = holding();
  const url = origin.serve("/a", WHOLE, behave);
  const mirrors = [origin.serve("/b", TWIN)];
  const id = await downloads.add({ url, mirrors });
  await downloads.until(id, ({ downloaded }) => downloaded >= 2 * SLICE);
  const refresh = { kind: "refresh", url: mirrors[0] ?? "" } as const;
  await downloads.coordinator.command(id, refresh);
  await assertDownloaded(await downloads.end(id), TWIN);
  assertEquals(downloads.coordinator.requestOf(id)?.mirrors, undefined);
});

Deno.test("get goes on with a mirror's bytes only where it is given the mirror", async () => {
  for (const isGiven of [true, false]) {
    await using origin = await startOrigin();
    await using mirror = await startOrigin();
    await using directory = await makeDirectory();
    const { state, behave } = holding();
    const url = origin.serve("/a", null);
    const again = [
      "--bytes-amount=64KiB",
      "--threads-amount=2",
      url,
    ];
    const flags = ["--mirror", mirror.serve("/b", WHOLE, behave), ...again];
    {
      await using get = startGet(directory.path, flags);
      await mirror.request(({ range }) => (range?.start ?? 0) >= 2 * SLICE);
      get.kill("SIGINT");
      await get.ended;
    }
    state.holds = false;
    origin.serve("/a", TWIN);
    const before = mirror.sent;
    const get = startGet(directory.path, isGiven ? flags : again);
    const { code, stderr } = await get.ended;
    assertEquals(code, 0, stderr);
    const wanted = isGiven ? WHOLE : TWIN;
    const path = `${directory.path}/a`;
    assertEquals(await firstDifference(path, wanted), null);
    assert(mirror.sent - before < WHOLE.size);
  }
});
