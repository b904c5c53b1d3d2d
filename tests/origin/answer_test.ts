import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import * as fc from "../support/fast_check.ts";
import type { Pinned } from "../../lib/download/download.ts";
import { DownloadError } from "../../lib/download/errors.ts";
import type { Range } from "../../lib/download/ranges.ts";
import {
  type Answer,
  parseContentRange,
  readAnswer,
} from "../../lib/origin/answer.ts";
import { settleDoubts } from "../../lib/origin/doubts.ts";
import { transferCodings } from "../../lib/origin/framing.ts";
import { validatorOf } from "../../lib/origin/validator.ts";

const ASKED: Range = { start: 100, end: 200 };
const NOW = Date.UTC(2026, 0, 1);
const ETAG = { kind: "etag", value: '"v1"' } as const;
const PINNED: Pinned = { size: 1000, validator: ETAG };
/** What an honest origin says of that slice. */
const HONEST = {
  "content-range": "bytes 100-199/1000",
  "content-length": "100",
  etag: '"v1"',
};

interface Said {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly path?: string;
  readonly asked?: Range | null;
  readonly pinned?: Pinned | null;
  /** How the body begins. */
  readonly body?: Uint8Array;
}

const GZIP = new Uint8Array([0x1f, 0x8b, 8, 0]);
const ZIP = new Uint8Array([0x50, 0x4b, 3, 4]);

function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What is made of an answer: by default, a 206 in the middle of a file. */
async function read(
  {
    status = 206,
    headers = HONEST,
    path = "/f",
    asked = ASKED,
    pinned = PINNED,
    body = GZIP,
  }: Said,
): Promise<Answer> {
  const head = {
    status,
    headers: new Headers(headers),
    names: [path],
    isRelayed: false,
  };
  const { answer, doubts } = readAnswer(head, asked, pinned, NOW);
  await settleDoubts(doubts, body);
  return answer;
}

async function codeOf(said: Said): Promise<string> {
  return (await assertRejects(() => read(said), DownloadError)).code;
}

// Content-Range

Deno.test("a Content-Range is one range of bytes", () => {
  const range = { start: 0, end: 100 };
  for (
    const [value, expected] of [
      ["bytes 0-99/1000", { range, size: 1000 }],
      ["bytes 0-99/100", { range, size: 100 }],
      ["Bytes  0-99/1000 ", { range, size: 1000 }],
      ["bytes 0-99/*", { range, size: null }],
      ["bytes */1000", { range: null, size: 1000 }],
      ["bytes */0", { range: null, size: 0 }],
    ] as const
  ) assertEquals(parseContentRange(value), expected, value);
});

Deno.test("anything else is no Content-Range", () => {
  for (
    const value of [
      null,
      "",
      "bytes",
      "0-99/1000",
      "bytes=0-99/1000",
      "items 0-99/1000",
      "bytes 0-99",
      "bytes 0-/1000",
      "bytes -99/1000",
      "bytes 99-0/1000",
      "bytes 0-1000/1000",
      "bytes 0-0/0",
      "bytes */*",
      "bytes 0-99/-1",
      "bytes 0-99/1e3",
      "bytes 0x0-0x9/1000",
      "bytes 0.0-99/1000",
      "bytes ٠-٩/1000",
      "bytes 0-99/1000, bytes 100-199/1000",
      "bytes 0-99, 200-299/1000",
      "bytes 0-99/9999999999999999",
      "bytes 0-9007199254740991/*",
      `bytes 0-99/${"9".repeat(400)}`,
    ]
  ) assertEquals(parseContentRange(value), null, String(value));
});

Deno.test("a Content-Range never names bytes that are not inside the file", () => {
  const number = fc.oneof(fc.nat(20), fc.bigInt({ min: 0n, max: 10n ** 17n }))
    .map(String);
  const likely = fc.tuple(number, number, fc.oneof(number, fc.constant("*")))
    .map(([first, last, size]) => `bytes ${first}-${last}/${size}`);
  fc.assert(fc.property(fc.oneof(likely, fc.string()), (value) => {
    const { range = null, size = null } = parseContentRange(value) ?? {};
    for (const n of [range?.start ?? 0, range?.end ?? 0, size ?? 0]) {
      assert(Number.isSafeInteger(n));
    }
    if (range === null) return;
    assert(0 <= range.start && range.start < range.end);
    assert(range.end <= (size ?? Infinity));
  }));
});

// The first answer

Deno.test("a 206 to the first request gives a slice, the size and the validator", async () => {
  assertEquals(
    await read({ pinned: null }),
    { kind: "slice", slice: ASKED, size: 1000, validator: ETAG },
  );
});

Deno.test("a file that is shorter than the slice is a slice up to its end", async () => {
  for (const size of [1, 99, 100]) {
    const headers = { "content-range": `bytes 0-${size - 1}/${size}` };
    const asked = { start: 0, end: 100 };
    const answer = await read({ headers, asked, pinned: null });
    assertEquals(answer.kind === "slice" && answer.slice, {
      start: 0,
      end: size,
    });
  }
});

Deno.test("a 200 to the first request is the whole file", async () => {
  assertEquals(
    await read({
      status: 200,
      headers: { "content-length": "7" },
      pinned: null,
    }),
    { kind: "whole", size: 7, validator: null },
  );
  assertEquals(
    await read({ status: 200, headers: {}, pinned: null }),
    { kind: "whole", size: null, validator: null },
  );
});

Deno.test("that a file is empty, no 416 proves", async () => {
  const headers = { "content-range": "bytes */0" };
  const refused = { status: 416, headers, pinned: null };
  assertEquals(await codeOf(refused), "NO_RANGES");
});

Deno.test("a 206 where the whole was asked for is the file if it is all of it", async () => {
  assertEquals(await codeOf({ asked: null, pinned: null }), "WRONG_RANGE");
  const headers = { "content-range": "bytes 0-999/1000", etag: '"v1"' };
  assertEquals(
    await read({ headers, asked: null, pinned: null }),
    { kind: "whole", size: 1000, validator: ETAG },
  );
});

Deno.test("a 200 that names a range is asked for plainly, and then must be all", async () => {
  const range = { "content-range": "bytes 0-99/1000", "content-length": "100" };
  const said = { status: 200, headers: range, pinned: null };
  assertEquals(
    await codeOf({ ...said, asked: { start: 0, end: Infinity } }),
    "NO_RANGES",
  );
  assertEquals(await codeOf({ ...said, asked: null }), "WRONG_RANGE");
  const headers = { "content-range": "bytes 0-999/1000" };
  const whole = { status: 200, asked: null, pinned: null };
  assertEquals((await read({ ...whole, headers })).kind, "whole");
  const long = { ...headers, "content-length": "1000" };
  assertEquals((await read({ ...whole, headers: long })).kind, "whole");
  const short = { ...headers, "content-length": "999" };
  assertEquals(await codeOf({ ...whole, headers: short }), "WRONG_RANGE");
});

Deno.test("a first range that is refused is asked for plainly", async () => {
  const asked = { start: 0, end: Infinity };
  for (const status of [400, 403, 404, 405, 410, 416, 500, 501, 503]) {
    const said = { status, asked, pinned: null, headers: {} };
    assertEquals(await codeOf(said), "NO_RANGES", String(status));
    assert(await codeOf({ ...said, asked: null }) !== "NO_RANGES");
  }
  // Neither credentials nor a time to wait are a matter of ranges.
  for (const status of [401, 407, 429]) {
    const said = { status, asked, pinned: null, headers: {} };
    assert(await codeOf(said) !== "NO_RANGES", String(status));
  }
  const headers = { "retry-after": "2" };
  for (const status of [202, 403, 503]) {
    assertEquals(
      await codeOf({ status, asked, pinned: null, headers }),
      "BUSY",
    );
  }
});

Deno.test("a range that is shorter than the one asked for is the slice", async () => {
  const asked = { start: 0, end: Infinity };
  const headers = {
    ...HONEST,
    "content-range": "bytes 0-99999/1000000",
    "content-length": "100000",
  };
  const said = { headers, asked, pinned: null };
  const answer = await read(said);
  assertEquals(answer.kind === "slice" && answer.slice, {
    start: 0,
    end: 100_000,
  });
  const other = { ...headers, "content-length": "100001" };
  assertEquals(await codeOf({ ...said, headers: other }), "NO_RANGES");
  // A file in pieces of five bytes is asked for at once.
  const crumbs = {
    ...headers,
    "content-range": "bytes 0-4/1000000",
    "content-length": "5",
  };
  assertEquals(await codeOf({ ...said, headers: crumbs }), "NO_RANGES");
});

Deno.test("transfer codings are those that the HTTP client leaves", async () => {
  const of = (value: string) =>
    transferCodings(new Headers({ "transfer-encoding": value }));
  assertEquals(of("chunked"), []);
  assertEquals(of("identity"), []);
  assertEquals(of("gzip, Chunked"), ["gzip"]);
  assertEquals(of("chunked, gzip"), ["chunked", "gzip"]);
  for (const coding of ["chunked, gzip", '"chunked"', "br"]) {
    const headers = { ...HONEST, "transfer-encoding": coding };
    assertEquals(await codeOf({ headers }), "ENCODED", coding);
  }
});

// Later answers

Deno.test("a slice is taken only if it is the very one that was asked for", async () => {
  const wrong: Record<string, string>[] = [
    {},
    { "content-range": "bytes 101-199/1000" },
    { "content-range": "bytes 100-200/1000" },
    { "content-range": "bytes 0-999/1000" },
    { "content-range": "bytes 100-199/*" },
    { "content-range": "bytes */1000" },
    { "content-range": "bytes 100-199/1000, bytes 300-399/1000" },
    { "content-range": "bytes 100-199/1000", "content-length": "99" },
    { "content-type": "multipart/byteranges; boundary=x" },
  ];
  for (const headers of wrong) {
    const said = { headers: { etag: '"v1"', ...headers } };
    assertEquals(await codeOf(said), "NO_RANGES", JSON.stringify(headers));
  }
});

Deno.test("another total or another tag is another file", async () => {
  for (
    const headers of [
      { ...HONEST, "content-range": "bytes 100-199/1001" },
      { ...HONEST, etag: '"v2"' },
      { ...HONEST, etag: 'W/"v1"' },
      { "content-range": "bytes 100-199/1000" },
    ] satisfies Record<string, string>[]
  ) assertEquals(await codeOf({ headers }), "CHANGED", JSON.stringify(headers));
});

Deno.test("a file that was pinned by its date keeps that date", async () => {
  const date = "Tue, 01 Jan 2019 00:00:00 GMT";
  const pinned = {
    size: 1000,
    validator: { kind: "modified", value: date },
  } as const;
  const honest = { "content-range": "bytes 100-199/1000" };
  const headers = { ...honest, "last-modified": date };
  assertEquals((await read({ headers, pinned })).kind, "slice");
  const later = date.replace("2019", "2020");
  const changed = { headers: { ...honest, "last-modified": later }, pinned };
  assertEquals(await codeOf(changed), "CHANGED");
});

Deno.test("a 200 to a later slice is never written at its offset", async () => {
  const whole = { etag: '"v1"', "content-length": "1000" };
  assertEquals(await codeOf({ status: 200, headers: whole }), "NO_RANGES");
  const other = { ...whole, "content-length": "1001" };
  assertEquals(await codeOf({ status: 200, headers: other }), "CHANGED");
});

Deno.test("a 416 in the middle tells whether the file has changed", async () => {
  const of = (size: string) => ({ "content-range": `bytes */${size}` });
  assertEquals(await codeOf({ status: 416, headers: of("50") }), "CHANGED");
  assertEquals(await codeOf({ status: 416, headers: of("0") }), "CHANGED");
  assertEquals(await codeOf({ status: 416, headers: of("1000") }), "NO_RANGES");
  assertEquals(await codeOf({ status: 416, headers: {} }), "NO_RANGES");
});

Deno.test("whatever an origin says, a slice is the one that was asked for", async () => {
  const number = fc.constantFrom(0, 99, 100, 199, 200, 999, 1000, 1001);
  const range = fc.tuple(number, number, number)
    .map(([first, last, size]) => `bytes ${first}-${last}/${size}`);
  const odd = fc.string().map((text) => text.replace(/[^ -~]/g, "").trim());
  const value = fc.oneof(
    range,
    odd,
    fc.constantFrom("constructor", '"v1"', "100"),
  );
  const name = fc.constantFrom(
    "content-range",
    "content-length",
    "content-encoding",
    "content-type",
    "etag",
    "last-modified",
    "date",
    "retry-after",
  );
  const said = fc.record({
    status: fc.oneof(
      fc.constantFrom(200, 206, 416),
      fc.integer({ min: 100, max: 599 }),
    ),
    headers: fc.dictionary(name, value),
    asked: fc.constantFrom(ASKED, { start: 900, end: 1100 }, null),
    pinned: fc.constantFrom(PINNED, null),
  });
  await fc.assert(
    fc.asyncProperty(said, async (said) => {
      try {
        const answer = await read(said);
        if (answer.kind === "whole") {
          assert(said.pinned === null || said.asked === null);
          return;
        }
        assertEquals(answer.slice.start, said.asked?.start);
        assert(answer.slice.end > answer.slice.start);
        const most = Math.min(said.asked?.end ?? 0, answer.size);
        assert(answer.slice.end <= most);
      } catch (error) {
        if (!(error instanceof DownloadError)) throw error;
      }
    }),
    { numRuns: 1000 },
  );
});

// Validators

function validatorFrom(headers: Record<string, string>) {
  return validatorOf(new Headers(headers));
}

Deno.test("only a strong entity tag is a validator", () => {
  for (const value of ['"v1"', '"a-b_c:1/2"', '"\xe9"']) {
    assertEquals(validatorFrom({ etag: value }), { kind: "etag", value });
  }
  for (const etag of ['W/"v1"', "v1", '"', "", '"a", "b"', '"a"b"', "'v1'"]) {
    assertEquals(validatorFrom({ etag }), null, etag);
  }
});

Deno.test("a date is a validator once it is older than the answer", () => {
  const modified = "Tue, 01 Jan 2019 00:00:00 GMT";
  const answered = (seconds: string) => ({
    "last-modified": modified,
    date: `Tue, 01 Jan 2019 00:00:${seconds} GMT`,
  });
  assertEquals(validatorFrom(answered("00")), null);
  assertEquals(validatorFrom(answered("01")), {
    kind: "modified",
    value: modified,
  });
  assertEquals(validatorFrom({ "last-modified": modified }), null);
  assertEquals(
    validatorFrom({ ...answered("01"), "last-modified": "?" }),
    null,
  );
});

Deno.test("a time at the epoch is no validator, nor nginx's tag of it", () => {
  for (const second of ["00", "01"]) {
    const dates = {
      "last-modified": `Thu, 01 Jan 1970 00:00:${second} GMT`,
      date: "Wed, 02 Jan 2019 00:00:00 GMT",
    };
    assertEquals(validatorFrom(dates), null);
    assertEquals(validatorFrom({ ...dates, etag: '"1-493e0"' }), null);
    assertEquals(validatorFrom({ ...dates, etag: '"iqhlq2b7"' })?.kind, "etag");
  }
});

Deno.test("a strong tag is preferred to a date, and a date to a weak tag", () => {
  const dates = {
    "last-modified": "Tue, 01 Jan 2019 00:00:00 GMT",
    date: "Wed, 02 Jan 2019 00:00:00 GMT",
  };
  assertEquals(validatorFrom({ ...dates, etag: '"v1"' })?.kind, "etag");
  assertEquals(validatorFrom({ ...dates, etag: 'W/"v1"' })?.kind, "modified");
});

Deno.test("a weak tag proves nothing, but that it is another file", async () => {
  const dates = {
    "last-modified": "Tue, 01 Jan 2019 00:00:00 GMT",
    date: "Wed, 02 Jan 2019 00:00:00 GMT",
  };
  const first = { ...HONEST, ...dates, etag: 'W/"v1"' };
  const validator = validatorFrom(first);
  assert(validator);
  const pinned = { ...PINNED, validator };
  for (const etag of ['W/"v1"', "", '"strong"']) {
    const { kind } = await read({ headers: { ...first, etag }, pinned });
    assertEquals(kind, "slice");
  }
  for (const etag of ['W/"v2"', "v2"]) {
    assertEquals(
      await codeOf({ headers: { ...first, etag }, pinned }),
      "CHANGED",
    );
  }
});

// Bodies that are not the file

Deno.test("an encoding that was not asked for is refused", async () => {
  const asked = { start: 0, end: 100 };
  for (const encoding of ["gzip", "GZIP, gzip", "aws-chunked, x-gzip"]) {
    const headers = { ...HONEST, "content-encoding": encoding };
    // In the middle of a file, no bytes can tell.
    for (const pinned of [PINNED, null]) {
      assertEquals(await codeOf({ headers, pinned }), "ENCODED", encoding);
    }
    const first = { ...headers, "content-range": "bytes 0-99/1000" };
    const said = { headers: first, asked, pinned: null };
    assertEquals(await codeOf(said), "ENCODED", encoding);
    assertEquals((await read({ ...said, body: ZIP })).kind, "slice", encoding);
  }
});

Deno.test("an encoding that does not exist says nothing of the bytes", async () => {
  for (
    const encoding of [
      "utf-8",
      "none",
      "binary",
      "aws-chunked",
      "constructor",
      "__proto__",
    ]
  ) {
    const headers = { ...HONEST, "content-encoding": encoding };
    assertEquals((await read({ headers })).kind, "slice", encoding);
  }
});

Deno.test("a label that the first bytes did not bear out is believed no more", async () => {
  const headers = { ...HONEST, "content-encoding": "gzip" };
  const pinned = { ...PINNED, mislabelled: "gzip" };
  assertEquals((await read({ headers, pinned })).kind, "slice");
  const other = { ...headers, "content-encoding": "br" };
  assertEquals(await codeOf({ headers: other, pinned }), "ENCODED");
});

Deno.test("an encoding that only names the file's own format is taken as it is", async () => {
  for (
    const [encoding, path] of [
      ["gzip", "/a.tar.gz"],
      ["x-gzip", "/a.TGZ"],
      ["x-compress", "/a.Z"],
      ["br", "/a.br"],
      ["identity", "/a"],
    ] as const
  ) {
    const headers = { ...HONEST, "content-encoding": encoding };
    assertEquals((await read({ headers, path })).kind, "slice", encoding);
    if (encoding === "identity") continue;
    assertEquals(await codeOf({ headers, path: "/a.html" }), "ENCODED");
  }
});

Deno.test("a web page is not taken for an archive", async () => {
  const headers = { "content-type": "text/html; charset=utf-8" };
  const said = { status: 200, headers, pinned: null };
  const page = textBytes("\n<!DOCTYPE html><title>Log in");
  const named = { ...said, path: "/a.ZIP" };
  assertEquals(await codeOf({ ...named, body: page }), "WEB_PAGE");
  // The bytes decide, not the label.
  assertEquals((await read({ ...named, body: ZIP })).kind, "whole");
  for (const path of ["/", "/a.html", "/zip"]) {
    assertEquals((await read({ ...said, path })).kind, "whole", path);
  }
});

// Statuses

Deno.test("what a status means for the next attempt", async () => {
  for (
    const [status, code] of [
      [204, "ORIGIN_STATUS"],
      [304, "ORIGIN_STATUS"],
      [400, "ORIGIN_STATUS"],
      [403, "EXPIRED"],
      [404, "EXPIRED"],
      [410, "EXPIRED"],
      [429, "BUSY"],
      [500, "ORIGIN_FAULT"],
      [503, "BUSY"],
    ] as const
  ) {
    const error = await assertRejects(() => read({ status }), DownloadError);
    assertEquals(error.code, code);
    assertStringIncludes(error.message, String(status));
  }
});

Deno.test("a busy origin says how long to wait", async () => {
  const headers = { "retry-after": "120" };
  for (const status of [429, 500, 503]) {
    const error = await assertRejects(
      () => read({ status, headers }),
      DownloadError,
    );
    assertEquals(error.retryAfter, 120_000);
  }
  // A date is meant by the origin's clock: this machine's is two days ahead.
  const dated = {
    date: "Tue, 30 Dec 2025 00:00:00 GMT",
    "retry-after": "Tue, 30 Dec 2025 00:02:00 GMT",
  };
  const error = await assertRejects(
    () => read({ status: 503, headers: dated }),
    DownloadError,
  );
  assertEquals(error.retryAfter, 120_000);
});

Deno.test("long headers take no long time to read", () => {
  const long = 100_000;
  const before = performance.now();
  for (const filling of [" ", "0", "bytes ", '"', "a-", ", "]) {
    const value = filling.repeat(long);
    parseContentRange(`bytes ${value}x`);
    validatorFrom({ etag: `"${value}x`, "last-modified": value, date: value });
  }
  assertLess(performance.now() - before, 2000);
});
