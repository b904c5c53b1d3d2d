/** Reads the file that aria2 saves its session in. Pure. */

import { DownloadError } from "../download/errors.ts";
import { MOST_MIRRORS } from "../download/fields.ts";
import { parseDownload, parseUrl } from "../download/request.ts";
import { RpcError } from "../server/aria2/calls.ts";
import { fieldsOf, readOptions } from "../server/aria2/options.ts";
import { type DownloadFields, ownField } from "./lists.ts";

/** What there is in a session for Sluice. */
export interface Session {
  /** In the queue's order. */
  readonly downloads: readonly DownloadFields[];
  /** What is left out, by its line, counted from 1. */
  readonly left: readonly { readonly line: number; readonly why: string }[];
  /**
   * The directory of aria2's that all of its absolute ones are in: the server's
   * own takes its place. Null if there is none.
   */
  readonly root: string | null;
}

/** A download as the file has it. */
interface Entry {
  readonly line: number;
  readonly uris: readonly string[];
  /** Headers stand below each other in one text. */
  readonly options: Record<string, string>;
}

/**
 * Reads a session: the URIs of a download stand in a line, between tabs, and its
 * options below them, indented.
 */
export function parseSession(text: string): Session {
  const entries = entriesOf(text);
  const root = commonOf(
    entries.map(({ options }) => slashed(options.dir ?? ""))
      .filter((dir) => dir.startsWith("/") || /^[a-z]:\//i.test(dir)),
  );
  const downloads: DownloadFields[] = [];
  const left: { line: number; why: string }[] = [];
  for (const { line, uris, options } of entries) {
    const [url, ...more] = uris.filter((uri) => /^https?:/i.test(uri));
    if (url === undefined) {
      left.push({ line, why: "Sluice fetches by http and https alone." });
      continue;
    }
    try {
      downloads.push(requestOf([url, ...more], options, root));
    } catch (error) {
      if (!(error instanceof DownloadError) && !(error instanceof RpcError)) {
        throw error;
      }
      left.push({ line, why: error.message });
    }
  }
  return { downloads, left, root };
}

function entriesOf(text: string): Entry[] {
  const entries: Entry[] = [];
  for (const [n, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, name, value = ""] = line.match(/^[ \t]+([a-z][a-z\d-]*)=(.*)$/) ??
      [];
    const entry = entries.at(-1);
    if (name === undefined) {
      const uris = line.split("\t").map((uri) => uri.trim())
        .filter((uri) => uri !== "");
      entries.push({ line: n + 1, uris, options: {} });
    } else if (entry !== undefined) {
      const before = name === "header" ? entry.options.header : undefined;
      entry.options[name] = before === undefined
        ? value
        : `${before}\n${value}`;
    }
  }
  return entries;
}

/**
 * @throws {RpcError} if an option makes no sense here.
 * @throws {DownloadError} if the URL does not.
 */
function requestOf(
  [url, ...others]: readonly [string, ...string[]],
  { dir = "", ...options }: Entry["options"],
  root: string | null,
): DownloadFields {
  const full = slashed(dir);
  const isBelow = root !== null && `${full}/`.startsWith(`${root}/`);
  const below = isBelow ? full.slice(root.length).replace(/^\//, "") : full;
  const read = readOptions({ ...options, dir: below }, "download", "/");
  const mirrors = others.filter(isUsable).slice(0, MOST_MIRRORS);
  const fields = {
    ...fieldsOf(read, url),
    url,
    ...(mirrors.length > 0 && { mirrors }),
    ...ownFields(options),
  };
  parseDownload(fields, { urlLength: Infinity });
  return fields;
}

/** What a list of Sluice's own says besides: `import` takes it, too. */
function ownFields(options: Entry["options"]): Record<string, unknown> {
  return Object.assign(
    {},
    ...Object.entries(options).map(([name, value]) => ownField(name, value)),
  );
}

function isUsable(url: string): boolean {
  try {
    return parseUrl(url, Infinity) === url;
  } catch {
    return false;
  }
}

function slashed(path: string): string {
  const parted = /^[a-z]:\\/i.test(path) ? path.replaceAll("\\", "/") : path;
  return parted.replace(/\/+/g, "/").replace(/\/$/, "");
}

/** The longest directory that all of these are in; null if there is none. */
function commonOf(directories: readonly string[]): string | null {
  const [first, ...more] = directories.map((one) => one.split("/"));
  if (first === undefined) return null;
  const differs = first.findIndex((part, n) =>
    more.some((parts) => parts[n] !== part)
  );
  return (differs < 0 ? first : first.slice(0, differs)).join("/");
}
