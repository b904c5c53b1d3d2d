/** Documents of OpenAPI: whether they are sound, and whether replies keep to them. */

import { assert } from "@std/assert";
import type { documentOf } from "../../lib/server/api/openapi.ts";
import { Ajv2020, formats } from "./ajv.ts";
import { createConfig, lintFromString } from "./redocly.ts";

/** A document. */
export type Document = ReturnType<typeof documentOf>;

/** What Redocly's recommended rules have against a document. */
export async function lint(document: Document): Promise<string[]> {
  const problems = await lintFromString({
    source: JSON.stringify(document),
    absoluteRef: "openapi.json",
    config: await createConfig({ extends: ["recommended-strict"] }),
  });
  return problems.map(({ ruleId, message, location: [place] }) =>
    `${ruleId} at ${place?.pointer}: ${message}`
  );
}

/** An operation of a document. */
interface Described {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, unknown>> }>
  >;
}

/** Checks replies by a document. */
export interface Checker {
  /** @throws if the document does not have such a reply of such a request. */
  check(line: string, reply: {
    readonly status: number;
    readonly type: string | null;
    readonly body: unknown;
  }): void;
  /** @throws if a value is not as the document's schema of this name. */
  checkAs(name: string, value: unknown): void;
}

/** Makes a checker, for which a reply may hold no field without a schema. */
export function createChecker(document: Document): Checker {
  const ajv = new Ajv2020({ strict: false });
  formats.default(ajv);
  ajv.addSchema(closed(document) as object, "document");

  function checkBy(pointer: string, value: unknown, what: string): void {
    const validate = ajv.getSchema(`document#${pointer}`);
    assert(validate, `${what}: there is no ${pointer}`);
    assert(validate(value), `${what}: ${ajv.errorsText(validate.errors)}`);
  }

  return {
    check(line, { status, type, body }) {
      if (body === null) return;
      const [method = "", target = ""] = line.split(" ");
      const [path = ""] = target.split("?");
      const template = Object.keys(document.paths).find((known) =>
        new RegExp(`^${known.replace("{id}", "[^/]+")}$`).test(path)
      );
      const name = (method === "HEAD" ? "GET" : method).toLowerCase();
      const operation = document.paths[template ?? ""]?.[name];
      if (template === undefined || operation === undefined) {
        return checkBy("/components/schemas/Problem", body, line);
      }
      const { responses } = operation as Described;
      const key = String(status) in responses
        ? String(status)
        : `${Math.floor(status / 100)}XX`;
      const described = responses[key];
      assert(described, `${line}: ${status} is not in the document`);
      const media = type ?? "";
      assert(described.content?.[media], `${line}: ${status} of ${media}`);
      const place = [template, name, "responses", key, "content", media]
        .map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1"))
        .map(encodeURIComponent).join("/");
      checkBy(`/paths/${place}/schema`, body, line);
    },
    checkAs: (name, value) =>
      checkBy(`/components/schemas/${name}`, value, name),
  };
}

/** A document whose objects hold nothing but what has a schema. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const all = Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, closed(one)]),
  );
  const isSchema = "type" in value && "properties" in value &&
    "required" in value;
  return isSchema ? { ...all, additionalProperties: false } : all;
}
