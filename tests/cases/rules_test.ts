/** What rules give downloads, until their files are in their directories. */

import { assertEquals } from "@std/assert";
import type { Rule } from "../../lib/download/rules.ts";
import type { Status } from "../../lib/status/status.ts";
import { filesIn } from "../support/directory.ts";
import { startDownloads } from "../support/downloads.ts";
import { file, redirect, startOrigin } from "../support/origin.ts";
import { assertDownloaded } from "../support/status.ts";

const WHOLE = file(300_005, 1);

/** A rule that fits all, and gives nothing but this. */
function rule(what: Partial<Rule>): Rule {
  return {
    ...{ hosts: [], extensions: [], mediaTypes: [] },
    ...{ minSize: null, maxSize: null },
    ...{ directory: null, headers: {}, threads: null, limitRate: null },
    proxy: null,
    ...what,
  };
}

Deno.test("what the answer tells decides the directory, and is recorded with the file", async () => {
  await using origin = await startOrigin();
  const rules = [
    rule({ mediaTypes: ["video/*"], directory: "films/{extension}" }),
    rule({ minSize: 1_000_000, directory: "long" }),
  ];
  await using downloads = await startDownloads({ rules });
  const headers = {
    "Content-Type": "Video/MP4; codecs=x",
    "Content-Disposition": 'attachment; filename="a.mp4"',
  };
  const film = await downloads.add({
    url: origin.serve("/film?id=3", { ...WHOLE, headers }),
  });
  const rest = await downloads.add({ url: origin.serve("/rest", WHOLE) });
  const status = await downloads.end(film);
  await assertDownloaded(status, WHOLE, "a.mp4");
  assertEquals(status.directory, "films/mp4");
  assertEquals((await downloads.end(rest)).directory, null);
  assertEquals(filesIn(downloads.directory), ["films", "rest"]);
  assertEquals(filesIn(`${downloads.directory}/films/mp4`), ["a.mp4"]);
  const request = downloads.coordinator.requestOf(film);
  assertEquals(request?.directory, "films/mp4");
});

Deno.test("headers go to the host of the rule, wherever it redirects, and are not recorded", async () => {
  await using other = await startOrigin();
  await using origin = await startOrigin();
  const headers = { "x-key": "secret", "user-agent": "rule" };
  const rules = [rule({ hosts: ["127.0.0.1"], headers })];
  await using downloads = await startDownloads({ rules });
  other.serve("/b", WHOLE);
  const elsewhere = redirect(other.url("/b", "localhost"));
  const url = origin.serve("/a", null, elsewhere);
  const id = await downloads.add({ url });
  await assertDownloaded(await downloads.end(id), WHOLE);
  const sent = (of: typeof origin, name: string) =>
    new Set(of.requests.map(({ headers }) => headers.get(name)));
  assertEquals(sent(origin, "x-key"), new Set(["secret"]));
  assertEquals(sent(other, "x-key"), new Set([null]));
  assertEquals(sent(other, "user-agent"), new Set(["rule"]));
  assertEquals(downloads.coordinator.requestOf(id)?.headers, {});
  await downloads.end(
    await downloads.add({ url: other.url("/b", "localhost") }),
  );
  assertEquals(sent(other, "x-key"), new Set([null]));
});

Deno.test("a URL given later gets no headers of the former one's host", async () => {
  await using origin = await startOrigin();
  const rules = [
    rule({ hosts: ["127.0.0.1"], headers: { "x-key": "secret" } }),
  ];
  await using downloads = await startDownloads({ rules });
  const url = origin.serve("/a", WHOLE);
  const id = await downloads.add({ url, paused: true });
  await downloads.coordinator.command(id, {
    kind: "refresh",
    url: origin.url("/a", "localhost"),
  });
  const isDone = ({ process_status }: Status) =>
    process_status === "Downloaded";
  await assertDownloaded(await downloads.until(id, isDone), WHOLE);
  const sent = origin.requests.map(({ headers }) => headers.get("x-key"));
  assertEquals(new Set(sent), new Set([null]));
});

Deno.test("a mirror gets the headers of its own host's rule", async () => {
  await using origin = await startOrigin();
  await using mirror = await startOrigin();
  const rules = [
    rule({ hosts: ["127.0.0.1"], headers: { "x-key": "first" } }),
    rule({ hosts: ["localhost"], headers: { "x-key": "second" } }),
  ];
  await using downloads = await startDownloads({ rules });
  mirror.serve("/a", WHOLE);
  const id = await downloads.add({
    url: origin.serve("/a", null, { status: 404 }),
    mirrors: [mirror.url("/a", "localhost")],
  });
  await assertDownloaded(await downloads.end(id), WHOLE);
  const sent = (of: typeof origin) =>
    new Set(of.requests.map(({ headers }) => headers.get("x-key")));
  assertEquals(sent(origin), new Set(["first"]));
  assertEquals(sent(mirror), new Set(["second"]));
});

Deno.test("a rule limits threads and rate, as a request does", async () => {
  await using origin = await startOrigin();
  const rules = [rule({ threads: 1, limitRate: 2_000_000 })];
  await using downloads = await startDownloads({ rules });
  const id = await downloads.add({ url: origin.serve("/a", WHOLE) });
  const status = await downloads.end(id);
  assertEquals(status.limit_rate, 2_000_000);
  assertEquals(downloads.coordinator.requestOf(id)?.threads, 1);
});
