/** Clients of the HTTP API. */

import { assertEquals } from "@std/assert";
import type { Problem } from "../../lib/server/api/problems.ts";
import { documentOf } from "../../lib/server/api/openapi.ts";
import type { Status } from "../../lib/status/status.ts";
import { createChecker } from "./openapi.ts";
import type { Sluice } from "./sluice.ts";

/** What every reply is checked by: the document that the server gives. */
export const CHECKER = createChecker(
  documentOf({ url: "http://localhost/api", version: "0", hasToken: true }),
);

/** An answer of the API. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any -- each test knows what it asks for
  readonly body: any;
}

/** Where the API is. */
export function apiUrl({ url }: Pick<Sluice, "url">): string {
  return `${url.replace(/^ws/, "http")}api`;
}

/** Asks for `path` below the API, with JSON if `fields` are given. */
export async function ask(
  sluice: Pick<Sluice, "url">,
  line: string,
  fields?: unknown,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const [method = "", path = ""] = line.split(" ");
  const response = await fetch(apiUrl(sluice) + path, {
    method,
    headers: {
      ...(fields !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(fields !== undefined && { body: JSON.stringify(fields) }),
  });
  const text = method === "HEAD" ? "" : await response.text();
  const { status, headers: had } = response;
  const body = text === "" ? null : JSON.parse(text);
  CHECKER.check(line, { status, type: had.get("content-type"), body });
  return { status, headers: had, body };
}

/** Adds a download; resolves to how it stands. */
export async function add(
  sluice: Pick<Sluice, "url">,
  fields: Record<string, unknown>,
): Promise<Status> {
  const { status, body } = await ask(sluice, "POST /downloads", fields);
  assertEquals(status, 201, JSON.stringify(body));
  return body;
}

/** The status and code of a refusal, once it is one as RFC 9457 has it. */
export function refusal({ status, headers, body }: Answered): [number, string] {
  assertEquals(headers.get("content-type"), "application/problem+json");
  const { type, status: said, title, detail, code } = body as Problem & {
    type: string;
    title: string;
  };
  assertEquals([type, said], ["about:blank", status]);
  assertEquals([typeof title, typeof detail], ["string", "string"]);
  return [status, code];
}
