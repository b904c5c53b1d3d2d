/** aria2's options: which there are, how they read, what they mean here. Pure. */

import type { JsonObject } from "../../base/json.ts";
import { parseDirectory } from "../../download/directory.ts";
import {
  CHECKSUM_DIGITS,
  type ChecksumAlgorithm,
} from "../../download/checksum.ts";
import { DownloadError } from "../../download/errors.ts";
import { FASTEST, SLOWEST } from "../../download/fields.ts";
import { headerFault } from "../../download/request.ts";
import { RpcError } from "./calls.ts";

/** Options by name, as aria2 would write them. */
export type Options = Readonly<Record<string, string>>;

const MiB = 2 ** 20;

/** Whole numbers: the least and the greatest that aria2 takes. */
const NUMBERS: Readonly<Record<string, readonly [number, number]>> = {
  "split": [1, Infinity],
  // aria2 takes 16 at most, but for Motrix's own, and 64 come from its users.
  "max-connection-per-server": [1, Infinity],
  "max-tries": [0, Infinity],
  "retry-wait": [0, 600],
  "timeout": [1, 600],
  "connect-timeout": [1, 600],
  "max-file-not-found": [0, Infinity],
  "max-resume-failure-tries": [0, Infinity],
  "bt-max-peers": [0, Infinity],
  "bt-stop-timeout": [0, Infinity],
  "bt-tracker-connect-timeout": [1, 600],
  "bt-tracker-interval": [0, Infinity],
  "bt-tracker-timeout": [1, 600],
};

const GLOBAL_NUMBERS: typeof NUMBERS = {
  "max-concurrent-downloads": [1, Infinity],
  "max-download-result": [0, Infinity],
  "bt-max-open-files": [1, Infinity],
};

/** Bytes, with K or M behind them. */
const SIZES: typeof NUMBERS = {
  "max-download-limit": [0, Infinity],
  "max-upload-limit": [0, Infinity],
  "lowest-speed-limit": [0, Infinity],
  "no-file-allocation-limit": [0, Infinity],
  "min-split-size": [MiB, 1024 * MiB],
  "piece-length": [MiB, 1024 * MiB],
  "bt-request-peer-speed-limit": [0, Infinity],
};

const GLOBAL_SIZES: typeof NUMBERS = {
  "max-overall-download-limit": [0, Infinity],
  "max-overall-upload-limit": [0, Infinity],
};

const SWITCH = ["true", "false"];

const SWITCHES = [
  "allow-overwrite",
  "allow-piece-length-change",
  "always-resume",
  "async-dns",
  "auto-file-renaming",
  "bt-enable-hook-after-hash-check",
  "bt-enable-lpd",
  "bt-force-encryption",
  "bt-hash-check-seed",
  "bt-load-saved-metadata",
  "bt-metadata-only",
  "bt-remove-unselected-file",
  "bt-require-crypto",
  "bt-save-metadata",
  "bt-seed-unverified",
  "check-integrity",
  "conditional-get",
  "content-disposition-default-utf8",
  "continue",
  "dry-run",
  "enable-http-keep-alive",
  "enable-http-pipelining",
  "enable-mmap",
  "enable-peer-exchange",
  "force-save",
  "ftp-pasv",
  "ftp-reuse-connection",
  "hash-check-only",
  "http-accept-gzip",
  "http-auth-challenge",
  "http-no-cache",
  "metalink-enable-unique-protocol",
  "no-netrc",
  "parameterized-uri",
  "pause",
  "pause-metadata",
  "realtime-chunk-checksum",
  "remote-time",
  "remove-control-file",
  "reuse-uri",
  "rpc-save-upload-metadata",
  "save-not-found",
  "use-head",
];

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(SWITCHES.map((name) => [name, SWITCH])),
  "bt-min-crypto-level": ["plain", "arc4"],
  "file-allocation": ["none", "prealloc", "trunc", "falloc"],
  "follow-metalink": ["true", "mem", "false"],
  "follow-torrent": ["true", "mem", "false"],
  "ftp-type": ["binary", "ascii"],
  "metalink-preferred-protocol": ["http", "https", "ftp", "none"],
  "proxy-method": ["get", "tunnel"],
  "stream-piece-selector": ["default", "inorder", "random", "geom"],
  "uri-selector": ["inorder", "feedback", "adaptive"],
};

const GLOBAL_CHOICES: typeof CHOICES = {
  "download-result": ["default", "full", "hide"],
  "keep-unfinished-download-result": SWITCH,
  "log-level": ["debug", "info", "notice", "warn", "error"],
};

const TEXTS = [
  "all-proxy",
  "all-proxy-passwd",
  "all-proxy-user",
  "bt-exclude-tracker",
  "bt-external-ip",
  "bt-prioritize-piece",
  "bt-tracker",
  "ftp-passwd",
  "ftp-proxy",
  "ftp-proxy-passwd",
  "ftp-proxy-user",
  "ftp-user",
  "http-passwd",
  "http-proxy",
  "http-proxy-passwd",
  "http-proxy-user",
  "http-user",
  "https-proxy",
  "https-proxy-passwd",
  "https-proxy-user",
  "index-out",
  "metalink-base-uri",
  "metalink-language",
  "metalink-location",
  "metalink-os",
  "metalink-version",
  "no-proxy",
  "out",
  "referer",
  "seed-ratio",
  "seed-time",
  "ssh-host-key-md",
  "user-agent",
];

const GLOBAL_TEXTS = [
  "log",
  "optimize-concurrent-downloads",
  "save-cookies",
  "save-session",
  "server-stat-of",
];

/** Options of one download that mean nothing for all of them. */
const OF_ONE = ["checksum", "gid", "index-out", "out", "pause", "select-file"];

/** What options are for: one download, or all that are added later, too. */
export type Scope = "download" | "global";

/**
 * Reads options. What aria2 does not know is left out, as it does.
 *
 * @param root The content directory.
 * @throws {RpcError} naming an option whose value makes no sense, or that would
 * have Sluice run a program or write elsewhere.
 */
export function readOptions(
  given: JsonObject,
  scope: Scope,
  root: string,
): Record<string, string> {
  const options: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (scope === "global" && OF_ONE.includes(name)) continue;
    const text = textOf(name, value);
    const read = text === null ? null : readOption(name, text, scope, root);
    if (read !== null) options[name] = read;
  }
  return options;
}

/** aria2 passes over all but text; numbers and `true` can only mean one thing. */
function textOf(name: string, value: unknown): string | null {
  if (Array.isArray(value) && name === "header") {
    return value.filter((line) => typeof line === "string").join("\n");
  }
  if (typeof value === "string") return value;
  const isPlain = typeof value === "number" || typeof value === "boolean";
  return isPlain ? String(value) : null;
}

/** An option as aria2 would write it; null for one that it does not know. */
function readOption(
  name: string,
  text: string,
  scope: Scope,
  root: string,
): string | null {
  if (/^on-(bt-)?download-/.test(name) && text !== "") {
    throw new RpcError(
      `Cannot set ${name}: Sluice runs no programs. Listen for notifications.`,
    );
  }
  const all = scope === "global";
  const number = own(NUMBERS, name) ?? (all && own(GLOBAL_NUMBERS, name));
  if (number) return readNumber(name, text, number, /^\d+$/);
  const size = own(SIZES, name) ?? (all && own(GLOBAL_SIZES, name));
  if (size) return readNumber(name, text, size, /^\d+[km]?$/i);
  const choice = own(CHOICES, name) ?? (all && own(GLOBAL_CHOICES, name));
  if (choice) {
    if (choice.includes(text)) return text;
    throw problem(name);
  }
  switch (name) {
    case "dir":
      return readDirectory(text, root);
    case "header":
      return headerLines(text).map((line) => `${line}\n`).join("");
    case "checksum":
      return readChecksum(text);
    case "load-cookies":
      return text;
    case "select-file":
      if (text === "" || rangesIn(text) !== null) return text;
      throw problem(name);
  }
  const isText = TEXTS.includes(name) || all && GLOBAL_TEXTS.includes(name);
  return isText ? text : null;
}

/** What a table has by a name; `constructor` is no option. */
function own<Value>(
  table: Readonly<Record<string, Value>>,
  name: string,
): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

const UNITS: Readonly<Record<string, number>> = { k: 1024, m: MiB };

function readNumber(
  name: string,
  text: string,
  [least, most]: readonly [number, number],
  form: RegExp,
): string {
  const factor = UNITS[text.at(-1)?.toLowerCase() ?? ""] ?? 1;
  const value = parseInt(text, 10) * factor;
  if (form.test(text) && value >= least && value <= most) return String(value);
  throw problem(name);
}

/** A directory as a path below the content directory; empty for itself. */
function readDirectory(text: string, root: string): string {
  const path = slashed(text);
  const own = slashed(root);
  if (path === "" || path === own) return "";
  const below = path.startsWith(`${own}/`) ? path.slice(own.length + 1) : path;
  try {
    return parseDirectory(below, "dir") ?? "";
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    throw new RpcError(`${error.message} The content directory is ${root}.`);
  }
}

/** With one slash between its parts, and none at its end. */
function slashed(path: string): string {
  const parted = /^[a-z]:\\/i.test(path) ? path.replaceAll("\\", "/") : path;
  return parted.replace(/\/+/g, "/").replace(/(?<=.)\/$/, "");
}

function headerLines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line !== "");
}

/** Numbers of files, `1,3-5`, as ranges that hold their ends; null for none. */
function rangesIn(text: string): [number, number][] | null {
  const ranges = text.split(",").map((part): [number, number] | null => {
    const [, first = "", last = first] =
      part.trim().match(/^([1-9]\d{0,8})(?:-([1-9]\d{0,8}))?$/) ?? [];
    if (first === "") return null;
    return [
      Math.min(Number(first), Number(last)),
      Math.max(Number(first), Number(last)),
    ];
  });
  const isRead = ranges.every((range) => range !== null);
  return isRead ? ranges : null;
}

/** Those of some files that `select-file` takes: all where it is empty. */
export function selected<File>(
  files: readonly File[],
  options: Options,
): readonly File[] {
  const ranges = rangesIn(options["select-file"] ?? "");
  if (ranges === null) return files;
  // How many ranges begin at each file, less those that ended before it: a
  // client may name all files in each of a million ranges.
  const changes = new Int32Array(files.length + 2);
  for (const [first, last] of ranges) {
    if (first > files.length) continue;
    changes[first] = (changes[first] ?? 0) + 1;
    const after = Math.min(last, files.length) + 1;
    changes[after] = (changes[after] ?? 0) - 1;
  }
  let open = 0;
  return files.filter((_, n) => {
    open += changes[n + 1] ?? 0;
    return open > 0;
  });
}

/** Whose checksums Sluice cannot compute, it does not call downloaded. */
function readChecksum(text: string): string {
  if (text === "") return "";
  const [type = "", digest = ""] = text.split("=", 2);
  const digits = own<number>(CHECKSUM_DIGITS, algorithmOf(type));
  if (digits === undefined && /^(sha-224|sha-384|adler32)$/.test(type)) {
    throw new RpcError(
      `Cannot check ${type}: give the sha-256, sha-512, sha-1 or md5.`,
    );
  }
  const valid = digest.length === digits && /^[0-9a-f]*$/i.test(digest);
  if (!valid) throw problem("checksum");
  return text;
}

function algorithmOf(type: string): ChecksumAlgorithm {
  return type.replace("-", "") as ChecksumAlgorithm;
}

function problem(name: string): RpcError {
  return new RpcError(
    `We encountered a problem while processing the option '--${name}'.`,
  );
}

/** What a request says in Sluice's own words of the options given for it. */
export function fieldsOf(options: Options, url: string): JsonObject {
  const { checksum = "", pause } = options;
  const [type = "", digest = ""] = checksum.split("=", 2);
  return {
    url,
    ...placeOf(options.dir ?? "", options.out ?? ""),
    headers: headersOf(options, url),
    ...threadsOf(options),
    limit_rate: rateOf(options["max-download-limit"]),
    ...(checksum !== "" && { [algorithmOf(type)]: digest }),
    ...(options["stream-piece-selector"] === "inorder" &&
      { order: "sequential" }),
    ...(pause === "true" && { paused: true }),
  };
}

/** Options without those that may hold secrets of others. */
export function withoutSecrets(options: Options): Options {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([name]) => !/header|cookie|proxy|user$|passwd/.test(name)),
  );
}

/** What the protocol takes; THREADS_AMOUNT is the limit besides. */
const MOST_THREADS = 1_000;

function threadsOf(options: Options): JsonObject {
  const asked = [options.split, options["max-connection-per-server"]]
    .filter((number) => number !== undefined).map(Number);
  if (asked.length === 0) return {};
  return { threads: Math.min(...asked, MOST_THREADS) };
}

/** A rate in bytes a second, of those that Sluice takes; null for no limit. */
export function rateOf(option: string | undefined): number | null {
  const rate = Number(option ?? 0);
  return rate === 0 ? null : Math.min(Math.max(rate, SLOWEST), FASTEST);
}

/** Characters that the protocol takes of a name. */
const LONGEST_NAME = 1_000;

/**
 * The directory and the name that `out`, a path below `dir`, stands for. What
 * of it would lead elsewhere is left out.
 */
function placeOf(dir: string, out: string): JsonObject {
  const parts = out.split(/[/\\]/)
    .filter((part) => !/^(\.{0,2}|[a-z]:)$/i.test(part));
  const filename = parts.pop()?.slice(-LONGEST_NAME);
  const path = [dir, ...parts.filter(isDirectory)]
    .filter((part) => part !== "").join("/");
  const directory = isDirectory(path) ? path : dir;
  return {
    ...(filename !== undefined && { filename }),
    ...(directory !== "" && { directory }),
  };
}

function isDirectory(path: string): boolean {
  try {
    return parseDirectory(path) !== null;
  } catch {
    return false;
  }
}

/** The headers to be sent; those that Sluice must write itself are left out. */
function headersOf(options: Options, url: string): Record<string, string> {
  const { referer = "", "http-user": user = "" } = options;
  const named: [string, string][] = [];
  if (user !== "") {
    const bytes = new TextEncoder()
      .encode(`${user}:${options["http-passwd"] ?? ""}`);
    named.push(["authorization", `Basic ${bytes.toBase64()}`]);
  }
  const agent = options["user-agent"] ?? "";
  if (agent !== "") named.push(["user-agent", agent]);
  if (referer !== "") named.push(["referer", referer === "*" ? url : referer]);
  for (const line of headerLines(options.header ?? "")) {
    const at = line.indexOf(":");
    if (at < 1) continue;
    named.push([line.slice(0, at).trim().toLowerCase(), line.slice(at + 1)]);
  }
  return Object.fromEntries(
    named.map(([name, value]) => [name, value.trim()] as const)
      .filter(([name, value]) => headerFault(name, value) === null),
  );
}
