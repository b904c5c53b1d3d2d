/** What a client may say of a download that it asks for. Pure. */

import type { Fields, Typed } from "../base/schema.ts";
import {
  CHECKSUM_ALGORITHMS,
  CHECKSUM_DIGITS,
  type ChecksumAlgorithm,
} from "./checksum.ts";
import { PRIORITIES } from "./priority.ts";

/** Bytes a second: the slowest rate that a client may ask for. */
export const SLOWEST = 1_000;
/** ... and the fastest. */
export const FASTEST = 2 ** 40;

/** Threads that one download may be given. */
export const MOST_THREADS = 1_000;

/** Downloads that a server may be told to run at a time. */
const MOST_AT_A_TIME = 1_024;

/** How a proxy may be called. */
export const PROXY_NAME = /^[\w.\-]{1,64}$/;
/** ... and in words. */
export const PROXY_NAME_RULE = "up to 64 letters, digits, ., - and _";
/** Mirrors that a download may have. */
export const MOST_MIRRORS = 16;

/** Characters of a name that a client asks for. */
const LONGEST_NAME = 1_000;

/** A rate. */
export const RATE = {
  type: ["integer", "null"],
  minimum: SLOWEST,
  maximum: FASTEST,
  description: "Bytes a second; null for no limit.",
} as const;

/** How many downloads run at a time. */
export const AT_A_TIME = {
  type: ["integer", "null"],
  minimum: 1,
  maximum: MOST_AT_A_TIME,
  description: "Downloads that run at a time; null for one a thread.",
} as const;

/** A priority. */
export const PRIORITY = {
  enum: [...PRIORITIES, null],
  title: `one of ${PRIORITIES.join(", ")}`,
  description: "Whether it begins before others that wait, or after them.",
} as const;

/** The URL of a file. */
export const URL_FIELD = {
  type: "string",
  format: "uri",
  description:
    "The file's URL, of http or https. Its path is asked for as it " +
    "is written, or the URL is refused.",
} as const;

/** A moment. */
export const START_AT = {
  type: ["string", "null"],
  format: "date-time",
  pattern: "^\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?" +
    "([Zz]|[+-]\\d\\d:\\d\\d)$",
  title: "a time such as 2026-11-29T18:00:00+01:00",
  description: "When it is to start; at once if that is past, or null.",
} as const;

const PLAIN_FIELDS = {
  url: URL_FIELD,
  mirrors: {
    type: ["array", "null"],
    items: { type: "string", format: "uri" },
    maxItems: MOST_MIRRORS,
    title: `a list of at most ${MOST_MIRRORS} URLs`,
    description: "Other URLs of the same file.",
  },
  filename: {
    type: ["string", "null"],
    minLength: 1,
    maxLength: LONGEST_NAME,
    title: `a name of at most ${LONGEST_NAME} characters`,
    description: "The name that the file is to have; null for the origin's.",
  },
  size: {
    type: ["integer", "null"],
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    title: "a number of bytes",
    description: "Bytes that the file must have.",
  },
  directory: {
    type: ["string", "null"],
    description: "Where the file is to go below the content directory, such " +
      "as films/2026.",
  },
  headers: {
    type: "object",
    additionalProperties: { type: "string" },
    description: "Headers for the URL's own origin.",
  },
  threads: {
    type: ["integer", "null"],
    minimum: 1,
    maximum: MOST_THREADS,
    description: "How many threads it may have at most.",
  },
  checksum_from: {
    type: ["string", "null"],
    minLength: 1,
    title: '"auto", or the URL of a file of checksums',
    description: "Where a checksum is to be looked for, in place of one that " +
      "is given: auto for where origins publish them, or a URL.",
  },
  limit_rate: RATE,
  priority: PRIORITY,
  order: {
    enum: ["sequential", null],
    title: '"sequential", or left out',
    description:
      "Whether its bytes are to come from front to back, to be read " +
      "while they come.",
  },
  proxy: {
    type: ["string", "null"],
    pattern: PROXY_NAME.source,
    title: PROXY_NAME_RULE,
    description: "The name of one of the server's proxies, or direct.",
  },
  paused: {
    type: ["boolean", "null"],
    description: "Whether it begins only once it is resumed.",
  },
  start_at: START_AT,
} as const;

/** A checksum, in one of several algorithms. */
export const CHECKSUM_FIELDS: Fields = Object.fromEntries(
  CHECKSUM_ALGORITHMS.map((name) => [name, {
    type: "string",
    pattern: `^[0-9A-Fa-f]{${CHECKSUM_DIGITS[name]}}$`,
    title: `${CHECKSUM_DIGITS[name]} hexadecimal digits`,
    description: "A checksum that the whole file must have; one of them.",
  }]),
);

/** All fields of a request for one download. */
export const DOWNLOAD_FIELDS = {
  ...PLAIN_FIELDS,
  ...CHECKSUM_FIELDS,
} as const satisfies Fields;

/** What is said of a download that is asked for. */
export type DownloadFields =
  & { readonly url: string }
  & { readonly [Name in ChecksumAlgorithm]?: string }
  & {
    readonly [Name in Exclude<keyof typeof PLAIN_FIELDS, "url">]?: Typed<
      typeof PLAIN_FIELDS[Name]
    >;
  };
