import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { parseDirectory } from "../../lib/download/directory.ts";
import { DownloadError } from "../../lib/download/errors.ts";
import { parseDownload } from "../../lib/download/request.ts";
import * as fc from "../support/fast_check.ts";

for (
  const [given, meant] of [
    ["films", "films"],
    ["films/2026", "films/2026"],
    ["films/2026/", "films/2026"],
    ["./films/./2026", "films/2026"],
    [".", null],
    ["./", null],
    ["Фильмы/電影", "Фильмы/電影"],
    ["cafe\u0301", "caf\u00e9"],
    ["two words/..three", "two words/three"],
    [".hidden", "hidden"],
    ["a:b/c?", "a_b/c_"],
    ["con/aux.d", "_con/_aux.d"],
    ["ends. /with. .", "ends/with"],
    ["a%2Fb/%2e%2e/%2E%2E%5Cx", "a_b/%2e%2e/%2E%2E_x"],
    ["a\u202eb/c\ud800", "a_b/c_"],
    [Array(250).fill("a").join("/"), Array(250).fill("a").join("/")],
    ["x".repeat(300), "x".repeat(240)],
  ] as const
) {
  Deno.test(`the directory ${given.slice(0, 30)} is ${meant?.slice(0, 30)}`, () => {
    assertEquals(parseDirectory(given), meant);
  });
}

function faultOf(given: unknown): string {
  const error = assertThrows(() => parseDirectory(given), DownloadError);
  assertEquals(error.code, "BAD_REQUEST");
  return error.message;
}

for (
  const [given, fault] of [
    ["", /at most 500 characters/],
    ["x/".repeat(251), /at most 500 characters/],
    [5, /must be a path/],
    [["a"], /must be a path/],
    ["/films", /below the content directory/],
    ["//host/share", /below the content directory/],
    ["~/films", /below the content directory/],
    ["~", /below the content directory/],
    ["C:/films", /below the content directory/],
    ["c:", /below the content directory/],
    ["films\\2026", /must have \/ between/],
    ["\\\\host\\share", /must have \/ between/],
    ["..\\x", /must have \/ between/],
    ["..", /may not lead up/],
    ["films/..", /may not lead up/],
    ["films/../../x", /may not lead up/],
    ["films//x", /no empty parts/],
    ["films//", /no empty parts/],
    [".sluice", /Sluice's own/],
    [".Sluice/parts", /Sluice's own/],
    ["SLUICE~1", /Sluice's own/],
    ["..sluice~2", /Sluice's own/],
    ["films/.sluice", /Sluice's own/],
    ["a\0b", /no control characters/],
    ["a\nb", /no control characters/],
    ["a\x7f", /no control characters/],
    ["...", /without a letter/],
    ["films/\ud800", /without a letter/],
    ["films/???", /without a letter/],
  ] as const
) {
  Deno.test(`the directory ${JSON.stringify(given).slice(0, 30)} is refused`, () => {
    assertMatch(faultOf(given), fault);
  });
}

Deno.test("whatever is given, no part leads up, is hidden, or is cut again", () => {
  const part = fc.oneof(
    fc.constantFrom("..", ".", "", ".sluice", "a", " ", "%2e%2e", "~", "nul"),
    fc.string({ unit: "binary", maxLength: 20 }),
  );
  const given = fc.array(part, { maxLength: 6 }).map((all) => all.join("/"));
  fc.assert(
    fc.property(given, (given) => {
      let read: string | null;
      try {
        read = parseDirectory(given);
      } catch (error) {
        if (error instanceof DownloadError) return;
        throw error;
      }
      if (read === null) return;
      for (const one of read.split("/")) {
        assertMatch(one, /^[^./\\\s][^/\\\p{Cc}]*$/u);
      }
      assertEquals(parseDirectory(read), read);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("a request has a directory only if one is asked for", () => {
  const limits = { urlLength: 100 };
  const read = (directory?: unknown) =>
    parseDownload({ url: "http://a/", directory }, limits);
  assertEquals(read("a/b").directory, "a/b");
  for (const none of [undefined, null]) {
    assertEquals("directory" in read(none), false);
  }
  assertEquals(read(".").directory, "");
});
