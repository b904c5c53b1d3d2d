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
  /** As it is echoed: any JSON. */
  readonly id: unknown;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What cannot be called, and why. */
export interface Fault {
  readonly id: unknown;
  readonly error: RpcError;
}

/** What a message asks for: one call, or a batch of them. */
export type Message =
  | { readonly kind: "one"; readonly call: Call | Fault }
  | { readonly kind: "batch"; readonly calls: readonly (Call | Fault)[] };

/** The reply to one call. */
export interface Reply {
  readonly id: unknown;
  readonly jsonrpc: "2.0";
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
    return { kind: "one", call: { id: null, error } };
  }
  return messageOf(value);
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
  const params = given === "" ? undefined : parse(decode(given), limits);
  if (method === "" && id === "" && params !== undefined) {
    return messageOf(params);
  }
  const broken = given !== "" && params === undefined;
  return method === "" || id === "" || broken
    ? { kind: "one", call: invalid(null) }
    : { kind: "one", call: callOf({ id, method, params: params ?? [] }) };
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
    // Without such numbers, all are echoed as they came.
    return /\d{16}|\d[.eE]|-0/.test(text)
      ? JSON.parse(text, exactly as (key: string, value: unknown) => unknown)
      : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A number that JavaScript's cannot hold, or would write otherwise. */
interface RawNumber {
  readonly rawJSON: string;
}

/** What TypeScript does not know yet of the JSON object. */
const exactJson = JSON as unknown as {
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
};

function exactly(
  _key: string,
  value: unknown,
  { source }: { readonly source?: string },
): unknown {
  return typeof value === "number" && source !== String(value)
    ? exactJson.rawJSON(source ?? String(value))
    : value;
}

/** The number that a value is; null for any other value. */
export function numberOf(value: unknown): number | null {
  if (exactJson.isRawJSON(value)) return Number(value.rawJSON);
  return typeof value === "number" ? value : null;
}

function messageOf(value: unknown): Message {
  if (!Array.isArray(value)) return { kind: "one", call: callOf(value) };
  // aria2 passes over what is no object.
  return { kind: "batch", calls: value.filter(isObject).map(callOf) };
}

function callOf(value: unknown): Call | Fault {
  if (!isObject(value)) return invalid(null);
  const { id, method, params = [] } = value;
  if (id === undefined || typeof method !== "string") return invalid(id);
  if (!Array.isArray(params)) {
    return { id, error: new RpcError("Invalid params.", INVALID_PARAMS) };
  }
  return { id, method, params };
}

function invalid(id: unknown): Fault {
  const error = new RpcError("Invalid Request.", INVALID_REQUEST);
  return { id: id ?? null, error };
}

/** The reply that says what is wrong. */
export function refusal(id: unknown, { code, message }: RpcError): Reply {
  return { id, jsonrpc: "2.0", error: { code, message } };
}

/** The HTTP status of a reply to one call. A batch's is always 200. */
export function httpStatus({ error }: Reply): number {
  if (error === undefined) return 200;
  return error.code === PARSE_ERROR || error.code === INVALID_PARAMS
    ? 500
    : 400;
}
