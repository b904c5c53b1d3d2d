import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { folded, searchText } from "../../lib/store/search_text.ts";

for (
  const [what, ...spellings] of [
    ["Latin", "Annual REPORT.pdf", "annual report.PDF"],
    ["Cyrillic", "Отчёт за НОЯБРЬ", "отчёт за ноябрь", "ОТЧЁТ ЗА НОЯБРЬ"],
    ["Greek, whatever a word ends with", "ΟΔΟΣ", "οδος", "οδοσ"],
    ["Greek with its marks apart", "ΐ", "Ϊ́", "\u0399\u0308\u0301"],
    ["German", "Straße", "STRASSE", "STRAẞE", "strasse"],
    ["Turkish", "İstanbul", "ISTANBUL", "ıstanbul", "istanbul"],
    ["Armenian", "և", "ԵՒ", "եւ"],
    ["marks apart and composed", "Ünlü", "u\u0308nlu\u0308", "ÜNLÜ"],
    ["ligatures and wide letters", "ﬁle Ａ", "FILE a"],
    ["letters beyond the first plane", "𐐔", "𐐼"],
  ]
) {
  Deno.test(`letters of one case are those of the other: ${what}`, () => {
    const [first = "", ...others] = spellings.map(folded);
    for (const other of others) assertEquals(other, first);
    assertEquals(folded(first), first);
  });
}

Deno.test("what a word goes on with does not change its beginning", () => {
  assertStringIncludes(folded("ΟΔΟΣΑ"), folded("ΟΔΟΣ"));
  assertStringIncludes(folded("Πρόγραμμας"), folded("πρόγραμμασ"));
});

Deno.test("other letters stay others", () => {
  assert(folded("é") !== folded("e"));
  assert(folded("й") !== folded("и"));
  assert(folded("ё") !== folded("е"));
});

Deno.test("a URL is found as it is given and as it is read", () => {
  const text = searchText(
    "https://a.test/%D0%9E%D1%82%D1%87 1?x=%E9%00%20",
    null,
  );
  for (const search of ["%d0%9e", "ОТЧ", "отч 1", "%e9", "x=%E9%00%20"]) {
    assertStringIncludes(text, folded(search));
  }
  assert(!text.includes("\0"));
  assertStringIncludes(searchText("https://a.test/", "Ä.iso"), folded("ä.ISO"));
});

Deno.test("half a letter is no error", () => {
  assertEquals(folded("\ud800Я"), "\ufffdя");
});
