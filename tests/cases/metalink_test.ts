/** URLs whose answers are Metalink documents. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeDirectory } from "../support/directory.ts";
import { startDownloads } from "../support/downloads.ts";
import { inUtf16, metalinkOf, startGet } from "../support/metalink.ts";
import {
  firstDifference,
  forever,
  literal,
  type Origin,
  startOrigin,
} from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  isLater,
  OTHER,
  REMOVE,
  SLICE,
  startTrial,
  where,
  WHOLE,
} from "../support/trial.ts";

/** Serves a document at a path that does not tell of it. */
function serveDocument(origin: Origin, document: string): string {
  const headers = { "Content-Type": "application/metalink4+xml" };
  return origin.serve("/get?id=1", literal(document, { headers }));
}

Deno.test("a document leads to its file, by that one's name and sources", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const urls = [origin.serve("/gone", null), origin.serve("/a", WHOLE)];
  const name = "disk.img";
  const url = serveDocument(origin, metalinkOf({ name, content: WHOLE, urls }));
  const status = await trial.end(url);
  await assertDownloaded(status, WHOLE, name);
  assertEquals(status.url, url);
  assertEquals(status.sources?.map(({ url }) => url), urls);
  const asked = origin.requests.filter(({ path }) => path === "/get?id=1");
  assertEquals(asked.length, 1);
});

Deno.test("a document may be in UTF-16, and where the file goes is not its to say", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const urls = [origin.serve("/a", WHOLE)];
  const name = "films/ü.img";
  const document = metalinkOf({ name, content: WHOLE, urls });
  const headers = { "Content-Type": "application/metalink4+xml" };
  const url = origin.serve("/get", literal(inUtf16(document), { headers }));
  const status = await trial.end(url);
  await assertDownloaded(status, WHOLE, "ü.img");
  assertEquals(status.directory, null);
});

Deno.test("what a request says itself stands against a document", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const urls = [origin.serve("/a", WHOLE)];
  const document = metalinkOf({ name: "x", content: WHOLE, urls });
  const url = serveDocument(origin, document);
  const filename = "mine.bin";
  await assertDownloaded(await trial.end({ url, filename }), WHOLE, filename);
  const md5 = "0".repeat(32);
  assertFailed(await trial.end({ url, md5 }), "CHECKSUM", /The file's md5/);
});

Deno.test("a document is kept under a name of its kind", async () => {
  await using trial = await startTrial();
  const document = metalinkOf({
    name: "x",
    content: WHOLE,
    urls: ["http://a/"],
  });
  const url = serveDocument(trial.origin, document);
  const status = await trial.end({ url, filename: "x.meta4" });
  await assertDownloaded(status, literal(document), "x.meta4");
});

Deno.test("a document that tells of no file or of several says what to do", async () => {
  await using trial = await startTrial();
  const one = metalinkOf({ name: "x", content: WHOLE, urls: ["http://a/"] });
  const file = one.match(/<file.*<\/file>/s)?.[0] ?? "";
  for (
    const [document, said] of [
      [one.replace(file, ""), /tells of no file.*add the file's own URL/],
      [one.replace(file, file + file), /several files.*--metalink/],
      [" ".repeat(2 ** 20 + 1), /longer than 1048576 bytes: add/],
    ] as const
  ) {
    const status = await trial.end(serveDocument(trial.origin, document));
    assertFailed(status, "UNREADABLE", said);
  }
});

Deno.test("a file of another size than a document's comes from another source", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const larger = { ...OTHER, size: WHOLE.size + 1 };
  const urls = [origin.serve("/a", larger), origin.serve("/b", WHOLE)];
  const document = metalinkOf({ name: "x", content: WHOLE, urls });
  const url = serveDocument(origin, document.replace(/<hash.*<\/hash>/, ""));
  await assertDownloaded(await trial.end(url), WHOLE);
});

Deno.test("mirrors that were given stand beside a document's, also for a retry", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const gone = origin.serve("/gone", null);
  const content = { name: "x", content: WHOLE, urls: [gone] };
  const url = serveDocument(origin, metalinkOf(content));
  const mirror = origin.serve("/mirror", null);
  const id = await downloads.add({ url, mirrors: [mirror] });
  const asked = async () =>
    (await downloads.end(id)).sources?.map(({ url }) => url);
  assertEquals(await asked(), [gone, mirror]);
  const refresh = (url: string) =>
    downloads.coordinator.command(id, { kind: "refresh", url });
  await refresh(gone);
  assertEquals(await asked(), [gone, mirror]);
  await refresh(url);
  assertEquals(await asked(), [gone, mirror]);
  origin.serve("/mirror", WHOLE);
  await downloads.command("retry", id);
  await assertDownloaded(await downloads.end(id), WHOLE, "x");
});

Deno.test("where a document cannot be read, a mirror that was given stands in", async () => {
  await using trial = await startTrial();
  const url = serveDocument(trial.origin, "<metalink/>");
  const mirrors = [trial.origin.serve("/mirror", WHOLE)];
  await assertDownloaded(await trial.end({ url, mirrors }), WHOLE);
});

/** Keeps all but the first two slices back, until it is released. */
function heldAfterTwoSlices() {
  let holds = true;
  const behave = where(
    (request) => holds && (request.range?.start ?? 0) >= 2 * SLICE,
    { gates: { head: forever } },
  );
  return { behave, release: () => void (holds = false) };
}

Deno.test("after a restart, the sources are gone on with, and no document is asked", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const { behave, release } = heldAfterTwoSlices();
  const urls = [origin.serve("/a", WHOLE, behave)];
  const document = metalinkOf({ name: "x", content: WHOLE, urls });
  const url = serveDocument(origin, document);
  let id: string;
  {
    await using downloads = await startDownloads({ directory: directory.path });
    id = await downloads.add({ url });
    await downloads.until(id, ({ downloaded }) => downloaded >= 2 * SLICE);
  }
  release();
  const before = origin.requests.length;
  await using downloads = await startDownloads({ directory: directory.path });
  await assertDownloaded(await downloads.end(id), WHOLE, "x");
  const later = origin.requests.slice(before);
  assert(later.length > 0 && later.every(isLater));
});

Deno.test("a retry asks for the document again, which may have been wrong", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const urls = [origin.serve("/a", WHOLE)];
  const right = metalinkOf({ name: "x", content: WHOLE, urls });
  const larger = { ...WHOLE, size: WHOLE.size + 1 };
  for (
    const [wrong, code] of [
      [metalinkOf({ name: "x", content: OTHER, urls }), "CHECKSUM"],
      [metalinkOf({ name: "x", content: larger, urls }), "UNREADABLE"],
      [right.replace("/a<", "/gone<"), "EXPIRED"],
    ] as const
  ) {
    origin.serve("/gone", null);
    const url = serveDocument(origin, wrong);
    const id = await downloads.add({ url });
    assertFailed(await downloads.end(id), code, /./);
    serveDocument(origin, right);
    await downloads.command("retry", id);
    await assertDownloaded(await downloads.end(id), WHOLE);
    await downloads.coordinator.command(id, REMOVE);
  }
});

Deno.test("a retry goes on with bytes that fit what the document told", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const { behave, release } = heldAfterTwoSlices();
  const urls = [origin.serve("/a", WHOLE, behave)];
  const document = metalinkOf({ name: "x", content: WHOLE, urls });
  const id = await downloads.add({ url: serveDocument(origin, document) });
  await downloads.until(id, ({ downloaded }) => downloaded >= 2 * SLICE);
  await downloads.command("pause", id);
  release();
  const before = origin.requests.length;
  await downloads.command("retry", id);
  await assertDownloaded(await downloads.end(id), WHOLE, "x");
  const later = origin.requests.slice(before);
  assert(later.length > 0 && later.every(isLater));
});

Deno.test("a new URL is asked in the place of a document and all that it gave", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const urls = [origin.serve("/a", WHOLE, { gates: { 1000: forever } })];
  const document = metalinkOf({ name: "x", content: WHOLE, urls });
  const id = await downloads.add({ url: serveDocument(origin, document) });
  await downloads.until(id, ({ downloaded }) => downloaded > 0);
  const refresh = { kind: "refresh", url: origin.serve("/b", OTHER) } as const;
  await downloads.coordinator.command(id, refresh);
  await assertDownloaded(await downloads.end(id), OTHER, "b");
});

Deno.test("get follows a document, too", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const urls = [origin.serve("/a", WHOLE)];
  const document = metalinkOf({ name: "x.bin", content: WHOLE, urls });
  const get = startGet(directory.path, [serveDocument(origin, document)]);
  const { code, stdout, stderr } = await get.ended;
  assertEquals(code, 0, stderr);
  assertEquals(stdout, `${directory.path}/x.bin\n`);
  assertMatch(stderr, /x\.bin: /);
  assertEquals(await firstDifference(stdout.trim(), WHOLE), null);
  assertEquals(directory.names(), ["x.bin"]);
});
