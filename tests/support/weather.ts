/**
 * Answers at random, strange in most ways that answers can be, but without lies
 * that no client can notice (`trial.ts` lists them): what may come of them is
 * the file or an error.
 */

import type { ErrorCode } from "../../lib/download/errors.ts";
import {
  type Behaviour,
  file,
  type FileFacts,
  forever,
  type HeaderOverride,
  type OriginFile,
  type OriginRequest,
  redirect,
} from "./origin.ts";

const KiB = 1024;

/** What a download may fail with in any weather: faults of origins and of the way. */
export const ORIGIN_FAULTS: readonly ErrorCode[] = [
  "REFUSED",
  "TLS",
  "REDIRECT",
  "UNREADABLE",
  "BUSY",
  "EXPIRED",
  "ORIGIN_STATUS",
  "ORIGIN_FAULT",
  "NO_RANGES",
  "WRONG_RANGE",
  "CHANGED",
  "ENCODED",
  "WEB_PAGE",
  "CUT",
  "STALLED",
  "TOO_LONG",
];

/** Numbers in [0, 1). */
type Dice = () => number;

/** How answers differ from the right one in one respect. */
type Trait = (dice: Dice, request: OriginRequest) => Behaviour;

/** What is served at one path, and how. */
export interface Weather {
  readonly whole: OriginFile;
  /** All files that are sent there, `whole` among them. */
  readonly versions: readonly OriginFile[];
  behave(request: OriginRequest): Behaviour;
}

/**
 * The weather of one path: traits that all its answers have, and gusts of others
 * now and then. Half of all paths have little of either.
 *
 * @param slice Bytes of a slice: files are up to ten times as long.
 */
export function createWeather(dice: Dice, slice: number): Weather {
  const seed = Math.floor(dice() * 2 ** 20);
  const size = pick(dice, [
    0,
    1,
    slice + pick(dice, [-1, 0, 1]),
    Math.floor(dice() * slice),
    Math.floor(dice() * 3 * slice),
    Math.floor(dice() * 10 * slice),
    Math.floor(dice() * 10 * slice),
  ]);
  const whole = versionOf(dice, size, seed);
  const changes = dice() < 0.1;
  const other = versionOf(dice, pick(dice, [size, size + 1, 1000]), seed + 1);
  const isCalm = dice() < 0.5;
  const always = some(dice, isCalm ? 1 : 4);
  const gusts = dice() * (isCalm ? 0.3 : 0.8);
  return {
    whole,
    versions: changes ? [whole, other] : [whole],
    behave(request) {
      if (changes && dice() < 0.2) return { file: other };
      const traits = dice() < gusts ? [...always, ...some(dice, 2)] : always;
      const all = traits.map((trait) => trait(dice, request));
      return withoutLies(merge(all), request, whole);
    },
  };
}

/** A file with any validators, which no other seed's has. */
function versionOf(dice: Dice, size: number, seed: number): OriginFile {
  const lastModified = new Date(seed * 1000 + 1e12).toUTCString();
  const facts: FileFacts = pick(dice, [
    { etag: `"${seed}"` },
    { etag: `"${seed}"`, lastModified },
    { etag: null, lastModified },
    { etag: `W/"${seed}"`, lastModified },
    { etag: `W/"${seed}"` },
    { etag: null },
  ]);
  return file(size, seed, facts);
}

/** An element of a list, at random. */
export function pick<T>(dice: Dice, all: readonly T[]): T {
  return all[Math.floor(dice() * all.length)] as T;
}

function some(dice: Dice, most: number): Trait[] {
  const count = Math.floor(dice() * (most + 1));
  return Array.from({ length: count }, () => pick(dice, TRAITS));
}

function merge(all: readonly Behaviour[]): Behaviour {
  return all.reduce((merged, one) => ({
    ...merged,
    ...one,
    headers: { ...merged.headers, ...one.headers },
  }), {});
}

/** Takes from an answer what no client could tell from the right one. */
function withoutLies(
  behaviour: Behaviour,
  { range }: OriginRequest,
  { size }: OriginFile,
): Behaviour {
  const { framing = "length", body, slice, ranges, encoding } = behaviour;
  const fair = { ...behaviour };
  const headers = { ...behaviour.headers };
  const isPart = body === undefined &&
    (slice !== undefined || range !== null && ranges === undefined);
  const { start, end } = slice ?? range ?? { start: 0, end: size };
  // A part says that it is one by its status or its range.
  const isNamed = isPart && behaviour.status === undefined;
  if (isPart && !isNamed && (start > 0 || end < size)) {
    delete headers["Content-Range"];
  }
  // The length of the whole is what its origin says, in whichever way.
  if (!isNamed) delete fair.surplus;
  if (!isNamed && isBelow(headers["Content-Length"], body?.length ?? size)) {
    delete headers["Content-Length"];
  }
  if (!isPart && framing === "close" && fair.cut?.by === "fin") delete fair.cut;
  if (framing !== "chunked" && fair.cut?.by === "broken chunk") delete fair.cut;
  // A body is written in what its labels say.
  const coding = headers["Transfer-Encoding"];
  if (/chunked/.test(String(coding ?? "")) !== (framing === "chunked")) {
    delete headers["Transfer-Encoding"];
  }
  if (encoding && !/gzip/.test(String(headers["Transfer-Encoding"] ?? ""))) {
    delete headers["Content-Encoding"];
  }
  if (body !== undefined) headers["Content-Type"] = "text/html";
  return { ...fair, headers };
}

function isBelow(length: HeaderOverride | undefined, size: number): boolean {
  const [, first] = String(length).match(/^(\d+)(, \1)?$/) ?? [];
  return first !== undefined && Number(first) < size;
}

function header(name: string, ...values: readonly HeaderOverride[]): Trait {
  return (dice) => ({ headers: { [name]: pick(dice, values) } });
}

function delay(milliseconds: number): () => Promise<void> {
  return () => new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Errors of origins, and statuses that make no sense. */
function status(dice: Dice): number {
  return pick(dice, [
    Math.floor(100 + dice() * 500),
    ...[200, 203, 204, 206, 226, 202, 304, 400, 401, 403, 404, 408, 410],
    ...[412, 416, 425, 429, 451, 500, 501, 502, 503, 504, 509, 522, 599],
  ]);
}

const PAGE = "<!doctype html><title>Log in</title>";
const CONTENT_RANGES = [
  null,
  "bytes 0-0/9999999",
  "bytes 0-9/*",
  "bytes */10",
  "bytes 5-4/10",
  "items 0-9/10",
  "bytes=0-9/10",
  "0-9/10",
  "",
  ["bytes 0-9/100", "bytes 10-19/100"],
];
const LOCATIONS = [
  "?hop",
  "./?hop",
  "//127.0.0.1:1/",
  "http://127.0.0.1:1/",
  "file:///etc/passwd",
  "https://[/",
  "\\\\?hop",
  "?hop, ?hop",
  "",
];
const NOT_HTTP = [
  "",
  "SSH-2.0-OpenSSH_9.2\r\n",
  "HTTP/1.1 200 OK\r\nContent-Le",
  "HTTP/2 200 OK\r\nContent-Length: 9\r\n\r\n",
  "HTTP/1.1 200\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
  "HTTP/1.1 100 Continue\r\n\r\n".repeat(3),
  "HTTP/1.1 OK\r\n\r\n",
  "ICY 200 OK\r\n\r\nbytes",
  "<html>HTTP/0.9</html>",
  "\x15\x03\x01\x00\x02\x02\x28",
  "\r\n\r\n\r\n",
  `HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX: ${"x".repeat(300 * KiB)}\r\n\r\n`,
];

/** Each is as likely as the others. */
const TRAITS: readonly Trait[] = [
  () => ({ ranges: "ignore" }),
  () => ({ ranges: "ignore" }),
  (dice) => ({ framing: pick(dice, ["chunked", "close"]) }),
  (dice) => ({ connection: pick(dice, ["close", "drop"]) }),
  () => ({ version: "HTTP/1.0" }),
  (dice) => ({
    spelling: pick(dice, [
      (name: string) => name.toLowerCase(),
      (name: string) => name.toUpperCase(),
      (name: string) => `${name} `,
    ]),
  }),
  (dice) => ({ status: status(dice) }),
  (dice) => ({
    status: pick(dice, [429, 503, 403, 202]),
    headers: { "Retry-After": pick(dice, ["0", "1", "-5", "soon", ""]) },
  }),
  () => ({ body: PAGE }),
  (dice) => ({ body: PAGE, status: status(dice) }),
  (dice) => ({ raw: pick(dice, NOT_HTTP) }),
  () => ({ raw: "", cut: { after: 0, by: "reset" } }),
  (dice) => ({
    cut: {
      after: Math.floor(dice() * 100 * KiB),
      by: pick(dice, ["fin", "reset", "broken chunk"]),
    },
  }),
  (dice) => ({
    framing: "chunked",
    cut: {
      after: Math.floor(dice() * 100 * KiB),
      by: pick(dice, ["fin", "reset", "broken chunk"]),
    },
  }),
  (dice) => ({ gates: { head: delay(dice() * 300) } }),
  (dice) => ({ gates: { [Math.floor(dice() * 64 * KiB)]: delay(300) } }),
  () => ({ gates: { head: forever } }),
  (dice) => ({ gates: { [Math.floor(dice() * 64 * KiB)]: forever } }),
  () => ({ rate: 512 * KiB }),
  () => ({ encoding: "gzip" }),
  () => ({
    encoding: "gzip",
    framing: "chunked",
    headers: { "Content-Encoding": null, "Transfer-Encoding": "gzip, chunked" },
  }),
  header("Transfer-Encoding", "identity", "chunked", "Chunked", "x, chunked"),
  header("Content-Encoding", "utf-8", "binary", "br", "deflate", "", "zstd"),
  header("Content-Range", ...CONTENT_RANGES),
  (dice) => {
    const start = Math.floor(dice() * 64 * KiB);
    return { slice: { start, end: start + 1 + Math.floor(dice() * 64 * KiB) } };
  },
  (dice, { range }) => {
    if (range === null) return {};
    const least = pick(dice, [1, 1000, 20 * KiB]);
    const end = range.start + least + Math.floor(dice() * 64 * KiB);
    return { slice: { start: range.start, end } };
  },
  (dice) => ({ surplus: pick(dice, [-1000, -1, 1, 1000]) }),
  (dice) => ({ surplus: pick(dice, [-1, 1, 1000]), framing: "chunked" }),
  (dice) => ({ surplus: pick(dice, [-1, 1, 1000]), framing: "close" }),
  header("Content-Length", "0", "10", "9999999", "-1", "1e3", "", "5, 5", null),
  header("ETag", null, '""', "plain", 'W/"plain"', '"one"', ['"a"', '"b"']),
  (dice) => ({ headers: { "ETag": `"${dice()}"` } }),
  header("Last-Modified", null, "Tue, 01 Jan 2019 00:00:00 GMT", "soon", "0"),
  header("Date", null, "Tue, 01 Jan 2019 00:00:00 GMT", "now"),
  header("Content-Type", null, "text/html", "multipart/byteranges", "?"),
  header("Content-Disposition", "attachment; filename=../../x", "\xff", ""),
  header("Set-Cookie", "a=b", "a=b; Max-Age=0", ["a=b; Path=/", "=", ";;;"]),
  header("Accept-Ranges", "none", "bytes", "items"),
  header("Connection", "upgrade", "keep-alive, close", "Content-Length"),
  header("X Space", "1"),
  header("X-Folded", "1\r\n  2", "1\r\n\t"),
  header("", "no name"),
  header("X-Odd", "\x01", "\0", "\x7f", "é", "a\rb"),
  header("X-Many", Array.from({ length: 150 }, (_, n) => String(n))),
  (dice, { path }) =>
    path.includes("hop") ? {} : redirect(pick(dice, LOCATIONS)),
  (dice, { path }) =>
    path.includes("hop")
      ? {}
      : redirect(`${path}?hop`, pick(dice, [301, 302, 303, 307, 308])),
  (_, { path }) => redirect(`${path.replace(/\?.*/, "")}?hop`),
];
