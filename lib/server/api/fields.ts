/** Reads the fields of requests from queries, forms and JSON. */

import type { JsonObject } from "../../base/json.ts";
import type { Fields, Schema } from "../../base/schema.ts";
import { bad } from "../../download/request.ts";
import { bodyOf } from "../body.ts";
import { type MessageLimits, parseMessage } from "../protocol.ts";
import { ProblemError } from "./problems.ts";

/**
 * The fields of a request's body, in JSON or as a form. What `curl -d` sends has
 * a form's media type, JSON too: its first character tells.
 *
 * @param known What the fields of a form may hold, which has texts only.
 * @throws {DownloadError | ProblemError} if it cannot be read.
 */
export async function readBody(
  request: Request,
  known: Fields,
  limits: MessageLimits,
): Promise<JsonObject> {
  const text = await bodyOf(request, limits.messageLength);
  if (text === null) {
    throw new ProblemError({
      status: 413,
      code: "TOO_MUCH",
      detail: `A body may have ${limits.messageLength} bytes; this one has ` +
        "more: send fewer URLs at once.",
    });
  }
  const [type = ""] = (request.headers.get("content-type") ?? "").split(";");
  const media = type.trim().toLowerCase();
  if (text.trim() === "") return {};
  if (/^application\/([\w.-]+\+)?json$/.test(media) || /^\s*\{/.test(text)) {
    return parseMessage(text, limits);
  }
  if (["", "application/x-www-form-urlencoded", "text/plain"].includes(media)) {
    return parseForm(text, known);
  }
  throw new ProblemError({
    status: 415,
    code: "MEDIA_TYPE",
    detail: "A body is JSON (application/json), or a form's fields " +
      "(application/x-www-form-urlencoded).",
  });
}

/**
 * The fields of a form. A URL that begins with `https://` as it stands was not
 * encoded, as in `curl -d url=https://…`, and is taken as it is written: decoded,
 * it would be another one.
 *
 * @throws {DownloadError} BAD_REQUEST.
 */
export function parseForm(text: string, known: Fields): JsonObject {
  const pairs: (readonly [string, string])[] = [];
  for (const pair of text.trim().split("&")) {
    const [[name = "", value = ""] = []] = [...new URLSearchParams(pair)];
    const written = pair.slice(pair.indexOf("=") + 1);
    const isWritten = /^https?:\/\//i.test(written);
    if (
      !Object.hasOwn(known, name) && pairs.some(([, url]) => url.includes("?"))
    ) {
      throw bad(
        `${JSON.stringify(name.slice(0, 50))} is not known here. If it is of ` +
          "the URL's query, encode the URL: curl --data-urlencode url=https://…",
      );
    }
    pairs.push([name, isWritten ? written : value]);
  }
  const urls = pairs.filter(([name]) => name === "url");
  if (urls.length < 2) return readPairs(pairs, known);
  const others = pairs.filter(([name]) => name !== "url");
  return { urls: urls.map(([, url]) => url), ...readPairs(others, known) };
}

/**
 * The fields that a query, or a form, has as text.
 *
 * @throws {DownloadError} BAD_REQUEST if one that is for one value is there twice.
 */
export function readPairs(
  pairs: Iterable<readonly [string, string]>,
  known: Fields,
): JsonObject {
  const given = Map.groupBy(pairs, ([name]) => name);
  return Object.fromEntries(
    given.entries().map(([name, found]) => {
      const schema = Object.hasOwn(known, name) ? known[name] : undefined;
      const [first = "", ...more] = found.map(([, text]) => text);
      if (schema && takes(schema, "array")) return [name, [first, ...more]];
      if (more.length === 0) {
        return [name, schema ? valueOf(first, schema) : first];
      }
      throw bad(`"${name}" is there ${found.length} times: give it once.`);
    }),
  );
}

/** What a text stands for; the text itself where it stands for nothing else. */
function valueOf(text: string, schema: Schema): unknown {
  if (takes(schema, "string")) return text;
  if (takes(schema, "integer") && /^\d{1,16}$/.test(text)) return Number(text);
  if (takes(schema, "boolean") && /^(true|false)$/.test(text)) {
    return text === "true";
  }
  return takes(schema, "null") && text === "" ? null : text;
}

function takes({ type, anyOf }: Schema, name: string): boolean {
  return anyOf?.some((one) => takes(one, name)) ??
    (typeof type === "string" ? [type] : type ?? []).some((one) =>
      one === name
    );
}
