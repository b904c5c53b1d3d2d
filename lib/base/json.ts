/** JSON of which nothing is known yet. */

/** A JSON object, none of whose fields is checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is an object of named fields: no list, and not null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether brackets are nested deeper than `most`; asked before JSON.parse. */
export function isDeeper(text: string, most: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case "\\":
        at++;
        break;
      case '"':
        quoted = !quoted;
        break;
      case "[":
      case "{":
        if (!quoted && ++depth > most) return true;
        break;
      case "]":
      case "}":
        if (!quoted) depth--;
    }
  }
  return false;
}
