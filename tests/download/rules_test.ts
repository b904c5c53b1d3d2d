import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { DownloadError } from "../../lib/download/errors.ts";
import {
  directoryByRules,
  headersByRules,
  type Rule,
  templateFault,
  withRules,
} from "../../lib/download/rules.ts";
import { parseDownload } from "../../lib/download/request.ts";
import * as fc from "../support/fast_check.ts";

/** A rule that fits all, and gives nothing but this. */
function rule(what: Partial<Rule>): Rule {
  return {
    ...{ hosts: [], extensions: [], mediaTypes: [] },
    ...{ minSize: null, maxSize: null },
    ...{ directory: null, headers: {}, threads: null, limitRate: null },
    proxy: null,
    ...what,
  };
}

function ask(url: string, more: Record<string, unknown> = {}) {
  return parseDownload({ url, ...more }, { urlLength: 1000 });
}

const ADDED_AT = new Date(2026, 2, 7).getTime();

/** The directory before and after the origin's answer. */
function places(
  rules: readonly Rule[],
  request = ask("https://a.test/x.bin"),
  facts: { name?: string; mediaType?: string; size?: number | null } = {},
) {
  const validator = null;
  const file = { ...{ size: 9, ranges: true, validator, name: "x" }, ...facts };
  return [null, file].map((file) =>
    directoryByRules({ request, addedAt: ADDED_AT }, file, rules)
  );
}

Deno.test("the first rule that fits counts alone, and what is asked for before it", () => {
  const rules = [
    rule({ hosts: ["a.test"], threads: 2 }),
    rule({ threads: 3, limitRate: 5000 }),
  ];
  const of = (url: string, more = {}) => {
    const { threads, limitRate } = withRules(ask(url, more), rules, ADDED_AT);
    return [threads, limitRate];
  };
  assertEquals(of("https://a.test/"), [2, undefined]);
  assertEquals(of("https://b.test/"), [3, 5000]);
  const more = { threads: 7, limit_rate: 6000 };
  assertEquals(of("https://b.test/", more), [7, 6000]);
});

Deno.test("a request that rules add nothing to stays the same one", () => {
  const request = ask("https://a.test/x");
  assertEquals(withRules(request, [], 0) === request, true);
  const rules = [rule({ hosts: ["b.test"], directory: "b" }), rule({})];
  const placed = withRules(request, rules, 0);
  assertEquals(placed.directory, "");
  assertEquals(withRules(placed, rules, 0) === placed, true);
});

for (
  const [host, url, fits] of [
    ["a.test", "https://A.test:8443/", true],
    ["a.test", "https://a.test./", true],
    ["a.test", "https://b.a.test/", false],
    ["a.test", "https://ba.test/", false],
    ["*.a.test", "https://b.a.test/", true],
    ["*.a.test", "https://c.b.a.test/", true],
    ["*.a.test", "https://a.test/", false],
    ["*.a.test", "https://ba.test/", false],
    ["*.a.test", "https://a.test.evil.test/", false],
    ["[::1]", "http://[0:0::1]/", true],
  ] as const
) {
  Deno.test(`${host} ${fits ? "is" : "is not"} the host of ${url}`, () => {
    const rules = [rule({ hosts: [host], headers: { "x-key": "1" } })];
    const headers = headersByRules(ask(url), rules);
    assertEquals(headers, fits ? { "x-key": "1" } : {});
  });
}

Deno.test("a request's own headers and names come before a rule's", () => {
  const headers = { authorization: "rule", "x-key": "rule" };
  const rules = [rule({ hosts: ["a.test"], headers })];
  const of = (url: string, own = {}) =>
    headersByRules(ask(url, { headers: own }), rules);
  assertEquals(of("https://a.test/"), headers);
  assertEquals(of("https://a.test/", { "X-Key": "own" }), {
    authorization: "rule",
    "x-key": "own",
  });
  assertEquals(of("https://me:pw@a.test/"), { "x-key": "rule" });
});

Deno.test("an extension is that of the URL, or else of the name that comes", () => {
  const rules = [
    rule({ extensions: ["iso", "tar.gz"], directory: "images" }),
    rule({ directory: "rest" }),
  ];
  const of = (path: string, name: string, more = {}) =>
    places(rules, ask(`https://a.test/${path}`, more), { name });
  assertEquals(of("x.ISO?y=z.zip", "x.ISO"), ["images", "images"]);
  assertEquals(of("x.tar.gz", "x.tar.gz"), ["images", "images"]);
  assertEquals(of("x.php?file=y.iso", "y.iso"), [undefined, "images"]);
  assertEquals(of("x.zip", "x.zip"), [undefined, "rest"]);
  assertEquals(of("x.php", "y", { filename: "y.iso" })[0], "images");
  assertEquals(of("x.iso", "y", { filename: "y" }), ["rest", "rest"]);
});

Deno.test("what the answer tells decides the directory once it is there", () => {
  const rules = [
    rule({ mediaTypes: ["video/*"], directory: "films" }),
    rule({ mediaTypes: ["text/plain"], maxSize: 100, directory: "notes" }),
    rule({ minSize: 1000, directory: "long" }),
    rule({ hosts: ["a.test"], directory: "a", threads: 2 }),
  ];
  const of = (facts: Parameters<typeof places>[2]) =>
    places(rules, undefined, facts);
  assertEquals(of({ mediaType: "video/mp4" }), [undefined, "films"]);
  assertEquals(of({ mediaType: "text/plain" }), [undefined, "notes"]);
  assertEquals(of({ mediaType: "text/plain", size: 101 }), [undefined, "a"]);
  assertEquals(of({ size: 1000 }), [undefined, "long"]);
  assertEquals(of({ size: null }), [undefined, "a"]);
  assertEquals(of({}), [undefined, "a"]);
  const request = ask("https://a.test/x", { directory: "." });
  assertEquals(withRules(request, rules, 0).directory, "");
  assertEquals(withRules(request, rules, 0).threads, 2);
});

Deno.test("a rule without a directory leaves the file in the content directory", () => {
  const rules = [rule({ hosts: ["a.test"] }), rule({ directory: "rest" })];
  assertEquals(places(rules), ["", ""]);
  assertEquals(places([rule({ threads: 2 })]), [undefined, undefined]);
});

for (
  const [template, url, name, meant] of [
    ["films/2026", "https://a.test/", "x", "films/2026"],
    ["{host}/{year}-{month}", "https://a.test:8443/", "x", "a.test/2026-03"],
    ["{year}/{month}/{day}", "https://a.test/", "x", "2026/03/07"],
    ["{extension}", "https://a.test/", "x.TAR.GZ", "tar.gz"],
    ["all/{extension}", "https://a.test/", "x", "all"],
    ["{extension}", "https://a.test/", "x", ""],
    ["{host}", "https://[::1]/", "x", "[__1]"],
    ["{host}", "https://.sluice/", "x", "sluice"],
    ["{host}/x", "http://sluice~1/", "x", "_sluice~1/x"],
    ["a/{host}", "http://../", "x", "a"],
    ["{host}", "http://con/", "x", "_con"],
  ] as const
) {
  Deno.test(`${template} of ${url}${name} is ${meant}`, () => {
    assertEquals(templateFault(template), null);
    const rules = [rule({ directory: template })];
    const [, place] = places(rules, ask(url), { name });
    assertEquals(place, meant);
  });
}

Deno.test("whatever an origin calls its file, no directory leads up or is hidden", () => {
  const rules = [rule({ directory: "{extension}/{extension}x{host}/.{day}" })];
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 30 }), (name) => {
      const [, place = ""] = places(rules, undefined, { name: `a.${name}` });
      for (const part of place.split("/")) {
        assertMatch(part, /^[^./\\\s][^/\\\p{Cc}]*$/u);
      }
    }),
    { numRuns: 1000 },
  );
});

for (
  const [template, fault] of [
    ["{hots}/x", /may not hold \{hots\}; known are \{host\}, \{year\}/],
    ["{host", /may not hold \{host/],
    ["a}", /may not hold \}/],
    ["/srv/{host}", /below the content directory/],
    ["../{host}", /may not lead up/],
    ["{host}//x", /no empty parts/],
    ["{host}/.sluice", /Sluice's own/],
    ["{host}\\x", /must have \/ between/],
  ] as const
) {
  Deno.test(`the template ${template} is refused`, () => {
    const found = () => {
      const fault = templateFault(template);
      throw new DownloadError("BAD_REQUEST", fault ?? "nothing is wrong");
    };
    assertMatch(assertThrows(found, DownloadError).message, fault);
  });
}
