/** JSON of which nothing is known yet. */

/** A JSON object, none of whose fields is checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is an object of named fields: no list, and not null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
