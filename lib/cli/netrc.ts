/** Names and passwords from a file as curl, ftp and others read it. */

import { join } from "@std/path/join";
import { resolve } from "@std/path/resolve";
import { errorMessage } from "../base/error_message.ts";
import { isObject } from "../base/json.ts";
import type { Credentials, DownloadRequest } from "../download/download.ts";
import { userinfoOf } from "../origin/request.ts";
import type { Invocation } from "./arguments.ts";
import { variable } from "./environment.ts";
import { refuseWithout } from "./permissions.ts";
import type { DownloadFields } from "./lists.ts";
import { UsageError } from "./usage.ts";

/** An entry of the file. */
export interface NetrcEntry extends Credentials {
  /** The host's name; null for all hosts. */
  readonly host: string | null;
}

/**
 * Reads the entries of a `.netrc`, as curl does: words between white space, or in
 * double quotes; `#` begins a comment line, `macdef` is skipped up to an empty
 * line. Entries without a name are left out: there is nothing to show.
 *
 * @returns null if it is no such file.
 */
export function parseNetrc(text: string): NetrcEntry[] | null {
  const entries: {
    host: string | null;
    username: string | null;
    password: string;
  }[] = [];
  const words = wordsOf(text);
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const keyword = word.toLowerCase();
    if (keyword === "default") {
      entries.push({ host: null, username: null, password: "" });
      continue;
    }
    const value = words.shift();
    if (value === undefined) return null;
    if (keyword === "machine") {
      const host = value.toLowerCase();
      entries.push({ host, username: null, password: "" });
      continue;
    }
    const entry = entries.at(-1);
    if (entry === undefined) return null;
    if (keyword === "login") entry.username = value;
    else if (keyword === "password") entry.password = value;
    else if (keyword !== "account") return null;
  }
  return entries.flatMap(({ username, ...entry }) =>
    username === null ? [] : [{ ...entry, username }]
  );
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

function wordsOf(text: string): string[] {
  const bare = text.replace(/^[ \t]*#.*$/gm, "")
    .replace(/^[ \t]*macdef[ \t][^]*?(\r?\n[ \t]*\r?\n|$(?![^]))/gm, "\n");
  const words = bare.matchAll(/"((?:[^"\\]|\\[^])*)"|(\S+)/g);
  return Array.from(
    words,
    ([, quoted, plain = ""]) =>
      quoted?.replace(/\\([^])/g, (_, char) => ESCAPES[char] ?? char) ?? plain,
  );
}

/** The entry that is for a URL: the first of its host, or for all hosts. */
export function credentialsIn(
  entries: readonly NetrcEntry[],
  url: string,
): Credentials | null {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  const entry = entries.find((one) => one.host === null || one.host === host);
  if (entry === undefined) return null;
  const { username, password } = entry;
  return { username, password };
}

/**
 * The path of the file with names and passwords that is asked for; null for none.
 *
 * @throws {UsageError} if it is in the user's home, and that is not known.
 */
export function netrcPath(flags: Invocation["flags"]): string | null {
  const named = flags["netrc-file"];
  if (typeof named === "string") return resolve(named);
  if (!flags.netrc) return null;
  const home = variable("HOME");
  if (home) return join(home, ".netrc");
  throw new UsageError("--netrc needs HOME; or name the file by --netrc-file.");
}

/**
 * The fields of downloads, with what a `.netrc` has for the hosts of their URLs and
 * mirrors: in each URL, unless that has a name, or an Authorization header goes
 * there.
 *
 * @throws {UsageError} if it cannot be read, or others can read it, too.
 */
export async function withNetrcInUrls(
  asked: readonly DownloadFields[],
  path: string,
): Promise<DownloadFields[]> {
  refuseWithout([{ name: "read", path }]);
  const entries = await readEntries(path);
  return asked.map((fields) => {
    const { url, mirrors, headers } = fields;
    const isGiven = isObject(headers) && "authorization" in headers;
    const named = (one: unknown) =>
      isGiven && isSameOrigin(String(one), url)
        ? one
        : withName(String(one), entries);
    return {
      ...fields,
      url: String(named(url)),
      ...(Array.isArray(mirrors) && { mirrors: mirrors.map(named) }),
    };
  });
}

function isSameOrigin(one: string, other: string): boolean {
  return new URL(one).origin === new URL(other).origin;
}

/** A URL with the name and password of its host, unless it has its own. */
function withName(url: string, entries: readonly NetrcEntry[]): string {
  const found = credentialsIn(entries, url);
  if (found === null || userinfoOf(new URL(url)) !== null) return url;
  const { username, password } = found;
  const info = [username, password].map(encodeURIComponent).join(":");
  return url.replace("//", `//${info}@`);
}

/**
 * The requests, with what a `.netrc` has for the hosts of their URLs and mirrors.
 *
 * @throws {UsageError} if it cannot be read, or others can read it, too.
 */
export async function withNetrc(
  requests: readonly DownloadRequest[],
  path: string,
): Promise<DownloadRequest[]> {
  const entries = await readEntries(path);
  return requests.map((request) => {
    const { url, mirrors = [] } = request;
    const found = [url, ...mirrors].flatMap((one) => {
      const credentials = credentialsIn(entries, one);
      return credentials === null
        ? []
        : [[new URL(one).origin, credentials] as const];
    });
    return found.length === 0
      ? request
      : { ...request, credentials: new Map(found) };
  });
}

async function readEntries(path: string): Promise<NetrcEntry[]> {
  const entries = parseNetrc(await readOwn(path));
  if (entries !== null) return entries;
  // No line of it is shown: it may hold a password.
  throw new UsageError(`${path} cannot be read as a .netrc file.`);
}

/** A file with passwords is its owner's alone, as ftp and ssh want it, too. */
async function readOwn(path: string): Promise<string> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    if (isFile && ((mode ?? 0) & 0o077) !== 0) {
      throw new UsageError(
        `Others may read the passwords in ${path}: chmod 600 ${path}, or, ` +
          "where files have no modes, as on exFAT, move it to another disk or " +
          "mount this one with umask=077.",
      );
    }
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path} cannot be read: ${errorMessage(error)}.`);
  }
}
