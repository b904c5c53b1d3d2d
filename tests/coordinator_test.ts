import {
  assert,
  assertEquals,
  assertLess,
  assertLessOrEqual,
  assertRejects,
} from "@std/assert";
import { fromFileUrl } from "@std/path";
import { DownloadError } from "../lib/download/errors.ts";
import { parseDownload } from "../lib/download/request.ts";
import type { Status } from "../lib/status/status.ts";
import {
  caCertificate,
  serverCertificate,
  serverKey,
} from "./support/certificate.ts";
import { type Downloads, startDownloads } from "./support/downloads.ts";
import {
  bytesOf,
  file,
  firstDifference,
  forever,
  type OriginFile,
  redirect,
  startOrigin,
} from "./support/origin.ts";

const KiB = 1024;
/** The slices of these tests. */
const SLICE = 64 * KiB;

/** Fails unless a download ended with exactly the bytes of its file. */
async function assertDownloaded(status: Status, whole: OriginFile) {
  assertEquals(status.error, null);
  assertEquals(status.process_status, "Downloaded");
  assert(status.path_to_file !== null);
  assertEquals(
    await firstDifference(new URL(status.path_to_file), whole),
    null,
  );
  assertEquals(status.progress, 1);
  assertEquals(status.size, whole.size);
  assertEquals(status.downloaded, whole.size);
  assertEquals(status.threads, 0);
}

const REMOVE = { kind: "remove", deleteFile: false } as const;

function nameOf({ path_to_file: url }: Status): string {
  return url === null ? "" : fromFileUrl(url).split("/").at(-1) ?? "";
}

async function partsOf({ directory }: Downloads): Promise<string[]> {
  const entries = await Array.fromAsync(
    Deno.readDir(`${directory}/.sluice/parts`),
  );
  return entries.map(({ name }) => name);
}

for (
  const [what, size] of [
    ["an empty file", 0],
    ["a file of one byte", 1],
    ["a file one byte shorter than a slice", SLICE - 1],
    ["a file of exactly one slice", SLICE],
    ["a file one byte longer than a slice", SLICE + 1],
    ["a file of many slices", 40 * SLICE + 12345],
  ] as const
) {
  Deno.test(`${what} comes whole`, async () => {
    await using origin = await startOrigin();
    await using downloads = await startDownloads();
    const whole = file(size);
    const id = await downloads.add({ url: origin.serve("/a.bin", whole) });
    await assertDownloaded(await downloads.end(id), whole);
    assertEquals(await partsOf(downloads), []);
    const [first, ...others] = origin.requests.map(({ range }) => range);
    assertEquals(first, { start: 0, end: Infinity });
    for (const range of others) {
      // No range of an empty file can be given: it is asked for plainly.
      if (range === null) assertEquals(size, 0);
      else assertLessOrEqual(range.end - range.start, SLICE);
    }
    assertLessOrEqual(origin.peak, 4);
  });
}

Deno.test("the first request is a GET of all as a range, and no HEAD is sent", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const id = await downloads.add({ url: origin.serve("/a", file(10)) });
  await downloads.end(id);
  assertEquals(origin.requests.map(({ method }) => method), ["GET"]);
  assertEquals(origin.requests[0]?.range, { start: 0, end: Infinity });
  assertEquals(origin.requests[0]?.headers.get("accept-encoding"), "identity");
});

Deno.test("all threads fetch at once, and the status tells which", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const whole = file(64 * SLICE);
  let open = () => {};
  const gate = new Promise<void>((resolve) => open = resolve);
  const url = origin.serve("/a", whole, { gates: { 1000: () => gate } });
  const id = await downloads.add({ url });
  const status = await downloads.until(id, ({ threads }) => threads === 4);
  assertEquals(status.process_status, "Downloading");
  assertEquals(status.ranges, true);
  assertEquals(status.size, whole.size);
  assertEquals(status.fetching.length, 4);
  open();
  await assertDownloaded(await downloads.end(id), whole);
});

Deno.test("an origin without ranges is fetched in one thread", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const whole = file(20 * SLICE);
  const url = origin.serve("/a", whole, { ranges: "ignore" });
  const status = await downloads.end(await downloads.add({ url }));
  await assertDownloaded(status, whole);
  assertEquals(status.ranges, false);
  assertEquals(origin.requests.length, 1);
});

for (const framing of ["chunked", "close"] as const) {
  Deno.test(`a length told by ${framing} framing only is found out`, async () => {
    await using origin = await startOrigin();
    await using downloads = await startDownloads();
    const whole = file(20 * SLICE);
    const url = origin.serve("/a", whole, { ranges: "ignore", framing });
    const status = await downloads.end(await downloads.add({ url }));
    await assertDownloaded(status, whole);
    assertEquals(origin.requests.length, 1);
  });
}

Deno.test("downloads share the threads fairly", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const whole = file(64 * SLICE);
  let open = () => {};
  const gate = new Promise<void>((resolve) => open = resolve);
  const behaviour = { gates: { 1000: () => gate } };
  const a = await downloads.add({ url: origin.serve("/a", whole, behaviour) });
  await downloads.until(a, ({ threads }) => threads === 4);
  const b = await downloads.add({ url: origin.serve("/b", whole, behaviour) });
  await downloads.until(b, ({ threads }) => threads > 0);
  await downloads.until(a, ({ threads }) => threads > 0 && threads < 4);
  open();
  await assertDownloaded(await downloads.end(a), whole);
  await assertDownloaded(await downloads.end(b), whole);
});

Deno.test("one host gets no more threads than its cap", async () => {
  await using origin = await startOrigin();
  await using other = await startOrigin();
  await using downloads = await startDownloads({ threadsPerHost: 2 });
  const whole = file(32 * SLICE);
  let open = () => {};
  const gate = new Promise<void>((resolve) => open = resolve);
  const behaviour = { gates: { 1000: () => gate } };
  const ids = [];
  for (const path of ["/a", "/b", "/c"]) {
    ids.push(
      await downloads.add({ url: origin.serve(path, whole, behaviour) }),
    );
  }
  const url = other.serve("/d", whole, behaviour);
  const d = await downloads.add({ url });
  await downloads.until(d, ({ threads }) => threads === 2);
  open();
  for (const id of [...ids, d]) {
    await assertDownloaded(await downloads.end(id), whole);
  }
  assertLessOrEqual(origin.peak, 2);
});

Deno.test("`threads` of a download bounds its threads", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const whole = file(20 * SLICE);
  const url = origin.serve("/a", whole);
  const id = await downloads.add({ url, threads: 1 });
  await assertDownloaded(await downloads.end(id), whole);
  assertEquals(origin.peak, 1);
});

Deno.test("two downloads of one URL end under two names", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const whole = file(5 * SLICE);
  const url = origin.serve("/a.tar.gz", whole);
  const ids = [await downloads.add({ url }), await downloads.add({ url })];
  const ends = await Promise.all(ids.map(downloads.end));
  for (const end of ends) await assertDownloaded(end, whole);
  assertEquals(ends.map(nameOf).sort(), ["a (1).tar.gz", "a.tar.gz"]);
  assertEquals(ends.map(({ filename }) => filename), ends.map(nameOf));
});

Deno.test("a file or symlink of the name is never touched", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const { directory } = downloads;
  await Deno.writeTextFile(`${directory}/a`, "mine");
  await Deno.symlink("/nowhere", `${directory}/a (1)`);
  await Deno.mkdir(`${directory}/a (2)`);
  const whole = file(5 * SLICE);
  const id = await downloads.add({ url: origin.serve("/a", whole) });
  const end = await downloads.end(id);
  await assertDownloaded(end, whole);
  assertEquals(nameOf(end), "a (3)");
  assertEquals(await Deno.readTextFile(`${directory}/a`), "mine");
  assertEquals(await Deno.readLink(`${directory}/a (1)`), "/nowhere");
});

Deno.test("the name comes from the client, the header, or the URL", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const headers = { "Content-Disposition": 'attachment; filename="../b.txt"' };
  const url = origin.serve("/x/a.txt", file(1), { headers });
  const named = await downloads.add({ url, filename: "c.txt" });
  assertEquals(nameOf(await downloads.end(named)), "c.txt");
  const told = await downloads.add({ url });
  assertEquals(nameOf(await downloads.end(told)), "b.txt");
  const plain = await downloads.add({
    url: origin.serve("/d%20e.txt?q", file(1)),
  });
  assertEquals(nameOf(await downloads.end(plain)), "d e.txt");
});

for (const algorithm of ["sha256", "sha512", "sha1", "md5"] as const) {
  Deno.test(`a right ${algorithm} is accepted, a wrong one is not`, async () => {
    await using origin = await startOrigin();
    await using downloads = await startDownloads();
    const whole = file(3 * SLICE);
    const { createHash } = await import("node:crypto");
    const right = createHash(algorithm).update(bytesOf(whole)).digest("hex");
    const url = origin.serve("/a", whole);
    const good = await downloads.add({ url, [algorithm]: right.toUpperCase() });
    await assertDownloaded(await downloads.end(good), whole);
    const wrong = right.replace(/^./, (digit) => digit === "0" ? "1" : "0");
    const bad = await downloads.add({ url, [algorithm]: wrong });
    const status = await downloads.end(bad);
    assertEquals(status.process_status, "Failed");
    assertEquals(status.error?.code, "CHECKSUM");
    assertEquals(status.path_to_file, null);
    assertEquals(await partsOf(downloads), []);
  });
}

Deno.test("request headers and credentials reach the origin", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const challenge = { "WWW-Authenticate": 'Basic realm="a"' };
  const served = origin.serve(
    "/a",
    file(10),
    ({ headers }) =>
      headers.has("authorization") ? {} : { status: 401, headers: challenge },
  );
  const url = new URL(served);
  url.username = "me";
  url.password = "pässword";
  const headers = { "X-Api-Key": "secret" };
  await downloads.end(await downloads.add({ url: url.href, headers }));
  const sent = origin.requests[1]?.headers;
  assertEquals(sent?.get("x-api-key"), "secret");
  assertEquals(sent?.get("authorization"), "Basic bWU6cMOkc3N3b3Jk");
});

Deno.test("headers and credentials do not follow to another origin", async () => {
  await using origin = await startOrigin();
  await using other = await startOrigin();
  await using downloads = await startDownloads();
  const whole = file(20 * SLICE);
  const target = other.serve("/b.bin", whole);
  const url = new URL(origin.serve("/a", null, redirect(target)));
  url.username = "me";
  const headers = { "X-Api-Key": "secret", cookie: "a=b" };
  const end = await downloads.end(
    await downloads.add({ url: url.href, headers }),
  );
  await assertDownloaded(end, whole);
  assertEquals(nameOf(end), "b.bin");
  for (const { headers } of other.requests) {
    assertEquals(headers.get("x-api-key"), null);
    assertEquals(headers.get("cookie"), null);
    assertEquals(headers.get("authorization"), null);
  }
  assertEquals(origin.requests.length, 1);
});

Deno.test("an origin's certificate must be known, or named", async () => {
  const tls = { cert: serverCertificate, key: serverKey };
  await using origin = await startOrigin({ tls });
  const whole = file(5 * SLICE);
  const url = origin.serve("/a", whole);
  {
    await using downloads = await startDownloads();
    const { error } = await downloads.end(await downloads.add({ url }));
    assertEquals(error?.code, "TLS");
  }
  await using downloads = await startDownloads({ caCerts: [caCertificate] });
  await assertDownloaded(
    await downloads.end(await downloads.add({ url })),
    whole,
  );
});

Deno.test("a paused download keeps what it has, and goes on", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const whole = file(8 * SLICE);
  let gates: Record<number, () => unknown> = { 1000: forever };
  const url = origin.serve(
    "/a",
    whole,
    ({ n }) => n === 0 ? {} : { gates },
  );
  const id = await downloads.add({ url });
  await downloads.until(id, ({ downloaded }) => downloaded >= SLICE);
  await downloads.command("pause", id);
  const paused = await downloads.end(id);
  assertEquals(paused.process_status, "Paused");
  assertEquals(paused.threads, 0);
  const asked = origin.requests.length;
  gates = {};
  await downloads.command("resume", id);
  await assertDownloaded(await downloads.end(id), whole);
  for (const { range } of origin.requests.slice(asked)) {
    assert(range !== null && range.start >= SLICE);
  }
});

Deno.test("a failed download can be tried again", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const whole = file(5 * SLICE);
  const url = origin.serve("/a", null);
  const id = await downloads.add({ url });
  const failed = await downloads.end(id);
  assertEquals(failed.process_status, "Failed");
  assertEquals(failed.error?.code, "EXPIRED");
  assert(failed.finished_at !== null);
  origin.serve("/a", whole);
  await downloads.command("retry", id);
  await assertDownloaded(await downloads.end(id), whole);
});

Deno.test("a removed download is gone, and its file only if asked", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const { coordinator, directory } = downloads;
  const url = origin.serve("/a", file(5 * SLICE));
  const kept = await downloads.add({ url });
  await downloads.end(kept);
  await coordinator.command(kept, REMOVE);
  assert((await Deno.stat(`${directory}/a`)).isFile);
  assertEquals(coordinator.get(kept), null);
  const deleted = await downloads.add({ url });
  assertEquals(nameOf(await downloads.end(deleted)), "a (1)");
  await coordinator.command(deleted, { kind: "remove", deleteFile: true });
  await assertRejects(
    () => Deno.stat(`${directory}/a (1)`),
    Deno.errors.NotFound,
  );
});

Deno.test("a running download can be removed", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const url = origin.serve("/a", file(8 * SLICE), { gates: { 9: forever } });
  const id = await downloads.add({ url });
  await downloads.until(id, ({ threads }) => threads > 0);
  await downloads.coordinator.command(id, REMOVE);
  assertEquals(downloads.coordinator.get(id), null);
  assertEquals(await partsOf(downloads), []);
  assertEquals((await downloads.lists.list(EVERYTHING)).total, 0);
});

const EVERYTHING = {
  offset: 0,
  limit: 100,
  search: "",
  order: "latest",
  statuses: ["Queued", "Paused", "Downloaded", "Failed"],
} as const;

Deno.test("commands that make no sense are refused", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const { coordinator } = downloads;
  const id = await downloads.add({ url: origin.serve("/a", file(1)) });
  await downloads.end(id);
  for (const kind of ["pause", "resume", "retry"] as const) {
    await assertRejects(
      () => coordinator.command(id, { kind }),
      DownloadError,
      `Cannot ${kind}: the download is finished.`,
    );
  }
  await assertRejects(
    () => coordinator.command("nobody", REMOVE),
    DownloadError,
    "no download of this id",
  );
});

Deno.test("any sequence of commands ends right", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const whole = file(32 * SLICE);
  const { coordinator } = downloads;
  const url = origin.serve("/a", whole, { rate: 2_000_000 });
  const id = await downloads.add({ url });
  const kinds = [
    "pause",
    "resume",
    "pause",
    "pause",
    "resume",
    "retry",
  ] as const;
  await Promise.allSettled(
    [...kinds, ...kinds].map((kind) => coordinator.command(id, { kind })),
  );
  if (coordinator.get(id)?.process_status === "Paused") {
    await downloads.command("resume", id);
  }
  await downloads.until(
    id,
    ({ process_status: status }) => status === "Downloaded",
  );
  await assertDownloaded(await downloads.end(id), whole);
});

Deno.test("what is being removed as the server stops is removed", async () => {
  await using origin = await startOrigin();
  await using first = await startDownloads();
  const { directory, coordinator } = first;
  const url = origin.serve("/a", file(10));
  const ids = await Promise.all(
    Array.from({ length: 100 }, () => first.add({ url })),
  );
  await Promise.all(ids.map((id) => first.end(id)));
  const removing = ids.map((id) =>
    coordinator.command(id, { kind: "remove", deleteFile: true })
  );
  await first.close();
  await Promise.allSettled(removing);
  await using second = await startDownloads({ directory });
  for (const id of ids) {
    const path = second.coordinator.pathOf(id);
    assert(path === null || (await Deno.stat(path)).isFile);
  }
});

Deno.test("what was half done goes on after a restart", async () => {
  await using origin = await startOrigin();
  const whole = file(8 * SLICE);
  let gates: Record<number, () => unknown> = { 1000: forever };
  const url = origin.serve("/a", whole, ({ n }) => n === 0 ? {} : { gates });
  await using first = await startDownloads();
  const { directory } = first;
  const id = await first.add({ url });
  await first.until(id, ({ downloaded }) => downloaded >= SLICE);
  // Requests are counted together: one for this would hold up all of the other.
  const queued = await first.add({ url: origin.serve("/b", whole) });
  await first.close();
  const asked = origin.requests.length;
  gates = {};
  await using second = await startDownloads({ directory });
  await assertDownloaded(await second.end(id), whole);
  await assertDownloaded(await second.end(queued), whole);
  for (const { range, path } of origin.requests.slice(asked)) {
    assert(path !== "/a" || range !== null && range.start >= SLICE);
  }
});

Deno.test("a second server on the directory is refused", async () => {
  await using downloads = await startDownloads();
  const { directory } = downloads;
  await assertRejects(
    () => startDownloads({ directory }),
    DownloadError,
    "Another Sluice uses",
  );
});

Deno.test("a list tells those that run from those that wait", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads({ threadsAmount: 1 });
  const behaviour = { gates: { head: forever } };
  const url = origin.serve("/a.iso", file(8), behaviour);
  const runs = await downloads.add({ url });
  await downloads.until(runs, ({ threads }) => threads === 1);
  const waits = await downloads.add({ url });
  const page = { offset: 0, limit: 10, order: "latest" } as const;
  for (
    const [status, search, expected] of [
      ["Downloading", "", [runs]],
      ["Queued", "", [waits]],
      ["Queued", "A.ISO", [waits]],
      ["Queued", "b.iso", []],
      ["Paused", "", []],
    ] as const
  ) {
    const { statuses, total } = await downloads.lists.list({
      ...page,
      statuses: [status],
      search,
    });
    assertEquals(statuses.map(({ id }) => id), [...expected]);
    assertEquals(total, expected.length);
  }
});

Deno.test("a search finds what the escapes of a URL stand for", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const behaviour = { gates: { head: forever } };
  const path = "/100%25%20of%20%C3%A4.iso";
  await downloads.add({ url: origin.serve(path, file(8), behaviour) });
  for (
    const [search, expected] of [
      ["100% OF ä", 1],
      ["%20of", 1],
      ["of+ä", 0],
      ["\ud800", 0],
    ] as const
  ) {
    const statuses = ["Queued", "Downloading"] as const;
    const page = { ...EVERYTHING, statuses, search };
    const { total } = await downloads.lists.list(page);
    assertEquals(total, expected, search);
  }
});

Deno.test("what changes is not told behind all that is new", async () => {
  // So long that ten times it will not pass before the command.
  const options = { broadcastTimeout: 1_000, threadsAmount: 1 };
  const told = new Set<string>();
  const paused = Promise.withResolvers<number>();
  await using origin = await startOrigin();
  await using downloads = await startDownloads({
    ...options,
    onTold({ changed }) {
      for (const { id, process_status: status } of changed) {
        told.add(id);
        if (status === "Paused") paused.resolve(told.size);
      }
    },
  });
  const url = origin.serve("/a", file(1), { gates: { 0: forever } });
  const request = parseDownload({ url }, { urlLength: 10_000 });
  const ids = await downloads.coordinator.add(Array(10_000).fill(request));
  await downloads.command("pause", ids.at(-1) ?? "");
  assertLess(await paused.promise, ids.length);
});

Deno.test("nobody is told of an id that there never was", async () => {
  await using origin = await startOrigin();
  const told: string[] = [];
  await using downloads = await startDownloads({
    onTold: ({ removed, changed }) =>
      told.push(...removed, ...changed.map(({ id }) => id)),
  });
  await assertRejects(
    () => downloads.coordinator.command("none", { kind: "pause" }),
    DownloadError,
  );
  const id = await downloads.add({ url: origin.serve("/a", file(1)) });
  await downloads.end(id);
  assertEquals(new Set(told), new Set([id]));
  await downloads.coordinator.command(id, REMOVE);
});
