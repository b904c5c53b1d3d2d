/** The HTTP API at `/api`: what its requests get, with the socket's checks. */

import { eTag, ifNoneMatch } from "@std/http/etag";
import type { JsonObject } from "../../base/json.ts";
import type { Log } from "../../base/log.ts";
import type { Coordinator } from "../../coordinator.ts";
import {
  DownloadError,
  fromRecord,
  toRecord,
  unknownId,
} from "../../download/errors.ts";
import { bad, refuseUnknown } from "../../download/request.ts";
import type { Lists } from "../../status/lists.ts";
import type { Status } from "../../status/status.ts";
import { addOnce, KEY_REUSED, type Keys } from "../keys.ts";
import {
  type ClientRequest,
  type MessageLimits,
  parseRequest,
} from "../protocol.ts";
import { refuseBeyond, type Scope, type Token } from "../scopes.ts";
import { targetOf } from "../target.ts";
import { nodesOf } from "../nodes.ts";
import type { DoorTools } from "../sockets.ts";
import type { Events } from "./events.ts";
import { readBody, readPairs } from "./fields.ts";
import {
  type Operation,
  type OperationName,
  OPERATIONS,
} from "./operations.ts";
import { ProblemError, problemOf, refuse } from "./problems.ts";
import { createVisitors, type Visitor } from "./visitors.ts";

/** Settings of the door. */
export interface ApiOptions extends MessageLimits {
  /** The URL by which people reach the server; null if they do so directly. */
  readonly publicUrl: string | null;
  readonly tokens: readonly Token[];
}

/** What the door works with. */
export interface ApiTools {
  readonly coordinator: Coordinator;
  readonly lists: Lists;
  readonly keys: Keys;
  readonly events: Events;
  readonly cluster: DoorTools["cluster"];
  readonly log: Log;
  /** Whether no more clients may connect. */
  isFull(): boolean;
}

/** A request that was let in. */
export interface ApiVisit {
  readonly request: Request;
  /** The client's address. */
  readonly address: string;
  /** The request's path as the route knows it. */
  readonly path: string;
  /** What the parentheses of the route's path stand for. */
  readonly parts: readonly string[];
  /** How far its token reaches. */
  readonly scope: Scope | null;
}

/** A route of the door's. */
export interface ApiRoute {
  readonly method: Operation["method"] | null;
  readonly path: RegExp;
  handler(visit: ApiVisit): Promise<Response>;
}

/** One request on its way to its answer. */
interface Call {
  readonly request: Request;
  readonly visitor: Visitor;
  /** The download's id; empty where the path has none. */
  readonly id: string;
  /** What its body holds, or its query if it has no body. */
  readonly fields: JsonObject;
}

/** What a call gets: JSON, or nothing; or an answer that is made already. */
type Result = Made | Response;

interface Made {
  readonly status: 200 | 201 | 204;
  readonly value?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Makes the door's routes; the last takes what no other is for. */
export function createApi(
  options: ApiOptions,
  { coordinator, lists, keys, events, cluster, log, isFull }: ApiTools,
): ApiRoute[] {
  const visitors = createVisitors(lists, options.messageLength);

  function statusOf(id: string): Status {
    const status = coordinator.get(id);
    if (status !== null) return status;
    throw unknownId();
  }

  async function list({ fields, request, visitor }: Call): Promise<Result> {
    const asked = parseAs("list", { ...fields, action: "list" });
    const isThere = () => !request.signal.aborted;
    const page = await visitor.lists.read(asked, isThere);
    const { statuses: data = [], total = 0 } = page ?? {};
    return { status: 200, value: { data, offset: asked.offset, total } };
  }

  async function add({ fields, request }: Call): Promise<Result> {
    const idempotency_key = keyOf(request.headers);
    const asked = parseAs("add", { ...fields, idempotency_key });
    const keyed = await addOnce(asked, coordinator, keys);
    if (keyed.kind === "reused") throw REUSED;
    const { ids } = keyed;
    if (asked.form === "urls") return created({ ids });
    const [id = ""] = ids;
    const status = await coordinator.find(id).catch((error) => {
      const isUnknown = toRecord(error).code === "UNKNOWN_ID";
      throw isUnknown && asked.key !== undefined ? REMOVED : error;
    });
    return created(status, { location: `downloads/${id}` });
  }

  /** A command of the socket's, whose reply is how the download stands then. */
  function command(action: string): (call: Call) => Promise<Result> {
    return async ({ id, fields }) => {
      const asked = parseAs("command", { ...fields, action, id });
      await coordinator.command(id, asked.command);
      return { status: 200, value: statusOf(id) };
    };
  }

  function stream({ request }: Call): Response {
    if (isFull()) throw TOO_MANY;
    const response = events.open();
    if (request.method !== "HEAD") return response;
    response.body?.cancel();
    return new Response(null, response);
  }

  /** Only programs that read it need it: it is made when it is asked for. */
  async function document({ request }: Call): Promise<Result> {
    const [{ documentOf }, { default: { version } }] = await Promise.all([
      import("./openapi.ts"),
      import("../../../deno.json", { with: { type: "json" } }),
    ]);
    const base = options.publicUrl ?? new URL("/", request.url).href;
    const hasToken = options.tokens.length > 0;
    const value = documentOf({ url: `${base}api`, version, hasToken });
    return { status: 200, value };
  }

  /** All is read before anything is changed. */
  async function change({ id, fields }: Call): Promise<Result> {
    const { limit_rate, priority } = fields;
    const actions = [
      ...(limit_rate === undefined ? [] : [{ action: "limit", limit_rate }]),
      ...(priority === undefined ? [] : [{ action: "prioritize", priority }]),
    ];
    if (actions.length === 0) throw bad('Give a "limit_rate" or a "priority".');
    const asked = actions.map((fields) =>
      parseAs("command", { ...fields, id })
    );
    for (const { command } of asked) await coordinator.command(id, command);
    return { status: 200, value: statusOf(id) };
  }

  async function move({ id, fields }: Call): Promise<Result> {
    const asked = parseAs("move", { ...fields, action: "move", id });
    const target = await targetOf(lists, asked.to, asked.ids);
    const left = await coordinator.move(asked.ids, target);
    const error = left.get(id);
    if (error !== undefined) throw fromRecord(error);
    return { status: 200, value: statusOf(id) };
  }

  function limit({ fields }: Call): Result {
    const asked = parseAs("limit", { ...fields, action: "limit" });
    coordinator.limit(asked);
    return { status: 200, value: coordinator.limits() };
  }

  async function verify({ id, fields }: Call): Promise<Result> {
    const asked = parseAs("verify", { ...fields, action: "verify", id });
    const value = await coordinator.verify(id, asked.checksum);
    return { status: 200, value };
  }

  async function remove({ id, fields }: Call): Promise<Result> {
    const message = { ...fields, action: "remove", id };
    await coordinator.command(id, parseAs("command", message).command);
    return { status: 204 };
  }

  function parseAs<Kind extends ClientRequest["kind"]>(
    kind: Kind,
    message: JsonObject,
  ): Extract<ClientRequest, { kind: Kind }> {
    const asked = parseRequest(message, options);
    if (asked.kind === kind) {
      return asked as Extract<ClientRequest, { kind: Kind }>;
    }
    throw bad(`This is no request to ${kind}.`);
  }

  const obey: Readonly<
    Record<OperationName, (call: Call) => Result | Promise<Result>>
  > = {
    listDownloads: list,
    addDownloads: add,
    getDownload: async ({ id }) => ({
      status: 200,
      value: await coordinator.find(id),
    }),
    changeDownload: change,
    removeDownload: remove,
    pauseDownload: command("pause"),
    resumeDownload: command("resume"),
    retryDownload: command("retry"),
    refreshDownload: command("refresh"),
    moveDownload: move,
    verifyDownload: verify,
    relocateDownload: command("relocate"),
    streamEvents: stream,
    getLimits: () => ({ status: 200, value: coordinator.limits() }),
    changeLimits: limit,
    getDocument: document,
    listNodes: () => ({ status: 200, value: nodesOf(cluster) }),
  };

  async function answer(
    name: OperationName,
    { request, address, parts, scope }: ApiVisit,
  ): Promise<Response> {
    try {
      using visitor = visitors.enter(address);
      const operation: Operation = OPERATIONS[name];
      if (scope !== null) refuseBeyond(scope, operation.action);
      const fields = await readFields(operation, request, visitor, options);
      const id = decoded(parts[0] ?? "");
      return await respond(
        request,
        await obey[name]({ request, visitor, id, fields }),
      );
    } catch (error) {
      const problem = problemOf(error);
      const isExpected = error instanceof DownloadError ||
        error instanceof ProblemError;
      if (!isExpected) log("request failed", { message: problem.detail });
      return refuse(problem);
    }
  }

  const names = Object.keys(OPERATIONS) as OperationName[];
  return [
    ...names.map((name): ApiRoute => {
      const { method, path } = OPERATIONS[name];
      const handler = (visit: ApiVisit) => answer(name, visit);
      return { method, path: patternOf(path), handler };
    }),
    {
      method: null,
      path: /^\/api(?:\/.*)?$/,
      handler: (visit) => Promise.resolve(refuseElse(visit)),
    },
  ];
}

/** What matches the paths of an operation, as routes know them. */
function patternOf(path: string): RegExp {
  return new RegExp(`^/api${path.replace("{id}", "([^/]+)")}$`);
}

/** What a request gets that no operation is for. */
function refuseElse({ request: { method }, path: asked }: ApiVisit): Response {
  const methods = Object.values(OPERATIONS)
    .filter(({ path }) => patternOf(path).test(asked))
    .map(({ method }) => method);
  if (methods.length === 0) {
    return refuse({
      status: 404,
      code: "NOT_FOUND",
      detail: "There is nothing at this path.",
    });
  }
  const allow = methods.join(", ");
  return refuse({
    status: 405,
    code: "METHOD",
    detail: `${method} does nothing here; these do: ${allow}.`,
    headers: { allow },
  });
}

/**
 * The fields of a request, as its operation has them.
 *
 * @throws {DownloadError | ProblemError} if there are others.
 */
async function readFields(
  { method, query, body }: Operation,
  request: Request,
  visitor: Visitor,
  limits: MessageLimits,
): Promise<JsonObject> {
  const { searchParams } = new URL(request.url);
  if (query === undefined && searchParams.size > 0) {
    throw bad("This path takes no query: send fields in the body, if any.");
  }
  if (method === "GET" || method === "DELETE") {
    // Passed over in silence, a body would look as if it were obeyed.
    if (hasBody(request)) {
      throw bad(`${method} takes no body here: send fields in the query.`);
    }
    const fields = readPairs(searchParams, query ?? {});
    if (query !== undefined) refuseUnknown(fields, Object.keys(query));
    return fields;
  }
  using _ = visitor.brings(request);
  const known = body?.properties ?? {};
  const fields = await readBody(request, known, limits);
  if (body !== undefined) refuseUnknown(fields, Object.keys(known));
  else if (Object.keys(fields).length > 0) throw bad("This takes no fields.");
  return fields;
}

/**
 * The Idempotency-Key of a request, a string as RFC 8941 has it: in quotes, or
 * bare, as most programs send it.
 */
function keyOf(headers: Headers): string | undefined {
  const key = headers.get("idempotency-key")?.trim();
  return key?.match(/^"(.*)"$/)?.[1] ?? key;
}

const TOO_MANY = new ProblemError({
  status: 503,
  code: "TOO_MUCH",
  detail: "Too many clients are connected: try again later.",
});

const REUSED = new ProblemError({
  status: 422,
  code: "KEY_REUSED",
  detail: KEY_REUSED,
});

const REMOVED = new ProblemError({
  status: 410,
  code: "UNKNOWN_ID",
  detail: "The download that was added with this key has been removed since.",
});

function hasBody({ headers }: Request): boolean {
  return headers.has("transfer-encoding") ||
    (headers.get("content-length") ?? "0") !== "0";
}

/** An id as it is in a path; what cannot be decoded is no download's. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function created(
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Result {
  return { status: 201, value, headers };
}

/** An answer to a GET can be asked for again by its ETag. */
async function respond(
  request: Request,
  result: Result,
): Promise<Response> {
  if (result instanceof Response) return result;
  const { status, value, headers: more } = result;
  const headers = new Headers({
    "cache-control": "private, no-cache",
    "x-content-type-options": "nosniff",
    // Pages of other sites may not even count the bytes of an answer.
    "cross-origin-resource-policy": "same-origin",
    ...more,
  });
  if (value === undefined) return new Response(null, { status, headers });
  const text = JSON.stringify(value);
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (isRead) {
    const etag = await eTag(text) ?? "";
    headers.set("etag", etag);
    if (!ifNoneMatch(request.headers.get("if-none-match"), etag)) {
      return new Response(null, { status: 304, headers });
    }
  }
  headers.set("content-type", "application/json");
  if (request.method !== "HEAD") return new Response(text, { status, headers });
  const { length } = new TextEncoder().encode(text);
  headers.set("content-length", String(length));
  return new Response(null, { status, headers });
}
