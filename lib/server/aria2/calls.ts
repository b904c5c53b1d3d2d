/** JSON-RPC 2.0 as aria2 speaks it: what is read, and how replies look. Pure. */

import { isDeeper, isObject } from "../../base/json.ts";

/** An error as aria2's clients are told it. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;

  /** @param code 1 for what a method refuses; JSON-RPC's own for the rest. */
  constructor(message: string, code = 1) {
    super(message);
    this.code = code;
  }
}

/** A method that is called. */
export interface Call {
  /** As it was written, and is echoed: any JSON. */
  readonly id: string;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What cannot be called, and why. */
export interface Fault {
  readonly id: string;
  readonly error: RpcError;
}

/** What a message asks for: one call, or a batch of them. */
export type Message =
  | { readonly kind: "one"; readonly call: Call | Fault }
  | { readonly kind: "batch"; readonly calls: readonly (Call | Fault)[] };

/** The reply to one call. */
export interface Reply {
  /** As it was written. */
  readonly id: string;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** What messages may hold at most. */
export interface CallLimits {
  /** Characters of a message. */
  readonly messageLength: number;
  /** How deep arrays and objects may be nested. */
  readonly jsonDepth: number;
}

const PARSE_ERROR = -32700;
const INVALID_PARAMS = -32602;
const INVALID_REQUEST = -32600;

/** Reads a message as it is posted, or comes over a socket. */
export function readMessage(text: string, limits: CallLimits): Message {
  const value = parse(text, limits);
  if (value === undefined) {
    const error = new RpcError("Parse error.", PARSE_ERROR);
    return { kind: "one", call: { id: NO_ID, error } };
  }
  return messageOf(value, idsIn(text));
}

/**
 * Reads the query of a GET: method, id and params, or a whole batch in params.
 *
 * @param search With its question mark, as it was sent.
 */
export function readQuery(search: string, limits: CallLimits): Message {
  const fields = fieldsOf(search);
  const method = fields.get("method") ?? "";
  const id = fields.get("id") ?? "";
  const given = fields.get("params") ?? "";
  const json = decode(given);
  const params = given === "" ? undefined : parse(json, limits);
  if (method === "" && id === "" && params !== undefined) {
    return messageOf(params, idsIn(json));
  }
  const broken = given !== "" && params === undefined;
  return method === "" || id === "" || broken
    ? { kind: "one", call: invalid(NO_ID) }
    : { kind: "one", call: callOf({ method, params }, JSON.stringify(id)) };
}

/**
 * The function that the reply to a GET is to be passed to: null for none.
 *
 * @throws {RpcError} if its name could be more than one.
 */
export function callbackIn(search: string): string | null {
  const name = fieldsOf(search).get("jsoncallback") ?? "";
  if (name === "") return null;
  if (/^[\w$.]{1,200}$/.test(name)) return name;
  throw new RpcError("Invalid Request.", INVALID_REQUEST);
}

/** The fields of a query as they were sent: aria2 decodes none but params. */
function fieldsOf(search: string): Map<string, string> {
  return new Map(
    search.slice(1).split("&").map((field) => {
      const at = field.indexOf("=");
      return at < 0 ? [field, ""] : [field.slice(0, at), field.slice(at + 1)];
    }),
  );
}

/** Base64 of JSON, percent-encoded; what it is not becomes no JSON. */
function decode(params: string): string {
  try {
    const bytes = Uint8Array.fromBase64(decodeURIComponent(params));
    return new TextDecoder().decode(bytes);
  } catch {
    return "";
  }
}

/** Undefined for what is no JSON, or more than the limits allow. */
function parse(text: string, limits: CallLimits): unknown {
  if (text.length > limits.messageLength) return undefined;
  if (isDeeper(text, limits.jsonDepth)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What is echoed where there is no id. */
const NO_ID = "null";

/**
 * The ids of a message's calls as they were written, null for a call without
 * one: `JSON.parse` rounds long numbers, and a reviver, which would tell them,
 * takes seconds for the numbers that a message can hold.
 *
 * @param json A message that `JSON.parse` has read.
 */
function idsIn(json: string): (string | null)[] {
  const ids: (string | null)[] = [];
  /** How deep the objects are that may be calls. */
  const level = json.trimStart().startsWith("[") ? 2 : 1;
  let depth = 0;
  let isCall = false;
  /** Where the latest key of a call, and then its value, begins. */
  let begun = 0;
  let isId = false;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case '"':
        at = endOfText(json, at);
        break;
      case "[":
        depth++;
        break;
      case "{":
        if (++depth !== level) break;
        isCall = true;
        begun = at + 1;
        ids.push(null);
        break;
      case ":":
        if (!isCall || depth !== level) break;
        isId = JSON.parse(json.slice(begun, at)) === "id";
        begun = at + 1;
        break;
      case ",":
      case "]":
      case "}":
        if (isCall && depth === level) {
          // Of two ids, JSON.parse takes the last one, too.
          if (isId) ids[ids.length - 1] = json.slice(begun, at).trim();
          isId = false;
          begun = at + 1;
        }
        if (json[at] === ",") break;
        if (depth-- === level) isCall = false;
    }
  }
  return ids;
}

/** Where the text ends that begins at a quote. */
function endOfText(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at;
}

function messageOf(value: unknown, ids: readonly (string | null)[]): Message {
  if (!Array.isArray(value)) {
    return { kind: "one", call: callOf(value, ids[0] ?? null) };
  }
  // aria2 passes over what is no object.
  const calls = value.filter(isObject)
    .map((entry, n) => callOf(entry, ids[n] ?? null));
  return { kind: "batch", calls };
}

function callOf(value: unknown, id: string | null): Call | Fault {
  if (!isObject(value)) return invalid(NO_ID);
  const { method, params = [] } = value;
  if (id === null || typeof method !== "string") return invalid(id ?? NO_ID);
  if (!Array.isArray(params)) {
    return { id, error: new RpcError("Invalid params.", INVALID_PARAMS) };
  }
  return { id, method, params };
}

function invalid(id: string): Fault {
  return { id, error: new RpcError("Invalid Request.", INVALID_REQUEST) };
}

/** The reply that says what is wrong. */
export function refusal(id: string, { code, message }: RpcError): Reply {
  return { id, error: { code, message } };
}

/** The JSON of a reply. */
export function render({ id, result, error }: Reply): string {
  const rest = error === undefined
    ? `"result":${JSON.stringify(result)}`
    : `"error":${JSON.stringify(error)}`;
  return `{"id":${id},"jsonrpc":"2.0",${rest}}`;
}

/** The HTTP status of a reply to one call. A batch's is always 200. */
export function httpStatus({ error }: Reply): number {
  if (error === undefined) return 200;
  return error.code === PARSE_ERROR || error.code === INVALID_PARAMS
    ? 500
    : 400;
}
