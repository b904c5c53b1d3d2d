import { assert, assertEquals } from "@std/assert";
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
} from "node:zlib";
import {
  codingIn,
  isWebPage,
  mayBeIn,
  TELLING_BYTES,
} from "../../lib/origin/content.ts";

const TEXT = new TextEncoder().encode("date,value\n2019-01-01,7\n".repeat(99));

Deno.test("the outermost coding that exists is the one that counts", () => {
  assertEquals(codingIn("gzip, br"), "br");
  assertEquals(codingIn(" X-GZIP "), "gzip");
  assertEquals(codingIn("gzip, aws-chunked"), "gzip");
  assertEquals(codingIn("identity"), null);
  assertEquals(codingIn(""), null);
  assertEquals(codingIn(null), null);
});

Deno.test("a file as it is is in no coding; one in a coding may be", async () => {
  for (
    const [coding, encoded] of [
      ["gzip", gzipSync(TEXT)],
      ["deflate", deflateSync(TEXT)],
      ["deflate", deflateRawSync(TEXT)],
      ["br", brotliCompressSync(TEXT)],
    ] as const
  ) {
    assert(await mayBeIn(coding, encoded), coding);
    assert(!await mayBeIn(coding, TEXT), coding);
    assert(
      !await mayBeIn(coding, new Uint8Array([0x50, 0x4b, 3, 4, 9])),
      coding,
    );
    assert(!await mayBeIn(coding, new Uint8Array()), coding);
  }
});

for (const coding of ["deflate", "br"] as const) {
  Deno.test(`bytes that no decoder takes are not in ${coding}`, async () => {
    for (
      const bytes of [
        new Uint8Array(TELLING_BYTES),
        // A GPT's first sector, a tar of a directory, and SQLite.
        new Uint8Array(TELLING_BYTES).fill(0xee, 446),
        new TextEncoder().encode(`folder/\0${"\0".repeat(99)}0000755\0`),
        new TextEncoder().encode("SQLite format 3\0\x10\0\x01\x01"),
      ]
    ) {
      assert(!await mayBeIn(coding, bytes), String(bytes.subarray(0, 8)));
    }
  });
}

Deno.test("a web page is known by how it begins", () => {
  const begins = (text: string) => isWebPage(new TextEncoder().encode(text));
  assert(begins("\ufeff\r\n <!doctype HTML>"));
  assert(begins("<html lang=en>"));
  assert(begins("<!-- moved -->"));
  assert(!begins("PK\u0003\u0004"));
  assert(!begins("name,<html>"));
  assert(!begins(""));
});
