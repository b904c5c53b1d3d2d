import { assert, assertEquals, assertRejects } from "@std/assert";
import { DownloadError } from "../../lib/download/errors.ts";
import { REQUEST } from "../support/transfers.ts";
import {
  describedBy,
  fieldsOfFile,
  isMetalink,
  readMetalink,
} from "../../lib/origin/metalink.ts";

const NAMESPACE = 'xmlns="urn:ietf:params:xml:ns:metalink"';

function documentOf(files: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
    <metalink ${NAMESPACE}>${files}</metalink>`;
}

Deno.test("a document tells of a file's name, size, hashes and URLs, by priority", async () => {
  const [sha1, sha256] = ["a".repeat(40), "B".repeat(64)];
  const files = await readMetalink(documentOf(`
    <published>2026-01-01T00:00:00Z</published>
    <file name="../dir/a&amp;b.iso">
      <size> 14471447 </size>
      <hash type="sha-1">${sha1}</hash>
      <hash type="sha-256"> ${sha256} </hash>
      <pieces length="1024" type="sha-1"><hash>${sha1}</hash></pieces>
      <url>https://last.test/f</url>
      <url location="de" priority="20">http://second.test/f?a=1&#38;b=2</url>
      <url priority="1"> https://first.test/f </url>
      <url priority="2">ftp://other.test/f</url>
      <url priority="2">https://other.test/f/../g</url>
      <url>https://first.test/f</url>
      <metaurl mediatype="torrent">https://x.test/t</metaurl>
    </file>
    <file name=".."><url>http://a.test/</url></file>`));
  assertEquals(files, [
    {
      name: "a&b.iso",
      directory: null,
      size: 14471447,
      checksum: { algorithm: "sha256", digest: "b".repeat(64) },
      urls: [
        "https://first.test/f",
        "http://second.test/f?a=1&b=2",
        "https://last.test/f",
      ],
    },
    {
      ...{ name: null, directory: null, size: null, checksum: null },
      urls: ["http://a.test/"],
    },
  ]);
});

Deno.test("a name may have directories, of which none leads elsewhere", async () => {
  const names: Record<string, [directory: string | null, name: string]> = {
    "debian-amd64/sarge/Contents.gz": ["debian-amd64/sarge", "Contents.gz"],
    "a/con/x": ["a/_con", "x"],
    "/etc/x": [null, "x"],
    "../x": [null, "x"],
    "a/../../x": [null, "x"],
    "./x": [null, "x"],
    "a//x": ["a", "x"],
    "a//b/x": [null, "x"],
    "C:/a/x": [null, "x"],
    "a\\..\\b/x": [null, "x"],
    ".sluice/x": [null, "x"],
    "~/x": [null, "x"],
    "a/&#10;b/x": [null, "x"],
    [`${"a/".repeat(300)}x`]: [null, "x"],
  };
  for (const [called, [directory, name]] of Object.entries(names)) {
    const text = documentOf(`<file name="${called}">${URL}</file>`);
    const [file] = await readMetalink(text);
    assertEquals([file?.directory, file?.name], [directory, name], called);
  }
});

Deno.test("a name's directories are below the one that is asked for", async () => {
  const named = async (name: string) => {
    const text = documentOf(`<file name="${name}">${URL}</file>`);
    const [file] = await readMetalink(text);
    assert(file);
    return (base: unknown) => fieldsOfFile(file, base).directory;
  };
  const [plain, below] = await Promise.all([named("x"), named("a/b/x")]);
  assertEquals([undefined, "", "films"].map(plain), [
    undefined,
    undefined,
    "films",
  ]);
  assertEquals(["films", "films/", undefined, "/"].map(below), [
    "films/a/b",
    "films/a/b",
    "a/b",
    "/a/b",
  ]);
});

Deno.test("elements may have a prefix, and a hash that is none counts as none", async () => {
  const file = `<m:metalink xmlns:m="urn:ietf:params:xml:ns:metalink">
    <m:file name="f"><m:hash type="sha-256">xyz</m:hash>
    <m:hash type="md5">${"0".repeat(32)}</m:hash><m:size>-1</m:size>
    <m:url>http://a.test/</m:url></m:file></m:metalink>`;
  const [{ checksum, size } = { checksum: null, size: 0 }] = await readMetalink(
    file,
  );
  assertEquals([checksum?.algorithm, size], ["md5", null]);
});

const URL = "<url>http://a.test/f</url>";
for (
  const [what, text, said] of [
    ["no XML", "not XML", "no XML"],
    ["an end that is missing", `<metalink ${NAMESPACE}>`, "no XML"],
    [
      "entities of its own",
      `<!DOCTYPE a [<!ENTITY f "http://a.test/">]>` +
      documentOf("<file name='f'><url>&f;</url></file>").replace(
        /<\?.*\?>/,
        "",
      ),
      "no XML",
    ],
    ["elements without end", "<a>".repeat(200_000), "no XML"],
    ["another root", `<html ${NAMESPACE}></html>`, 'element "metalink"'],
    [
      "version 3",
      '<metalink xmlns="http://www.metalinker.org/"></metalink>',
      "version 4",
    ],
    ["no file", documentOf(""), "no file"],
    ["no URL", documentOf("<file name='f'><url>ftp://a/</url></file>"), '"f"'],
    [
      "too much",
      documentOf(`<file name='f'>${URL}</file>${" ".repeat(2 ** 20)}`),
      "longer",
    ],
  ] as const
) {
  Deno.test(`a document with ${what} is refused`, async () => {
    const error = await assertRejects(
      () => readMetalink(text),
      DownloadError,
      said,
    );
    assertEquals(error.code, "UNREADABLE");
  });
}

Deno.test("a document is known by its media type", () => {
  for (
    const [type, is] of [
      ["application/metalink4+xml", true],
      ["Application/Metalink4+XML; charset=utf-8", true],
      ["application/metalink+xml", false],
      ["application/xml", false],
    ] as const
  ) {
    assertEquals(isMetalink(new Headers({ "content-type": type })), is);
  }
});

Deno.test("from https, a document leads to http only with a strong checksum", async () => {
  const request = { ...REQUEST, url: "https://a.test/x" };
  const file = (hash: string) =>
    documentOf(`<file name="f">${hash}${URL}
      <url priority="9">https://b.test/f</url></file>`);
  const strong = `<hash type="sha-256">${"a".repeat(64)}</hash>`;
  const weak = `<hash type="md5">${"a".repeat(32)}</hash>`;
  const mirrorsOf = async (hash: string) =>
    (await describedBy(request, file(hash)))(request).mirrors;
  assertEquals(await mirrorsOf(weak), ["https://b.test/f"]);
  assertEquals(await mirrorsOf(strong), [
    "https://b.test/f",
    "http://a.test/f",
  ]);
  await assertRejects(
    () =>
      describedBy(request, documentOf(`<file name="f">${weak}${URL}</file>`)),
    DownloadError,
    "http alone",
  );
});
