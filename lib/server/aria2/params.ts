/** Reads the parameters of aria2's methods. Pure. */

import { isObject, type JsonObject } from "../../base/json.ts";
import { parseUrl } from "../../download/request.ts";
import { RpcError } from "./calls.ts";

/** The parameters of a call, without its token. */
export type Params = readonly unknown[];

/** A parameter that must be text. */
export function textAt(params: Params, at: number): string {
  const value = required(params, at);
  if (typeof value !== "string") throw wrongType(at);
  return value;
}

/** A parameter that must be a list. */
export function listAt(params: Params, at: number): readonly unknown[] {
  const value = required(params, at);
  if (!Array.isArray(value)) throw wrongType(at);
  return value;
}

/** A parameter that must be an object. */
export function objectAt(params: Params, at: number): JsonObject {
  const value = required(params, at);
  if (!isObject(value)) throw wrongType(at);
  return value;
}

/** A parameter that must be a number, of which the whole part counts. */
export function integerAt(params: Params, at: number, least?: number): number {
  const value = required(params, at);
  if (typeof value !== "number") throw wrongType(at);
  if (least !== undefined && value < least) {
    throw new RpcError(
      `The integer parameter at ${at} has invalid value: the value must be ` +
        `greater than or equal to ${least}.`,
    );
  }
  return Math.trunc(value);
}

/** What reads a parameter, for one that need not be there. */
export function optional<Value>(
  read: (params: Params, at: number) => Value,
  params: Params,
  at: number,
): Value | undefined {
  return at < params.length ? read(params, at) : undefined;
}

/** The texts of a list; aria2 passes over what is none. */
export function textsOf(list: readonly unknown[]): string[] {
  return list.filter((value) => typeof value === "string");
}

/**
 * Those of some URIs that can be fetched as they stand.
 *
 * @param longest Characters that one may have.
 */
export function urlsIn(uris: readonly string[], longest: number): string[] {
  return uris.filter((uri) => isUrl(uri, longest));
}

function isUrl(uri: string, longest: number): boolean {
  try {
    return parseUrl(uri, longest) === uri;
  } catch {
    return false;
  }
}

function required(params: Params, at: number): unknown {
  if (at < params.length) return params[at];
  throw new RpcError(`The parameter at ${at} is required but missing.`);
}

function wrongType(at: number): RpcError {
  return new RpcError(`The parameter at ${at} has wrong type.`);
}
