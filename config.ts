/** Settings: defaults, then a file, then the environment, then flags. */

import { resolve } from "@std/path/resolve";
import { isNetwork } from "./lib/base/ip_address.ts";
import { parseBytes, parseWholeNumber } from "./lib/base/whole_number.ts";
import { parseQueue, type QueueAddress } from "./lib/cluster/settings.ts";
import { parseTimetable, type Timetable } from "./lib/engine/timetable.ts";
import type { ConfigFile, FileRules } from "./lib/cli/config_file.ts";
import { FASTEST, SLOWEST } from "./lib/download/fields.ts";
import {
  parseNoProxy,
  parseProxy,
  type Proxies,
  PROXY_VARIABLES,
} from "./lib/origin/proxies.ts";
import { HARMLESS } from "./lib/origin/request.ts";
import { parseToken, TOKEN_RULE } from "./lib/server/scopes.ts";

/** What can be set. */
export interface Config {
  /** Path; null for none. */
  readonly configFile: string | null;
  /** Absolute path. */
  readonly contentDirectory: string;
  readonly threadsAmount: number;
  readonly threadsPerHost: number;
  /** Null for as many as there are threads. */
  readonly maxDownloads: number | null;
  readonly workers: number;
  /** Bytes. */
  readonly bytesAmount: number;
  /** Bytes a second; null for no limit. */
  readonly limitRate: number | null;
  /** Bytes a second; null for no limit. */
  readonly limitRatePerHost: number | null;
  /** Null for none. */
  readonly timetable: Timetable | null;
  /** Milliseconds. */
  readonly broadcastTimeout: number;
  readonly host: string;
  readonly port: number;
  /** Path; null for none. */
  readonly caFile: string | null;
  /** Path; null for none. */
  readonly clientCert: string | null;
  /** Path; null if the file of the certificate holds the key, too. */
  readonly clientKey: string | null;
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** Milliseconds. */
  readonly answerTimeout: number;
  /** Milliseconds. */
  readonly stallTimeout: number;
  readonly attempts: number;
  /** Milliseconds. */
  readonly retryWait: number;
  readonly sync: boolean;
  readonly remoteTime: boolean;
  /** Bytes. */
  readonly minFreeSpace: number;
  /** The URL by which people reach the server, `/` at its end; null for none. */
  readonly publicUrl: string | null;
  /** Addresses, and networks in CIDR notation. */
  readonly trustedProxies: readonly string[];
  readonly allowedOrigins: readonly string[];
  /** Null for none. */
  readonly authToken: string | null;
  /** Path; null for none. */
  readonly authTokenFile: string | null;
  /** Null: wherever only this machine can connect. */
  readonly allowPrivate: boolean | null;
  readonly socketsAmount: number;
  readonly queueLength: number;
  readonly messageLength: number;
  readonly jsonDepth: number;
  readonly urlLength: number;
  readonly logFormat: "text" | "json";
  /** Where to tell that downloads have ended; null for nowhere. */
  readonly webhookUrl: string | null;
  /** Null for none. */
  readonly webhookSecret: string | null;
  /** The queue that several servers share; null for one of its own. */
  readonly queue: QueueAddress | null;
  /** Path; null for none. */
  readonly queueCredentials: string | null;
  /** How many brokers keep the shared queue. */
  readonly queueReplicas: number;
  /** Null for the machine's name and the port. */
  readonly nodeName: string | null;
  /** Where the other servers reach it, `/` at its end; null for localhost. */
  readonly nodeUrl: string | null;
  /** Milliseconds. */
  readonly lease: number;
  /** Path; null for below the content directory. */
  readonly stateDirectory: string | null;
}

/** A setting that cannot be used, in one line for the person who set it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** One setting: how it is called, what it may be, what it is by itself. */
interface Setting<T> {
  /** Its name in the environment; the flag is the same in kebab case. */
  readonly name: string;
  /** For the help. */
  readonly meaning: string;
  /** What is used if nobody sets it, as one would write it. */
  readonly fallback: string;
  /** What it may be, in words. */
  readonly allowed: string;
  /** The value; undefined if it is not allowed. */
  readonly parse: (text: string) => T | undefined;
  /** How a value that is not allowed may have been meant; null if unknown. */
  readonly meant?: (text: string) => string | null;
  /** The part of a value that is not allowed; all of it by itself. */
  readonly wrong?: (text: string) => string;
  /** Whether a wrong value must not be shown. */
  readonly secret?: true;
}

type Settings = {
  readonly [Key in keyof Config]: Setting<Config[Key]>;
};

/**
 * One core is left for the main thread, which does little beside two workers. A
 * file system lets one thread at a time write to a file, and those that wait for
 * it take the cores from all others.
 */
const WORKERS = Math.max(
  Math.min(2, navigator.hardwareConcurrency),
  navigator.hardwareConcurrency - 1,
);

const TRUE_OR_FALSE = "true or false";

const SETTINGS: Settings = {
  configFile: {
    name: "CONFIG_FILE",
    meaning: "a file of settings in TOML, which count before the defaults",
    fallback: "",
    allowed: "a path",
    parse: parsePath,
  },
  contentDirectory: {
    name: "CONTENT_DIRECTORY",
    meaning: "where files go",
    fallback: "./downloads",
    allowed: "a path",
    parse: (text) => text === "" ? undefined : resolve(text),
  },
  threadsAmount: {
    name: "THREADS_AMOUNT",
    meaning: "threads in the whole server",
    fallback: "16",
    ...wholeNumber(1, 1024),
  },
  threadsPerHost: {
    name: "THREADS_PER_HOST",
    meaning: "threads at one origin host",
    fallback: "16",
    ...wholeNumber(1, 1024),
  },
  maxDownloads: {
    name: "MAX_DOWNLOADS",
    meaning: "downloads that run at a time; empty for one a thread at most",
    fallback: "",
    allowed: "a whole number from 1 to 1024",
    parse: (text) => text === "" ? null : parseWholeNumber(text, 1, 1024),
  },
  workers: {
    name: "WORKERS",
    meaning: "Web Workers that carry the threads",
    fallback: String(WORKERS),
    ...wholeNumber(1, 1024),
  },
  bytesAmount: {
    name: "BYTES_AMOUNT",
    meaning: "bytes that a slice has at most",
    fallback: "16MiB",
    ...bytes(1024, 2 ** 40),
  },
  limitRate: {
    name: "LIMIT_RATE",
    meaning: "bytes a second in the whole server; empty for no limit",
    fallback: "",
    ...rate(),
  },
  limitRatePerHost: {
    name: "LIMIT_RATE_PER_HOST",
    meaning: "bytes a second from one origin host; empty for no limit",
    fallback: "",
    ...rate(),
  },
  timetable: {
    name: "TIMETABLE",
    meaning: "when downloads are limited or paused, by days and times of day",
    fallback: "",
    allowed: 'days, times and rates such as "Mon-Fri 08:00,512K 18:00,off ' +
      'Sat-Sun pause"',
    parse: parseTimes,
    wrong: wrongPiece,
  },
  broadcastTimeout: {
    name: "BROADCAST_TIMEOUT",
    meaning: "how often clients are told what has changed, in milliseconds",
    fallback: "500",
    ...wholeNumber(10, 3_600_000),
  },
  host: {
    name: "HOST",
    meaning: "the name or address to listen on",
    fallback: "localhost",
    allowed: "a host name or an IP address",
    parse: (text) => /^[\w.:-]+$/.test(text) ? text : undefined,
  },
  port: {
    name: "PORT",
    meaning: "the port to listen on; 0 for any that is free",
    fallback: "8888",
    ...wholeNumber(0, 65_535),
  },
  caFile: {
    name: "CA_FILE",
    meaning: "certificates in PEM that origins may have besides the usual ones",
    fallback: "",
    allowed: "a path",
    parse: parsePath,
  },
  clientCert: {
    name: "CLIENT_CERT",
    meaning: "a certificate in PEM, shown to origins that ask for one",
    fallback: "",
    allowed: "a path",
    parse: parsePath,
  },
  clientKey: {
    name: "CLIENT_KEY",
    meaning: "the key of CLIENT_CERT in PEM; by itself, in the same file",
    fallback: "",
    allowed: "a path",
    parse: parsePath,
  },
  connectTimeout: {
    name: "CONNECT_TIMEOUT",
    meaning: "how long a connection may take to be made, in milliseconds",
    fallback: "10000",
    ...wholeNumber(100, 3_600_000),
  },
  answerTimeout: {
    name: "ANSWER_TIMEOUT",
    meaning: "how long an answer may take to begin, in milliseconds",
    fallback: "300000",
    ...wholeNumber(100, 3_600_000),
  },
  stallTimeout: {
    name: "STALL_TIMEOUT",
    meaning: "how long a thread may get no byte, in milliseconds",
    fallback: "30000",
    ...wholeNumber(100, 3_600_000),
  },
  attempts: {
    name: "ATTEMPTS",
    meaning: "attempts in a row that may bring nothing",
    fallback: "10",
    ...wholeNumber(1, 1_000_000),
  },
  retryWait: {
    name: "RETRY_WAIT",
    meaning: "how long to wait after the first failure, in milliseconds; " +
      "doubled after each further one",
    fallback: "500",
    ...wholeNumber(1, 60_000),
  },
  sync: {
    name: "SYNC",
    meaning: "whether files and the queue are forced to disk before they " +
      "count as there, and thus outlive a loss of power",
    fallback: "true",
    allowed: TRUE_OR_FALSE,
    parse: parseBoolean,
  },
  remoteTime: {
    name: "REMOTE_TIME",
    meaning: "whether a file gets the time at which it was last modified at " +
      "its origin, where that tells",
    fallback: "false",
    allowed: TRUE_OR_FALSE,
    parse: parseBoolean,
  },
  minFreeSpace: {
    name: "MIN_FREE_SPACE",
    meaning: "bytes to be left free on the disk",
    fallback: "64MiB",
    ...bytes(0, 2 ** 50),
  },
  publicUrl: {
    name: "PUBLIC_URL",
    meaning: "the URL by which people reach the server, through a proxy",
    fallback: "",
    allowed: "a URL such as https://nas.example.org/sluice/",
    parse: parsePublicUrl,
  },
  trustedProxies: {
    name: "TRUSTED_PROXIES",
    meaning: "proxies whose X-Forwarded-For tells a client's address: " +
      "addresses, networks, or loopback, separated by commas",
    fallback: "",
    allowed: "addresses such as 192.0.2.1, networks such as 10.0.0.0/8, or " +
      "loopback, separated by commas",
    parse: parseNetworks,
  },
  allowedOrigins: {
    name: "ALLOWED_ORIGINS",
    meaning: "origins of other pages, and of browsers' extensions, that may " +
      "connect, separated by commas",
    fallback: "",
    allowed: "origins such as https://example.org or moz-extension://ID, " +
      "without a path",
    parse: parseOrigins,
    meant: meantOrigin,
  },
  authToken: {
    name: "AUTH_TOKEN",
    meaning: "what clients must know; needed to listen beyond this machine",
    fallback: "",
    allowed: TOKEN_RULE,
    parse: (text) => text === "" ? null : parseToken(text),
    secret: true,
  },
  authTokenFile: {
    name: "AUTH_TOKEN_FILE",
    meaning: "a file that holds AUTH_TOKEN, and that others may not read",
    fallback: "",
    allowed: "a path",
    parse: parsePath,
  },
  allowPrivate: {
    name: "ALLOW_PRIVATE",
    meaning: "whether downloads may come from private networks; by itself, " +
      "only while nobody beyond this machine can connect",
    fallback: "",
    allowed: TRUE_OR_FALSE,
    parse: (text) => text === "" ? null : parseBoolean(text),
  },
  socketsAmount: {
    name: "SOCKETS_AMOUNT",
    meaning: "clients that may be connected",
    fallback: "10000",
    ...wholeNumber(1, 1_000_000),
  },
  queueLength: {
    name: "QUEUE_LENGTH",
    meaning: "downloads that may wait in the queue",
    fallback: "1000000",
    ...wholeNumber(1, 100_000_000),
  },
  messageLength: {
    name: "MESSAGE_LENGTH",
    meaning: "characters that a client's message may have",
    fallback: "4MiB",
    ...bytes(1024, 64 * 2 ** 20),
  },
  jsonDepth: {
    name: "JSON_DEPTH",
    meaning: "how deep a client's JSON may be nested",
    fallback: "8",
    ...wholeNumber(3, 1000),
  },
  urlLength: {
    name: "URL_LENGTH",
    meaning: "characters that a URL may have",
    fallback: "8192",
    ...wholeNumber(16, 1_000_000),
  },
  logFormat: {
    name: "LOG_FORMAT",
    meaning: "how log lines are written",
    fallback: "text",
    allowed: "text or json",
    parse: (text) => text === "text" || text === "json" ? text : undefined,
  },
  webhookUrl: {
    name: "WEBHOOK_URL",
    meaning: "where to POST that a download has finished or failed, or that " +
      "all have ended",
    fallback: "",
    allowed: "a URL such as https://example.org/hook",
    parse: parseWebhook,
    secret: true,
  },
  webhookSecret: {
    name: "WEBHOOK_SECRET",
    meaning: "what these POSTs are signed with",
    fallback: "",
    allowed: TOKEN_RULE,
    parse: (text) => text === "" ? null : parseToken(text),
    secret: true,
  },
  queue: {
    name: "QUEUE",
    meaning: "the queue that several servers share: its brokers and its name",
    fallback: "",
    allowed: "brokers and a name such as nats://localhost:4222/home",
    parse: (text) => text === "" ? null : parseQueue(text),
    secret: true,
  },
  queueCredentials: {
    name: "QUEUE_CREDENTIALS",
    meaning:
      "a .creds file or an nkey seed for QUEUE's brokers, which others " +
      "may not read",
    fallback: "",
    allowed: "a path",
    parse: parsePath,
  },
  queueReplicas: {
    name: "QUEUE_REPLICAS",
    meaning: "how many of QUEUE's brokers keep it; 3 where there are three",
    fallback: "1",
    ...wholeNumber(1, 5),
  },
  nodeName: {
    name: "NODE_NAME",
    meaning: "this server's name in QUEUE; by itself, the machine's name and " +
      "the port",
    fallback: "",
    allowed: "up to 64 letters, digits, - and _",
    parse: (text) =>
      text === "" ? null : /^[\w-]{1,64}$/.test(text) ? text : undefined,
  },
  nodeUrl: {
    name: "NODE_URL",
    meaning: "the URL by which the other servers of QUEUE reach this one",
    fallback: "",
    allowed: "a URL such as http://nas2.lan:8888/",
    parse: parsePublicUrl,
  },
  lease: {
    name: "LEASE",
    meaning:
      "after how long without a word from a server the others of QUEUE " +
      "take over, in milliseconds",
    fallback: "15000",
    ...wholeNumber(1_000, 600_000),
  },
  stateDirectory: {
    name: "STATE_DIRECTORY",
    meaning: "where this server's copy of QUEUE is; on a local disk",
    fallback: "",
    allowed: "a path",
    parse: parsePath,
  },
};

/** The names of all settings in the environment. */
export const ENVIRONMENT: readonly string[] = Object.values(SETTINGS)
  .map(({ name }) => name);

/** Who goes by settings: the server, or one `get` of some URLs. */
export type Program = "serve" | "get";

/** The settings that `get` goes by, and what it uses if nobody sets them. */
const OF_GET: { readonly [Key in keyof Config]?: string } = {
  configFile: SETTINGS.configFile.fallback,
  contentDirectory: ".",
  threadsAmount: SETTINGS.threadsAmount.fallback,
  // As many as are asked for: there is one host, as a rule.
  threadsPerHost: "1024",
  maxDownloads: SETTINGS.maxDownloads.fallback,
  workers: SETTINGS.workers.fallback,
  bytesAmount: SETTINGS.bytesAmount.fallback,
  limitRate: SETTINGS.limitRate.fallback,
  limitRatePerHost: SETTINGS.limitRatePerHost.fallback,
  caFile: SETTINGS.caFile.fallback,
  clientCert: SETTINGS.clientCert.fallback,
  clientKey: SETTINGS.clientKey.fallback,
  connectTimeout: SETTINGS.connectTimeout.fallback,
  answerTimeout: SETTINGS.answerTimeout.fallback,
  stallTimeout: SETTINGS.stallTimeout.fallback,
  // Somebody is waiting for it.
  attempts: "5",
  retryWait: SETTINGS.retryWait.fallback,
  sync: SETTINGS.sync.fallback,
  remoteTime: SETTINGS.remoteTime.fallback,
  minFreeSpace: SETTINGS.minFreeSpace.fallback,
};

/** A setting as a flag, and as a variable of the environment. */
export interface SettingUsage {
  /** Without the dashes. */
  readonly flag: string;
  readonly variable: string;
  /** What it means, and its default. */
  readonly meaning: string;
  /** Whether it is `true` or `false`. */
  readonly isSwitch: boolean;
  /** What it may be, for shells that complete it; null for what no list holds. */
  readonly choices: "file" | "directory" | readonly string[] | null;
}

/** The settings that a program goes by. */
export function settingsOf(program: Program): SettingUsage[] {
  return Object.entries(SETTINGS)
    .filter(([key]) => program === "serve" || key in OF_GET)
    .map(([key, { name, meaning, allowed }]) => {
      const fallback = fallbackOf(key as keyof Config, program);
      const shown = fallback === "" ? "" : ` (${fallback})`;
      return {
        flag: flagOf(name),
        variable: name,
        meaning: meaning + shown,
        isSwitch: allowed === TRUE_OR_FALSE,
        choices: choicesOf(name, allowed),
      };
    });
}

function choicesOf(name: string, allowed: string): SettingUsage["choices"] {
  if (allowed === "a path") {
    return name.endsWith("_DIRECTORY") ? "directory" : "file";
  }
  return /^\w+(, \w+)* or \w+$/.test(allowed) ? allowed.split(/, | or /) : null;
}

function fallbackOf(key: keyof Config, program: Program): string {
  const fallback = program === "get" ? OF_GET[key] : undefined;
  return fallback ?? SETTINGS[key].fallback;
}

/** Settings that a file gives, and where in it. */
export type FileSettings = Pick<ConfigFile, "valueOf" | "placeOf">;

const NO_FILE: FileSettings = { valueOf: () => undefined, placeOf: () => "" };

/**
 * Reads all settings: a flag before the environment before a file before the
 * default.
 *
 * @param flags What was given on the command line, by flag.
 * @param environment What the environment holds, by name; asked only for what
 * the program goes by.
 * @throws {ConfigError} naming the setting, its value and what is allowed.
 */
export function readConfig(
  flags: Readonly<Record<string, unknown>>,
  environment: (name: string) => string | undefined,
  program: Program = "serve",
  file: FileSettings = NO_FILE,
): Config {
  const config: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(SETTINGS)) {
    const { name } = setting;
    const asked = program === "serve" || key in OF_GET;
    const given = flags[flagOf(name)] ??
      ((asked && environment(name)) || undefined);
    const filed = given === undefined && asked && file.valueOf(name);
    const text = given ?? (filed || fallbackOf(key as keyof Config, program));
    const value = setting.parse(String(text).trim());
    if (value === undefined) {
      const wrong = setting.wrong?.(String(text)) ?? text;
      const given = setting.secret ? "what it is" : JSON.stringify(wrong);
      const meant = setting.meant?.(String(text)) ?? null;
      const place = filed ? `${file.placeOf(name)}: ` : "";
      throw new ConfigError(
        `${place}${name} must be ${setting.allowed}, not ${given}` +
          (meant === null ? "." : `: write ${meant}`),
      );
    }
    config[key] = value;
  }
  const { workers, ...rest } = config as unknown as Config;
  const { threadsAmount } = rest;
  // One without a thread would be in vain.
  return Object.freeze({ ...rest, workers: Math.min(workers, threadsAmount) });
}

/** The variables that name proxies, which other programs read, too. */
export const PROXY_ENVIRONMENT: readonly string[] = [
  ...new Set(Object.values(PROXY_VARIABLES).flat()),
];

/** What a file of settings may hold. */
export const FILE_RULES: FileRules = {
  settings: [
    ...ENVIRONMENT.filter((name) => name !== SETTINGS.configFile.name),
    ...PROXY_ENVIRONMENT,
  ],
  tables: ["tokens", "rules"],
  named: ["proxies"],
  isSecret(name, value) {
    if (name === "tokens") return true;
    if (name === "rules") return holdsHeaders(value);
    if (name === "proxies") return JSON.stringify(value).includes("@");
    if (PROXY_ENVIRONMENT.includes(name)) return String(value).includes("@");
    return value !== "" &&
      Object.values(SETTINGS).some((setting) =>
        setting.name === name && setting.secret
      );
  },
};

/** Whether rules give headers that only some hosts may know. */
function holdsHeaders(rules: unknown): boolean {
  const headers = Array.isArray(rules)
    ? rules.flatMap(({ headers }) => Object.keys(headers ?? {}))
    : [];
  return headers.some((name) => !HARMLESS.includes(name.toLowerCase()));
}

/**
 * Reads which proxies there are.
 *
 * @throws {ConfigError} naming the variable, never its value, which may hold a
 * password.
 */
export function readProxies(
  environment: (name: string) => string | undefined,
  file: FileSettings = NO_FILE,
): Proxies {
  /** What the first variable that is set is called, where, and its value. */
  function first(names: readonly string[]): [string, string] | null {
    for (const name of names) {
      const value = environment(name)?.trim();
      if (value) return [name, value];
    }
    for (const name of names) {
      const value = file.valueOf(name)?.trim();
      if (value) return [`${file.placeOf(name)}: ${name}`, value];
    }
    return null;
  }
  function proxyIn(names: readonly string[]): string | null {
    const [name, value] = first(names) ?? [null, ""];
    if (name === null) return null;
    const proxy = parseProxy(value);
    if (proxy !== undefined) return proxy;
    throw new ConfigError(
      `${name} must be a proxy's URL, such as http://proxy:3128 or ` +
        "socks5h://proxy:1080 (http, https, socks5, socks5h), not what it is.",
    );
  }
  const { http, https, direct } = PROXY_VARIABLES;
  return {
    http: proxyIn(http),
    https: proxyIn(https),
    direct: parseNoProxy(first(direct)?.[1] ?? ""),
  };
}

function flagOf(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

type Rule<T> = Pick<Setting<T>, "allowed" | "parse">;

function wholeNumber(least: number, most: number): Rule<number> {
  return {
    allowed: `a whole number from ${least} to ${most}`,
    parse: (text) => parseWholeNumber(text, least, most),
  };
}

function bytes(least: number, most: number): Rule<number> {
  return {
    allowed: `bytes from ${least} to ${most}, such as 512KiB, 16MiB or 1GB`,
    parse: (text) => parseBytes(text, least, most),
  };
}

/** Bytes a second, as curl and wget take them, too. */
function rate(): Rule<number | null> {
  return {
    allowed: `bytes a second from ${SLOWEST}, such as 500k, 2M or 1GB`,
    parse: (text) => text === "" ? null : parseBytes(text, SLOWEST, FASTEST),
  };
}

function parseTimes(text: string): Timetable | null | undefined {
  if (text === "") return null;
  const read = parseTimetable(text);
  return "piece" in read ? undefined : read;
}

/** The first piece of a timetable that makes no sense. */
function wrongPiece(text: string): string {
  const read = parseTimetable(text);
  return "piece" in read ? read.piece : text;
}

function parsePath(text: string): string | null {
  return text === "" ? null : resolve(text);
}

function parseBoolean(text: string): boolean | undefined {
  return text === "true" ? true : text === "false" ? false : undefined;
}

function listOf(text: string): string[] {
  return text.split(",").map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

function parsePublicUrl(text: string): string | null | undefined {
  if (text === "") return null;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  if (url.username || url.password || url.search || url.hash) return undefined;
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url.href;
}

function parseWebhook(text: string): string | null | undefined {
  if (text === "") return null;
  return /^https?:$/.test(URL.parse(text)?.protocol ?? "") ? text : undefined;
}

const LOOPBACK = ["127.0.0.0/8", "::1"];

function parseNetworks(text: string): string[] | undefined {
  const entries = listOf(text.toLowerCase());
  const isKnown = (entry: string) =>
    entry === "loopback" || /[.:].*[.:]/.test(entry) && isNetwork(entry);
  return entries.every(isKnown)
    ? entries.flatMap((entry) => entry === "loopback" ? LOOPBACK : [entry])
    : undefined;
}

function parseOrigins(text: string): string[] | undefined {
  const origins = listOf(text).map(originOf);
  return origins.includes(null)
    ? undefined
    : origins.filter((origin) => origin !== null);
}

/** Schemes whose pages have no origin, or none that a browser would send. */
const NO_ORIGIN = ["about:", "blob:", "data:", "file:", "ftp:", "ws:", "wss:"];

/** An origin in lower case; null for what no browser would send as one. */
function originOf(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || url.host === "" || NO_ORIGIN.includes(url.protocol)) {
    return null;
  }
  const origin = `${url.protocol}//${url.host}`.toLowerCase();
  return [origin, `${origin}/`].includes(url.href.toLowerCase())
    ? origin
    : null;
}

/** How the first entry that is no origin may have been meant. */
function meantOrigin(text: string): string | null {
  const wrong = listOf(text).find((entry) => originOf(entry) === null) ?? "";
  const [, scheme = "https", host] = wrong
    .match(/^(?:([a-z][a-z0-9+.-]*):\/\/)?([\w.-]+\.\w[\w-]*(?::\d+)?)/i) ?? [];
  return host === undefined ? null : originOf(
    `${scheme.replace(/^ws/i, "http")}://${host}`,
  );
}
