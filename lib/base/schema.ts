/**
 * What JSON may hold, said once: values are checked by it, types follow from it,
 * and documents for programs hold it as it is. Pure.
 */

import { isObject } from "./json.ts";

/** The names that JSON Schema has for kinds of values. */
type TypeName =
  | "string"
  | "integer"
  | "number"
  | "boolean"
  | "null"
  | "array"
  | "object";

/** The part of JSON Schema 2020-12 that is in use. */
export interface Schema {
  /** What a value is, in words that go behind "must be". */
  readonly title?: string;
  readonly description?: string;
  readonly type?: TypeName | readonly TypeName[];
  readonly enum?: readonly (string | null)[];
  readonly format?: string;
  readonly pattern?: string;
  /** Characters. */
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Fields;
  readonly required?: readonly string[];
  /** What fields without a name of their own hold. */
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  /** What a text of `contentMediaType` holds. */
  readonly contentMediaType?: string;
  readonly contentSchema?: Schema;
  readonly default?: unknown;
}

/** What the fields of an object may hold, by their names. */
export type Fields = Readonly<Record<string, Schema>>;

/** The type of the values that a schema, written `as const`, lets through. */
export type Typed<S> = S extends { readonly anyOf: readonly (infer One)[] }
  ? Typed<One>
  : S extends { readonly enum: readonly (infer Value)[] } ? Value
  : S extends { readonly type: readonly (infer Name)[] } ? TypedAs<Name, S>
  : S extends { readonly type: infer Name } ? TypedAs<Name, S>
  : unknown;

type TypedAs<Name, S> = Name extends "string" ? string
  : Name extends "integer" | "number" ? number
  : Name extends "boolean" ? boolean
  : Name extends "null" ? null
  : Name extends "array" ? TypedList<S>
  : Name extends "object" ? TypedObject<S>
  : never;

type TypedList<S> = S extends { readonly prefixItems: infer Items }
  ? { readonly [At in keyof Items]: Typed<Items[At]> }
  : S extends { readonly items: infer Item } ? readonly Typed<Item>[]
  : readonly unknown[];

type TypedObject<S> = S extends { readonly properties: infer Named }
  ? S extends { readonly required: readonly (infer Name)[] }
    ? Plain<TypedFields<Named, Name>>
  : Plain<TypedFields<Named, never>>
  : S extends { readonly additionalProperties: infer Value }
    ? Readonly<Record<string, Typed<Value>>>
  : Readonly<Record<string, unknown>>;

type TypedFields<Named, Required> =
  & {
    readonly [Name in keyof Named as Name extends Required ? Name : never]:
      Typed<Named[Name]>;
  }
  & {
    readonly [Name in keyof Named as Name extends Required ? never : Name]?:
      Typed<Named[Name]>;
  };

/** One object in place of the sum of two, as editors show it. */
type Plain<Sum> = { readonly [Name in keyof Sum]: Sum[Name] };

/**
 * What is wrong with a value, in words that go behind its name, such as "must be
 * true or false"; null if nothing is.
 */
export function faultIn(schema: Schema, value: unknown): string | null {
  const { additionalProperties: each } = schema;
  if (typeof each !== "object" || !isObject(value)) {
    return holds(schema, value) ? null : `must be ${wordsOf(schema)}`;
  }
  const wrong = Object.keys(value).find((name) => !holds(each, value[name]));
  return wrong === undefined
    ? null
    : `must hold ${wordsOf(each)} as the value of ${wrong}`;
}

/** Whether a schema lets a value through. */
function holds(schema: Schema, value: unknown): boolean {
  const { anyOf, enum: values, type = [] } = schema;
  if (anyOf !== undefined) return anyOf.some((one) => holds(one, value));
  if (values !== undefined) return values.some((known) => known === value);
  const names = typeof type === "string" ? [type] : type;
  return names.some((name) => holdsAs(name, schema, value));
}

function holdsAs(name: TypeName, schema: Schema, value: unknown): boolean {
  switch (name) {
    case "null":
      return value === null;
    case "boolean":
      return typeof value === "boolean";
    case "number":
    case "integer":
      return (name === "integer" ? Number.isInteger(value) : isNumber(value)) &&
        isWithin(Number(value), schema.minimum, schema.maximum);
    case "string":
      return typeof value === "string" &&
        isWithin(value.length, schema.minLength, schema.maxLength) &&
        (schema.pattern === undefined ||
          new RegExp(schema.pattern, "u").test(value));
    case "array": {
      const { items = {}, minItems, maxItems } = schema;
      return Array.isArray(value) &&
        isWithin(value.length, minItems, maxItems) &&
        value.every((item) => holds(items, item));
    }
    case "object":
      return isObject(value);
  }
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value);
}

function isWithin(value: number, least = -Infinity, most = Infinity): boolean {
  return value >= least && value <= most;
}

/** What a value must be, in words. */
function wordsOf({ title, type, minimum, maximum, enum: values }: Schema) {
  if (title !== undefined) return title;
  if (values !== undefined) return `one of ${values.join(", ")}`;
  const [name] = typeof type === "string" ? [type] : type ?? [];
  switch (name) {
    case "boolean":
      return "true or false";
    case "integer":
      return `a whole number from ${minimum} to ${maximum}`;
    case "array":
      return "a list";
    case "object":
      return "an object of names and values";
    default:
      return "text";
  }
}
