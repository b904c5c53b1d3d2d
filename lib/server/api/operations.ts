/**
 * What can be asked for at `/api`: one table, which requests are routed and read
 * by, and which the document for programs is made of. Pure.
 */

import type { Fields } from "../../base/schema.ts";
import { DOWNLOAD_FIELDS, URL_FIELD } from "../../download/fields.ts";
import {
  type ClientRequest,
  LIMIT_FIELDS,
  LIST_FIELDS,
  REMOVE_FIELDS,
} from "../protocol.ts";

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
  /** What its body may hold, all fields at the top of it; absent for none. */
  readonly body?: Fields;
}

/** What may come with a POST that adds. */
const ADD_FIELDS = {
  ...DOWNLOAD_FIELDS,
  urls: {
    type: "array",
    minItems: 1,
    items: {
      anyOf: [
        { type: "string", format: "uri" },
        { type: "object", properties: DOWNLOAD_FIELDS, required: ["url"] },
      ],
    },
    description: "Several at once, as URLs or objects, in place of one url.",
  },
} as const satisfies Fields;

/** All operations, by their names. */
export const OPERATIONS = {
  listDownloads: {
    method: "GET",
    path: "/downloads",
    action: "list",
    summary: "A page of the downloads.",
    query: LIST_FIELDS,
  },
  addDownloads: {
    method: "POST",
    path: "/downloads",
    action: "add",
    summary: "Adds a download, or several, at the end of the queue.",
    body: ADD_FIELDS,
  },
  getDownload: {
    method: "GET",
    path: "/downloads/{id}",
    action: "list",
    summary: "A download.",
  },
  changeDownload: {
    method: "PATCH",
    path: "/downloads/{id}",
    action: "command",
    summary: "Limits a download's rate; its threads go on.",
    body: LIMIT_FIELDS,
  },
  removeDownload: {
    method: "DELETE",
    path: "/downloads/{id}",
    action: "command",
    summary: "Removes a download from the list.",
    query: REMOVE_FIELDS,
  },
  pauseDownload: {
    method: "POST",
    path: "/downloads/{id}/pause",
    action: "command",
    summary: "Pauses a download.",
  },
  resumeDownload: {
    method: "POST",
    path: "/downloads/{id}/resume",
    action: "command",
    summary: "Resumes a download that is paused.",
  },
  retryDownload: {
    method: "POST",
    path: "/downloads/{id}/retry",
    action: "command",
    summary: "Tries a download again that has failed.",
  },
  refreshDownload: {
    method: "POST",
    path: "/downloads/{id}/refresh",
    action: "command",
    summary: "Gives a download another URL of the same file.",
    body: { url: URL_FIELD },
  },
  streamEvents: {
    method: "GET",
    path: "/events",
    action: "list",
    summary: "Server-Sent Events: a snapshot, and then what changes.",
  },
  listNodes: {
    method: "GET",
    path: "/nodes",
    action: "nodes",
    summary: "The servers that share the queue.",
  },
} as const satisfies Readonly<Record<string, Operation>>;

/** The name of an operation. */
export type OperationName = keyof typeof OPERATIONS;
