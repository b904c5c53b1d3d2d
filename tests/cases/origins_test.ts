// The cases of origins, in the order of their list. Each download ends either
// with exactly the right bytes under the right name, or with an error that says
// what to do; and beside each, a good download of another origin ends right.
//
// What no test can force here:
// - A port that refuses the fifth connection: the kernel refuses all or none,
//   so the fifth is accepted and closed, reset, or answered with an error.
// - HTTP/2: the origin speaks HTTP/1 only, as the client does by decision.
//   That each thread has a connection of its own is what is seen of it.
//
// What no client can notice, unless its user gave a checksum:
// - A body of another file under the right headers.
// - A body without length or chunks that the connection's end cuts short.
// - A web page in place of a file of unknown kind, in the very first answer.
// - A total that is too small in every answer.

import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
  assertMatch,
} from "@std/assert";
import { basename, fromFileUrl } from "@std/path";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import net from "node:net";
import type { CoordinatorOptions } from "../../lib/coordinator.ts";
import type { ErrorCode } from "../../lib/download/errors.ts";
import type { Status } from "../../lib/status/status.ts";
import {
  caCertificate,
  serverCertificate,
  serverKey,
} from "../support/certificate.ts";
import { type Downloads, startDownloads } from "../support/downloads.ts";
import {
  type Behave,
  type Behaviour,
  bytesOf,
  file,
  firstDifference,
  forever,
  literal,
  type Origin,
  type OriginFile,
  type OriginOptions,
  type OriginRequest,
  redirect,
  startOrigin,
} from "../support/origin.ts";

const KiB = 1024;
const SLICE = 64 * KiB;
/** Ten slices: most of these cases need some that come later. */
const WHOLE = file(10 * SLICE + 123, 1);
/** Another file of the same size. */
const OTHER = file(WHOLE.size, 2);
const GOOD = file(8 * SLICE, 3);
/** For origins that never send what a thread waits for. */
const IMPATIENT = { stallTimeout: 400 };
/** Waits are so short here that what fails together counts one by one. */
const PATIENT = { attempts: 50 };
const REMOVE = { kind: "remove", deleteFile: true } as const;
const TLS = { tls: { cert: serverCertificate, key: serverKey } };

/** A strange origin, and downloads from it beside good ones. */
interface Trial extends AsyncDisposable {
  readonly origin: Origin;
  readonly downloads: Downloads;
  /** How a download ends, while a good one beside it ends right. */
  end(request: string | { url: string; [field: string]: unknown }): Promise<
    Status
  >;
  /** A good download, from begin to end. */
  good(): Promise<void>;
}

async function startTrial(
  options: Partial<CoordinatorOptions> = {},
  originOptions: OriginOptions = {},
): Promise<Trial> {
  await using started = new AsyncDisposableStack();
  const origin = started.use(await startOrigin(originOptions));
  const decent = started.use(await startOrigin());
  const downloads = started.use(await startDownloads(options));
  const stack = started.move();
  let goods = 0;
  async function good() {
    const name = `good-${goods++}.bin`;
    const id = await downloads.add({ url: decent.serve(`/${name}`, GOOD) });
    await assertDownloaded(await downloads.end(id), GOOD, name);
    await downloads.coordinator.command(id, REMOVE);
  }
  return {
    origin,
    downloads,
    good,
    async end(request) {
      const fields = typeof request === "string" ? { url: request } : request;
      const id = await downloads.add(fields);
      const [status] = await Promise.all([downloads.end(id), good()]);
      return status;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/**
 * Adds a URL and waits until it has ended, with nothing beside it: a second
 * download gets a thread of the first one's, whose bytes come twice then.
 */
async function endAlone({ downloads }: Trial, url: string): Promise<Status> {
  return await downloads.end(await downloads.add({ url }));
}

/** Fails unless a download ended with the bytes of its file, and its name. */
async function assertDownloaded(
  status: Status,
  whole: OriginFile,
  name?: string,
) {
  assertEquals(status.error, null);
  assertEquals(status.process_status, "Downloaded");
  assert(status.path_to_file !== null);
  const path = new URL(status.path_to_file);
  assertEquals(await firstDifference(path, whole), null);
  assertEquals(status.size, whole.size);
  assertEquals(status.downloaded, whole.size);
  if (name !== undefined) assertEquals(nameOf(status), name);
}

function nameOf({ path_to_file: url }: Status): string {
  return url === null ? "" : basename(fromFileUrl(url));
}

/** Fails unless a download failed with an error that says what to do. */
function assertFailed(
  status: Status,
  code: ErrorCode,
  advice: RegExp = ADVICE,
) {
  assertEquals(status.process_status, "Failed", JSON.stringify(status.error));
  assertEquals(status.error?.code, code);
  assertMatch(status.error?.message ?? "", advice);
  assertEquals(status.path_to_file, null);
  assertEquals(status.threads, 0);
}

const ADVICE = /\b(retry|check|add|refresh|name)\b/;

/** What lies in the content directory, besides what is Sluice's own. */
async function filesOf({ directory }: Downloads): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(directory));
  return entries.map(({ name }) => name).filter((name) => name !== ".sluice");
}

function isFirst({ range }: OriginRequest): boolean {
  return range?.start === 0;
}

function isLater({ range }: OriginRequest): boolean {
  return range !== null && range.start > 0;
}

function isLong({ range }: OriginRequest): boolean {
  return range !== null && range.end - range.start > KiB;
}

/** The requests for all bytes at once. */
function askedWhole({ requests }: Origin): OriginRequest[] {
  return requests.filter(({ range }) => range === null);
}

/** A gate, and what opens it. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** The answers that match are strange, all others right. */
function where(
  matches: (request: OriginRequest) => boolean,
  strange: Behaviour | ((request: OriginRequest) => Behaviour),
): (request: OriginRequest) => Behaviour {
  return (request) => {
    if (!matches(request)) return {};
    return typeof strange === "function" ? strange(request) : strange;
  };
}

/** An answer whose Content-Range is the right one, changed. */
function contentRange(
  change: (start: number, end: number, size: number) => string | string[],
): (request: OriginRequest) => Behaviour {
  return ({ range }) => {
    if (range === null) return {};
    const end = Math.min(range.end, WHOLE.size);
    const value = change(range.start, end - 1, WHOLE.size);
    return { headers: { "Content-Range": value } };
  };
}

// 1. A 200 where a slice was asked for

Deno.test("a 200 to the first ranged GET is taken whole, in one request", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE, { ranges: "ignore" });
  const status = await trial.end(url);
  await assertDownloaded(status, WHOLE, "a");
  assertEquals(status.ranges, false);
  assertEquals(trial.origin.requests.length, 1);
});

for (
  const [what, matches, wholes] of [
    ["one later slice", ({ n }: OriginRequest) => n === 3, 0],
    ["every later slice", isLater, 1],
  ] as const
) {
  Deno.test(`a 200 to ${what} after a 206 is not written at its offset`, async () => {
    await using trial = await startTrial();
    const behave = where(matches, { ranges: "ignore" });
    const url = trial.origin.serve("/a", WHOLE, behave);
    await assertDownloaded(await trial.end(url), WHOLE, "a");
    assertEquals(askedWhole(trial.origin).length, wholes);
  });
}

// 2. A 206 that does not say, or says wrong, what it is

const WRONG_RANGES: [string, (request: OriginRequest) => Behaviour][] = [
  ["without Content-Range", () => ({ headers: { "Content-Range": null } })],
  [
    "with the wrong start",
    contentRange((start, last, size) => `bytes ${start + 1}-${last}/${size}`),
  ],
  [
    "with the wrong end",
    contentRange((start, last, size) => `bytes ${start}-${last - 1}/${size}`),
  ],
  [
    "with an end beyond the slice",
    contentRange((start, last, size) => `bytes ${start}-${last + 1}/${size}`),
  ],
  [
    "with the wrong total",
    contentRange((start, last, size) => `bytes ${start}-${last}/${size + 1}`),
  ],
  ["with /*", contentRange((start, last) => `bytes ${start}-${last}/*`)],
  ["with * in place of the range", contentRange((_, __, n) => `bytes */${n}`)],
  [
    "with two of them, both right",
    contentRange((start, last, size) => {
      const right = `bytes ${start}-${last}/${size}`;
      return [right, right];
    }),
  ],
  [
    "with two of them, the second one wrong",
    contentRange((start, last, size) => [
      `bytes ${start}-${last}/${size}`,
      `bytes 0-${size - 1}/${size}`,
    ]),
  ],
  [
    "in another unit",
    contentRange((start, last, size) => `items ${start}-${last}/${size}`),
  ],
  [
    "with numbers beyond all bounds",
    contentRange((start) => `bytes ${start}-${"9".repeat(30)}/${9e15}`),
  ],
  [
    "in several parts",
    () => ({
      headers: {
        "Content-Range": null,
        "Content-Type": "multipart/byteranges; boundary=x",
      },
    }),
  ],
  ["of another slice, as it says", ({ range }) => ({
    slice: { start: (range?.start ?? 0) + 1, end: (range?.start ?? 0) + 5 },
  })],
  ["of a part of the slice, as it says", ({ range }) => ({
    slice: { start: range?.start ?? 0, end: (range?.start ?? 0) + 5 },
  })],
  [
    "with another body's Content-Length",
    () => ({ headers: { "Content-Length": "5" } }),
  ],
];

for (const [what, wrong] of WRONG_RANGES) {
  Deno.test(`a 206 ${what}, be it the first or a later one, is not taken`, async () => {
    await using trial = await startTrial();
    const { origin } = trial;
    const [first, later] = await Promise.all([
      trial.end(origin.serve("/first", WHOLE, where(isFirst, wrong))),
      trial.end(origin.serve("/later", WHOLE, where(isLater, wrong))),
    ]);
    await assertDownloaded(first, WHOLE, "first");
    await assertDownloaded(later, WHOLE, "later");
    assertEquals(
      askedWhole(origin).map(({ path }) => path).sort(),
      ["/first", "/later"],
    );
  });
}

Deno.test("a total that is too large in every answer is found out at the end", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    where(
      ({ range }) => range !== null && range.start < WHOLE.size,
      contentRange((start, last, n) => `bytes ${start}-${last}/${n + SLICE}`),
    ),
  );
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

Deno.test("a total beyond all disks waits for room, and takes none", async () => {
  await using trial = await startTrial();
  const size = Number.MAX_SAFE_INTEGER;
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    contentRange((start, last) => `bytes ${start}-${last}/${size}`),
  );
  const status = await trial.end(url);
  assertEquals(status.process_status, "Paused");
  assertEquals(status.error?.code, "DISK_FULL");
  assertMatch(
    status.error?.message ?? "",
    /make some. A server then goes on by itself/,
  );
  assertEquals(trial.origin.requests.length, 1);
  assertEquals(await filesOf(trial.downloads), []);
});

// 3. A file that changes, or that nothing tells from another

Deno.test("a total that differs between slices ends in the whole at once", async () => {
  await using trial = await startTrial();
  const longer = contentRange((start, last, size) =>
    `bytes ${start}-${last}/${size + 1}`
  );
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    where(
      ({ range }) => range !== null && range.start > WHOLE.size / 2,
      longer,
    ),
  );
  await assertDownloaded(await trial.end(url), WHOLE, "a");
  assertEquals(askedWhole(trial.origin).length, 1);
});

for (
  const [what, next] of [
    ["an ETag that changes in the middle", OTHER],
    ["a file that shrinks in the middle", file(3 * SLICE, 4)],
    ["a file that grows in the middle", file(20 * SLICE, 4)],
    ["a file that is emptied in the middle", file(0, 4)],
  ] as const
) {
  Deno.test(`${what} begins the download anew`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", WHOLE, ({ n }) => {
      return n < 5 ? {} : { file: next };
    });
    const status = await trial.end(url);
    await assertDownloaded(status, next, "a");
    // An emptied file has no range to give: that is a 416, and a whole.
    assert(status.ranges || next.size === 0);
  });
}

Deno.test("a file that changes where it is being read begins anew", async () => {
  await using trial = await startTrial();
  let now = WHOLE;
  const half = gate();
  const url = trial.origin.serve("/a", null, ({ n }) => ({
    file: now,
    gates: n === 1 ? { [SLICE / 2]: () => half.opened } : {},
  }));
  const id = await trial.downloads.add({ url });
  await trial.origin.request(({ n, sent }) => n === 1 && sent >= 0);
  now = OTHER;
  half.open();
  const [status] = await Promise.all([trial.downloads.end(id), trial.good()]);
  await assertDownloaded(status, OTHER, "a");
});

Deno.test("an ETag that changes with each answer ends in the whole at once", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE, ({ n }) => ({
    headers: { ETag: `"${n}"` },
  }));
  await assertDownloaded(await trial.end(url), WHOLE, "a");
  assertEquals(askedWhole(trial.origin).length, 1);
});

Deno.test("alternating nodes with different ETags end in the whole at once", async () => {
  await using trial = await startTrial();
  const nodes = [WHOLE, OTHER];
  const url = trial.origin.serve("/a", null, ({ n }) => ({
    file: nodes[n % 2] ?? WHOLE,
  }));
  const status = await trial.end(url);
  const last = trial.origin.requests.find(({ range }) => range === null);
  assert(last);
  await assertDownloaded(status, nodes[last.n % 2] ?? WHOLE, "a");
});

for (
  const [what, facts] of [
    ["a weak ETag only", { etag: 'W/"1"' }],
    ["no validator at all", { etag: null }],
    ["an ETag without quotes", { etag: "1" }],
    ["an empty ETag", { etag: '""' }],
    ["a Last-Modified that is no date", { etag: null, lastModified: "-5" }],
    ["a Last-Modified to come", {
      etag: null,
      lastModified: new Date(Date.now() + 3_600_000).toUTCString(),
    }],
  ] as const
) {
  Deno.test(`with ${what}, all comes in one answer`, async () => {
    await using trial = await startTrial();
    const whole = file(WHOLE.size, 1, facts);
    const status = await trial.end(trial.origin.serve("/a", whole));
    await assertDownloaded(status, whole, "a");
    assertEquals(askedWhole(trial.origin).length, 1);
    assertLessOrEqual(trial.origin.requests.length, 2);
  });

  if (what !== "a weak ETag only" && what !== "no validator at all") continue;
  Deno.test(`with ${what}, a second answer is not added to a cut one`, async () => {
    await using trial = await startTrial();
    const [before, after] = [1, 2].map((n) => file(WHOLE.size, n, facts));
    assert(before && after);
    const behave: Behave = ({ range, nth }) =>
      range !== null
        ? {}
        : nth < 3
        ? { cut: { after: 3 * SLICE + 7, by: "fin" }, file: before }
        : { file: after };
    const url = trial.origin.serve("/a", before, behave);
    const status = await trial.end(url);
    await assertDownloaded(status, after, "a");
  });
}

Deno.test("a Last-Modified of long ago proves that slices belong together", async () => {
  await using trial = await startTrial();
  const lastModified = "Tue, 01 Jan 2019 00:00:00 GMT";
  const whole = file(WHOLE.size, 1, { etag: 'W/"1"', lastModified });
  const status = await trial.end(trial.origin.serve("/a", whole));
  await assertDownloaded(status, whole, "a");
  assertEquals(status.ranges, true);
  assertGreater(trial.origin.requests.length, 10);
});

Deno.test("a Last-Modified that changes in the middle begins anew", async () => {
  await using trial = await startTrial();
  const [before, after] = [2018, 2019].map((year) =>
    file(WHOLE.size, year, {
      etag: null,
      lastModified: `Tue, 01 Jan ${year} 00:00:00 GMT`,
    })
  );
  assert(before && after);
  const url = trial.origin.serve("/a", null, ({ n }) => ({
    file: n < 4 ? before : after,
  }));
  await assertDownloaded(await trial.end(url), after, "a");
});

Deno.test("a body of another file under the right headers fails its checksum", async () => {
  await using trial = await startTrial();
  const sha256 = createHash("sha256").update(bytesOf(WHOLE)).digest("hex");
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    ({ n }) => n === 4 ? { file: { ...OTHER, etag: WHOLE.etag } } : {},
  );
  const status = await trial.end({ url, sha256 });
  assertFailed(status, "CHECKSUM", /Check .* trying again fetches/);
  assertEquals(await filesOf(trial.downloads), []);
});

// 4. Bodies of the wrong length, or that end in the wrong way

for (const framing of ["length", "chunked", "close"] as const) {
  for (
    const [what, surplus] of [["longer", 100], ["shorter", -100]] as const
  ) {
    Deno.test(`a body ${what} than its slice, framed by ${framing}`, async () => {
      await using trial = await startTrial();
      // A rest as short as what is lacking would never come.
      const behave = where(isLong, { framing, surplus });
      const url = trial.origin.serve("/a", WHOLE, behave);
      await assertDownloaded(await trial.end(url), WHOLE, "a");
      // The HTTP client reads no more than the length that it is told.
      if (what === "shorter" || framing === "length") return;
      const { log } = trial.downloads;
      assert(log.some(({ fields }) => fields.code === "TOO_LONG"));
    });
  }

  for (const by of ["fin", "reset", "broken chunk"] as const) {
    if (by === "broken chunk" && framing !== "chunked") continue;
    // A reset may overtake all bytes before it, many times in a row.
    Deno.test(`slices cut by a ${by}, framed by ${framing}`, async () => {
      await using trial = await startTrial(PATIENT);
      const behave = where(
        ({ n }) => n < 12,
        { framing, cut: { after: 1000, by } },
      );
      const url = trial.origin.serve("/a", WHOLE, behave);
      await assertDownloaded(await trial.end(url), WHOLE, "a");
      assertEquals(askedWhole(trial.origin), []);
    });

    // Without length or chunks, a connection that ends says "that is all".
    if (framing === "close" && by === "fin") continue;
    Deno.test(`a whole cut by a ${by}, framed by ${framing}`, async () => {
      await using trial = await startTrial(PATIENT);
      const behave: Behave = ({ n }) => ({
        ranges: "ignore",
        framing,
        ...(n < 3 && { cut: { after: 3 * SLICE + n, by } }),
      });
      const url = trial.origin.serve("/a", WHOLE, behave);
      await assertDownloaded(await trial.end(url), WHOLE, "a");
      assertEquals(trial.origin.requests.length, 4);
    });
  }
}

Deno.test("a body longer than it says is cut off there", async () => {
  await using trial = await startTrial();
  const behave = where(({ range }) => range !== null, ({ range }) => ({
    surplus: 100,
    headers: {
      "Content-Length": String(
        Math.min(range?.end ?? 0, WHOLE.size) - (range?.start ?? 0),
      ),
    },
  }));
  const url = trial.origin.serve("/a", WHOLE, behave);
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

Deno.test("of a slice that is cut, only what is missing is asked for again", async () => {
  await using trial = await startTrial();
  const cut = { after: 1000, by: "fin" } as const;
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    where(({ n }) => n === 0, { cut }),
  );
  await assertDownloaded(await trial.end(url), WHOLE, "a");
  const starts = trial.origin.requests.map(({ range }) => range?.start);
  assert(starts.includes(1000));
  assertEquals(trial.origin.sent, WHOLE.size);
});

for (const ranges of [undefined, "ignore"] as const) {
  Deno.test(`a body that is always cut at the same byte fails, ranges: ${ranges}`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", WHOLE, ({ range }) => {
      const start = ranges ? 0 : range?.start ?? 0;
      const after = Math.max(0, 3 * SLICE + 5 - start);
      return { ranges, cut: { after, by: "fin" } };
    });
    assertFailed(await trial.end(url), "CUT", /retry/i);
    assertEquals(await filesOf(trial.downloads), []);
  });
}

for (
  const [what, length, code] of [
    ["of 1e30", "1e30", "REFUSED"],
    ["of thirty digits", "9".repeat(30), "REFUSED"],
    ["below zero", "-5", "REFUSED"],
    ["that is no number", "many", "REFUSED"],
    ["and another one", ["5", "7"], "REFUSED"],
  ] as const
) {
  Deno.test(`a Content-Length ${what} is an error`, async () => {
    await using trial = await startTrial();
    const headers = { "Content-Length": length };
    const url = trial.origin.serve("/a", WHOLE, { headers });
    assertFailed(await trial.end(url), code);
    assertEquals(trial.origin.requests.length, 4);
  });
}

Deno.test("two Content-Lengths that say the same are one", async () => {
  await using trial = await startTrial();
  const length = String(WHOLE.size);
  const headers = { "Content-Length": [length, length] };
  const url = trial.origin.serve("/a", WHOLE, { ranges: "ignore", headers });
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

Deno.test("a Content-Length beyond all disks waits for room", async () => {
  await using trial = await startTrial();
  const headers = { "Content-Length": String(9e15) };
  const url = trial.origin.serve("/a", WHOLE, { ranges: "ignore", headers });
  const status = await trial.end(url);
  assertEquals(status.process_status, "Paused");
  assertEquals(status.error?.code, "DISK_FULL");
});

// RFC 9112 §6.3: the chunks tell the length, whatever Content-Length says.
for (const [what, more] of [["short", -1000], ["long", 1000]] as const) {
  Deno.test(`a Content-Length too ${what} for the chunks beside it is no length`, async () => {
    await using trial = await startTrial();
    const headers = { "Content-Length": String(WHOLE.size + more) };
    const url = trial.origin.serve("/a", WHOLE, {
      ranges: "ignore",
      framing: "chunked",
      headers,
    });
    await assertDownloaded(await trial.end(url), WHOLE, "a");
  });
}

// 5. gzip in spite of identity

for (
  const [what, behave] of [
    ["a slice", { encoding: "gzip" }],
    ["the whole", { encoding: "gzip", ranges: "ignore" }],
    ["a later slice only", where(isLater, { encoding: "gzip" })],
    ["the whole, by a label that is no encoding", {
      headers: { "Content-Encoding": "gzi" },
    }],
    ["the whole, twice", { headers: { "Content-Encoding": "gzip, gzip" } }],
  ] as [string, Behave][]
) {
  Deno.test(`gzip in spite of identity, of ${what}, is an error`, async () => {
    await using trial = await startTrial();
    const status = await trial.end(trial.origin.serve("/a", WHOLE, behave));
    assertFailed(status, "ENCODED");
    assertEquals(await filesOf(trial.downloads), []);
    for (const { headers } of trial.origin.requests) {
      assertEquals(headers.get("accept-encoding"), "identity");
    }
  });
}

for (const ranges of [undefined, "ignore"] as const) {
  Deno.test(`a label that names a .tar.gz's own format changes no byte, ranges: ${ranges}`, async () => {
    await using trial = await startTrial();
    const behave: Behave = ({ n }) => ({
      ranges,
      headers: { "Content-Encoding": n % 2 ? "x-gzip" : "gzip" },
      ...(n < 2 && { cut: { after: 1000, by: "fin" } }),
    });
    const url = trial.origin.serve("/a.tar.gz", WHOLE, behave);
    await assertDownloaded(await trial.end(url), WHOLE, "a.tar.gz");
  });
}

// 6. Statuses

for (
  const [status, code, advice] of [
    [404, "EXPIRED", /no such file.*check.*refresh/i],
    [403, "EXPIRED", /does not allow.*check.*refresh/i],
    [410, "EXPIRED", /gone.*check.*refresh/i],
    [401, "EXPIRED", /credentials/],
    [407, "ORIGIN_STATUS", /HTTP_PROXY/],
    [400, "ORIGIN_STATUS", /check the URL/],
    [418, "ORIGIN_STATUS", /check the URL/],
    [501, "ORIGIN_STATUS", /check the URL/],
    [204, "ORIGIN_STATUS", /check the URL/],
    [304, "ORIGIN_STATUS", /check the URL/],
    [300, "ORIGIN_STATUS", /check the URL/],
  ] as const
) {
  Deno.test(`a ${status} is an error at once`, async () => {
    await using trial = await startTrial();
    const behave = { status, headers: { "Content-Length": null } };
    const end = await trial.end(trial.origin.serve("/a", null, behave));
    assertFailed(end, code, advice);
    assert(end.error?.message.includes(String(status)) || status === 407);
    assertEquals(trial.origin.requests.length, 1);
    assertEquals(await filesOf(trial.downloads), []);
  });

  if (![400, 204, 304].includes(status)) continue;
  Deno.test(`a ${status} in the middle is an error that keeps what there is`, async () => {
    await using trial = await startTrial();
    let bad = true;
    const behave = where(
      ({ n }) => bad && n > 4,
      { status, headers: { "Content-Length": null } },
    );
    const url = trial.origin.serve("/a", WHOLE, behave);
    const end = await trial.end(url);
    assertFailed(end, code, advice);
    assertGreaterOrEqual(end.downloaded, SLICE);
    bad = false;
    await trial.downloads.command("retry", end.id);
    await assertDownloaded(await trial.downloads.end(end.id), WHOLE, "a");
  });
}

for (
  const [status, code] of [
    [429, "BUSY"],
    [503, "BUSY"],
    [500, "ORIGIN_FAULT"],
    [999, "ORIGIN_FAULT"],
  ] as const
) {
  Deno.test(`a ${status} for ever is an error after some attempts`, async () => {
    await using trial = await startTrial();
    const end = await trial.end(trial.origin.serve("/a", null, { status }));
    assertFailed(end, code, /retry later/);
    assertEquals(trial.origin.requests.length, 4);
  });

  Deno.test(`a ${status} once, first or later, and then all is fine`, async () => {
    await using trial = await startTrial();
    const behave = where(({ n }) => n === 0 || n === 3, { status });
    const url = trial.origin.serve("/a", WHOLE, behave);
    await assertDownloaded(await trial.end(url), WHOLE, "a");
    assertEquals(askedWhole(trial.origin), []);
  });
}

Deno.test("a 416 to a range means that the whole is asked for", async () => {
  await using trial = await startTrial();
  const behave = where(({ range }) => range !== null, { status: 416 });
  const url = trial.origin.serve("/a", WHOLE, behave);
  await assertDownloaded(await trial.end(url), WHOLE, "a");
  assertEquals(trial.origin.requests.length, 2);
});

Deno.test("a 416 to a later slice means that the whole is asked for", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE, where(isLater, { status: 416 }));
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

Deno.test("a 416 to the whole, too, is an error", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE, { status: 416 });
  assertFailed(await trial.end(url), "ORIGIN_STATUS");
});

Deno.test("a 206 without a range to the whole is an error", async () => {
  await using trial = await startTrial();
  const behave = { status: 206, headers: { "Content-Range": null } };
  const url = trial.origin.serve("/a", WHOLE, behave);
  assertFailed(await trial.end(url), "WRONG_RANGE");
  assertEquals(trial.origin.requests.length, 2);
  assertEquals(await filesOf(trial.downloads), []);
});

for (const status of [429, 503]) {
  for (
    const [what, value, least, most] of [
      ["of a second", () => "1", 1000, 1005],
      ["that is a date", () => inSeconds(2), 1, 2005],
      ["that is a date gone by", () => inSeconds(-60), 0, 5],
      ["of no seconds", () => "0", 0, 5],
      ["below zero", () => "-5", 0, 5],
      ["that makes no sense", () => "soon", 0, 5],
      ["twice", () => ["1", "2"], 0, 5],
    ] as const
  ) {
    if (status === 503 && most < 1000) continue;
    Deno.test(`a ${status} with a Retry-After ${what}, and then all is fine`, async () => {
      await using trial = await startTrial();
      const behave = where(({ n }) => n === 0, () => ({
        status,
        headers: { "Retry-After": value() },
      }));
      const url = trial.origin.serve("/a", WHOLE, behave);
      const end = await trial.end(url);
      await assertDownloaded(end, WHOLE, "a");
      const wait = waitOf(trial.downloads, end.id);
      assertGreaterOrEqual(wait, least);
      assertLessOrEqual(wait, most);
    });
  }

  for (const value of ["9".repeat(30), inSeconds(1e9)]) {
    Deno.test(`a ${status} with a Retry-After of ${value} holds up none but itself`, async () => {
      await using trial = await startTrial();
      const { downloads, origin } = trial;
      const behave = where(({ n }) => n === 0, {
        status,
        headers: { "Retry-After": value },
      });
      const id = await downloads.add({
        url: origin.serve("/a", WHOLE, behave),
      });
      const waiting = await downloads.until(id, ({ error }) => error !== null);
      assertEquals(waiting.error?.code, "BUSY");
      assertLessOrEqual(waitOf(downloads, id), 15 * 60_000 + 5);
      await trial.good();
      const url = origin.serve("/b", WHOLE);
      const beside = await downloads.end(await downloads.add({ url }));
      await assertDownloaded(beside, WHOLE, "b");
      await downloads.command("pause", id);
      await downloads.command("resume", id);
      await assertDownloaded(await downloads.end(id), WHOLE, "a");
    });
  }
}

function inSeconds(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toUTCString();
}

/** How long a download waited after its first failure, in milliseconds. */
function waitOf({ log }: Downloads, id: string): number {
  const line = log.find(({ event, fields }) =>
    event === "setback" && fields.id === id
  );
  return Number(line?.fields.wait);
}

const PAGE: Behaviour = {
  body: "<!doctype html><title>Log in</title>",
  headers: { "Content-Type": "text/html; charset=utf-8" },
};

Deno.test("an HTML error page with 200 is not taken for the file", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a.zip", WHOLE, PAGE);
  assertFailed(await trial.end(url), "WEB_PAGE", /open the URL in a browser/);
  assertEquals(await filesOf(trial.downloads), []);
});

Deno.test("an HTML error page behind a redirect is not taken for the file", async () => {
  await using trial = await startTrial();
  trial.origin.serve("/login", null, PAGE);
  const url = trial.origin.serve("/a.zip", null, redirect("/login"));
  assertFailed(await trial.end(url), "WEB_PAGE", /open the URL in a browser/);
});

for (
  const [what, odd] of [
    ["an HTML page", PAGE],
    ["a 204", { status: 204 }],
    ["a 400", { status: 400 }],
    ["a 200 of the whole", { ranges: "ignore" }],
    ["gzip", { headers: { "Content-Encoding": "gzip" } }],
    ["a redirect to a page", redirect("/login")],
  ] as const
) {
  Deno.test(`${what} for one slice of many costs no more than that slice`, async () => {
    await using trial = await startTrial();
    trial.origin.serve("/login", null, PAGE);
    const behave = where(({ n }) => n === 6, odd);
    const url = trial.origin.serve("/a", WHOLE, behave);
    await assertDownloaded(await trial.end(url), WHOLE, "a");
    assertEquals(askedWhole(trial.origin), []);
  });
}

for (const path of ["/a.zip", "/download?id=5"]) {
  Deno.test(`an HTML error page with 200 in the middle of ${path} is not taken for the file`, async () => {
    await using trial = await startTrial();
    let loggedIn = true;
    const url = trial.origin.serve(path, WHOLE, ({ n }) => {
      loggedIn &&= n < 5;
      return loggedIn ? {} : PAGE;
    });
    const status = await trial.end(url);
    assertFailed(status, "WEB_PAGE", /open the URL in a browser/);
    assertEquals(await filesOf(trial.downloads), []);
    // What had come is still of use to who logs in again.
    const { sent, requests: { length } } = trial.origin;
    trial.origin.serve(path, WHOLE);
    await trial.downloads.command("retry", status.id);
    const name = path.includes("?") ? "download" : "a.zip";
    await assertDownloaded(await trial.downloads.end(status.id), WHOLE, name);
    assertGreater(trial.origin.requests.length, length);
    assertLess(trial.origin.sent - sent, WHOLE.size);
  });
}

// 7. Sizes

for (const ranges of [undefined, "ignore"] as const) {
  for (
    const [what, size] of [
      ["zero-length file", 0],
      ["one-byte file", 1],
      ["file of one slice less one byte", SLICE - 1],
      ["file of exactly one slice", SLICE],
      ["file of one slice and one byte", SLICE + 1],
      ["file of as many slices as there are threads", 4 * SLICE],
    ] as const
  ) {
    Deno.test(`a ${what} comes whole, ranges: ${ranges}`, async () => {
      await using trial = await startTrial();
      const whole = file(size, 5);
      const url = trial.origin.serve("/a.bin", whole, { ranges });
      await assertDownloaded(await trial.end(url), whole, "a.bin");
    });
  }
}

for (
  const [what, behave] of [
    [
      "a 416 without Content-Range",
      where(({ range }) => range !== null, {
        status: 416,
        headers: { "Content-Range": null },
      }),
    ],
    ["a chunk of nothing", { ranges: "ignore", framing: "chunked" }],
    ["a connection that ends", { ranges: "ignore", framing: "close" }],
  ] as [string, Behave][]
) {
  Deno.test(`a zero-length file, told by ${what}`, async () => {
    await using trial = await startTrial();
    const whole = file(0);
    const url = trial.origin.serve("/a", whole, behave);
    await assertDownloaded(await trial.end(url), whole, "a");
  });
}

Deno.test("a file of 5 GiB comes whole, beyond what 32 bits can count", async () => {
  const bytesAmount = 16 * KiB * KiB;
  await using trial = await startTrial({ bytesAmount });
  const whole = file(5 * 2 ** 30, 6);
  const status = await trial.end(trial.origin.serve("/a", whole));
  assertEquals(status.process_status, "Downloaded");
  assertEquals(nameOf(status), "a");
  // To read all of it again takes too long; where slices meet tells enough.
  using written = await Deno.open(new URL(status.path_to_file ?? ""));
  assertEquals((await written.stat()).size, whole.size);
  const got = new Uint8Array(4 * KiB);
  for (let at = 0; at <= whole.size; at += bytesAmount) {
    const start = Math.max(0, Math.min(at - 2 * KiB, whole.size - got.length));
    await written.seek(start, Deno.SeekMode.Start);
    assertEquals(await written.read(got), got.length);
    const wanted = whole.read(start, got.length);
    assertEquals(Buffer.compare(got, wanted), 0, `wrong near ${at}`);
  }
});

// 8. Stalls

for (
  const [what, gates] of [
    ["before the headers", { head: forever }],
    ["after the headers", { 0: forever }],
    ["in the middle", { 1000: forever }],
  ] as [string, Behaviour["gates"] & object][]
) {
  Deno.test(`a stall ${what}, once for each thread, is got over`, async () => {
    await using trial = await startTrial({ ...IMPATIENT, ...PATIENT });
    const behave = where(({ n }) => n === 0 || (n > 4 && n < 8), { gates });
    const url = trial.origin.serve("/a", WHOLE, behave);
    await assertDownloaded(await trial.end(url), WHOLE, "a");
    assertEquals(askedWhole(trial.origin), []);
  });

  // Where each stall comes after some bytes, the download moves.
  if ("1000" in gates) continue;
  Deno.test(`a stall ${what}, each time, is an error`, async () => {
    await using trial = await startTrial(IMPATIENT);
    const url = trial.origin.serve("/a", WHOLE, { gates });
    assertFailed(await trial.end(url), "STALLED", /sent nothing.*retry/);
    assertEquals(await filesOf(trial.downloads), []);
  });
}

Deno.test("headers that come a byte at a time are not waited for", async () => {
  await using loris = await startLoris();
  await using trial = await startTrial(IMPATIENT);
  assertFailed(await trial.end(loris.url), "STALLED", /sent nothing.*retry/);
  assertEquals(loris.connections, 4);
});

/** An origin whose headers never end, and come a byte at a time. */
async function startLoris() {
  const head = "HTTP/1.1 200 OK\r\nX-Slow: ";
  const timers = new Set<ReturnType<typeof setInterval>>();
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((socket) => {
    connections++;
    sockets.add(socket);
    let at = 0;
    const timer = setInterval(() => socket.write(head[at++] ?? "a"), 10);
    timers.add(timer);
    socket.on("error", () => {});
    socket.on("data", () => {});
    socket.on("close", () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/a`,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const timer of timers) clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

Deno.test("a file at one byte a second comes, as long as that takes", async () => {
  await using trial = await startTrial();
  const whole = literal("abc", { etag: '"1"' });
  const url = trial.origin.serve("/a", whole, { rate: 1 });
  await assertDownloaded(await trial.end(url), whole, "a");
});

for (
  const [what, n, slow] of [
    ["the first connection", 0, { rate: 1 }],
    ["a later connection", 2, { rate: 1 }],
    ["the last connection", 10, { rate: 1 }],
    ["a connection that got half its slice", 3, {
      gates: { [SLICE / 2]: forever },
    }],
    ["a connection that got its headers only", 3, { gates: { 0: forever } }],
  ] as const
) {
  Deno.test(`${what}, slow among fast ones, is not waited for`, async () => {
    await using trial = await startTrial();
    const { origin } = trial;
    const behave = where((request) => request.n === n, slow);
    const status = await endAlone(trial, origin.serve("/a", WHOLE, behave));
    await assertDownloaded(status, WHOLE, "a");
    const crawling = origin.requests[n];
    assert(crawling);
    assertLessOrEqual(crawling.sent, SLICE / 2);
    assertEquals(await crawling.ended, "gone");
    // It was overtaken, not given up for being silent.
    const { log } = trial.downloads;
    assertEquals(log.filter(({ event }) => event === "setback"), []);
    // What the slow one had is the most that was fetched twice.
    assertLess(origin.sent, WHOLE.size + SLICE);
    await trial.good();
  });
}

// 9. Origins that allow few connections, or lose some

// Not 403: that is the end where no thread is left to show that it is not.
for (
  const further of ["close", "reset", { status: 503 }, { status: 429 }] as const
) {
  const how = typeof further === "string" ? further : further.status;
  Deno.test(`an origin that allows 4 connections, and then a ${how}`, async () => {
    const limit = { connections: 4, further };
    await using trial = await startTrial(
      { threadsAmount: 8, threadsPerHost: 8, ...PATIENT },
      { limit },
    );
    const whole = file(40 * SLICE, 7);
    const held = gate();
    let arrived = 0;
    const url = trial.origin.serve("/a", whole, ({ n }) =>
      n === 0 ? {} : {
        gates: {
          1000() {
            if (++arrived === 3) held.open();
            return held.opened;
          },
        },
      });
    await assertDownloaded(await trial.end(url), whole, "a");
    assertEquals(askedWhole(trial.origin), []);
  });
}

Deno.test("an origin that allows 50 requests a second", async () => {
  await using trial = await startTrial({
    threadsAmount: 8,
    threadsPerHost: 8,
    retryWait: 50,
  });
  let refused = 0;
  let taken = -Infinity;
  const behave: Behave = () => {
    const now = performance.now();
    if (now - taken >= 20) taken = now;
    else refused++;
    return taken === now ? {} : { status: 503 };
  };
  const small = file(100, 3);
  const urls = Array.from(
    { length: 60 },
    (_, n) => trial.origin.serve(`/${n}`, small, behave),
  );
  const ends = await Promise.all(
    urls.map(async (url) =>
      await trial.downloads.end(await trial.downloads.add({ url }))
    ),
  );
  for (const end of ends) await assertDownloaded(end, small);
  assertLess(refused, urls.length);
});

Deno.test("an origin that is down holds up no downloads from others", async () => {
  await using trial = await startTrial({ retryWait: 60_000 });
  const { downloads, origin } = trial;
  const down = { status: 503 };
  const ids = await Promise.all(Array.from(
    { length: 100 },
    (_, n) => downloads.add({ url: origin.serve(`/${n}`, WHOLE, down) }),
  ));
  await trial.good();
  // Those that failed wait: none has been tried twice, and only a few once.
  const tried = origin.requests.map(({ path }) => path);
  assertEquals(new Set(tried).size, tried.length);
  assertLess(tried.length, 25);
  for (const id of ids) await downloads.coordinator.command(id, REMOVE);
});

Deno.test("an origin that says nothing holds up no downloads from others", async () => {
  await using trial = await startTrial({ threadsAmount: 4, threadsPerHost: 4 });
  const { downloads, origin } = trial;
  const asked = Promise.withResolvers<void>();
  const spoken = Promise.withResolvers<void>();
  const silent = { gates: { head: () => (asked.resolve(), spoken.promise) } };
  const ids = await Promise.all(Array.from(
    { length: 8 },
    (_, n) => downloads.add({ url: origin.serve(`/${n}`, WHOLE, silent) }),
  ));
  await asked.promise;
  await trial.good();
  // It was only waited for.
  spoken.resolve();
  for (const [n, id] of ids.entries()) {
    await assertDownloaded(await downloads.end(id), WHOLE, `${n}`);
  }
});

Deno.test("a download waits for its turn at an origin that serves one at a time", async () => {
  await using trial = await startTrial({ attempts: 3 });
  const { downloads, origin } = trial;
  const one: Behave = ({ running }) =>
    running > 1 ? { status: 429 } : { rate: 2_000_000 };
  const big = file(64 * SLICE, 1);
  const first = await downloads.add({ url: origin.serve("/a", big, one) });
  await downloads.until(first, ({ downloaded }) => downloaded > 0);
  const then = await downloads.add({ url: origin.serve("/b", WHOLE, one) });
  await assertDownloaded(await downloads.end(then), WHOLE, "b");
  await assertDownloaded(await downloads.end(first), big, "a");
});

for (
  const [how, broken] of [
    ["resets connections", { raw: "", cut: { after: 0, by: "reset" } }],
    ["answers 500", { status: 500 }],
    ["answers 503", { status: 503 }],
  ] as const
) {
  Deno.test(`a mirror that ${how} in the middle is left for another one`, async () => {
    await using trial = await startTrial(PATIENT);
    await using mirror = await startOrigin();
    await using another = await startOrigin();
    const whole = file(16 * SLICE, 3);
    let down = false;
    mirror.serve("/m", whole, ({ nth }) => {
      down ||= nth === 4;
      return down ? broken : {};
    });
    another.serve("/m", whole);
    const url = trial.origin.serve(
      "/a",
      null,
      () => redirect((down ? another : mirror).url("/m")),
    );
    await assertDownloaded(await trial.end(url), whole, "m");
  });
}

Deno.test("a whole file does not wait for a thread that was to come later", async () => {
  await using trial = await startTrial();
  const whole = file(2 * SLICE, 4);
  const later = { status: 429, headers: { "Retry-After": "600" } };
  const url = trial.origin.serve("/a", whole, ({ nth }) => {
    if (nth === 0) return {};
    return nth === 1 ? { rate: 40_000 } : later;
  });
  const id = await trial.downloads.add({ url });
  await assertDownloaded(await trial.downloads.end(id), whole, "a");
  assertGreater(trial.origin.requests.length, 2);
});

Deno.test("a command stands, whatever answer is on its way", async () => {
  await using trial = await startTrial();
  const { downloads: { coordinator, ...downloads }, origin } = trial;
  for (let n = 0; n < 50; n++) {
    const removed = Promise.withResolvers<void>();
    const added = Promise.withResolvers<string>();
    const remove = async () =>
      removed.resolve(coordinator.command(await added.promise, REMOVE));
    // Without a validator, the answer would have the whole asked for.
    const url = origin.serve(`/${n}`, file(4 * SLICE, n, { etag: null }), {
      gates: { 1: remove },
    });
    added.resolve(downloads.add({ url }));
    await removed.promise;
    assertEquals(coordinator.get(await added.promise), null);
  }
});

Deno.test("an origin whose fifth connection is refused", async () => {
  await using trial = await startTrial({ threadsAmount: 8, threadsPerHost: 8 });
  const behave: Behave = ({ connection }) => ({
    connection: "close",
    ...(connection === 4 && { raw: "", cut: { after: 0, by: "reset" } }),
  });
  const url = trial.origin.serve("/a", WHOLE, behave);
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

Deno.test("an origin that resets every seventh connection", async () => {
  await using trial = await startTrial(PATIENT);
  const whole = file(40 * SLICE, 7);
  const behave: Behave = ({ connection }) => ({
    connection: "close",
    ...(connection % 7 === 6 && { cut: { after: 20_000, by: "reset" } }),
  });
  const url = trial.origin.serve("/a", whole, behave);
  await assertDownloaded(await trial.end(url), whole, "a");
  assertGreater(trial.origin.requests.length, 40);
});

Deno.test("an origin that takes no connection is an error", async () => {
  const url = await (async () => {
    await using closed = await startOrigin();
    return closed.url("/a");
  })();
  await using trial = await startTrial();
  assertFailed(await trial.end(url), "REFUSED", /check the URL.*retry/);
});

for (
  const [what, raw] of [
    ["nothing", ""],
    ["half a status line", "HTTP/1.1 2"],
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["HTTP/0.9", "abc"],
    [
      "headers without end",
      `HTTP/1.1 200 OK\r\n${"X-A: b\r\n".repeat(200_000)}`,
    ],
    ["a header of a megabyte", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(2 ** 20)}`],
    ["a NUL in a header", "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\nabc"],
  ] as const
) {
  Deno.test(`an origin that answers ${what} is an error`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", WHOLE, { raw });
    assertFailed(await trial.end(url), "REFUSED", /check the URL.*retry/);
    assertEquals(await filesOf(trial.downloads), []);
  });
}

Deno.test("hints before an answer are not taken for it", async () => {
  await using trial = await startTrial();
  const body = "the file";
  const raw = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" +
    `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const url = trial.origin.serve("/a", null, { raw });
  await assertDownloaded(await trial.end(url), literal(body), "a");
});

// 10. Redirects

for (
  const [hops, status] of [
    [1, 301],
    [1, 302],
    [1, 303],
    [1, 307],
    [1, 308],
    [10, 302],
  ] as const
) {
  Deno.test(`${hops} × ${status} to the file`, async () => {
    await using trial = await startTrial();
    const { origin } = trial;
    serveHops(origin, hops, status);
    origin.serve(`/hop-${hops}`, WHOLE);
    const end = await trial.end(origin.url("/hop-0"));
    await assertDownloaded(end, WHOLE, `hop-${hops}`);
    // Later slices are asked for where the first one was found.
    const first = origin.requests.filter(({ path }) => path === "/hop-0");
    assertEquals(first.length, 1);
  });
}

function serveHops(origin: Origin, hops: number, status?: number) {
  for (let hop = 0; hop < hops; hop++) {
    const location = hop % 2 ? `hop-${hop + 1}` : origin.url(`/hop-${hop + 1}`);
    origin.serve(`/hop-${hop}`, null, redirect(location, status));
  }
}

Deno.test("eleven redirects are too many", async () => {
  await using trial = await startTrial();
  serveHops(trial.origin, 11);
  trial.origin.serve("/hop-11", WHOLE);
  const status = await trial.end(trial.origin.url("/hop-0"));
  assertFailed(status, "REDIRECT", /more than 10 times.*add/i);
});

Deno.test("a redirect loop is an error", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  origin.serve("/b", null, redirect("/a"));
  const url = origin.serve("/a", null, redirect("/b"));
  assertFailed(await trial.end(url), "REDIRECT", /more than 10 times.*add/i);
  assertEquals(origin.requests.length, 11);
});

for (const from of ["url", "headers"] as const) {
  Deno.test(`credentials in the ${from} do not follow to another host`, async () => {
    await using trial = await startTrial();
    await using other = await startOrigin();
    const targets = [
      other.serve("/b", WHOLE),
      trial.origin.serve("/c", WHOLE).replace("127.0.0.1", "localhost"),
    ];
    for (const [n, target] of targets.entries()) {
      const path = `/a-${n}`;
      const url = new URL(trial.origin.serve(path, null, redirect(target)));
      const secret = { authorization: "Basic bWU6c2VjcmV0" };
      if (from === "url") [url.username, url.password] = ["me", "secret"];
      const headers = from === "url" ? {} : { ...secret, cookie: "a=b" };
      const status = await trial.end({ url: url.href, headers });
      await assertDownloaded(status, WHOLE, n === 0 ? "b" : "c");
      const asked = trial.origin.requests.find((r) => r.path === path);
      assertEquals(asked?.headers.get("authorization"), secret.authorization);
    }
    const strangers = [
      ...other.requests,
      ...trial.origin.requests.filter(({ path }) => path === "/c"),
    ];
    assertGreater(strangers.length, 10);
    for (const { headers } of strangers) {
      assertEquals(headers.get("authorization"), null);
      assertEquals(headers.get("cookie"), null);
    }
  });
}

Deno.test("credentials in a redirect's target are not used", async () => {
  await using trial = await startTrial();
  const target = new URL(trial.origin.serve("/b", WHOLE));
  target.username = "somebody";
  const url = trial.origin.serve("/a", null, redirect(target.href));
  await assertDownloaded(await trial.end(url), WHOLE, "b");
  for (const { headers } of trial.origin.requests) {
    assertEquals(headers.get("authorization"), null);
  }
});

Deno.test("a redirect from https to http is not followed", async () => {
  await using trial = await startTrial({ caCerts: [caCertificate] }, TLS);
  await using plain = await startOrigin();
  const target = plain.serve("/b", WHOLE);
  const url = trial.origin.serve("/a", null, redirect(target));
  assertFailed(await trial.end(url), "REDIRECT", /https to http.*add/i);
  assertEquals(plain.requests, []);
});

Deno.test("a redirect from http to https is followed", async () => {
  await using trial = await startTrial({ caCerts: [caCertificate] });
  await using safe = await startOrigin(TLS);
  const target = safe.serve("/b", WHOLE);
  const url = trial.origin.serve("/a", null, redirect(target));
  await assertDownloaded(await trial.end(url), WHOLE, "b");
});

for (
  const [what, location] of [
    ["to file:", "file:///etc/passwd"],
    ["to data:", "data:text/plain,abc"],
    ["to javascript:", "javascript:alert(1)"],
    ["to ftp:", "ftp://127.0.0.1/a"],
    ["to blob:", "blob:http://127.0.0.1/a"],
    ["to no URL", "http://[bad/"],
    ["nowhere", null],
  ] as const
) {
  Deno.test(`a redirect ${what} is an error`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", null, {
      status: 302,
      headers: { Location: location },
    });
    assertFailed(await trial.end(url), "REDIRECT", /redirects.*add/i);
    assertEquals(await filesOf(trial.downloads), []);
  });
}

Deno.test("an empty Location leads to the same URL, and is a loop", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", null, redirect(""));
  assertFailed(await trial.end(url), "REDIRECT", /redirects.*add/i);
});

Deno.test("redirect chains that change with each request", async () => {
  await using trial = await startTrial(PATIENT);
  const { origin } = trial;
  const url = origin.serve("/a", null, ({ n }) => redirect(`/b-${n % 3}`));
  for (const n of [0, 1, 2]) {
    origin.serve(`/b-${n}`, null, ({ n }) => redirect(`/c?${n}`));
  }
  // Each target is good for three requests.
  origin.serve("/c", WHOLE, where(({ nth }) => nth > 2, { status: 410 }));
  await assertDownloaded(await trial.end(url), WHOLE, "c");
});

Deno.test("redirects to mirrors with different validators", async () => {
  await using trial = await startTrial(PATIENT);
  const { origin } = trial;
  const files = [WHOLE, OTHER, file(WHOLE.size, 8)];
  // The first two are good for three requests.
  const expire = where(({ nth }) => nth > 2, { status: 403 });
  const mirrors = files.map((whole, n) =>
    origin.serve(`/${n}/m`, whole, n < 2 ? expire : {})
  );
  const url = origin.serve(
    "/a",
    null,
    ({ nth }) => redirect(mirrors[Math.min(nth, 2)] ?? ""),
  );
  await assertDownloaded(await trial.end(url), files[2] ?? WHOLE, "m");
});

// 11. Signed URLs that expire in the middle

/** Serves a URL that is good for four requests, then expires. */
function serveExpiring(origin: Origin, status = 403): string {
  return origin.serve(
    "/a.bin?sig=1",
    WHOLE,
    where(({ nth }) => nth >= 4, { status }),
  );
}

async function refreshAlone(
  { downloads }: Trial,
  id: string,
  url: string,
): Promise<Status> {
  await downloads.coordinator.command(id, { kind: "refresh", url });
  return await downloads.until(id, (status) =>
    status.url === url &&
    ["Downloaded", "Failed", "Paused"].includes(status.process_status));
}

async function refresh(
  trial: Trial,
  id: string,
  url: string,
): Promise<Status> {
  const [status] = await Promise.all([
    refreshAlone(trial, id, url),
    trial.good(),
  ]);
  return status;
}

for (const status of [401, 403, 404, 410]) {
  Deno.test(`a signed URL that expires with ${status} in the middle can be renewed`, async () => {
    await using trial = await startTrial();
    const { origin } = trial;
    const failed = await endAlone(trial, serveExpiring(origin, status));
    assertFailed(failed, "EXPIRED", /refresh/);
    assertEquals(failed.downloaded, 4 * SLICE);
    await trial.good();
    const url = origin.serve("/a.bin?sig=2", WHOLE);
    await assertDownloaded(
      await refreshAlone(trial, failed.id, url),
      WHOLE,
      "a.bin",
    );
    // What was there is not fetched again.
    assertEquals(origin.sent, WHOLE.size);
  });
}

for (
  const [what, other] of [
    ["of another ETag", OTHER],
    ["of another size", file(3 * SLICE, 9, { etag: WHOLE.etag })],
    ["without a validator", file(WHOLE.size, 9, { etag: null })],
  ] as const
) {
  Deno.test(`a signed URL renewed by one ${what} begins anew`, async () => {
    await using trial = await startTrial();
    const failed = await trial.end(serveExpiring(trial.origin));
    const url = trial.origin.serve("/b.bin?sig=2", other);
    await assertDownloaded(
      await refresh(trial, failed.id, url),
      other,
      "b.bin",
    );
  });
}

Deno.test("a signed URL renewed by a wrong one can be renewed again", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const { id } = await trial.end(serveExpiring(origin));
  const wrong = await refresh(trial, id, origin.serve("/nothing", null));
  assertFailed(wrong, "EXPIRED", /refresh/);
  assertEquals(wrong.downloaded, 4 * SLICE);
  const url = origin.serve("/a.bin?sig=2", WHOLE);
  await assertDownloaded(await refresh(trial, id, url), WHOLE, "a.bin");
  assertEquals(origin.sent, WHOLE.size);
});

for (const paused of [false, true]) {
  Deno.test(`a ${paused ? "paused" : "running"} download goes on from another URL`, async () => {
    await using trial = await startTrial();
    const { origin, downloads } = trial;
    const url = origin.serve(
      "/old?sig=1",
      WHOLE,
      ({ range }) =>
        (range?.start ?? 0) < 3 * SLICE ? {} : { gates: { 1000: forever } },
    );
    const id = await downloads.add({ url });
    await downloads.until(id, ({ downloaded }) => downloaded >= 3 * SLICE);
    if (paused) await downloads.command("pause", id);
    const fresh = origin.serve("/new?sig=2", WHOLE);
    await assertDownloaded(await refresh(trial, id, fresh), WHOLE);
    const asked = origin.requests.filter(({ path }) => path === "/new?sig=2");
    for (const { range } of asked) {
      assert(range !== null && range.start >= 3 * SLICE);
    }
  });
}

Deno.test("a signed URL that expires is fetched anew from the URL that redirected to it", async () => {
  await using trial = await startTrial(PATIENT);
  const { origin } = trial;
  let signed = 0;
  const url = origin.serve("/a.bin", null, () => redirect(`/s?${signed++}`));
  origin.serve("/s", WHOLE, where(({ nth }) => nth >= 4, { status: 403 }));
  await assertDownloaded(await trial.end(url), WHOLE, "s");
  assertGreater(signed, 1);
  assertEquals(origin.sent, WHOLE.size);
});

Deno.test("a signed URL that expires, and whose original is gone, is an error", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const target = serveExpiring(origin);
  const url = origin.serve(
    "/a",
    null,
    ({ nth }) => nth === 0 ? redirect(target) : { status: 404 },
  );
  const failed = await trial.end(url);
  assertFailed(failed, "EXPIRED", /refresh/);
  assertEquals(failed.downloaded, 4 * SLICE);
});

// 12. HTTPS

Deno.test("HTTPS with an unknown certificate is a clear error", async () => {
  await using trial = await startTrial({}, TLS);
  const url = trial.origin.serve("/a", WHOLE);
  assertFailed(await trial.end(url), "TLS", /not trusted.*CA_FILE/);
  assertEquals(trial.origin.requests, []);
});

Deno.test("HTTPS with a CA that the user names", async () => {
  await using trial = await startTrial({ caCerts: [caCertificate] }, TLS);
  const url = trial.origin.serve("/a", WHOLE);
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

Deno.test("HTTPS to a port that speaks HTTP is a clear error", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE).replace("http:", "https:");
  assertFailed(await trial.end(url), "TLS", /does not speak TLS.*check/);
});

Deno.test("HTTP to a port that speaks HTTPS is an error", async () => {
  await using trial = await startTrial({}, TLS);
  const url = trial.origin.serve("/a", WHOLE).replace("https:", "http:");
  assertFailed(await trial.end(url), "REFUSED", /check the URL/);
});

Deno.test("HTTPS that is cut without a goodbye goes on from there", async () => {
  await using trial = await startTrial({ caCerts: [caCertificate] }, TLS);
  const cut = { after: 1000, by: "reset" } as const;
  const url = trial.origin.serve("/a", WHOLE, where(({ n }) => n < 3, { cut }));
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

// 13. Other ways of speaking HTTP

for (const tls of [false, true]) {
  Deno.test(`each thread has a connection of its own${tls ? " over TLS" : ""}`, async () => {
    await using trial = await startTrial(
      { caCerts: [caCertificate] },
      tls ? TLS : {},
    );
    const all = gate();
    let arrived = 0;
    const url = trial.origin.serve("/a", WHOLE, ({ n }) =>
      n === 0 ? {} : {
        gates: {
          head() {
            if (++arrived === 4) all.open();
            return all.opened;
          },
        },
      });
    const id = await trial.downloads.add({ url });
    await assertDownloaded(await trial.downloads.end(id), WHOLE, "a");
    const together = trial.origin.requests.slice(1, 5);
    assertEquals(new Set(together.map(({ connection }) => connection)).size, 4);
  });
}

for (
  const [what, behave] of [
    ["HTTP/1.0", { version: "HTTP/1.0" }],
    ["HTTP/1.0 without ranges", { version: "HTTP/1.0", ranges: "ignore" }],
    ["HTTP/1.0 without ranges or length", {
      version: "HTTP/1.0",
      ranges: "ignore",
      framing: "close",
    }],
    ["Connection: close after each answer", { connection: "close" }],
    ["connections that close without a word", { connection: "drop" }],
    ["lower-case headers", { spelling: (name: string) => name.toLowerCase() }],
    ["upper-case headers", { spelling: (name: string) => name.toUpperCase() }],
    ["headers in oDD spelling", {
      spelling: (name: string) =>
        name.replace(/./g, (c, n) => n % 2 ? c.toUpperCase() : c.toLowerCase()),
    }],
    ["chunked slices", { framing: "chunked" }],
    ["slices that end with their connection", { framing: "close" }],
    ["Accept-Ranges: none, though there are some", {
      headers: { "Accept-Ranges": "none" },
    }],
  ] as [string, Behaviour][]
) {
  Deno.test(`an origin with ${what}`, async () => {
    // Dropped connections may cost some attempts.
    await using trial = await startTrial(PATIENT);
    const status = await trial.end(trial.origin.serve("/a", WHOLE, behave));
    await assertDownloaded(status, WHOLE, "a");
    assertEquals(status.ranges, behave.ranges !== "ignore");
    const connections = trial.origin.requests.map((r) => r.connection);
    if (behave.version) {
      assertEquals(new Set(connections).size, connections.length);
    }
  });
}

Deno.test("spaces around what headers say are no part of it", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE, ({ range }) => ({
    headers: {
      "Content-Range": `  Bytes  ${range?.start}-${
        Math.min(range?.end ?? 0, WHOLE.size) - 1
      }/${WHOLE.size} \t`,
      "ETag": ` \t${WHOLE.etag}  `,
    },
  }));
  const status = await trial.end(url);
  await assertDownloaded(status, WHOLE, "a");
  assertEquals(status.ranges, true);
});

// 14. Names

const NAMES: [string, string | Uint8Array | string[], string][] = [
  ["filename", 'attachment; filename="a.txt"', "a.txt"],
  ["filename without quotes", "attachment; filename=a.txt", "a.txt"],
  ["filename, inline", 'inline; FileName = "a.txt" ', "a.txt"],
  [
    "filename*",
    "attachment; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.txt",
    "naïve €.txt",
  ],
  [
    "filename* in Latin-1",
    "attachment; filename*=iso-8859-1'en'na%EFve.txt",
    "naïve.txt",
  ],
  [
    "both, filename first",
    "attachment; filename=\"b.txt\"; filename*=UTF-8''a.txt",
    "a.txt",
  ],
  [
    "both, filename* first",
    "attachment; filename*=UTF-8''a.txt; filename=\"b.txt\"",
    "a.txt",
  ],
  [
    "both, filename* broken",
    'attachment; filename*=%zz; filename="a.txt"',
    "a.txt",
  ],
  ["quotes in quotes", 'attachment; filename="a \\"b\\".txt"', "a _b_.txt"],
  ["a quote without end", 'attachment; filename="a.txt', "a.txt"],
  ["a semicolon in quotes", 'attachment; filename="a;b.txt"', "a;b.txt"],
  ["../../x", 'attachment; filename="../../x"', "x"],
  ["/etc/passwd", 'attachment; filename="/etc/passwd"', "passwd"],
  ["..%2fx", 'attachment; filename="..%2fx"', "_x"],
  ["..%2fx, encoded", "attachment; filename*=UTF-8''..%2F..%2Fx", "x"],
  ["..%2fx, encoded twice", "attachment; filename*=UTF-8''..%252fx", "_x"],
  ["backslashes", 'attachment; filename="..\\..\\x.txt"', "x.txt"],
  ["a drive", 'attachment; filename="C:\\dir\\x.txt"', "x.txt"],
  ["a stream", 'attachment; filename="x.txt:evil"', "x.txt_evil"],
  ["NUL", "attachment; filename*=UTF-8''a%00b.txt", "a_b.txt"],
  ["a line break", "attachment; filename*=UTF-8''a%0D%0Ab.txt", "a__b.txt"],
  ["letters read backwards", "attachment; filename*=UTF-8''a%E2%80%AEb", "a_b"],
  ["CON", "attachment; filename=CON", "_CON"],
  ["con.txt", "attachment; filename=con.txt", "_con.txt"],
  ["a leading dot", "attachment; filename=.bashrc", "bashrc"],
  ["Sluice's own directory", "attachment; filename=.sluice", "sluice"],
  ["a trailing dot", 'attachment; filename="a.txt. . "', "a.txt"],
  [
    "300 bytes",
    `attachment; filename="${"a".repeat(296)}.txt"`,
    `${"a".repeat(236)}.txt`,
  ],
  [
    "300 bytes of UTF-8",
    `attachment; filename="${"é".repeat(148)}.txt"`,
    `${"é".repeat(118)}.txt`,
  ],
  ["raw UTF-8", 'attachment; filename="naïve €.txt"', "naïve €.txt"],
  [
    "raw Latin-1",
    Uint8Array.from('attachment; filename="naïve.txt"', (c) => c.charCodeAt(0)),
    "naïve.txt",
  ],
  ["two headers", ["inline", "attachment; filename=a.txt"], "a.txt"],
  ["an empty filename", 'attachment; filename=""', "from the URL.bin"],
  ["a filename of a dot", "attachment; filename=.", "from the URL.bin"],
  ["a filename of two dots", "attachment; filename=..", "from the URL.bin"],
  [
    "a path that ends in a slash",
    "attachment; filename=a/",
    "from the URL.bin",
  ],
  ["a header without a filename", "attachment", "from the URL.bin"],
  ["an empty header", "", "from the URL.bin"],
  ["a directory's name", "attachment; filename=directory", "directory (1)"],
  ["a link's name", "attachment; filename=link.txt", "link (1).txt"],
];

Deno.test("Content-Disposition names the file, but not where it goes", async (t) => {
  await using trial = await startTrial();
  const { origin, downloads: { directory } } = trial;
  const outside = await Deno.makeTempDir({ prefix: "sluice-" });
  await Deno.mkdir(`${directory}/directory`);
  await Deno.symlink(`${outside}/planted`, `${directory}/link.txt`);
  for (const [what, header, name] of NAMES) {
    await t.step(what, async () => {
      const headers = { "Content-Disposition": header };
      const url = origin.serve("/from%20the%20URL.bin", WHOLE, { headers });
      const id = await trial.downloads.add({ url });
      const status = await trial.downloads.end(id);
      await assertDownloaded(status, WHOLE, name);
      const files = await filesOf(trial.downloads);
      assertEquals(files.sort(), ["directory", "link.txt", name].sort());
      await trial.downloads.coordinator.command(id, REMOVE);
    });
  }
  await trial.good();
  assertEquals(await Array.fromAsync(Deno.readDir(outside)), []);
  await Deno.remove(outside, { recursive: true });
});

Deno.test("a NUL in a header's own bytes is an error", async () => {
  await using trial = await startTrial();
  const headers = { "Content-Disposition": 'attachment; filename="a\0b"' };
  const url = trial.origin.serve("/a", WHOLE, { headers });
  assertFailed(await trial.end(url), "REFUSED");
});

Deno.test("one passing 403 in the middle is not the end", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads({ threadsAmount: 1 });
  const whole = file(10 * 64 * 1024);
  const url = origin.serve(
    "/a",
    whole,
    ({ n }) => n === 4 ? { status: 403 } : {},
  );
  const status = await downloads.end(await downloads.add({ url }));
  assertEquals(status.error, null);
  assertEquals(status.process_status, "Downloaded");
});
