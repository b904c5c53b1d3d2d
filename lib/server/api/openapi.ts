/** The document that tells programs what can be asked for at `/api`. Pure. */

import type { Fields, Schema } from "../../base/schema.ts";
import { scopeFor } from "../scopes.ts";
import {
  NAMED,
  type Operation,
  OPERATIONS,
  PROBLEM,
  type Reply,
} from "./operations.ts";

/** What a document says of its server. */
export interface DocumentOptions {
  /** The URL of the API, such as `http://localhost:8888/api`. */
  readonly url: string;
  readonly version: string;
  /** Whether the server asks for a token. */
  readonly hasToken: boolean;
}

/** What the document says of tokens. */
const SCHEMES = {
  token: {
    type: "http",
    scheme: "bearer",
    description:
      "A token of the scope that x-scope names, or of a wider one: " +
      "read, add, all.",
  },
};

/** The document, as OpenAPI 3.1 wants it. */
export function documentOf({ url, version, hasToken }: DocumentOptions) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const { path, method } = operation;
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: of(name, operation),
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Sluice",
      version,
      summary: "A download server.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url }],
    security: hasToken ? [{ token: [] }] : [],
    paths,
    components: {
      ...(hasToken && { securitySchemes: SCHEMES }),
      schemas: Object.fromEntries(
        Object.entries(NAMED).map(([name, schema]) => [name, within(schema)]),
      ),
    },
  };
}

/** One operation. */
function of(name: string, operation: Operation) {
  const { method, path, action, summary, query, headers, body, reply } =
    operation;
  const id = { type: "string", description: "A download's id." } as const;
  const parameters = [
    ...(path.includes("{id}") ? parametersOf({ id }, "path") : []),
    ...parametersOf(query ?? {}, "query"),
    ...parametersOf(headers ?? {}, "header"),
  ];
  const isKept = method === "GET" && reply.media === undefined;
  return {
    operationId: name,
    summary,
    "x-scope": scopeFor(action),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: bodyOf(body) }),
    responses: {
      [reply.status]: replyOf(reply),
      ...(isKept && {
        304: { description: "It is as If-None-Match says (see ETag)." },
      }),
      "4XX": REFUSED,
      "5XX": { ...REFUSED, description: "The server cannot do it." },
    },
  };
}

const REFUSED = {
  description: "The request is refused.",
  content: { "application/problem+json": { schema: named(PROBLEM) } },
};

function parametersOf(fields: Fields, place: "path" | "query" | "header") {
  return Object.entries(fields).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    ...(description !== undefined && { description }),
    ...(place === "path" && { required: true }),
    schema: named(schema),
  }));
}

/** What `curl -d` sends is a form, whose fields are named alike. */
function bodyOf(body: Schema) {
  const schema = named(body);
  return {
    required: body.required !== undefined || body.anyOf !== undefined,
    content: {
      "application/json": { schema },
      "application/x-www-form-urlencoded": { schema },
    },
  };
}

function replyOf({ description, schema, media = "application/json" }: Reply) {
  const content = schema && { [media]: { schema: named(schema) } };
  return { description, ...(content && { content }) };
}

/** A schema, or the reference to it if it has a name. */
function named(schema: Schema): unknown {
  const [name] = Object.entries(NAMED)
    .find(([, known]) => known === schema) ?? [];
  return name === undefined
    ? within(schema)
    : { $ref: `#/components/schemas/${name}` };
}

/** A schema whose own parts are references where these have names. */
function within({ title: _, ...schema }: Schema): unknown {
  const { items, prefixItems, anyOf, properties, contentSchema } = schema;
  return {
    ...schema,
    ...(items && { items: named(items) }),
    ...(prefixItems && { prefixItems: prefixItems.map(named) }),
    ...(anyOf && { anyOf: anyOf.map(named) }),
    ...(contentSchema && { contentSchema: named(contentSchema) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, one]) => [name, named(one)]),
      ),
    }),
  };
}
