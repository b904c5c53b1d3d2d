import { assertEquals } from "@std/assert";
import {
  checksumIn,
  digestIn,
  sumFilesBeside,
} from "../../lib/origin/digests.ts";

const hex = (digits: number, byte = "ab") => byte.repeat(digits / 2);
const base64 = (digits: number) => Uint8Array.fromHex(hex(digits)).toBase64();
const [MD5, SHA1, SHA256, SHA512] = [32, 40, 64, 128].map(base64);

/** What headers name, as `algorithm from`; null for nothing. */
function found(headers: Record<string, string>): string | null {
  const sum = digestIn(new Headers(headers));
  if (sum === null) return null;
  assertEquals(sum.digest.replaceAll("ab", ""), "");
  return `${sum.algorithm} ${sum.from}`;
}

for (
  const [header, value, expected] of [
    ["repr-digest", `sha-256=:${SHA256}:`, "sha256 Repr-Digest"],
    [
      "repr-digest",
      `sha-256=:${SHA256}:;a=1, sha-512=:${SHA512}:`,
      "sha512 Repr-Digest",
    ],
    ["repr-digest", `sha-256=${SHA256}`, null],
    ["repr-digest", `sha-256=:${SHA1}:`, null],
    ["repr-digest", "sha-256=:!:", null],
    ["repr-digest", `unixsum=:${SHA1}:`, null],
    ["content-digest", `sha-256=:${SHA256}:`, null],
    ["digest", `SHA-256=${SHA256},MD5=${MD5}`, "sha256 Digest"],
    ["digest", `md5=${MD5}, sha=${SHA1}`, "sha1 Digest"],
    ["digest", `id-sha-256=${SHA256}`, "sha256 Digest"],
    ["digest", `sha-256=${hex(64)}`, null],
    ["x-goog-hash", `crc32c=AAAAAA==, md5=${MD5}`, "md5 x-goog-hash"],
    ["x-goog-hash", "crc32c=AAAAAA==", null],
    ["x-amz-checksum-sha256", SHA256, "sha256 x-amz-checksum-sha256"],
    ["x-amz-checksum-sha1", SHA1, "sha1 x-amz-checksum-sha1"],
    ["x-amz-checksum-sha256", `${SHA256}-12`, null],
    ["x-amz-checksum-crc32", "AAAAAA==", null],
  ] as const
) {
  Deno.test(`${header}: ${value?.slice(0, 30)} is ${expected}`, () => {
    assertEquals(found({ [header]: value ?? "" }), expected);
  });
}

Deno.test("of several headers the strongest counts, of codings and parts none", () => {
  const all = {
    "x-goog-hash": `md5=${MD5}`,
    "digest": `sha-256=${SHA256}`,
    "repr-digest": `sha-256=:${SHA256}:`,
  };
  assertEquals(found(all), "sha256 Repr-Digest");
  assertEquals(found({ ...all, "content-encoding": "gzip" }), null);
  assertEquals(
    found({ ...all, "content-encoding": "identity" }),
    "sha256 Repr-Digest",
  );
  assertEquals(
    found({
      "x-goog-hash": `md5=${MD5}`,
      "x-goog-stored-content-encoding": "gzip",
    }),
    null,
  );
  assertEquals(
    found({
      "x-amz-checksum-sha256": SHA256 ?? "",
      "x-amz-checksum-type": "COMPOSITE",
    }),
    null,
  );
});

const A = hex(64, "aa");
const B = hex(64, "bb");

Deno.test("files of checksums are read as all tools write them", () => {
  for (
    const [text, expected] of [
      [`${B}  b.iso\n${A}  a.iso\n`, A],
      [`${A.toUpperCase()} *a.iso\r\n${B} *b.iso\r\n`, A],
      [`SHA256 (a.iso) = ${A}\nSHA256 (b.iso) = ${B}`, A],
      [`SHA2-256(a.iso)= ${A}\nSHA2-256(b.iso)= ${B}`, A],
      [`-----BEGIN PGP SIGNED MESSAGE-----\n\n${A}  ./a.iso\n${B}  b.iso`, A],
      [`${A}  dist/a.iso\n${B}  b.iso`, A],
      [`${A}  a.iso\n${B}  old/a.iso`, A],
      [`${hex(32, "aa")}  a.iso\n${A}  a.iso`, A],
      [`${A}\n`, A],
      // Either may be meant; or none is.
      [`${A}  new/a.iso\n${B}  old/a.iso`, null],
      [`${A}  other.iso`, null],
      [`${A}  aa.iso\n${B}  b.iso`, null],
      [`${A.slice(2)}  a.iso`, null],
      [`<html><a href="a.iso">${A}</a></html>`, null],
      ["", null],
    ] as const
  ) {
    const sum = checksumIn(text, ["a.iso"], false);
    assertEquals(sum?.digest ?? null, expected, text);
  }
  const own = checksumIn(`${A}  build/app-1.2.iso`, ["a.iso"], true);
  assertEquals(own, { algorithm: "sha256", digest: A });
  assertEquals(checksumIn(`${A}  x\n${B}  y`, ["a.iso"], true), null);
});

Deno.test("files of checksums stand beside a URL's path", () => {
  const files = sumFilesBeside("https://me:pw@a.test/dir/a%20b.iso?sig=x#y");
  assertEquals(files.map(({ url }) => url), [
    "https://a.test/dir/a%20b.iso.sha256",
    "https://a.test/dir/SHA256SUMS",
  ]);
  assertEquals(sumFilesBeside("https://a.test/dir/"), []);
});
