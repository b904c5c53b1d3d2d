/** Reads requests for downloads from the command line and lists of URLs. */

import { resolve } from "@std/path/resolve";
import { decodeText } from "../base/decode_text.ts";
import { errorMessage } from "../base/error_message.ts";
import { isObject } from "../base/json.ts";
import { CHECKSUM_ALGORITHMS } from "../download/checksum.ts";
import type { DownloadRequest } from "../download/download.ts";
import { DownloadError } from "../download/errors.ts";
import { PROXY_NAME } from "../download/fields.ts";
import { parseDownload } from "../download/request.ts";
import { completeUrl } from "../download/typed_url.ts";
import {
  type Invocation,
  readMoment,
  readRate,
  wholeNumberFlag,
} from "./arguments.ts";
import {
  type DownloadFields,
  isPath,
  parseHeaderLine,
  parseList,
} from "./lists.ts";
import {
  documentsIn,
  isCookieFile,
  isMetalinkFile,
  listOf,
} from "./named_files.ts";
import { expandPattern, nameFor } from "./patterns.ts";
import { refuseWithout } from "./permissions.ts";
import { UsageError } from "./usage.ts";

/** One download that a command asks for. */
export interface Asked {
  /** As the protocol has it. */
  readonly fields: DownloadFields;
  readonly request: DownloadRequest;
}

/** One that is not checked yet. */
interface Typed {
  /** Where it stands, such as `list.txt:3`; empty if there is no other one. */
  readonly where: string;
  readonly fields: DownloadFields;
  /** What stands in it for the parts of its pattern. */
  readonly words: readonly string[];
  /** Paths of files with its cookies, besides those that are for all. */
  readonly cookieFiles?: readonly string[];
}

/** Something wrong, and where. */
interface Fault {
  readonly where: string;
  readonly fault: string;
}

/**
 * All downloads that a command asks for.
 *
 * @throws {UsageError} if there is none, one of them makes no sense, or flags do
 * not fit together.
 */
export async function readRequests(
  { flags, operands, command }: Invocation,
  limits: { readonly urlLength: number },
): Promise<Asked[]> {
  const documents = documentsIn(flags, operands);
  const made = operands.filter((operand) => !isMetalinkFile(operand))
    .flatMap((operand) =>
      flags["no-glob"] ? { url: operand, words: [] } : expandPattern(operand)
    );
  const lists = listOf(flags["input-file"]);
  const commands = listOf(flags.curl);
  const isAlone = made.length + lists.length + commands.length +
      documents.length === 1;
  refuseTwice([...lists, ...commands, ...documents]);
  const typed: (Typed | Fault)[] = made.map(({ url, words }, n) => ({
    where: isAlone ? "" : `URL number ${n + 1}`,
    fields: { url: completeUrl(url) },
    words,
  }));
  for (const list of lists) {
    const name = list === "-" ? "standard input" : list;
    for (const line of parseList(await readList(list))) {
      const where = `${name}:${line.line}`;
      typed.push(
        line.kind === "fault"
          ? { where, fault: line.fault }
          : { where, fields: line.fields, words: [] },
      );
    }
  }
  for (const path of commands) {
    const { readCurlCommands } = await import("./curl_commands.ts");
    const name = path === "-" ? "standard input" : path;
    for (const request of readCurlCommands(await readList(path), name)) {
      typed.push({ where: name, ...request, words: [] });
    }
  }
  for (const path of documents) {
    typed.push(...await readDocument(path, flags.directory));
  }
  if (typed.length === 0) {
    throw new UsageError(
      `There is no URL: sluice ${command.name} https://example.org/file`,
    );
  }
  const { output } = flags;
  if (typeof output === "string" && isPath(output)) {
    throw new UsageError(
      "--output is a name, not a path" +
        (command.name === "get"
          ? "; the directory is --content-directory."
          : "; the directory is --directory."),
    );
  }
  const more = readMore(flags, command.name);
  const cookies = await readCookies(typed, listOf(flags.cookie));
  const asked: Asked[] = [];
  const faults: Fault[] = [];
  for (const one of withNames(typed, flags)) {
    if ("fault" in one) {
      faults.push(one);
      continue;
    }
    const { where, fields: { headers, paused, start_at, ...own } } = one;
    const sent = { ...more.headers, ...(isObject(headers) && headers) };
    const fields = {
      ...more,
      ...own,
      // `get` has no queue in which a download could wait, as aria2c has none.
      ...(command.name !== "get" && waitOf(paused, start_at)),
      headers: { ...sent, ...cookies(one, sent) },
    };
    const request = checked(fields, limits);
    if (typeof request === "string") faults.push({ where, fault: request });
    else asked.push({ fields, request });
  }
  refuseFaults(faults);
  return asked;
}

/** Whether and until when a download waits, as its list says. */
function waitOf(paused: unknown, startAt: unknown) {
  return {
    ...(paused === true && { paused }),
    ...(startAt !== undefined && { start_at: startAt }),
  };
}

/**
 * The files that a Metalink document tells of.
 *
 * @param directory What its directories are below; undefined for nothing.
 * @throws {UsageError} if it cannot be read.
 */
async function readDocument(
  path: string,
  directory: unknown,
): Promise<Typed[]> {
  const { fieldsOfFile, readMetalink } = await import("../origin/metalink.ts");
  const text = await readList(path);
  const files = await readMetalink(text).catch((error) => {
    throw error instanceof DownloadError
      ? new UsageError(`${path}: ${error.message}`)
      : error;
  });
  return files.map((file, n) => ({
    where: files.length === 1 ? path : `${path}, file number ${n + 1}`,
    fields: fieldsOfFile(file, directory),
    words: [],
  }));
}

/** The Cookie header of a download beside its other headers, if it has one. */
type CookieHeader = (
  typed: Typed,
  headers: Readonly<Record<string, unknown>>,
) => { readonly cookie?: string };

/**
 * Reads the cookies that are given for all downloads, or in files for each.
 *
 * @param given `name=value`, or the path of a file, as curl's `-b` takes them.
 * @throws {UsageError} if a file cannot be read.
 */
async function readCookies(
  typed: readonly (Typed | Fault)[],
  given: readonly string[],
): Promise<CookieHeader> {
  const own = typed.flatMap((one) =>
    "fault" in one ? [] : one.cookieFiles ?? []
  );
  if (given.length + own.length === 0) return () => ({});
  const { cookiesFor, readCookieFiles } = await import("./cookie_files.ts");
  const data = given.filter((value) => !isCookieFile(value));
  const shared = given.filter(isCookieFile);
  const files = await readCookieFiles([...new Set([...shared, ...own])]);
  return ({ fields: { url }, cookieFiles = [] }, { cookie }) => {
    const to = URL.parse(url);
    // What is no URL is refused as one.
    if (to === null) return {};
    const jar = [...shared, ...cookieFiles].flatMap((path) =>
      files.get(path) ?? []
    );
    const first = [...(typeof cookie === "string" ? [cookie] : []), ...data];
    const found = cookiesFor(jar, to, first.join("; "));
    return found === null ? {} : { cookie: found };
  };
}

/** What flags say of each download. */
function readMore(flags: Invocation["flags"], command: string) {
  return {
    ...Object.fromEntries(
      CHECKSUM_ALGORITHMS.filter((name) => name in flags)
        .map((name) => [name, flags[name]]),
    ),
    ...("checksum-from" in flags &&
      { checksum_from: flags["checksum-from"] }),
    ...("threads" in flags &&
      { threads: wholeNumberFlag(flags, "threads", 1) }),
    ...("limit-rate" in flags && command !== "get" &&
      { limit_rate: readRate(String(flags["limit-rate"]), "--limit-rate") }),
    ...("priority" in flags && { priority: flags.priority }),
    ...(mirrorsIn(flags).length > 0 && { mirrors: mirrorsIn(flags) }),
    ...("directory" in flags && { directory: flags.directory }),
    ...("proxy" in flags && { proxy: readProxyName(flags.proxy) }),
    ...(flags.sequential === true && { order: "sequential" }),
    ...(flags.paused === true && { paused: true }),
    ...("start-at" in flags &&
      { start_at: readMoment(String(flags["start-at"]), "--start-at") }),
    headers: readHeaders(flags.header),
  };
}

/** @throws {UsageError} if it is no name: a URL may hold a password. */
function readProxyName(given: unknown): string {
  if (PROXY_NAME.test(String(given))) return String(given);
  throw new UsageError(
    "--proxy is the name of one of the proxies in CONFIG_FILE, or direct; a " +
      "URL goes into http_proxy, https_proxy or all_proxy.",
  );
}

function mirrorsIn({ mirror }: Invocation["flags"]): string[] {
  return Array.isArray(mirror)
    ? mirror.map((url) => completeUrl(String(url)))
    : [];
}

/**
 * The downloads with the name that a flag gives them: to one, or to all that
 * patterns make if it takes something of each, `#1.bin`.
 */
function withNames(
  typed: readonly (Typed | Fault)[],
  flags: Invocation["flags"],
): readonly (Typed | Fault)[] {
  const single = mirrorsIn(flags).length > 0
    ? "mirror"
    : CHECKSUM_ALGORITHMS.find((name) => name in flags);
  if (single !== undefined && typed.length > 1) {
    throw new UsageError(
      `--${single} is for one URL; there are ${typed.length}.`,
    );
  }
  const { output } = flags;
  if (typeof output !== "string") return typed;
  const named = typed.map((one) =>
    "fault" in one ? one : {
      ...one,
      fields: { filename: nameFor(output, one.words), ...one.fields },
    }
  );
  const isShared = typed.length > 1 &&
    named.some((one) => "fields" in one && one.fields.filename === output);
  if (!isShared) return named;
  const isMade = typed.every((one) => "words" in one && one.words.length > 0);
  throw new UsageError(
    `--output is for one URL; there are ${typed.length}` +
      (isMade
        ? ': --output "#1.bin" takes of each what {…} or […] made.'
        : "."),
  );
}

/** The request, or what is wrong with it. */
function checked(
  fields: DownloadFields,
  limits: { readonly urlLength: number },
): DownloadRequest | string {
  try {
    return parseDownload(fields, limits);
  } catch (error) {
    if (error instanceof DownloadError) return error.message;
    throw error;
  }
}

/** Others of a list's wrong lines that are named beside the first. */
const MORE_NAMED = 5;

/** @throws {UsageError} if there are any. */
function refuseFaults(faults: readonly Fault[]): void {
  const [first, ...rest] = faults;
  if (first === undefined) return;
  const where = first.where === "" ? "" : `${first.where}: `;
  const named = rest.slice(0, MORE_NAMED).map(({ where }) => where).join(", ");
  const left = rest.length - MORE_NAMED;
  const more = left > 0 ? `${named} and ${left} more` : named;
  throw new UsageError(
    where + first.fault + (rest.length > 0 ? ` Wrong, too: ${more}.` : ""),
  );
}

/**
 * Checks the URL that a command takes.
 *
 * @throws {UsageError} saying why it makes no sense.
 */
export function checkUrl(url: string): void {
  const fault = checked({ url }, { urlLength: Infinity });
  if (typeof fault === "string") throw new UsageError(fault);
}

function readHeaders(lines: unknown): Record<string, string> {
  const headers = new Map<string, string>();
  for (const line of Array.isArray(lines) ? lines.map(String) : []) {
    const [name, value] = parseHeaderLine(line) ?? [];
    if (name === undefined || value === undefined) {
      // The line is not shown: it may hold a token.
      throw new UsageError('--header must be "Name: value".');
    }
    if (headers.has(name)) {
      throw new UsageError(
        `--header names ${name} twice: give both values once.`,
      );
    }
    headers.set(name, value);
  }
  return Object.fromEntries(headers);
}

async function readList(path: string): Promise<string> {
  return decodeText(await readListBytes(path));
}

/**
 * What a list holds; `-` is standard input.
 *
 * @throws {UsageError} if it cannot be read.
 */
export async function readListBytes(path: string): Promise<Uint8Array> {
  if (path !== "-") refuseWithout([{ name: "read", path: resolve(path) }]);
  try {
    return path === "-"
      ? await new Response(Deno.stdin.readable).bytes()
      : await Deno.readFile(path);
  } catch (error) {
    const what = path === "-" ? "Standard input" : `The list ${path}`;
    throw new UsageError(`${what} cannot be read: ${errorMessage(error)}.`);
  }
}

/** @throws {UsageError} if standard input is to be read more than once. */
function refuseTwice(paths: readonly string[]): void {
  if (paths.filter((path) => path === "-").length < 2) return;
  throw new UsageError(
    "Standard input can be read once: give - to one flag, and files to others.",
  );
}
