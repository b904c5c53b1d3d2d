import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertLessOrEqual,
  assertNotMatch,
} from "@std/assert";
import * as fc from "fast-check";
import { DownloadError } from "../../lib/errors.ts";
import {
  backoff,
  connectionError,
  LONGEST_RETRY_AFTER,
  retryAfter,
} from "../../lib/origin/retry.ts";

const NOW = Date.parse("Wed, 01 Jan 2020 00:00:00 GMT");

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

Deno.test("each wait is up to twice as long as the last, and never over a minute", () => {
  const waits = (random: number) =>
    [1, 2, 3, 8, 9, 1000].map((failures) =>
      backoff(failures, { retryWait: 500, random })
    );
  assertEquals(waits(0), [250, 500, 1000, 30_000, 30_000, 30_000]);
  assertEquals(waits(0.999_999), [500, 1000, 2000, 60_000, 60_000, 60_000]);
});

Deno.test("a wait is in the upper half of what it may be at most", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const failures = fc.integer({ min: 1, max: 1_000_000 });
  const retryWait = fc.integer({ min: 1, max: 60_000 });
  fc.assert(
    fc.property(failures, retryWait, random, (failures, retryWait, random) => {
      const wait = backoff(failures, { retryWait, random });
      const most = Math.min(60_000, retryWait * 2 ** (failures - 1));
      assertGreaterOrEqual(wait, most / 2);
      assertLessOrEqual(wait, most);
    }),
  );
});

/** As `fetch` fails: the reason is in its cause, after the URL. */
function failed(reason: string, url = "https://h.test/f"): TypeError {
  const cause = new Error(`error sending request for url (${url}): ${reason}`);
  return new TypeError("fetch failed", { cause });
}

Deno.test("the reasons for which Deno gets no answer", () => {
  for (
    const [reason, code] of [
      ["tcp connect error: Connection refused (os error 111)", "REFUSED"],
      ["client error (SendRequest): connection closed", "REFUSED"],
      ["dns error: failed to lookup address information", "HOST_UNKNOWN"],
      ["invalid peer certificate: UnknownIssuer", "TLS"],
      ["received corrupt message of type InvalidContentType", "TLS"],
    ] as const
  ) assertEquals(connectionError(failed(reason), "request").code, code, reason);
  const denied = new Deno.errors.NotCapable("Requires net access");
  assertEquals(connectionError(denied, "request").code, "FORBIDDEN_ADDRESS");
  const port = new TypeError("Fetch failed: Requests to port 25 are blocked");
  assertEquals(connectionError(port, "request").code, "BAD_URL");
});

Deno.test("the words of a URL are not taken for a reason", () => {
  for (
    const word of ["tls", "certificate", "blocked", "handshake", "dns error"]
  ) {
    const url = `https://${word.replace(" ", ".")}.test/${word} (1).zip`;
    const error = failed("Connection refused", new URL(url).href);
    assertEquals(connectionError(error, "request").code, "REFUSED", word);
  }
});

Deno.test("a body that breaks off is cut, whatever broke it", () => {
  const error = new TypeError("error reading a body from connection");
  assertEquals(connectionError(error, "body").code, "CUT");
  assertEquals(connectionError(null, "body").code, "CUT");
});

Deno.test("no message holds anything of the URL", () => {
  const reasons = [
    "refused",
    "dns error",
    "certificate",
    "tls",
    "blocked",
    "NotCapable",
  ];
  for (const reason of reasons) {
    const error = failed(reason, "https://u:hunter2@h.test/?hunter2");
    assertNotMatch(
      connectionError(error, "request").message,
      /hunter2|h\.test/,
    );
  }
});

Deno.test("an error of our own stays what it is", () => {
  const own = new DownloadError("STALLED", "The origin sent nothing for 30 s.");
  assertEquals(connectionError(own, "body"), own);
  assertInstanceOf(connectionError("text", "body"), DownloadError);
});
