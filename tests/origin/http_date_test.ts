import { assert, assertEquals } from "@std/assert";
import * as fc from "../support/fast_check.ts";
import { run } from "../support/sluice.ts";
import {
  LONGEST_RETRY_AFTER,
  parseDate,
  retryAfter,
} from "../../lib/origin/http_date.ts";

const NOW = Date.parse("Wed, 01 Jan 2020 00:00:00 GMT");

Deno.test("a date means one time, whatever the machine's zone is", async () => {
  const texts = [
    "Wed, 01 Jan 2020 00:00:00 GMT",
    "wed, 01 jan 2020 00:00:00 gmt",
    "Wed Jan  1 00:00:00 2020",
    "Wed, 01 Jan 2020 00:00:00",
    "Wed, 01 Jan 2020 02:00:00 +0200",
    "2020-01-01T02:00:00.000+02:00",
  ];
  const program = `import { parseDate } from "./lib/origin/http_date.ts";
    console.log(JSON.stringify(${JSON.stringify(texts)}.map(parseDate)));`;
  const { stdout, stderr } = await run(["eval", program], { TZ: "Asia/Tokyo" });
  assertEquals(JSON.parse(stdout), texts.map(() => NOW), stderr);
  for (const text of ["2020-01-01T00:00:00", "2020-01-01", "0", "-5"]) {
    assertEquals(parseDate(text), NaN, text);
  }
});

Deno.test("Retry-After is seconds, or a date", () => {
  for (
    const [value, wait] of [
      ["0", 0],
      ["120", 120_000],
      [" 7 ", 7000],
      ["Wed, 01 Jan 2020 00:02:00 GMT", 120_000],
      ["Wednesday, 01-Jan-20 00:02:00 GMT", 120_000],
      ["Tue, 31 Dec 2019 00:00:00 GMT", 0],
    ] as const
  ) assertEquals(retryAfter(value, NOW), wait, value);
});

Deno.test("an absurd Retry-After is obeyed for the longest time there is", () => {
  for (
    const value of [
      "901",
      "99999999999",
      "9".repeat(400),
      "Fri, 01 Jan 2100 00:00:00 GMT",
    ]
  ) {
    assertEquals(retryAfter(value, NOW), LONGEST_RETRY_AFTER, value);
  }
});

Deno.test("a Retry-After that makes no sense is none", () => {
  for (
    const value of [null, "", "-5", "1.5", "1e3", "soon", "2020-01-01", "1, 2"]
  ) {
    assertEquals(retryAfter(value, NOW), null, String(value));
  }
});

Deno.test("whatever Retry-After says, the wait is bounded", () => {
  const date = fc.date({ noInvalidDate: true }).map((date) =>
    date.toUTCString()
  );
  const seconds = fc.bigInt().map(String);
  const value = fc.oneof(fc.string(), seconds, date);
  fc.assert(
    fc.property(value, fc.nat(), (value, now) => {
      const wait = retryAfter(value, now);
      assert(wait === null || wait >= 0 && wait <= LONGEST_RETRY_AFTER);
    }),
    { numRuns: 1000 },
  );
});
