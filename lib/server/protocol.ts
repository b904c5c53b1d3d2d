/** The JSON that clients may send, and will get. Pure. */

import { isDeeper, isObject, type JsonObject } from "../base/json.ts";
import type { Checksum, ChecksumAlgorithm } from "../download/checksum.ts";
import type {
  Command,
  DownloadRequest,
  LimitsChange,
} from "../download/download.ts";
import { PRIORITIES, type Priority } from "../download/priority.ts";
import { DownloadError, toRecord } from "../download/errors.ts";
import type { Fields, Typed } from "../base/schema.ts";
import { parseDirectory } from "../download/directory.ts";
import {
  CHECKSUM_FIELDS,
  PRIORITY,
  RATE,
  START_AT,
} from "../download/fields.ts";
import {
  bad,
  checked,
  checksumIn,
  momentIn,
  parseDownload,
  parseUrl,
  refuseUnknown,
  type RequestLimits,
} from "../download/request.ts";
import {
  ORDERS,
  type StatusFilter,
  type StatusPageRequest,
} from "../status/lists.ts";
import {
  LIMITS,
  type LimitsStatus,
  PROCESS_STATUSES,
  type Status,
} from "../status/schema.ts";
import type { Changes } from "../status/status.ts";
import type { Target } from "../store/moves.ts";
import type { RequestId, ServerMessage } from "./messages.ts";

/** What a client wants. */
export type ClientRequest =
  | {
    readonly kind: "add";
    readonly requests: readonly DownloadRequest[];
    /** Whether it was one `url`, or a list of `urls`. */
    readonly form: "url" | "urls";
    /** Only once for this key; absent to add it in any case. */
    readonly key?: string;
  }
  | {
    readonly kind: "command";
    readonly id: string;
    readonly command: Command;
  }
  | {
    readonly kind: "many";
    readonly which: Which;
    readonly command: Command;
  }
  | {
    readonly kind: "move";
    readonly ids: readonly string[];
    /** A number is a place among those that wait, from 1 on. */
    readonly to: Target | number;
    /** Whether it was one `id`, or a list of `ids`. */
    readonly form: "id" | "ids";
  }
  /** What limits all downloads together, as far as it is to change. */
  | LimitsRequest
  /** A finished file is to be read again. */
  | {
    readonly kind: "verify";
    readonly id: string;
    /** What to compare it with; null for what is known of it. */
    readonly checksum: Checksum | null;
  }
  /** Only a sign that the server is there is wanted. */
  | { readonly kind: "ping" }
  /** How one download stands is wanted. */
  | { readonly kind: "get"; readonly id: string }
  /** The servers that share the queue are wanted. */
  | { readonly kind: "nodes" }
  /** The names of proxies to choose from are wanted. */
  | { readonly kind: "proxies" }
  /** What has become of telling a webhook is wanted. */
  | { readonly kind: "deliveries" }
  | {
    readonly kind: "list";
    /** What was asked for is wanted with each download. */
    readonly requests?: true;
  } & StatusPageRequest;

/** What limits the server is to be changed. */
export interface LimitsRequest extends LimitsChange {
  readonly kind: "limit";
}

/** Which downloads a command is for, if it is for many. */
export type Which =
  | { readonly kind: "these"; readonly ids: readonly string[] }
  | { readonly kind: "all"; readonly except: readonly string[] } & StatusFilter;

/** What all clients are told of changes: one text, for all of them. */
export function renderChanges(
  { changed, ...rest }: Changes,
): string {
  const message: ServerMessage = { data: changed, ...rest };
  return JSON.stringify(message);
}

/** What messages may hold at most. */
export interface MessageLimits extends RequestLimits {
  /** Characters of a message. */
  readonly messageLength: number;
  /** How deep arrays and objects may be nested. */
  readonly jsonDepth: number;
}

/**
 * Reads a message as JSON.
 *
 * @throws {DownloadError} BAD_REQUEST or TOO_MUCH.
 */
export function parseMessage(data: unknown, limits: MessageLimits): JsonObject {
  if (typeof data !== "string") {
    throw bad("A message must be text; this one is binary.");
  }
  if (data.length > limits.messageLength) {
    throw new DownloadError(
      "TOO_MUCH",
      `A message may have ${limits.messageLength} characters; this one has ` +
        `${data.length}: send fewer URLs at once.`,
    );
  }
  if (isDeeper(data, limits.jsonDepth)) {
    throw bad(`JSON may be nested ${limits.jsonDepth} deep; this is deeper.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw bad('A message must be JSON, such as {"url": "https://…"}.');
  }
  if (!isObject(value)) {
    throw bad('A message must be an object, such as {"url": "https://…"}.');
  }
  return value;
}

/** The `request_id` of a message; undefined if it has none that is usable. */
export function requestIdOf(
  { request_id: id }: JsonObject,
): RequestId | undefined {
  const short = typeof id === "string" && id.length <= 200;
  return short || Number.isFinite(id) ? id as RequestId : undefined;
}

/** Characters of a `request_id` with its name, and blanks. */
const LONGEST_FIELD = 300;
const ID_AT_START =
  /^\s*\{\s*"request_id"\s*:\s*("[^"\\\p{Cc}]*"|\d{1,15})\s*,/u;
const ID_AT_END = /,\s*"request_id"\s*:\s*("[^"\\\p{Cc}]*"|\d{1,15})\s*\}\s*$/u;

/**
 * The `request_id` of a message that is not read, as it is too long or nested
 * too deep, if it is the message's first or last field: all else of it may be
 * anything. Without it, its sender would wait for a reply for ever.
 */
export function idOfUnread(data: unknown): RequestId | undefined {
  if (typeof data !== "string") return undefined;
  const [, id] = data.slice(-LONGEST_FIELD).match(ID_AT_END) ??
    data.slice(0, LONGEST_FIELD).match(ID_AT_START) ?? [];
  return id === undefined
    ? undefined
    : requestIdOf({ request_id: JSON.parse(id) });
}

/**
 * What a message asks for.
 *
 * @throws {DownloadError} BAD_REQUEST or BAD_URL, saying what is wrong.
 */
export function parseRequest(
  fields: JsonObject,
  limits: MessageLimits,
): ClientRequest {
  const { request_id: _, ...message } = fields;
  if ("action" in message) return parseAction(message, limits);
  const { idempotency_key: key, ...rest } = message;
  const once = key === undefined ? {} : { key: keyIn({ key }) };
  if ("urls" in rest) {
    refuseUnknown(rest, ["urls"]);
    if (!Array.isArray(rest.urls) || rest.urls.length === 0) {
      throw bad('"urls" must be a list of URLs, or of objects with a "url".');
    }
    const requests = rest.urls.map((entry: unknown, index) =>
      parseEntry(entry, index, limits)
    );
    return { kind: "add", requests, form: "urls", ...once };
  }
  const requests = [parseDownload(rest, limits)];
  return { kind: "add", requests, form: "url", ...once };
}

/** What a request that is to add once, however often it comes, is known by. */
export const KEY = {
  type: "string",
  pattern: "^[\\x20-\\x7e]{1,255}$",
  title: "1 to 255 characters of ASCII",
  description: "The same key twice adds once.",
} as const;

/** @throws {DownloadError} BAD_REQUEST. */
function keyIn({ key }: JsonObject): string {
  const named = { idempotency_key: key };
  return checked<{ idempotency_key: string }>(named, { idempotency_key: KEY })
    .idempotency_key;
}

/** Reads one of many downloads; an error names its place in the list. */
function parseEntry(
  entry: unknown,
  index: number,
  limits: MessageLimits,
): DownloadRequest {
  try {
    const fields = typeof entry === "string" ? { url: entry } : entry;
    return parseDownload(fields, limits);
  } catch (error) {
    const { code, message } = toRecord(error);
    throw new DownloadError(code, `"urls"[${index}]: ${message}`);
  }
}

/** Downloads on one page. */
const LONGEST_PAGE = 1_000;
/** Characters; our own ids have 36. */
const LONGEST_ID = 100;

function parseAction(fields: JsonObject, limits: MessageLimits): ClientRequest {
  if (fields.action === "list") return parseList(fields);
  const { action } = fields;
  switch (action) {
    case "deliveries":
    case "nodes":
    case "ping":
    case "proxies":
      refuseUnknown(fields, ["action"]);
      return { kind: action };
  }
  if (fields.action === "verify") return parseVerify(fields);
  if (fields.action === "move") return parseMove(fields);
  if (fields.action === "get") {
    refuseUnknown(fields, ["action", "id"]);
    return { kind: "get", id: parseId(fields.id) };
  }
  if ("ids" in fields || "all" in fields) return parseMany(fields, limits);
  const { id } = fields;
  if (fields.action === "limit" && id === undefined) return parseLimits(fields);
  const command = parseCommand(fields, limits);
  return { kind: "command", id: parseId(id), command };
}

const ENDS = ["top", "up", "down", "bottom"] as const;

/** What a move says besides: one of these. */
export const MOVE_FIELDS = {
  to: {
    anyOf: [{ enum: ENDS }, { type: "integer", minimum: 1 }],
    description: "Where it goes to: an end, a step, or a place from 1 on.",
  },
  before: { type: "string", description: "The id that it goes before." },
} as const satisfies Fields;

/** A move of one download or some: `to` a place, or `before` another one. */
function parseMove(fields: JsonObject): ClientRequest {
  refuseUnknown(fields, ["action", "id", "ids", ...Object.keys(MOVE_FIELDS)]);
  const { id, ids: several, to, before } = fields;
  if ((id === undefined) === (several === undefined)) {
    throw bad('"move" needs an "id", or a list of "ids".');
  }
  if ((to === undefined) === (before === undefined)) {
    throw bad('"move" needs a place "to" go to, or an id to be "before".');
  }
  const ids = id === undefined ? parseIds("ids", several) : [parseId(id)];
  const form = id === undefined ? "ids" : "id";
  if (to === undefined) {
    const target = { before: parseId(before, "before") };
    return { kind: "move", ids, to: target, form };
  }
  const known = ENDS.find((name) => name === to);
  const isPlace = Number.isSafeInteger(to) && Number(to) >= 1;
  if (known === undefined && !isPlace) {
    throw bad(`"to" must be ${ENDS.join(", ")}, or a place from 1 on.`);
  }
  return { kind: "move", ids, to: known ?? Number(to), form };
}

function parseId(id: unknown, name = "id"): string {
  if (typeof id === "string" && id.length <= LONGEST_ID) return id;
  throw bad(`"${name}" must be the id of a download.`);
}

function parseVerify(fields: JsonObject): ClientRequest {
  refuseUnknown(fields, ["action", "id", ...Object.keys(CHECKSUM_FIELDS)]);
  const checksums = checked<
    { readonly [Name in ChecksumAlgorithm]?: string }
  >(fields, CHECKSUM_FIELDS);
  const checksum = checksumIn(checksums);
  return { kind: "verify", id: parseId(fields.id), checksum };
}

function parseLimits(fields: JsonObject): LimitsRequest {
  refuseUnknown(fields, ["action", ...Object.keys(LIMITS.properties)]);
  const {
    limit_rate: server,
    limit_rate_per_host: host,
    max_downloads: maxDownloads,
  } = checked<Partial<LimitsStatus>>(fields, LIMITS.properties);
  const rates = {
    ...(server !== undefined && { server }),
    ...(host !== undefined && { host }),
  };
  const most = maxDownloads === undefined ? {} : { maxDownloads };
  if (Object.keys({ ...rates, ...most }).length > 0) {
    return { kind: "limit", rates, ...most };
  }
  throw bad(
    'Give a "limit_rate" or "limit_rate_per_host" in bytes a second, or how ' +
      'many "max_downloads" run at a time; null is for no limit.',
  );
}

/** A command for the downloads of some `ids`, or for `all` of a filter. */
function parseMany(
  { ids, all, status, search = "", except, ...rest }: JsonObject,
  limits: MessageLimits,
): ClientRequest {
  const command = parseCommand(rest, limits);
  if ("id" in rest) throw bad('"id" goes without "ids" and "all".');
  if (command.kind === "refresh") {
    throw bad(
      '"ids" and "all" are for pause, resume, retry, limit, prioritize, relocate and ' +
        "remove.",
    );
  }
  if (all === undefined) {
    const filter = { status, search: search || undefined, except };
    const [name] = Object.entries(filter).find(([, value]) =>
      value !== undefined
    ) ?? [];
    if (name !== undefined) throw bad(`"${name}" goes with "all": true.`);
    const which = { kind: "these", ids: parseIds("ids", ids) } as const;
    return { kind: "many", which, command };
  }
  if (all !== true || ids !== undefined) {
    throw bad('"all" must be true, and goes without "ids".');
  }
  if (typeof search !== "string") throw bad('"search" must be text.');
  const filter = { statuses: parseStatuses(status), search };
  const left = except === undefined ? [] : parseIds("except", except);
  const which = { kind: "all", ...filter, except: left } as const;
  return { kind: "many", which, command };
}

function parseIds(name: string, value: unknown): string[] {
  const isId = (id: unknown) =>
    typeof id === "string" && id.length <= LONGEST_ID;
  if (
    Array.isArray(value) && value.length <= LONGEST_PAGE && value.every(isId)
  ) return [...new Set(value)];
  throw bad(`"${name}" must be a list of at most ${LONGEST_PAGE} ids.`);
}

const STATUS_FILTER = {
  anyOf: [
    { enum: PROCESS_STATUSES },
    { type: "array", items: { enum: PROCESS_STATUSES }, minItems: 1 },
  ],
  title: `one or some of ${PROCESS_STATUSES.join(", ")}`,
  description: "Only those that stand so.",
} as const;

/** What a list may be asked for with. */
export const LIST_FIELDS = {
  offset: {
    type: "integer",
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    default: 0,
    description: "How many to pass over.",
  },
  limit: {
    type: "integer",
    minimum: 1,
    maximum: LONGEST_PAGE,
    default: 100,
    description: "How many there are on a page at most.",
  },
  status: STATUS_FILTER,
  search: {
    type: "string",
    default: "",
    description: "Only those whose URL or name holds this, in any case.",
  },
  urls: {
    type: ["array", "null"],
    items: { type: "string" },
    title: "a list of URLs",
    description: "Only those of exactly these URLs.",
  },
  order: { enum: ORDERS, default: "latest", description: "What comes first." },
} as const satisfies Fields;

/** What a list may be asked for with on a socket alone. */
const SOCKET_LIST_FIELDS = {
  ...LIST_FIELDS,
  requests: { type: "boolean", description: "Whether each has its request." },
} as const satisfies Fields;

type ListFields = {
  readonly [Name in keyof typeof SOCKET_LIST_FIELDS]?: Typed<
    typeof SOCKET_LIST_FIELDS[Name]
  >;
};

function parseList(message: JsonObject): ClientRequest {
  refuseUnknown(message, ["action", ...Object.keys(SOCKET_LIST_FIELDS)]);
  const {
    offset = 0,
    limit = 100,
    search = "",
    urls,
    status,
    order,
    requests,
  } = checked<ListFields>(message, SOCKET_LIST_FIELDS);
  return {
    kind: "list",
    offset,
    limit,
    statuses: parseStatuses(status),
    search,
    order: order ?? "latest",
    ...(requests && { requests }),
    ...(urls && { urls }),
  };
}

/** What a limit of a download's rate says besides. */
export const LIMIT_FIELDS = { limit_rate: RATE } as const;

/** Where a finished file is to go. */
export const RELOCATE_FIELDS = {
  directory: {
    type: "string",
    description: "A path below the content directory, such as films/2026; . " +
      "for itself.",
  },
} as const;

/** What a removal may say besides. */
export const REMOVE_FIELDS = {
  delete_file: {
    type: "boolean",
    default: false,
    description: "Whether the finished file goes, too.",
  },
} as const;

/** What going on may say besides. */
export const START_FIELDS = { start_at: START_AT } as const;

function rateIn(fields: JsonObject): number | null {
  return checked<{ limit_rate: number | null }>(fields, LIMIT_FIELDS)
    .limit_rate;
}

/** What a priority is given with. */
export const PRIORITY_FIELDS = {
  priority: { ...PRIORITY, enum: PRIORITIES },
} as const;

function priorityIn(fields: JsonObject): Priority {
  return checked<{ priority: Priority }>(
    { priority: null, ...fields },
    PRIORITY_FIELDS,
  ).priority;
}

function parseCommand(fields: JsonObject, limits: MessageLimits): Command {
  const { action } = fields;
  switch (action) {
    case "pause":
      refuseUnknown(fields, ["action", "id"]);
      return { kind: action };
    case "resume":
    case "retry": {
      refuseUnknown(fields, ["action", "id", ...Object.keys(START_FIELDS)]);
      const { start_at = null } = checked<{ start_at?: string | null }>(
        fields,
        START_FIELDS,
      );
      const startAt = momentIn(start_at);
      return { kind: action, ...(startAt !== undefined && { startAt }) };
    }
    case "limit":
      refuseUnknown(fields, ["action", "id", ...Object.keys(LIMIT_FIELDS)]);
      if (!("limit_rate" in fields)) {
        throw bad(
          '"limit" needs a "limit_rate" in bytes a second, or null for none.',
        );
      }
      return { kind: action, limitRate: rateIn(fields) };
    case "prioritize":
      refuseUnknown(fields, ["action", "id", "priority"]);
      return { kind: action, priority: priorityIn(fields) };
    case "refresh":
      refuseUnknown(fields, ["action", "id", "url"]);
      return { kind: action, url: parseUrl(fields.url, limits.urlLength) };
    case "relocate":
      refuseUnknown(fields, ["action", "id", ...Object.keys(RELOCATE_FIELDS)]);
      return {
        kind: action,
        directory: parseDirectory(fields.directory) ?? "",
      };
    case "remove": {
      refuseUnknown(fields, ["action", "id", ...Object.keys(REMOVE_FIELDS)]);
      const { delete_file: deleteFile = false } = checked<
        { delete_file?: boolean }
      >(fields, REMOVE_FIELDS);
      return { kind: action, deleteFile };
    }
    default:
      throw bad(
        '"action" must be list, get, pause, resume, retry, refresh, limit, move, ' +
          "prioritize, relocate, remove, verify, nodes, proxies, deliveries or ping; to add a " +
          "URL, leave it out.",
      );
  }
}

/**
 * One status or several; all of them if none is named.
 *
 * @throws {DownloadError} BAD_REQUEST.
 */
function parseStatuses(
  status: unknown = PROCESS_STATUSES,
): readonly Status["process_status"][] {
  checked({ status }, { status: STATUS_FILTER });
  const named: unknown[] = Array.isArray(status) ? status : [status];
  return PROCESS_STATUSES.filter((name) => named.includes(name));
}
