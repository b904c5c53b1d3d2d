/** Reads the rules of a file of settings. Pure. */

import { isObject } from "../base/json.ts";
import { parseBytes } from "../base/whole_number.ts";
import { DownloadError } from "../download/errors.ts";
import { FASTEST, MOST_THREADS, SLOWEST } from "../download/fields.ts";
import { headerFault } from "../download/request.ts";
import { type Rule, templateFault, waitsForAnswer } from "../download/rules.ts";
import { DIRECT } from "../origin/proxies.ts";
import { HARMLESS } from "../origin/request.ts";
import { refuseOtherFields, type Table } from "./config_file.ts";

const FIELDS = [
  ...["host", "extension", "media_type", "min_size", "max_size"],
  ...["directory", "headers", "threads", "limit_rate", "proxy"],
];

/** Bytes that a rule may tell files by. */
const LARGEST = 2 ** 53 - 1;

/**
 * The rules that the tables of a file hold, in their order.
 *
 * @param settings Settings' names, which may stand in a table by mistake.
 * @param proxies The names of proxies that the file has.
 * @throws {UsageError} naming the line of a mistake, never a header's value.
 */
export function readRules(
  tables: readonly Table[],
  settings: readonly string[],
  proxies: readonly string[],
): Rule[] {
  return tables.map((table): Rule => {
    refuseOtherFields(table, FIELDS, settings);
    const rule = {
      hosts: textsIn(table, "host", hostOf, HOSTS),
      extensions: textsIn(table, "extension", extensionIn, EXTENSIONS),
      mediaTypes: textsIn(table, "media_type", mediaTypeIn, MEDIA_TYPES),
      minSize: bytesIn(table, "min_size", 0, LARGEST),
      maxSize: bytesIn(table, "max_size", 0, LARGEST),
      directory: directoryIn(table),
      headers: headersIn(table),
      threads: threadsIn(table),
      limitRate: bytesIn(table, "limit_rate", SLOWEST, FASTEST),
      proxy: proxyIn(table, proxies),
    };
    refuseTooLate(table, rule);
    return rule;
  });
}

/** What depends on the answer comes too late for all that the request goes by. */
function refuseTooLate({ fields, fault }: Table, rule: Rule): void {
  if (!waitsForAnswer(rule)) return;
  const late = ["headers", "threads", "limit_rate", "proxy"]
    .find((name) => name in fields);
  if (late === undefined) return;
  throw fault(
    `${late} cannot depend on media_type, min_size or max_size, which the ` +
      "origin's answer tells: such a rule gives a directory.",
    late,
  );
}

const HOSTS = "a host, such as example.org or *.example.org, or a list of them";

function hostOf(text: string): string | undefined {
  const [, wildcard = "", name = ""] = text.match(/^(\*(?=\.))?(.*)$/) ?? [];
  const bare = wildcard === "" ? name : name.slice(1);
  if (!/^[^/@?#:*\s]+$|^\[[\da-f:.]+\]$/i.test(bare)) return undefined;
  const url = URL.parse(`http://${bare}/`);
  if (url === null) return undefined;
  const host = url.hostname.replace(/\.$/, "");
  return wildcard === "" ? host : `*.${host}`;
}

const EXTENSIONS = "an extension, such as iso or tar.gz, or a list of them";

function extensionIn(text: string): string | undefined {
  return /^\.?[^./\s][^/\s]{0,30}$/.test(text)
    ? text.replace(/^\./, "").toLowerCase()
    : undefined;
}

const MEDIA_TYPES =
  "a media type, such as video/mp4 or video/*, or a list of " +
  "them";

function mediaTypeIn(text: string): string | undefined {
  return /^[\w!#$&^.+-]+\/(\*|[\w!#$&^.+-]+)$/.test(text)
    ? text.toLowerCase()
    : undefined;
}

/** One text or several, each read by `parse`; none if the table has none. */
function textsIn(
  { fields, fault }: Table,
  name: string,
  parse: (text: string) => string | undefined,
  allowed: string,
): string[] {
  if (!(name in fields)) return [];
  const given = fields[name];
  const texts = (Array.isArray(given) ? given : [given])
    .map((text) => typeof text === "string" ? parse(text) : undefined);
  const read = texts.filter((text) => text !== undefined);
  if (read.length > 0 && read.length === texts.length) return read;
  throw fault(`${name} must be ${allowed}.`, name);
}

function bytesIn(
  { fields, fault }: Table,
  name: string,
  least: number,
  most: number,
): number | null {
  if (!(name in fields)) return null;
  const value = parseBytes(String(fields[name]), least, most);
  if (value !== undefined) return value;
  throw fault(
    `${name} must be bytes${least > 0 ? ` from ${least}` : ""}, such as ` +
      '512000, "500k" or "2M".',
    name,
  );
}

function threadsIn({ fields, fault }: Table): number | null {
  if (!("threads" in fields)) return null;
  const { threads } = fields;
  const isWhole = typeof threads === "number" && Number.isInteger(threads);
  if (isWhole && threads >= 1 && threads <= MOST_THREADS) return threads;
  throw fault(
    `threads must be a whole number from 1 to ${MOST_THREADS}.`,
    "threads",
  );
}

function proxyIn(
  { fields, fault }: Table,
  proxies: readonly string[],
): string | null {
  if (!("proxy" in fields)) return null;
  const known = [...proxies, DIRECT];
  const name = known.find((name) => name === fields.proxy);
  if (name !== undefined) return name;
  throw fault(`proxy must be one of ${known.join(", ")}.`, "proxy");
}

function directoryIn({ fields, fault }: Table): string | null {
  if (!("directory" in fields)) return null;
  const { directory } = fields;
  try {
    const found = typeof directory === "string"
      ? templateFault(directory)
      : "must be a path, such as {host}/{year}-{month}";
    if (found === null) return String(directory);
    throw fault(`directory ${found}.`, "directory");
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    throw fault(
      error.message.replace(/^"directory"/, "directory"),
      "directory",
    );
  }
}

/** Headers may hold secrets: they are for hosts that the rule names. */
function headersIn({ fields, fault }: Table): Record<string, string> {
  if (!("headers" in fields)) return {};
  const { headers } = fields;
  if (!isObject(headers)) {
    throw fault('headers must be { Name = "value" }.', "headers");
  }
  const read = Object.entries(headers).map(([name, value]) => {
    const wrong = typeof value === "string"
      ? headerFault(name, value)
      : `the value of ${name} must be a text`;
    if (wrong !== null) throw fault(`headers: ${wrong}.`, "headers");
    return [name.toLowerCase(), String(value)] as const;
  });
  const secret = read.find(([name]) => !HARMLESS.includes(name));
  if (secret !== undefined && !("host" in fields)) {
    throw fault(
      `${
        secret[0]
      } would go to any host that somebody names: give the rule a ` +
        "host.",
      "headers",
    );
  }
  return Object.fromEntries(read);
}
