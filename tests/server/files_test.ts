import { assertEquals, assertMatch } from "@std/assert";
import { rangeOf, serveFile } from "../../lib/server/files.ts";
import { makeDirectory } from "../support/directory.ts";

/** A directory with a file of this name and content. */
async function withFile(
  name: string,
  content: string | Uint8Array<ArrayBuffer>,
): Promise<{ path: string } & AsyncDisposable> {
  const directory = await makeDirectory();
  const path = `${directory.path}/${name}`;
  const bytes = typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
  await Deno.writeFile(path, bytes);
  return { ...directory, path };
}

function ask(
  path: string | null,
  headers: Record<string, string> = {},
  { method = "GET", query = "" } = {},
): Promise<Response> {
  const url = `http://localhost:8888/files/id${query}`;
  return serveFile(
    new Request(url, { method, headers }),
    () => Promise.resolve(path),
  );
}

Deno.test("a range is read as RFC 9110 says", () => {
  const cases: [string | null, ReturnType<typeof rangeOf>][] = [
    [null, "whole"],
    ["bytes=0-0", { start: 0, end: 1 }],
    ["bytes=2-5", { start: 2, end: 6 }],
    ["bytes=2-", { start: 2, end: 10 }],
    ["bytes=2-99999999999999999999", { start: 2, end: 10 }],
    ["bytes=-3", { start: 7, end: 10 }],
    ["bytes=-99", { start: 0, end: 10 }],
    ["bytes=-0", "none"],
    ["bytes=10-", "none"],
    ["bytes=99-100", "none"],
    ["bytes=5-2", "whole"],
    ["bytes=-", "whole"],
    ["bytes=0-1,4-5", "whole"],
    ["items=0-1", "whole"],
    ["bytes=a-b", "whole"],
    ["bytes=0x1-2", "whole"],
  ];
  for (const [header, wanted] of cases) {
    assertEquals(rangeOf(header, 10), wanted, String(header));
  }
  assertEquals(rangeOf("bytes=0-", 0), "none");
});

Deno.test("a whole file comes with its type, name and length", async () => {
  await using file = await withFile("report.pdf", "0123456789");
  const answer = await ask(file.path);
  assertEquals(answer.status, 200);
  assertEquals(await answer.text(), "0123456789");
  const { headers } = answer;
  assertEquals(headers.get("content-type"), "application/pdf");
  assertEquals(headers.get("content-length"), "10");
  assertEquals(headers.get("accept-ranges"), "bytes");
  assertEquals(headers.get("x-content-type-options"), "nosniff");
  assertEquals(
    headers.get("content-disposition"),
    `attachment; filename="report.pdf"; filename*=UTF-8''report.pdf`,
  );
});

Deno.test("a file of many pieces comes whole, and so does a part", async () => {
  const content = new Uint8Array(1_000_003).map((_, n) => n % 251);
  await using file = await withFile("a.bin", content);
  assertEquals(await (await ask(file.path)).bytes(), content);
  const part = await ask(file.path, { range: "bytes=300000-899999" });
  assertEquals(part.status, 206);
  assertEquals(part.headers.get("content-length"), "600000");
  assertEquals(
    part.headers.get("content-range"),
    "bytes 300000-899999/1000003",
  );
  assertEquals(await part.bytes(), content.slice(300_000, 900_000));
});

Deno.test("a range that holds nothing is refused with the size", async () => {
  await using file = await withFile("a", "0123456789");
  const answer = await ask(file.path, { range: "bytes=10-" });
  assertEquals(answer.status, 416);
  assertEquals(answer.headers.get("content-range"), "bytes */10");
  await answer.body?.cancel();
});

Deno.test("If-Range lets a range count only for the same file", async () => {
  await using file = await withFile("a", "0123456789");
  const head = await ask(file.path, {}, { method: "HEAD" });
  assertEquals(head.body, null);
  assertEquals(head.headers.get("content-length"), "10");
  const range = "bytes=1-2";
  for (const name of ["etag", "last-modified"]) {
    const validator = head.headers.get(name) ?? "";
    const same = await ask(file.path, { range, "if-range": validator });
    assertEquals([same.status, await same.text()], [206, "12"]);
  }
  for (const validator of ['"other"', `W/${head.headers.get("etag")}`]) {
    const other = await ask(file.path, { range, "if-range": validator });
    assertEquals([other.status, await other.text()], [200, "0123456789"]);
  }
  const etag = head.headers.get("etag") ?? "";
  const known = await ask(file.path, { "if-none-match": etag });
  assertEquals([known.status, known.body], [304, null]);
});

Deno.test("names of all scripts arrive, and break out of nothing", async () => {
  await using file = await withFile('naïve "☃" 100%;a.txt', "");
  const answer = await ask(file.path);
  assertEquals(await answer.text(), "");
  const disposition = answer.headers.get("content-disposition") ?? "";
  assertMatch(
    disposition,
    /^attachment; filename="na_ve ___ 100_;a\.txt"; filename\*=UTF-8''/,
  );
  const [, encoded = ""] = disposition.split("UTF-8''");
  assertEquals(decodeURIComponent(encoded), 'naïve "☃" 100%;a.txt');
});

Deno.test("only what cannot run is shown inline", async () => {
  const cases: [string, string][] = [
    ["a.png", "inline"],
    ["a.mp4", "inline"],
    ["a.TXT", "inline"],
    ["a.pdf", "inline"],
    ["a.html", "attachment"],
    ["a.svg", "attachment"],
    ["a.xml", "attachment"],
    ["a.js", "attachment"],
    ["a.unknown", "attachment"],
    ["constructor", "attachment"],
    ["a.constructor", "attachment"],
  ];
  for (const [name, kind] of cases) {
    await using file = await withFile(name, "x");
    const answer = await ask(file.path, {}, { query: "?inline=1" });
    await answer.body?.cancel();
    const disposition = answer.headers.get("content-disposition") ?? "";
    assertEquals(disposition.split(";")[0], kind, name);
  }
});

Deno.test("what is not there, or no file, is a 404", async () => {
  await using file = await withFile("a", "x");
  await Deno.symlink("/etc/hostname", `${file.path}.link`);
  const paths = [null, `${file.path}.none`, `${file.path}.link`];
  for (const path of paths) {
    const answer = await ask(path);
    await answer.body?.cancel();
    assertEquals(answer.status, 404);
  }
  const posted = await ask(file.path, {}, { method: "POST" });
  await posted.body?.cancel();
  assertEquals(posted.status, 405);
});

Deno.test("a client that goes away leaves no file open", async () => {
  await using file = await withFile("a", new Uint8Array(1_000_000));
  const answer = await ask(file.path);
  const reader = answer.body?.getReader();
  await reader?.read();
  await reader?.cancel();
});
