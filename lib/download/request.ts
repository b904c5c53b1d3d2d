/** Reads and checks a request for one download. Pure. */

import { isObject, type JsonObject } from "../base/json.ts";
import {
  type Checksum,
  CHECKSUM_ALGORITHMS,
  CHECKSUM_DIGITS,
  type DownloadRequest,
} from "./download.ts";
import { DownloadError } from "./errors.ts";

/** What a request for one download may hold at most. */
export interface RequestLimits {
  /** Characters of a URL. */
  readonly urlLength: number;
}

/** Characters of a name that a client asks for. */
const LONGEST_NAME = 1_000;

const DOWNLOAD_FIELDS = [
  "url",
  "filename",
  "headers",
  "threads",
  ...CHECKSUM_ALGORITHMS,
];

/**
 * Reads what is asked for one download.
 *
 * @throws {DownloadError} BAD_REQUEST or BAD_URL.
 */
export function parseDownload(
  fields: unknown,
  limits: RequestLimits,
): DownloadRequest {
  if (!isObject(fields)) throw bad('A download must have a "url".');
  refuseUnknown(fields, DOWNLOAD_FIELDS);
  const { filename = null } = fields;
  const named = typeof filename === "string" && filename.length > 0 &&
    filename.length <= LONGEST_NAME;
  if (filename !== null && !named) {
    throw bad(
      `"filename" must be a name of at most ${LONGEST_NAME} characters.`,
    );
  }
  return {
    url: parseUrl(fields.url, limits.urlLength),
    filename,
    headers: parseHeaders(fields.headers),
    checksum: parseChecksum(fields),
    threads: (fields.threads ?? null) === null
      ? null
      : wholeNumberField(fields, "threads", 1, 1, 1_000),
  };
}

function parseHeaders(headers: unknown = {}): Record<string, string> {
  if (!isObject(headers)) {
    throw bad('"headers" must be an object of names and values.');
  }
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      if (typeof value !== "string") {
        throw bad(`"headers": the value of ${name} must be text.`);
      }
      const fault = headerFault(name, value);
      if (fault) throw bad(`"headers": ${fault}.`);
      return [name.toLowerCase(), value];
    }),
  );
}

function parseChecksum(fields: JsonObject): Checksum | null {
  const [algorithm, another] = CHECKSUM_ALGORITHMS.filter((name) =>
    name in fields
  );
  if (algorithm === undefined) return null;
  if (another) throw bad(`Give one checksum, not ${algorithm} and ${another}.`);
  const digest = fields[algorithm];
  const digits = CHECKSUM_DIGITS[algorithm];
  const valid = typeof digest === "string" && digest.length === digits &&
    /^[0-9a-f]*$/i.test(digest);
  if (!valid) {
    throw bad(`"${algorithm}" must be ${digits} hexadecimal digits.`);
  }
  return { algorithm, digest: digest.toLowerCase() };
}

/**
 * Reads the URL of a download.
 *
 * @param longest Characters that it may have.
 * @throws {DownloadError} BAD_REQUEST if it is no text; BAD_URL if it cannot be
 * fetched.
 */
export function parseUrl(url: unknown, longest: number): string {
  if (typeof url !== "string") {
    throw bad('There is no "url": send {"url": "https://…"}.');
  }
  const trimmed = url.trim();
  if (trimmed.length > longest) {
    throw badUrl(`is longer than ${longest} characters`);
  }
  const parsed = URL.parse(trimmed);
  if (parsed === null) {
    throw badUrl("must be whole, such as https://example.org/file");
  }
  const { protocol } = parsed;
  if (protocol !== "http:" && protocol !== "https:") {
    throw badUrl("cannot be fetched: it must begin with http:// or https://");
  }
  const fault = pathFault(trimmed);
  if (fault !== null) throw badUrl(fault);
  return trimmed;
}

/**
 * Why the HTTP client would ask for another path than a URL names; null if it
 * would not. The URL standard of the WHATWG, which it goes by, drops tabs and
 * line ends (§4.4), takes a backslash for a slash, and resolves dot segments.
 */
function pathFault(url: string): string | null {
  if (/[\t\n\r]/.test(url)) {
    return "has a tab or a line end inside, which would be dropped: remove it, " +
      "or write it as %09, %0A or %0D";
  }
  const [, path = ""] = url.match(/^[^:]*:[\\/]*[^\\/?#]*([^?#]*)/) ?? [];
  if (path.includes("\\")) {
    return "has a backslash in its path, which would become a slash: write a " +
      "slash, or %5C for a backslash";
  }
  const dots = path.split("/").find((segment) =>
    /^(\.|%2e){1,2}$/i.test(segment)
  );
  return dots === undefined ? null : `has the segment ${dots} in its path, ` +
    "which would be resolved to another path: write the path without it";
}

/** Header names that Sluice sets itself, or that describe the connection. */
const OURS = [
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "keep-alive",
  "proxy-connection",
  "range",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Why a header may not be sent; null if it may. */
export function headerFault(name: string, value: string): string | null {
  if (OURS.includes(name.toLowerCase())) {
    return `the header ${name} is set by Sluice itself`;
  }
  try {
    new Headers({ [name]: value });
    return null;
  } catch {
    return `${JSON.stringify(name)} with this value is not a valid header`;
  }
}

/**
 * Reads a field that must be a whole number from `least` to `most`, both of
 * them allowed.
 *
 * @throws {DownloadError} BAD_REQUEST.
 */
export function wholeNumberField(
  fields: JsonObject,
  name: string,
  fallback: number,
  least: number,
  most: number,
): number {
  const value = fields[name] ?? fallback;
  const valid = Number.isInteger(value) && Number(value) >= least &&
    Number(value) <= most;
  if (valid) return Number(value);
  throw bad(`"${name}" must be a whole number from ${least} to ${most}.`);
}

/**
 * Refuses fields that nothing reads: a misspelt one would do nothing.
 *
 * @throws {DownloadError} BAD_REQUEST, naming the first of them.
 */
export function refuseUnknown(
  fields: JsonObject,
  known: readonly string[],
): void {
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const name = JSON.stringify(unknown.slice(0, 50));
  throw bad(`${name} is not known here; known are ${known.join(", ")}.`);
}

/** The error for a request that makes no sense; `message` says what to mend. */
export function bad(message: string): DownloadError {
  return new DownloadError("BAD_REQUEST", message);
}

function badUrl(fault: string): DownloadError {
  return new DownloadError("BAD_URL", `The URL ${fault}.`);
}
