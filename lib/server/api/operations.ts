/**
 * What can be asked for at `/api`: one table, which requests are routed and read
 * by, and which the document for programs is made of. Pure.
 */

import type { Fields, Schema } from "../../base/schema.ts";
import { ERROR_CODES } from "../../download/error_codes.ts";
import {
  CHECKSUM_FIELDS,
  DOWNLOAD_FIELDS,
  URL_FIELD,
} from "../../download/fields.ts";
import {
  CHECKSUM,
  DISK,
  LIMITS,
  NODE,
  STATUS,
  TIMETABLE,
  TOTALS,
} from "../../status/schema.ts";
import {
  type ClientRequest,
  KEY,
  LIMIT_FIELDS,
  LIST_FIELDS,
  MOVE_FIELDS,
  PRIORITY_FIELDS,
  RELOCATE_FIELDS,
  REMOVE_FIELDS,
  START_FIELDS,
} from "../protocol.ts";
import { OWN_CODES } from "./problems.ts";

/** Something that can be asked for. */
export interface Operation {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Below `/api`; `{id}` stands for a download's id. */
  readonly path: string;
  /** What the socket calls the like, by which a token's scope reaches it. */
  readonly action: ClientRequest["kind"];
  /** What it does, in a line. */
  readonly summary: string;
  /** What its query may hold; absent where it has none. */
  readonly query?: Fields;
  /** What its headers may hold, besides those that HTTP has for all. */
  readonly headers?: Fields;
  /** What its body holds; absent where it has none. */
  readonly body?: ObjectSchema;
  /** What it gets if all is well. */
  readonly reply: Reply;
}

/** An object of fields, each with its name. */
interface ObjectSchema extends Schema {
  readonly properties: Fields;
}

/** What an operation gets. */
export interface Reply {
  readonly status: 200 | 201 | 204;
  readonly description: string;
  /** Absent where there is no body. */
  readonly schema?: Schema;
  /** The body's media type, if it is not JSON. */
  readonly media?: string;
}

/** A refusal (RFC 9457). */
export const PROBLEM = {
  type: "object",
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer", minimum: 400, maximum: 599 },
    detail: { type: "string", description: "What is wrong, and what to do." },
    code: { enum: [...ERROR_CODES, ...OWN_CODES] },
  },
  required: ["type", "title", "status", "detail", "code"],
} as const satisfies Schema;

/** A page of downloads. */
const PAGE = {
  type: "object",
  properties: {
    data: { type: "array", items: STATUS },
    offset: { type: "integer", minimum: 0 },
    total: {
      type: "integer",
      minimum: 0,
      description: "How many there are on all pages.",
    },
  },
  required: ["data", "offset", "total"],
} as const satisfies Schema;

/** The data of an event. */
export const EVENT = {
  type: "object",
  properties: {
    data: { type: "array", items: STATUS },
    totals: TOTALS,
    removed: { type: "array", items: { type: "string" } },
    reordered: {
      type: "boolean",
      description: "Whether what waits begins in another order than before.",
    },
    disk: DISK,
    timetable: TIMETABLE,
    limits: LIMITS,
    snapshot: {
      type: "boolean",
      description: "These replace all that the client knows.",
    },
  },
  required: ["data", "totals"],
} as const satisfies Schema;

/** One download to be added. */
const ADDITION = {
  type: "object",
  properties: DOWNLOAD_FIELDS,
  required: ["url"],
  additionalProperties: false,
} as const satisfies Schema;

/** What is to be added: one download, or several. */
const ADDITIONS = {
  type: "object",
  properties: {
    ...DOWNLOAD_FIELDS,
    urls: {
      type: "array",
      minItems: 1,
      items: { anyOf: [URL_FIELD, ADDITION] },
      description: "Several at once, as URLs or objects, in place of one url.",
    },
  },
  anyOf: [{ required: ["url"] }, { required: ["urls"] }],
  additionalProperties: false,
} as const satisfies Schema;

const ADDED = {
  type: "object",
  properties: { ids: { type: "array", items: { type: "string" } } },
  required: ["ids"],
} as const satisfies Schema;

/** When a download goes on; at once without a body. */
const STARTING = {
  type: "object",
  properties: START_FIELDS,
  additionalProperties: false,
} as const satisfies Schema;

const NODES = {
  type: "object",
  properties: {
    message: { type: "string" },
    nodes: { type: "array", items: NODE },
  },
  required: ["message", "nodes"],
} as const satisfies Schema;

const VERIFIED = {
  type: "object",
  properties: {
    fits: { type: "boolean" },
    checksum: CHECKSUM,
    digest: { type: "string", description: "What the file has." },
  },
  required: ["fits", "checksum", "digest"],
} as const satisfies Schema;

/** The schemas that the document calls by a name, wherever they stand. */
export const NAMED: Readonly<Record<string, Schema>> = {
  Added: ADDED,
  Addition: ADDITION,
  Additions: ADDITIONS,
  Checksum: CHECKSUM,
  Disk: DISK,
  Download: STATUS,
  Event: EVENT,
  Limits: LIMITS,
  Node: NODE,
  Nodes: NODES,
  Page: PAGE,
  Problem: PROBLEM,
  Totals: TOTALS,
  Verified: VERIFIED,
};

const STANDING: Reply = {
  status: 200,
  description: "How the download stands.",
  schema: STATUS,
};

/** All operations, by their names. */
export const OPERATIONS = {
  listDownloads: {
    method: "GET",
    path: "/downloads",
    action: "list",
    summary: "Lists downloads, a page at a time.",
    query: LIST_FIELDS,
    reply: { status: 200, description: "A page.", schema: PAGE },
  },
  addDownloads: {
    method: "POST",
    path: "/downloads",
    action: "add",
    summary: "Adds a download, or several, at the end of the queue.",
    headers: { "Idempotency-Key": KEY },
    body: ADDITIONS,
    reply: {
      status: 201,
      description: "The download, or the ids of several.",
      schema: { anyOf: [STATUS, ADDED] },
    },
  },
  getDownload: {
    method: "GET",
    path: "/downloads/{id}",
    action: "get",
    summary: "Tells how a download stands.",
    reply: STANDING,
  },
  changeDownload: {
    method: "PATCH",
    path: "/downloads/{id}",
    action: "command",
    summary: "Limits a download's rate, or gives it a priority.",
    body: {
      type: "object",
      properties: { ...LIMIT_FIELDS, ...PRIORITY_FIELDS },
      anyOf: [{ required: ["limit_rate"] }, { required: ["priority"] }],
      additionalProperties: false,
    },
    reply: STANDING,
  },
  removeDownload: {
    method: "DELETE",
    path: "/downloads/{id}",
    action: "command",
    summary: "Removes a download from the list.",
    query: REMOVE_FIELDS,
    reply: { status: 204, description: "It is off the list." },
  },
  pauseDownload: {
    method: "POST",
    path: "/downloads/{id}/pause",
    action: "command",
    summary: "Pauses a download.",
    reply: STANDING,
  },
  resumeDownload: {
    method: "POST",
    path: "/downloads/{id}/resume",
    action: "command",
    summary: "Resumes a download that is paused, or has it wait for a time.",
    body: STARTING,
    reply: STANDING,
  },
  retryDownload: {
    method: "POST",
    path: "/downloads/{id}/retry",
    action: "command",
    summary: "Tries a download again that has failed, or has it wait first.",
    body: STARTING,
    reply: STANDING,
  },
  refreshDownload: {
    method: "POST",
    path: "/downloads/{id}/refresh",
    action: "command",
    summary: "Gives a download another URL of the same file.",
    body: {
      type: "object",
      properties: { url: URL_FIELD },
      required: ["url"],
      additionalProperties: false,
    },
    reply: STANDING,
  },
  moveDownload: {
    method: "POST",
    path: "/downloads/{id}/move",
    action: "move",
    summary: "Moves a download that waits to another place in the queue.",
    body: {
      type: "object",
      properties: MOVE_FIELDS,
      anyOf: [{ required: ["to"] }, { required: ["before"] }],
      additionalProperties: false,
    },
    reply: STANDING,
  },
  verifyDownload: {
    method: "POST",
    path: "/downloads/{id}/verify",
    action: "verify",
    summary: "Reads a finished file again, and compares its checksum.",
    body: {
      type: "object",
      properties: CHECKSUM_FIELDS,
      additionalProperties: false,
    },
    reply: {
      status: 200,
      description: "What has come of it.",
      schema: VERIFIED,
    },
  },
  relocateDownload: {
    method: "POST",
    path: "/downloads/{id}/relocate",
    action: "command",
    summary: "Moves a finished file to another directory.",
    body: {
      type: "object",
      properties: RELOCATE_FIELDS,
      required: ["directory"],
      additionalProperties: false,
    },
    reply: STANDING,
  },
  streamEvents: {
    method: "GET",
    path: "/events",
    action: "list",
    summary: "Tells how all stands, and then what changes.",
    reply: {
      status: 200,
      description: "Server-Sent Events: one snapshot, then changes, whose " +
        "data is JSON.",
      media: "text/event-stream",
      schema: {
        type: "string",
        contentMediaType: "application/json",
        contentSchema: EVENT,
      },
    },
  },
  listNodes: {
    method: "GET",
    path: "/nodes",
    action: "nodes",
    summary: "Lists the servers that share the queue.",
    reply: { status: 200, description: "The servers.", schema: NODES },
  },
  getLimits: {
    method: "GET",
    path: "/limits",
    action: "list",
    summary: "Tells what limits all downloads together.",
    reply: { status: 200, description: "What holds now.", schema: LIMITS },
  },
  changeLimits: {
    method: "PATCH",
    path: "/limits",
    action: "limit",
    summary: "Limits all downloads together, until the server stops.",
    body: {
      type: "object",
      properties: LIMITS.properties,
      anyOf: LIMITS.required.map((name) => ({ required: [name] })),
      additionalProperties: false,
    },
    reply: { status: 200, description: "What holds now.", schema: LIMITS },
  },
  getDocument: {
    method: "GET",
    path: "/openapi.json",
    action: "list",
    summary: "Tells what can be asked for here: this document.",
    reply: {
      status: 200,
      description: "OpenAPI 3.1.",
      schema: { type: "object" },
    },
  },
} as const satisfies Readonly<Record<string, Operation>>;

/** The name of an operation. */
export type OperationName = keyof typeof OPERATIONS;
