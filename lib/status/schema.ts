/** What clients see of downloads: the names and the kinds of all fields. Pure. */

import type { Schema, Typed } from "../base/schema.ts";
import { CHECKSUM_ALGORITHMS } from "../download/checksum.ts";
import { PRIORITIES } from "../download/priority.ts";
import { ERROR_CODES } from "../download/error_codes.ts";
import { AT_A_TIME, RATE } from "../download/fields.ts";

/** Where a download can stand, as clients see it. */
export const PROCESS_STATUSES = [
  "Queued",
  "Downloading",
  "Paused",
  "Downloaded",
  "Failed",
] as const;

const COUNT = { type: "integer", minimum: 0 } as const;
const TEXT_OR_NULL = { type: ["string", "null"] } as const;
const DATE = { type: "string", format: "date-time" } as const;

/** A half-open range of bytes: `[start, end]`. */
const RANGE = {
  type: "array",
  prefixItems: [COUNT, COUNT],
  minItems: 2,
  maxItems: 2,
} as const;

/** A checksum, and where it is from. */
export const CHECKSUM = {
  type: "object",
  properties: {
    algorithm: { enum: CHECKSUM_ALGORITHMS },
    digest: { type: "string", description: "Hexadecimal digits." },
    from: {
      type: "string",
      description: "request, a header's name, or the URL that it is from.",
    },
  },
  required: ["algorithm", "digest", "from"],
} as const satisfies Schema;

/** An error. */
const FAULT = {
  type: ["object", "null"],
  properties: {
    code: { enum: ERROR_CODES },
    message: { type: "string" },
  },
  required: ["code", "message"],
} as const;

/** An error as clients see it. */
export type Fault = NonNullable<Typed<typeof FAULT>>;

/** A URL that a file may come from, where it has mirrors. */
const SOURCE = {
  type: "object",
  properties: {
    url: { type: "string" },
    standing: {
      enum: ["used", "failed", "spare"],
      description:
        "Whether bytes of the file are from it, it failed for good, or it is " +
        "not in use.",
    },
    threads: { ...COUNT, description: "Running now." },
    error: { ...FAULT, description: "Why it failed." },
  },
  required: ["url", "standing", "threads", "error"],
} as const satisfies Schema;

/** A URL that a file may come from, where it has mirrors. */
export type SourceStatus = Typed<typeof SOURCE>;

/** A download as clients see it. The names are the protocol's. */
export const STATUS = {
  type: "object",
  properties: {
    id: { type: "string" },
    url: { type: "string" },
    sources: {
      type: "array",
      items: SOURCE,
      description: "The URL and its mirrors; absent where there are none.",
    },
    process_status: { enum: PROCESS_STATUSES },
    filename: {
      ...TEXT_OR_NULL,
      description:
        "The name that the file has or will have; null if not known.",
    },
    directory: {
      ...TEXT_OR_NULL,
      description:
        "Where the file is or will be below the content directory; null if " +
        "directly in it.",
    },
    size: {
      type: ["integer", "null"],
      minimum: 0,
      description: "Bytes; null if not known.",
    },
    downloaded: { ...COUNT, description: "Bytes." },
    progress: {
      type: ["number", "null"],
      minimum: 0,
      maximum: 1,
      description: "From 0 to 1; null if not known.",
    },
    limit_rate: {
      type: ["integer", "null"],
      minimum: 0,
      description: "The rate that it is limited to itself, in bytes a second.",
    },
    limited_by: {
      enum: ["server", "timetable", "host", "download", null],
      description: "Which limit holds its rate while it runs.",
    },
    priority: {
      enum: PRIORITIES,
      description: "Whether it begins before others that wait, or after them.",
    },
    threads: { type: "integer", minimum: 0, description: "Running now." },
    ranges: {
      type: ["boolean", "null"],
      description: "Whether the origin supports ranges; null if not known.",
    },
    speed: { type: "integer", minimum: 0, description: "Bytes a second." },
    eta: {
      type: ["integer", "null"],
      minimum: 0,
      description: "Seconds; null if not known.",
    },
    slices: {
      type: "array",
      items: RANGE,
      description: "What is done, as half-open ranges.",
    },
    fetching: {
      type: "array",
      items: RANGE,
      description:
        "What each running thread fetches: from where it is, to where it stops.",
    },
    path_to_file: {
      ...TEXT_OR_NULL,
      description: "The file: link of the finished file.",
    },
    checksum: {
      ...CHECKSUM,
      type: ["object", "null"],
      description:
        "The checksum that the file must have; null while none is found, absent " +
        "where none was asked for.",
    },
    node: {
      ...TEXT_OR_NULL,
      description:
        "The server that fetches it, or has its file; absent where no other " +
        "server has the same queue.",
    },
    order: {
      enum: ["sequential"],
      description: "Absent unless its bytes are to come from front to back.",
    },
    start_at: {
      ...DATE,
      description: "When it starts by itself; absent unless it waits for that.",
    },
    proxy: {
      type: "string",
      description: "The name of the proxy that it was given; absent for none.",
    },
    error: {
      ...FAULT,
      description: "Why it failed or paused, or what it is trying again after.",
    },
    added_at: DATE,
    finished_at: { type: ["string", "null"], format: "date-time" },
  },
  required: [
    "id",
    "url",
    "process_status",
    "filename",
    "directory",
    "size",
    "downloaded",
    "progress",
    "limit_rate",
    "limited_by",
    "priority",
    "threads",
    "ranges",
    "speed",
    "eta",
    "slices",
    "fetching",
    "path_to_file",
    "error",
    "added_at",
    "finished_at",
  ],
} as const satisfies Schema;

/** A download as clients see it. */
export type Status = Typed<typeof STATUS>;

/** How many downloads there are of each process status. */
export const TOTALS = {
  type: "object",
  properties: {
    Queued: COUNT,
    Downloading: COUNT,
    Paused: COUNT,
    Downloaded: COUNT,
    Failed: COUNT,
  },
  required: PROCESS_STATUSES,
} as const satisfies Schema;

/** How many downloads there are of each process status. */
export type Totals = Typed<typeof TOTALS>;

/** How much room the content directory's disk has. */
export const DISK = {
  type: "object",
  properties: {
    free: { ...COUNT, description: "Bytes that are free on the disk." },
    room: {
      type: "integer",
      description:
        "What downloads may still take of it; below 0 if less than " +
        "MIN_FREE_SPACE is free.",
    },
  },
  required: ["free", "room"],
} as const satisfies Schema;

/** How much room the content directory's disk has, in bytes. */
export type Disk = Typed<typeof DISK>;

/** What the timetable says now. */
export const TIMETABLE = {
  type: "object",
  properties: {
    holds: { enum: ["off", "rate", "pause"] },
    limit_rate: {
      type: ["integer", "null"],
      minimum: 0,
      description: "Bytes a second; null where it limits nothing.",
    },
    until: {
      type: ["string", "null"],
      format: "date-time",
      description: "When it says something else; null for never.",
    },
  },
  required: ["holds", "limit_rate", "until"],
} as const satisfies Schema;

/** What the timetable says now, as clients see it. */
export type TimetableStatus = Typed<typeof TIMETABLE>;

/** What limits all downloads together, besides a timetable. */
export const LIMITS = {
  type: "object",
  properties: {
    limit_rate: RATE,
    limit_rate_per_host: {
      ...RATE,
      description: "Bytes a second from each origin host; null for no limit.",
    },
    max_downloads: AT_A_TIME,
  },
  required: ["limit_rate", "limit_rate_per_host", "max_downloads"],
} as const satisfies Schema;

/** What limits all downloads together, as clients see it. */
export type LimitsStatus = Typed<typeof LIMITS>;

/** A server of a queue that several share. */
export const NODE = {
  type: "object",
  properties: {
    node: { type: "string" },
    url: { type: "string" },
    state: {
      enum: ["here", "there", "draining", "away"],
      description: "away: its lease runs, and nothing was heard of it lately.",
    },
    threads: { type: "integer", minimum: 0 },
    speed: { type: "number", minimum: 0, description: "Bytes a second." },
    room: {
      type: ["integer", "null"],
      description: "Bytes that its disk has room for; null if it has not told.",
    },
  },
  required: ["node", "url", "state", "threads", "speed", "room"],
} as const satisfies Schema;

/** A server of a queue that several share, as people see it. */
export type NodeStatus = Typed<typeof NODE>;
