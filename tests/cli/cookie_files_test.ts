import { assertEquals } from "@std/assert";
import { cookiesFor, parseCookieFile } from "../../lib/cli/cookie_files.ts";

const NOW = 1_000_000_000_000;
const line = (...fields: (string | number)[]) => fields.join("\t");
const FILE = [
  "# Netscape HTTP Cookie File",
  "",
  line(".a.test", "TRUE", "/", "FALSE", 0, "wide", "1"),
  line("#HttpOnly_a.test", "FALSE", "/files", "TRUE", 2_000_000_000, "deep", 2),
  line("a.test", "FALSE", "/", "FALSE", 999_999_999, "over", "3"),
  line("b.test", "TRUE", "/", "FALSE", 0, "other", "4"),
  line("a.test", "FALSE", "/", "FALSE", 0, "empty"),
].join("\r\n");

Deno.test("cookies of a file go to matching hosts and paths alone", () => {
  const cookies = parseCookieFile(FILE, NOW) ?? [];
  for (
    const [url, expected] of [
      ["https://a.test/files/x", "deep=2; wide=1; empty="],
      ["http://a.test/files/x", "wide=1; empty="],
      ["https://a.test/filesystem", "wide=1; empty="],
      ["https://sub.a.test/files/x", "wide=1"],
      ["https://evila.test/", null],
      ["https://a.test.evil.test/", null],
      ["https://x.b.test:8443/", "other=4"],
    ] as const
  ) {
    assertEquals(cookiesFor(cookies, new URL(url), undefined), expected, url);
  }
});

Deno.test("a cookie that is given counts before the file's of its name", () => {
  const cookies = parseCookieFile(FILE, NOW) ?? [];
  const url = new URL("https://a.test/");
  assertEquals(cookiesFor(cookies, url, "wide=9;x=y"), "wide=9; x=y; empty=");
});

Deno.test("what is no file of cookies is not read as one", () => {
  for (
    const text of [
      "a=b",
      "[{}]",
      line("a.test", "TRUE", "/", "FALSE", "soon", "a", "b"),
      line("a.test", "TRUE", "/", "FALSE", 0),
    ]
  ) {
    assertEquals(parseCookieFile(text, NOW), null, text);
  }
  assertEquals(parseCookieFile("\n# none\n", NOW), []);
});
