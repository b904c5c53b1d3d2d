/** Writes downloads down for other programs, without what is secret. Pure. */

import { isObject } from "../base/json.ts";
import { CHECKSUM_ALGORITHMS } from "../download/checksum.ts";
import { filenameFor } from "../origin/filename.ts";
import { userinfoOf, withoutUserinfo } from "../origin/request.ts";
import type { ListedStatus } from "../server/messages.ts";
import type { FORMATS } from "./commands.ts";

/** A form that downloads are written down in. */
export type Format = typeof FORMATS[number];

/** Headers that let somebody in, or may. */
const SECRET = /auth|cookie|token|secret|session|passw|api-?key|signature/i;

/** A download without its secrets, and what they were. */
export interface Cleaned {
  readonly status: ListedStatus;
  /** The names of headers that are left out; `""` for a name in a URL. */
  readonly left: readonly string[];
}

/** Takes the secrets out of a download: its URLs' userinfo, and some headers. */
export function withoutSecrets(status: ListedStatus): Cleaned {
  const { request, sources } = status;
  let hasUser = false;
  function bare(url: string): string {
    if (!URL.canParse(url) || userinfoOf(new URL(url)) === null) return url;
    hasUser = true;
    return withoutUserinfo(url);
  }
  const url = bare(status.url);
  const from = request?.checksum_from;
  const mirrors = mirrorsOf(status).map(bare);
  const headers = headersOf(status);
  const secret = Object.keys(headers).filter((name) => SECRET.test(name));
  const kept = Object.fromEntries(
    Object.entries(headers).filter(([name]) => !SECRET.test(name)),
  );
  const asked = request && {
    ...request,
    url,
    headers: kept,
    ...(mirrors.length > 0 && { mirrors }),
    ...(typeof from === "string" && { checksum_from: bare(from) }),
  };
  const found = sources?.map((one) => ({ ...one, url: bare(one.url) }));
  return {
    status: {
      ...status,
      url,
      ...(found && { sources: found }),
      ...(asked && { request: asked }),
    },
    left: [...(hasUser ? [""] : []), ...secret],
  };
}

function mirrorsOf({ request }: ListedStatus): string[] {
  const { mirrors } = request ?? {};
  return Array.isArray(mirrors) ? mirrors.map(String) : [];
}

function headersOf({ request }: ListedStatus): Record<string, string> {
  const { headers } = request ?? {};
  return isObject(headers) ? headers as Record<string, string> : {};
}

/** What is left out of all downloads, in a sentence; null if nothing is. */
export function wordsOfLeft(left: readonly string[]): string | null {
  if (left.length === 0) return null;
  const counts = new Map<string, number>();
  for (const name of left) counts.set(name, (counts.get(name) ?? 0) + 1);
  const words = [...counts].map(([name, count]) =>
    name === ""
      ? `${count} with a name and password in a URL`
      : `${count} with a header ${name}`
  );
  return `Secrets are left out: ${
    words.join(", ")
  }. --secrets writes them, too.`;
}

const COLUMNS = [
  "id",
  "url",
  "process_status",
  "filename",
  "directory",
  "size",
  "downloaded",
  "added_at",
  "finished_at",
  "path_to_file",
] as const;

/** The lines before all downloads. */
export function head(format: Format): string[] {
  return format === "csv" ? [`${[...COLUMNS, "error"].join()}\r`] : [];
}

/** The lines of one download. */
export function linesOf(
  status: ListedStatus,
  format: Format,
  isFirst: boolean,
): string[] {
  switch (format) {
    case "json":
      return [(isFirst ? "[" : ",") + JSON.stringify(status)];
    case "csv": {
      const { error } = status;
      const message = error === null ? null : `${error.code}: ${error.message}`;
      const cells = [...COLUMNS.map((name) => status[name]), message];
      return [`${cells.map(cell).join()}\r`];
    }
    case "list":
      return listLines(status);
  }
}

/** The lines behind all downloads, of which there may be none. */
export function tail(format: Format, isEmpty: boolean): string[] {
  if (format !== "json") return [];
  return [isEmpty ? "[]" : "]"];
}

/**
 * A cell, RFC 4180. Spreadsheets run what begins as a formula does, and origins
 * choose names: an apostrophe makes it text.
 */
function cell(value: string | number | null): string {
  if (typeof value !== "string") return String(value ?? "");
  const text = /^[=+@\t\r-]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A URL, its mirrors and its options, as `-i` reads them. */
function listLines(status: ListedStatus): string[] {
  const { url, request = {}, process_status: state, start_at } = status;
  const algorithm = CHECKSUM_ALGORITHMS.find((name) => name in request);
  const name = typeof request.filename === "string" ? request.filename : null;
  // As it is made safe to be a file's name.
  const out = name && filenameFor(name, null, url);
  const options: readonly (readonly [string, unknown])[] = [
    ["out", out],
    ["dir", status.directory],
    ...Object.entries(headersOf(status))
      .map(([name, value]) => ["header", `${name}: ${value}`] as const),
    [
      "checksum",
      algorithm && `${hyphened(algorithm)}=${request[algorithm]}`,
    ],
    ["checksum-from", request.checksum_from],
    ["split", request.threads],
    ["max-download-limit", request.limit_rate],
    ["stream-piece-selector", request.order && "inorder"],
    ["size", request.size],
    ["priority", request.priority],
    ["proxy", request.proxy],
    ["start-at", start_at],
    ["pause", state === "Paused" && start_at === undefined ? true : null],
  ];
  const lines = options
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `  ${name}=${value}`);
  // A list has lines: what holds line ends is left to the origin to say.
  return [
    [url, ...mirrorsOf(status)].map((url) => url.replaceAll(" ", "%20"))
      .join("\t"),
    ...lines.filter((line) => !/[\r\n]/.test(line)),
  ];
}

/** An algorithm by aria2's name, `sha-256`. */
function hyphened(algorithm: string): string {
  return algorithm.replace(/^sha/, "sha-");
}
