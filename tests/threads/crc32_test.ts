import { assertEquals } from "@std/assert";
import { crc32 as zlib } from "node:zlib";
import { crc32 } from "../../lib/threads/crc32.ts";

Deno.test("CRC-32 is zlib's, before and after it takes zlib for it", async () => {
  const check = new TextEncoder().encode("123456789");
  assertEquals(crc32(check), 0xcbf43926);
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  let [mine, theirs] = [0, 0];
  // Three megabytes, in pieces of every length that matters.
  for (let size = 0; size < 400; size++) {
    const piece = bytes.subarray(size, size * 40);
    [mine, theirs] = [crc32(piece, mine), zlib(piece, theirs)];
    assertEquals(mine, theirs);
    // What was asked for before this has come by then.
    await import("node:zlib");
  }
});
