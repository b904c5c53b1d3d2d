import { assert, assertEquals } from "@std/assert";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { codingIn, isWebPage, mayBeIn } from "../../lib/origin/content.ts";

const TEXT = new TextEncoder().encode("date,value\n2019-01-01,7\n".repeat(99));

Deno.test("the outermost coding that exists is the one that counts", () => {
  assertEquals(codingIn("gzip, br"), "br");
  assertEquals(codingIn(" X-GZIP "), "gzip");
  assertEquals(codingIn("gzip, aws-chunked"), "gzip");
  assertEquals(codingIn("identity"), null);
  assertEquals(codingIn(""), null);
  assertEquals(codingIn(null), null);
});

Deno.test("a file as it is is in no coding; one in a coding may be", () => {
  for (
    const [coding, encoded] of [
      ["gzip", gzipSync(TEXT)],
      ["deflate", deflateSync(TEXT)],
      ["br", brotliCompressSync(TEXT)],
    ] as const
  ) {
    assert(mayBeIn(coding, encoded), coding);
    assert(!mayBeIn(coding, TEXT), coding);
    assert(!mayBeIn(coding, new Uint8Array([0x50, 0x4b, 3, 4, 9])), coding);
    assert(!mayBeIn(coding, new Uint8Array()), coding);
  }
});

Deno.test("a web page is known by how it begins", () => {
  const begins = (text: string) => isWebPage(new TextEncoder().encode(text));
  assert(begins("\ufeff\r\n <!doctype HTML>"));
  assert(begins("<html lang=en>"));
  assert(begins("<!-- moved -->"));
  assert(!begins("PK\u0003\u0004"));
  assert(!begins("name,<html>"));
  assert(!begins(""));
});
