/**
 * Reads lists of URLs: one a line, with its mirrors behind tabs, and below it,
 * indented, options of aria2's lists. Pure.
 */

import { CHECKSUM_ALGORITHMS } from "../download/checksum.ts";
import { parseDirectory } from "../download/directory.ts";
import { DownloadError } from "../download/errors.ts";
import { completeUrl } from "../download/typed_url.ts";
import { parseBytes } from "../base/whole_number.ts";
import { FASTEST } from "../download/fields.ts";

/** The fields of a download, as the protocol has them. */
export type DownloadFields =
  & { readonly url: string }
  & Readonly<Record<string, unknown>>;

/** What a line of a list asks for, or what is wrong with it. */
export type ListLine =
  | {
    readonly kind: "download";
    /** Counted from 1. */
    readonly line: number;
    readonly fields: DownloadFields;
  }
  | {
    readonly kind: "fault";
    readonly line: number;
    /** What is wrong, as a sentence. */
    readonly fault: string;
  };

/** Whether a file's name leads elsewhere, or nowhere. */
export function isPath(name: string): boolean {
  return /[/\\]|^(\.{0,2}|-)$/.test(name);
}

/** A header as it is typed, `Name: value`; null if it is none. */
export function parseHeaderLine(line: string): [string, string] | null {
  const [, name, value] = line.match(/^([^:\s]+):(.*)$/) ?? [];
  return name === undefined || value === undefined
    ? null
    : [name.toLowerCase(), value.trim()];
}

/**
 * Reads a list. Lines end with LF, CR or both; `#` begins a comment, also
 * behind a URL and white space.
 */
export function parseList(text: string): ListLine[] {
  const lines: ListLine[] = [];
  /** The fields of the latest URL, to which options below it are added. */
  let fields: Record<string, unknown> | null = null;
  for (const [n, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const words = raw.trim();
    if (words === "" || words.startsWith("#")) continue;
    const line = n + 1;
    const [, name, value = ""] = raw.match(/^[ \t]+([a-z][a-z\d-]*)=(.*)$/) ??
      [];
    let fault: string | null;
    if (name === undefined) {
      const [url = "", ...mirrors] = withoutComment(words).split(/\t+/)
        .map((word) => word.trim());
      fault = urlFault(words, [url, ...mirrors]);
      const asked = {
        url: completeUrl(url),
        ...(mirrors.length > 0 && { mirrors: mirrors.map(completeUrl) }),
      };
      if (fault === null) lines.push({ kind: "download", line, fields: asked });
      fields = asked;
    } else {
      fault = fields === null
        ? `There is no URL above ${name}=.`
        : addOption(fields, name, value.trim());
    }
    if (fault !== null) lines.push({ kind: "fault", line, fault });
  }
  return lines;
}

function withoutComment(words: string): string {
  const comment = words.search(/\s#/);
  return comment < 0 ? words : words.slice(0, comment).trimEnd();
}

/** Why a line is not a URL, with its mirrors behind tabs; null if it may be. */
function urlFault(words: string, urls: readonly string[]): string | null {
  if (words.includes("\uFFFD")) return "It is not in UTF-8.";
  return urls.some((url) => /[\p{L}\p{N}\s]https?:\/\//iu.test(url))
    ? "There is more than one URL in it: write each in a line of its own, and " +
      "tabs between a URL and its mirrors."
    : null;
}

/** Adds an option of aria2's to a download; what is wrong with it, or null. */
function addOption(
  fields: Record<string, unknown>,
  name: string,
  value: string,
): string | null {
  if (value.includes("\uFFFD")) return "It is not in UTF-8.";
  const own = ownField(name, value);
  if (own !== null) {
    Object.assign(fields, own);
    return null;
  }
  switch (name) {
    case "out":
      fields.filename = value;
      return isPath(value) ? "out= is a name, not a path." : null;
    case "header":
      return addHeader(fields, value);
    case "referer":
      return addHeader(fields, `Referer: ${value}`);
    case "user-agent":
      return addHeader(fields, `User-Agent: ${value}`);
    case "checksum":
      return addChecksum(fields, value);
    case "stream-piece-selector":
      if (value === "inorder") fields.order = "sequential";
      return null;
    case "split":
      fields.threads = Number(value);
      return null;
    // The name of a download in aria2's saved session; nothing follows from it.
    case "gid":
      return null;
    case "max-download-limit":
      fields.limit_rate = parseBytes(value, 1, FASTEST);
      return value === "0" || fields.limit_rate !== undefined
        ? null
        : "max-download-limit= must be bytes a second, such as 500K.";
    case "dir":
      return addDirectory(fields, value);
    case "pause":
      fields.paused = value === "true";
      return /^(true|false)$/.test(value)
        ? null
        : "pause= must be true or false.";
    default:
      return `Sluice takes no ${name}=, but out=, dir=, header=, referer=, ` +
        "user-agent=, checksum=, split=, max-download-limit=, pause=, " +
        "checksum-from=, size=, priority=, proxy= and start-at=.";
  }
}

/**
 * The field of an option that is not aria2's, which passes over it with a warning:
 * what an export has. Null for any other.
 */
export function ownField(name: string, value: string) {
  switch (name) {
    case "checksum-from":
      return { checksum_from: value };
    case "size":
      return { size: /^\d+$/.test(value) ? Number(value) : NaN };
    case "priority":
      return { priority: value };
    case "proxy":
      return { proxy: value };
    case "start-at":
      return { start_at: value };
    default:
      return null;
  }
}

function addDirectory(
  fields: Record<string, unknown>,
  value: string,
): string | null {
  try {
    parseDirectory(value, "dir=");
    fields.directory = value;
    return null;
  } catch (error) {
    if (error instanceof DownloadError) return error.message;
    throw error;
  }
}

function addHeader(
  fields: Record<string, unknown>,
  line: string,
): string | null {
  const [name, value] = parseHeaderLine(line) ?? [];
  // The line is not shown: it may hold a token.
  if (name === undefined) return 'header= must be "Name: value".';
  const headers = (fields.headers ?? {}) as Record<string, unknown>;
  if (name in headers) return `${name} is given twice: give both values once.`;
  fields.headers = { ...headers, [name]: value };
  return null;
}

function addChecksum(
  fields: Record<string, unknown>,
  value: string,
): string | null {
  const [type = "", digest] = value.split("=");
  const algorithm = CHECKSUM_ALGORITHMS.find((name) =>
    name === type.toLowerCase().replace("-", "")
  );
  if (algorithm === undefined) {
    return "checksum= must be sha-256=…, sha-512=…, sha-1=… or md5=….";
  }
  fields[algorithm] = digest;
  return null;
}
