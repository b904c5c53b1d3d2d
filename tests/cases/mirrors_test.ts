/** Files that may come from several URLs. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "@std/path/join";
import { filesIn, makeDirectory, partsIn } from "../support/directory.ts";
import { startDownloads } from "../support/downloads.ts";
import * as fc from "../support/fast_check.ts";
import {
  type Behaviour,
  bytesOf,
  file,
  firstDifference,
  forever,
  type Origin,
  type OriginFile,
  type OriginRequest,
  startOrigin,
} from "../support/origin.ts";
import { startGet } from "../support/process.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  IMPATIENT,
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
  const fields = { url, mirrors, sha256: sha256(WHOLE), threads: 1 };
  await assertDownloaded(await trial.end(fields), WHOLE);
});

Deno.test("what a checksum disproves of two comes from a third", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const url = origin.serve("/a", OTHER);
  const mirrors = [origin.serve("/b", OTHER), origin.serve("/c", WHOLE)];
  const fields = { url, mirrors, sha256: sha256(WHOLE), threads: 1 };
  await assertDownloaded(await trial.end(fields), WHOLE);
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

Deno.test("while a URL that never answered is left alone, a mirror leads", async () => {
  await using trial = await startTrial({ retryWait: 100_000 });
  await using mirror = await startOrigin();
  const mirrors = [await deadUrl(), mirror.serve("/a", WHOLE)];
  const status = await trial.end({ url: await deadUrl(), mirrors });
  await assertDownloaded(status, WHOLE);
});

/** Holds slices after the first until both origins have been asked for one. */
function together(origins: readonly Origin[]) {
  const both = Promise.withResolvers<void>();
  const behave = (request: OriginRequest) => {
    const isAsked = ({ requests }: Origin) => requests.some(isLater);
    if (origins.every(isAsked)) both.resolve();
    return isLater(request) ? { gates: { head: () => both.promise } } : CUT;
  };
  return { behave, both: both.promise };
}

Deno.test("with a checksum, threads ride on several sources at once", async () => {
  await using trial = await startTrial({ threadsPerHost: 2 });
  await using mirror = await startOrigin();
  const { behave } = together([trial.origin, mirror]);
  const url = trial.origin.serve("/a", WHOLE, behave);
  const other = { ...WHOLE, etag: '"of-the-mirror"' };
  const mirrors = [mirror.serve("/b", other, behave)];
  const fields = { url, mirrors, sha256: sha256(WHOLE) };
  const status = await trial.end(fields);
  await assertDownloaded(status, WHOLE, "a");
  assertEquals(
    status.sources?.map(({ standing }) => standing),
    ["used", "used"],
  );
  for (const { peak } of [trial.origin, mirror]) assert(peak <= 2);
});

Deno.test("without a checksum, no mirror is asked beside the URL", async () => {
  await using trial = await startTrial();
  await using mirror = await startOrigin();
  const url = trial.origin.serve("/a", WHOLE, CUT);
  const mirrors = [mirror.serve("/b", TWIN)];
  await assertDownloaded(await trial.end({ url, mirrors }), WHOLE);
  assertEquals(mirror.requests, []);
});

for (
  const [what, behave, code] of [
    ["has another size", { file: file(WHOLE.size + 1) }, "CHANGED"],
    ["has no ranges", { ranges: "ignore" }, "NO_RANGES"],
    ["is not there", { status: 404 }, "EXPIRED"],
    [
      "changes",
      ({ nth }: OriginRequest) => nth > 0 ? { file: OTHER } : {},
      "CHANGED",
    ],
  ] as const
) {
  Deno.test(`a mirror that ${what} loses its threads to others`, async () => {
    await using trial = await startTrial();
    await using mirror = await startOrigin();
    // It goes on only when the mirror has been found out.
    const lost = Promise.withResolvers<void>();
    const url = trial.origin.serve(
      "/a",
      WHOLE,
      (request) =>
        isLater(request) ? { gates: { head: () => lost.promise } } : CUT,
    );
    const mirrors = [mirror.serve("/b", WHOLE, behave)];
    const { downloads } = trial;
    const fields = { url, mirrors, sha256: sha256(WHOLE) };
    const id = await downloads.add(fields);
    const { sources } = await downloads.until(
      id,
      ({ sources }) => sources?.[1]?.standing === "failed",
    );
    assertEquals(sources?.[1]?.error?.code, code);
    lost.resolve();
    await assertDownloaded(await downloads.end(id), WHOLE);
    assertEquals(
      downloads.log.some(({ event }) => event === "restarted"),
      false,
    );
  });
}

Deno.test("what a mirror is mute about, others fetch", async () => {
  await using trial = await startTrial({ ...IMPATIENT, attempts: 2 });
  await using mirror = await startOrigin();
  const url = trial.origin.serve("/a", WHOLE);
  const stalls = { gates: { 1000: forever } };
  const mirrors = [mirror.serve("/b", WHOLE, stalls)];
  const status = await trial.end({ url, mirrors, sha256: sha256(WHOLE) });
  await assertDownloaded(status, WHOLE);
});

Deno.test("if bytes of several do not fit together, one alone brings the file", async () => {
  await using trial = await startTrial();
  await using mirror = await startOrigin();
  const { behave } = together([trial.origin, mirror]);
  const url = trial.origin.serve("/a", WHOLE, behave);
  const mirrors = [mirror.serve("/b", TWIN, behave)];
  const status = await trial.end({ url, mirrors, sha256: sha256(WHOLE) });
  await assertDownloaded(status, WHOLE);
  assertEquals(
    status.sources?.map(({ standing }) => standing),
    ["used", "spare"],
  );
});

Deno.test("if bytes of several do not fit together, each of them is tried alone", async () => {
  await using trial = await startTrial({ threadsPerHost: 2 });
  await using mirror = await startOrigin();
  const { behave } = together([trial.origin, mirror]);
  const url = trial.origin.serve("/a", TWIN, behave);
  const mirrors = [
    mirror.serve("/b", TWIN, behave),
    mirror.serve("/c", null),
    trial.origin.serve("/d", WHOLE),
  ];
  const status = await trial.end({ url, mirrors, sha256: sha256(WHOLE) });
  await assertDownloaded(status, WHOLE);
  assertEquals(
    status.sources?.map(({ standing }) => standing),
    ["spare", "spare", "spare", "used"],
  );
});

Deno.test("a checksum that nothing has fails after a try of each alone, naming all", async () => {
  await using trial = await startTrial();
  await using mirror = await startOrigin();
  const { behave } = together([trial.origin, mirror]);
  const url = trial.origin.serve("/a", WHOLE, behave);
  const mirrors = [mirror.serve("/b", WHOLE, behave)];
  const status = await trial.end({ url, mirrors, sha256: sha256(OTHER) });
  assertFailed(
    status,
    "CHECKSUM",
    /\/a: .* \S+\/b: .* Before, bytes of \S+\/a and \S+\/b together had another checksum, too\./,
  );
  const firsts = [...trial.origin.requests, ...mirror.requests]
    .filter((one) => !isLater(one)).map(({ path }) => path);
  assertEquals(firsts, ["/a", "/a", "/b"]);
  assertEquals(filesIn(trial.downloads.directory), []);
});

/** A file that two sources begin and then hold; `begun` resolves when both do. */
function serveMixed(origin: Origin, mirror: Origin) {
  const state = { holds: true };
  const held = [origin, mirror].map(() => Promise.withResolvers<void>());
  const behave = (n: number) => (request: OriginRequest): Behaviour => {
    if (!state.holds) return {};
    if (!isLater(request)) return CUT;
    const hold = () => {
      held[n]?.resolve();
      return forever();
    };
    return { gates: { [SLICE / 2]: hold } };
  };
  const url = origin.serve("/a", WHOLE, behave(0));
  const other = { ...WHOLE, etag: '"2"' };
  const mirrors = [mirror.serve("/b", other, behave(1))];
  const begun = Promise.all(held.map(({ promise }) => promise));
  return { state, url, mirrors, begun };
}

Deno.test("after a restart, a file of two sources is gone on with, and proved", async () => {
  await using origin = await startOrigin();
  await using mirror = await startOrigin();
  await using directory = await makeDirectory();
  const { state, url, mirrors, begun } = serveMixed(origin, mirror);
  let id: string;
  {
    await using downloads = await startDownloads({ directory: directory.path });
    id = await downloads.add({ url, mirrors, sha256: sha256(WHOLE) });
    await begun;
    // All four threads hold half a slice.
    await downloads.until(id, ({ downloaded }) => downloaded >= 3 * SLICE);
  }
  state.holds = false;
  await using downloads = await startDownloads({ directory: directory.path });
  const before = downloads.coordinator.get(id)?.sources;
  assertEquals(before?.map(({ standing }) => standing), ["used", "used"]);
  await assertDownloaded(await downloads.end(id), WHOLE);
  const all = [...origin.requests, ...mirror.requests];
  assertEquals(all.filter((request) => !isLater(request)).length, 1);
});

Deno.test("get begins anew with bytes of two sources where no checksum is given", async () => {
  await using origin = await startOrigin();
  await using mirror = await startOrigin();
  await using directory = await makeDirectory();
  const { state, url, mirrors, begun } = serveMixed(origin, mirror);
  const flags = ["--bytes-amount=64KiB", "--threads-amount=4", url];
  const { path } = directory;
  {
    const all = ["--sha256", sha256(WHOLE), "--mirror", mirrors[0] ?? ""];
    await using get = startGet(path, [...all, ...flags]);
    await begun;
    await mixedIn(`${path}/.sluice/get`);
    get.kill("SIGKILL");
    await get.ended;
  }
  state.holds = false;
  const before = origin.sent;
  const { code, stderr } = await startGet(path, flags).ended;
  assertEquals(code, 0, stderr);
  assertEquals(await firstDifference(`${path}/a`, WHOLE), null);
  assert(origin.sent - before >= WHOLE.size);
});

/** Resolves once a record tells of bytes of two sources. */
async function mixedIn(directory: string): Promise<void> {
  for (;;) {
    for (const name of filesIn(directory)) {
      if (!name.endsWith(".json")) continue;
      const text = await Deno.readTextFile(`${directory}/${name}`);
      if (JSON.parse(text).file.sources?.length === 2) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("whatever sources do, no file is put together that is none of theirs", async () => {
  await using trial = await startTrial();
  await using mirror = await startOrigin();
  let n = 0;
  const behaviour = fc.record<Behaviour>({
    cut: fc.option(
      fc.record({
        after: fc.integer({ min: SLICE, max: 3 * SLICE }),
        by: fc.constantFrom("fin", "reset"),
      }),
      { nil: undefined },
    ),
    ranges: fc.constantFrom(undefined, undefined, undefined, "ignore"),
    status: fc.constantFrom(undefined, undefined, undefined, 400, 500),
  });
  const behaviours = fc.array(behaviour, { minLength: 1, maxLength: 9 });
  const files = [WHOLE, TWIN, file(WHOLE.size - 9, 4, { etag: WHOLE.etag })];
  const property = fc.asyncProperty(
    fc.array(behaviours, { minLength: 3, maxLength: 3 }),
    fc.boolean(),
    async (all, isChecked) => {
      const at = n++;
      const [url = "", ...mirrors] = files.map((content, f) =>
        (f === 0 ? trial.origin : mirror).serve(
          `/${at}-${f}`,
          content,
          ({ nth }) => all[f]?.[nth % (all[f]?.length ?? 1)] ?? {},
        )
      );
      const { downloads } = trial;
      const checksum = isChecked && { sha256: sha256(TWIN) };
      const id = await downloads.add({ url, mirrors, ...checksum });
      const status = await downloads.end(id);
      if (status.process_status !== "Downloaded") return;
      const path = new URL(status.path_to_file ?? "");
      const found = await Promise.all(
        files.map((content) => firstDifference(path, content)),
      );
      assert(found.includes(null), "it is none of them");
      if (isChecked) assertEquals(found[1], null);
    },
  );
  await fc.assert(property, { numRuns: 10, seed: 5 });
});

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

Deno.test("a part that a mirror's thread finds gone is begun anew", async () => {
  await using trial = await startTrial();
  await using mirror = await startOrigin();
  const { downloads, origin } = trial;
  const gone = Promise.withResolvers<void>();
  const never = new Promise<void>(() => {});
  // Only the mirror has what is behind the first slice.
  const url = origin.serve("/a", WHOLE, (request) => ({
    ...(isLater(request) && { gates: { head: () => never } }),
    ...(!isLater(request) && { cut: { after: SLICE, by: "fin" } }),
  }));
  const mirrors = [mirror.serve("/a", WHOLE, () => ({
    gates: { head: () => gone.promise },
  }))];
  const id = await downloads.add({ url, mirrors, sha256: sha256(WHOLE) });
  await downloads.until(id, ({ downloaded }) => downloaded > 0);
  await mirror.request(isLater);
  for (const part of partsIn(downloads.directory)) {
    Deno.removeSync(join(downloads.directory, ".sluice", "parts", part));
  }
  gone.resolve();
  await downloads.until(
    id,
    ({ process_status: now }) => now === "Downloaded",
  );
  const restarts = downloads.log.filter(({ event }) => event === "restarted");
  assertEquals(restarts.length, 1);
  // It is not asked again and again meanwhile.
  assert(mirror.requests.length < 100);
});
