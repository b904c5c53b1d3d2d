import { assertEquals, assertThrows } from "@std/assert";
import { expandPattern, nameFor } from "../../lib/cli/patterns.ts";
import { UsageError } from "../../lib/cli/usage.ts";
import { askedByCurl, curlInstalled } from "../support/curl.ts";

/** A URL's path as it is typed, and the paths that it stands for. */
const PATTERNS: readonly (readonly [string, readonly string[]])[] = [
  ["{a,b}", ["a", "b"]],
  ["{a}", ["a"]],
  ["x{a,}y", ["xay", "xy"]],
  ["[1-3]", ["1", "2", "3"]],
  ["[01-10:4]", ["01", "05", "09"]],
  ["[098-101]", ["098", "099", "100", "101"]],
  ["[9-011]", ["9", "10", "11"]],
  ["[5-5]", ["5"]],
  ["[a-e:2]", ["a", "c", "e"]],
  ["[A-C]", ["A", "B", "C"]],
  ["[1-2]{a,b}", ["1a", "1b", "2a", "2b"]],
  ["\\{a,b\\}", ["{a,b}"]],
  ["{a\\,b,c}", ["a,b", "c"]],
  ["[]", ["[]"]],
];

const HOST = "http://127.0.0.1/";

Deno.test("patterns make URLs", () => {
  for (const [typed, paths] of PATTERNS) {
    const made = expandPattern(HOST + typed).map(({ url }) => url);
    assertEquals(made, paths.map((path) => HOST + path), typed);
  }
});

Deno.test({
  name: "curl makes the same URLs of patterns",
  ignore: !curlInstalled(),
  async fn() {
    for (const [typed, paths] of PATTERNS) {
      const { urls } = await askedByCurl(HOST + typed);
      assertEquals(urls, paths.map((path) => HOST + path), typed);
    }
  },
});

Deno.test("brackets that hold no range stay as they are", () => {
  for (
    const url of [
      "http://[::1]/x",
      "http://[2001:db8::1-2]/x",
      "http://x/?filter[name]=a&ids[0]=1&ids[]=2",
      "http://x/a]",
    ]
  ) {
    assertEquals(expandPattern(url), [{ url, words: [] }]);
  }
});

Deno.test("a wrong pattern is refused, and names --no-glob", () => {
  for (
    const typed of [
      "[3-1]",
      "[1-5:0]",
      "[1-5:9]",
      "[a-Z]",
      "[a-10]",
      "[1-",
      "{}",
      "{a",
      "a}",
      "{a{b}}",
      "{a,[1-2]}",
      `[1-${"9".repeat(30)}]`,
    ]
  ) {
    assertThrows(() => expandPattern(HOST + typed), UsageError, "--no-glob");
  }
});

Deno.test("a pattern makes no more than can be held", () => {
  for (const typed of ["[1-100001]", "[1-1000]{a,b}[1-1000]"]) {
    assertThrows(() => expandPattern(typed), UsageError, "it may make 100000");
  }
  assertEquals(expandPattern("[00001-50000]{a,b}").length, 100_000);
});

Deno.test("a name takes what the parts of a pattern made", () => {
  const [, last] = expandPattern("[8-9]{a}").map(({ words }) => words);
  assertEquals(nameFor("#1-#2-#3.bin", last ?? []), "9-a-#3.bin");
});
