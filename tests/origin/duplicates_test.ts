import { assertEquals } from "@std/assert";
import { duplicatesIn, withDuplicates } from "../../lib/origin/duplicates.ts";
import { REQUEST } from "../support/transfers.ts";

const DIGEST = `sha-256=:${btoa("0".repeat(32))}:`;

function passed(url: string, link: string, digest = DIGEST) {
  const headers = new Headers({ link, "repr-digest": digest });
  return { url: new URL(url), headers };
}

Deno.test("links that are duplicates are read, by their priority", () => {
  const link = '<https://b.test/x,y>; rel="alternate duplicate"; pri=7, ' +
    '</c>;rel=duplicate;geo="a;b, c", <https://d.test/>; rel=prev, ' +
    "<https://e.test/>; pri=2; depth=1; rel=Duplicate";
  assertEquals(duplicatesIn([passed("https://a.test/f", link)])?.urls, [
    "https://e.test/",
    "https://b.test/x,y",
    "https://a.test/c",
  ]);
});

Deno.test("from https, no mirror is of http, and none of another scheme", () => {
  const link = "<http://b.test/>; rel=duplicate, <ftp://c/>; rel=duplicate";
  assertEquals(duplicatesIn([passed("https://a.test/f", link)])?.urls, []);
  assertEquals(duplicatesIn([passed("http://a.test/f", link)])?.urls, [
    "http://b.test/",
  ]);
});

Deno.test("two digests that differ prove nothing", () => {
  const link = "<https://b.test/>; rel=duplicate";
  const other = `sha-256=:${btoa("1".repeat(32))}:`;
  const first = passed("https://a.test/f", link);
  assertEquals(
    duplicatesIn([first, passed("https://a.test/g", "", other)]),
    null,
  );
  assertEquals(duplicatesIn([first, first])?.urls.length, 1);
});

Deno.test("what a client gave comes first, and its checksum stands", () => {
  const told = duplicatesIn([
    passed("https://a.test/f", "<https://b.test/>; rel=duplicate"),
  ]);
  const checksum = { algorithm: "md5", digest: "0".repeat(32) } as const;
  const mirrors = ["https://c.test/"];
  const request = { ...REQUEST, mirrors, checksum };
  const found = told && withDuplicates(request, told, true);
  assertEquals(found?.mirrors, [...mirrors, "https://b.test/"]);
  assertEquals(found?.checksum, checksum);
  assertEquals(found && told && withDuplicates(found, told, true), null);
});

Deno.test("a digest alone lets mirrors help that a client gave", () => {
  const told = duplicatesIn([passed("https://a.test/f", "")]);
  const mirrors = ["https://c.test/"];
  const found = told && withDuplicates({ ...REQUEST, mirrors }, told, true);
  assertEquals([found?.mirrors, found?.checksum], [mirrors, told?.checksum]);
  assertEquals(told && withDuplicates(REQUEST, told, true), null);
});

Deno.test("what a URL told before gives way to what it tells now, and to no mirror's", () => {
  const mirrors = ["https://c.test/"];
  const toldWith = (digest: string) =>
    duplicatesIn([passed("https://a.test/f", "", digest)]);
  const before = toldWith(DIGEST);
  const now = toldWith(`sha-256=:${btoa("1".repeat(32))}:`);
  const request = before &&
    withDuplicates({ ...REQUEST, mirrors }, before, true);
  const checksumOf = (isOwn: boolean) =>
    request && now && withDuplicates(request, now, isOwn)?.checksum;
  assertEquals(checksumOf(true), now?.checksum);
  assertEquals(checksumOf(false), undefined);
});
