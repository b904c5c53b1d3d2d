import { assert, assertEquals, assertLess } from "@std/assert";
import * as fc from "../support/fast_check.ts";
import {
  dispositionName,
  filenameFor,
  numbered,
} from "../../lib/origin/filename.ts";

/** The name of a file with this Content-Disposition, from a URL without one. */
function named(header: string | null): string {
  return filenameFor(null, header, "https://origin.test/");
}

/** UTF-8 as `fetch` gives it: each byte as a character. */
function latin1(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

Deno.test("a name comes from the client, the header, the path, the host", () => {
  const header = 'attachment; filename="header.bin"';
  const url = "https://origin.test/dir/path.bin?query.bin";
  assertEquals(filenameFor("client.bin", header, url), "client.bin");
  assertEquals(filenameFor(null, header, url), "header.bin");
  assertEquals(filenameFor(null, "attachment", url), "path.bin");
  assertEquals(filenameFor("../", 'x; filename=""', url), "path.bin");
  assertEquals(named(null), "origin.test");
});

Deno.test("what is percent-encoded in a path is decoded, if it can be", () => {
  const from = (path: string) =>
    filenameFor(null, null, `https://h.test/${path}`);
  assertEquals(from("a%20b.zip"), "a b.zip");
  assertEquals(from("%C3%BC.zip"), "ü.zip");
  assertEquals(from("100%.zip"), "100%.zip");
  assertEquals(from("a/..%2f..%2fx"), "x");
  assertEquals(from("dir/"), "h.test");
});

Deno.test("the names in a Content-Disposition", () => {
  for (
    const [header, name] of [
      ["attachment; filename=plain.bin", "plain.bin"],
      ['attachment; filename="with space.bin"', "with space.bin"],
      ['attachment;FileName = "odd.bin" ;size=3', "odd.bin"],
      ['attachment; filename="a;b.bin"', "a;b.bin"],
      ['attachment; filename="a\\"b\\\\.bin"', 'a"b\\.bin'],
      ['attachment; filename="open.bin', "open.bin"],
      ['attachment; filename="first"; filename="second"', "first"],
      ["filename=bare.bin", "bare.bin"],
      [`attachment; filename="${latin1("naïve.bin")}"`, "naïve.bin"],
      ['attachment; filename="na\xefve.bin"', "naïve.bin"],
      ["attachment; filename*=UTF-8''%e2%82%ac.bin", "€.bin"],
      ["attachment; filename*=iso-8859-1'en'%A3.bin", "£.bin"],
      ["attachment; filename=plain; filename*=UTF-8''better", "better"],
      ["attachment; filename*=broken; filename=plain", "plain"],
      ["attachment; filename*=UTF-8''%ff%gg", "ÿ%gg"],
      ['attachment; filename=""', ""],
      ["attachment; name=x", null],
      ["inline", null],
      ["", null],
    ] as const
  ) assertEquals(dispositionName(header), name, header);
});

Deno.test("no name leads out of its directory, hides or is a device", () => {
  for (
    const [given, name] of [
      ["../../x", "x"],
      ["..%2fx", "_x"],
      ["..%5Cx", "_x"],
      ["..\\..\\x", "x"],
      ["C:\\x\\y.exe", "y.exe"],
      ["/etc/passwd", "passwd"],
      ["a\0b", "a_b"],
      ["a\r\nb", "a__b"],
      ["invoice\u202Egpj.exe", "invoice_gpj.exe"],
      [".bashrc", "bashrc"],
      [". . .x", "x"],
      ["x. . ", "x"],
      ["CON", "_CON"],
      ["nul.txt", "_nul.txt"],
      ["NUL .txt", "_NUL .txt"],
      ["COM1.tar.gz", "_COM1.tar.gz"],
      ["CONIN$", "_CONIN$"],
      ["console", "console"],
      ['<a>:"b"|c?*', "_a___b__c__"],
      ["e\u0301.txt", "\u00e9.txt"],
    ] as const
  ) assertEquals(filenameFor(given, null, "https://h.test/"), name, given);
});

Deno.test("a name of which nothing is left is no name", () => {
  for (
    const given of ["", "..", ".", "/", "a/", "\\", "\0", "?*", " . ", "___"]
  ) {
    assertEquals(filenameFor(given, null, "https://h.test/"), "h.test", given);
  }
});

Deno.test("a long name is cut, and keeps its extension", () => {
  const name = filenameFor(
    "ü".repeat(300) + ".tar.gz",
    null,
    "https://h.test/",
  );
  assertEquals(name, "ü".repeat(116) + ".tar.gz");
  assertEquals(
    filenameFor("a".repeat(300), null, "https://h.test/").length,
    240,
  );
});

Deno.test("a number comes before the extension", () => {
  assertEquals(numbered("a.tar.gz", 2), "a (2).tar.gz");
  assertEquals(numbered("a.b.zip", 1), "a.b (1).zip");
  assertEquals(numbered("README", 1), "README (1)");
  assertEquals(numbered("a.zip", 0), "a.zip");
});

const nasty = fc.constantFrom(
  ...[
    "/",
    "\\",
    "..",
    ".",
    "\0",
    "\n",
    "%2f",
    "%5C",
    "%2e",
    "%",
    " ",
    "\u00a0",
  ],
  ...["con", "NUL", "com1", "lpt¹", "aux", ".tar", ".gz", "\u202e", "\ud800"],
  ...[
    "<",
    "\u0338",
    "ﷺ",
    "🎉",
    "a".repeat(236),
    "é".repeat(119),
    "_",
    '"',
    "'",
  ],
);
const anyName = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.array(fc.oneof(nasty, fc.string({ maxLength: 3 })), { maxLength: 6 })
    .map((parts) => parts.join("")),
);

function assertSafe(name: string): void {
  const shown = JSON.stringify(name);
  assert(name !== "", "empty");
  assert(name.isWellFormed(), `${shown} is not Unicode`);
  assert(
    !/[/\\:\p{Cc}]/u.test(name),
    `${shown} has a bad character`,
  );
  assert(!/^[.\s]|[.\s]$/.test(name), `${shown} begins or ends badly`);
  assert(
    !/^(con|prn|aux|nul|(com|lpt)\d)\s*(\.|$)/i.test(name),
    `${shown} is a device`,
  );
  for (const number of [0, 1, 999_999]) {
    const bytes = new TextEncoder().encode(numbered(name, number));
    assert(bytes.length <= 255, `${shown} is too long`);
  }
}

Deno.test("whatever is given, the name is safe on every system", () => {
  fc.assert(
    fc.property(anyName, (given) => {
      assertSafe(filenameFor(given, null, "https://h.test/"));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("whatever a header or a path says, the name is safe on every system", () => {
  fc.assert(
    fc.property(anyName, anyName, (said, path) => {
      const url = new URL("https://h.test/");
      url.pathname = path;
      const header = `attachment; filename="${said}"; filename*=UTF-8''${said}`;
      assertSafe(filenameFor(null, header, url.href));
      assertSafe(filenameFor(null, said, url.href));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a safe name stays as it is", () => {
  fc.assert(
    fc.property(anyName, (given) => {
      const name = filenameFor(given, null, "https://h.test/");
      assertEquals(filenameFor(name, null, "https://h.test/"), name);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a long name takes no long time to make safe", () => {
  /** Milliseconds for names that repeat all that may be looked back from. */
  function timeOf(times: number): number {
    const before = performance.now();
    for (
      const filling of [
        ".",
        " ",
        ". ",
        "..%2f",
        ".tar",
        '\\"',
        ";a=",
        '"',
        "\u0338",
        "=?a?b?",
        "=?a?b??= ",
        "%41",
      ]
    ) {
      const long = "x" + filling.repeat(times) + "x";
      const url = "https://h.test/";
      filenameFor(long, null, url);
      filenameFor(null, `attachment; filename="${long}`, url);
      filenameFor(null, `attachment;${long}`, url);
      filenameFor(null, `attachment${filling.repeat(times)}`, url);
    }
    return performance.now() - before;
  }
  timeOf(10_000);
  // Looked back from at each character, ten times as long would take a hundred
  // times as long.
  assertLess(timeOf(100_000) / timeOf(10_000), 50);
});
