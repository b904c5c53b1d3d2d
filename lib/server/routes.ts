/**
 * The routes, and the order in which a request is checked: first the guard, for
 * Host and Origin, then the token, as far as the route wants them; then the
 * route's own handler.
 */

import { adviceIn, explain, type Explanation, text } from "./answers.ts";
import { createApi } from "./api/door.ts";
import { createEvents, type Events } from "./api/events.ts";
import { codeOf, refuse } from "./api/problems.ts";
import { type Auth, createAuth, protocolFor, type Verdict } from "./auth.ts";
import { type Aria2Door, createAria2Door } from "./aria2/door.ts";
import { createEntrance } from "./aria2/entrance.ts";
import type { MethodsOptions } from "./aria2/methods.ts";
import { clientAddress } from "./client_address.ts";
import type { Tell } from "../download/events.ts";
import { allowed, preflight } from "./cors.ts";
import type { Health } from "../store/health.ts";
import { serveComing } from "./coming_file.ts";
import { serveFile } from "./files.ts";
import { isRelayed, relayFile } from "./relay.ts";
import {
  MALFORMED,
  nothing,
  remediesFor,
  THROTTLED,
  TOO_MANY,
  UNKNOWN,
} from "./denials.ts";
import { createGuard, type GuardOptions } from "./guard.ts";
import {
  familiesOf,
  type LagMeter,
  METRICS_TYPE,
  render,
  startLagMeter,
} from "./metrics.ts";
import type { MessageLimits } from "./protocol.ts";
import { PAGE_PATHS, serveLogin, servePage } from "./page.ts";
import { cookiePlace, pathsBelow, withSlash } from "./public_url.ts";
import { createKeys, type Keys } from "./keys.ts";
import { createRefusalLog, type RefusalLog } from "./refusal_log.ts";
import type { Scope, Token } from "./scopes.ts";
import { loggedIn, loggedOut, tokenIn } from "./session.ts";
import { createSockets, type DoorTools, type Sockets } from "./sockets.ts";
import { createTelling, type TellingOptions } from "./telling.ts";

/** Settings of a server. */
export interface ServerOptions
  extends GuardOptions, MessageLimits, TellingOptions, MethodsOptions {
  /** What clients must know; none to let in everybody who can connect. */
  readonly tokens: readonly Token[];
  /** How many clients may be connected. */
  readonly socketsAmount: number;
  /** Proxies that say truly whom they ask for: addresses, and networks. */
  readonly trustedProxies: readonly string[];
}

/** What answers requests; needs no port of its own. */
export interface Handler {
  /** @param peer The address that the connection comes from. */
  handle(request: Request, peer: string): Response | Promise<Response>;
  /** Tells all clients that the server goes away. */
  close(): void;
}

/** What answers requests for one path, or for many of one form. */
interface Route {
  /**
   * The only method it is for, GET's with HEAD; null for any, which the handler
   * looks at.
   */
  readonly method: "GET" | "POST" | "PATCH" | "DELETE" | "OPTIONS" | null;
  readonly path: string | RegExp;
  readonly access: Access;
  handler(visit: Visit): Response | Promise<Response>;
}

/**
 * Whom a route is for: `all`, by whatever Host they know the server; `open`, all
 * whom the guard lets in; `token`, those of them who know a token; `bearer`,
 * those who know a token, by whatever Host: a rebound page does not. What a
 * token's scope reaches is each action's to look at: all scopes may see.
 */
type Access = "all" | "open" | "token" | "bearer";

/** One request on its way to its route's handler. */
interface Visit {
  readonly request: Request;
  /** The client's address. */
  readonly address: string;
  readonly upgrades: boolean;
  /** The request's path as the route knows it. */
  readonly path: string;
  /** What the parentheses of the route's path stand for. */
  readonly parts: readonly string[];
  /** How far its token reaches; null on routes that ask for none. */
  readonly scope: Scope | null;
}

/** What the routes of one server work with. */
interface Tools extends ServerTools {
  readonly options: ServerOptions;
  readonly auth: Auth;
  readonly guard: ReturnType<typeof createGuard>;
  readonly keys: Keys;
  readonly events: Events;
  readonly sockets: Sockets;
  readonly aria2: Aria2Door;
  readonly lag: LagMeter;
  readonly refusals: RefusalLog;
}

/** What a server's requests are answered from. */
export interface ServerTools extends DoorTools {
  readonly health: Health;
  /** Has a door hear what happens, until the server stops. */
  readonly listen: (hear: Tell) => void;
}

/** Makes the handler of a server's requests. */
export function createHandler(
  options: ServerOptions,
  door: ServerTools,
): Handler {
  const { publicUrl, trustedProxies } = options;
  const keys = createKeys(door);
  const telling = createTelling(options, door);
  const tools: Tools = {
    ...door,
    keys,
    events: createEvents(telling, door.log),
    options,
    auth: createAuth(options.tokens),
    guard: createGuard(options),
    refusals: createRefusalLog(door.log),
    sockets: createSockets(options, { ...door, keys, telling }),
    aria2: createAria2Door(options, door),
    lag: startLagMeter(),
  };
  door.listen(tools.aria2.hear);
  const routes = [
    ...pageRoutes(tools),
    ...dataRoutes(tools),
    aria2Route(tools),
    ...apiRoutes(tools),
  ];

  return {
    handle(request, peer) {
      const address = clientAddress(peer, request.headers, trustedProxies);
      const url = URL.parse(request.url);
      if (url === null) {
        tools.refusals.note("refused", { address, header: "host", value: "" });
        return explain(request, MALFORMED);
      }
      const paths = pathsBelow(url.pathname, publicUrl);
      const { route, ...found } = find(routes, request.method, paths) ??
        nowhere(publicUrl);
      const arrival = {
        ...found,
        request,
        address,
        upgrades: request.headers.get("upgrade")?.toLowerCase() === "websocket",
      };
      const elsewhere = arrival.path === "/" && !arrival.upgrades
        ? withSlash(url, publicUrl)
        : null;
      if (elsewhere !== null) {
        const headers = { location: elsewhere };
        return new Response(null, { status: 308, headers });
      }
      const entry = letIn(arrival, route.access, tools);
      return "scope" in entry
        ? route.handler({ ...arrival, scope: entry.scope })
        : entry.answer;
    },
    close() {
      tools.lag[Symbol.dispose]();
      tools.refusals[Symbol.dispose]();
      telling.close();
      tools.sockets.close();
      tools.events.close();
      tools.aria2.close();
    },
  };
}

/** Whether a request may come in: how far its token reaches, or what it gets. */
type Entry =
  | Pick<Visit, "scope">
  | { readonly answer: Response | Promise<Response> };

function letIn(
  arrival: Omit<Visit, "scope">,
  access: Access,
  { guard, auth, refusals, options: { publicUrl } }: Tools,
): Entry {
  const { request, address, path, upgrades } = arrival;
  const guarded = access === "open" || access === "token";
  const refused = guarded ? guard(request.headers) : null;
  if (refused !== null) {
    const { header, value, reason, remedies } = refused;
    refusals.note("refused", { address, header, value });
    const title = "Not let in";
    const why = { status: 403, title, reason, remedies };
    return { answer: deny(arrival, why) };
  }
  if (access === "all" || access === "open") return { scope: null };
  const verdict = auth.check(request.headers, address);
  if (verdict.kind === "welcome") return { scope: verdict.scope };
  const { kind } = verdict;
  refusals.note("turned away", { address, verdict: kind });
  if (kind === "throttled") return { answer: deny(arrival, THROTTLED) };
  const isPage = path === "/" && request.method !== "POST" && !upgrades;
  const answer = isPage ? serveLogin(request, publicUrl) : deny(arrival, {
    ...UNKNOWN,
    remedies: remediesFor(request, publicUrl),
  });
  return { answer };
}

/** Says no as those who ask at a path read it: below `/api`, they are programs. */
function deny(
  { request, path }: Omit<Visit, "scope">,
  explanation: Explanation,
): Response {
  if (!/^\/api(\/|$)/.test(path)) return explain(request, explanation);
  const { status, headers = {} } = explanation;
  const detail = `${adviceIn(explanation)}.`;
  const answer = refuse({ status, code: codeOf(status), detail, headers });
  // A page that the guard refuses may not even read why.
  return status === 403 ? answer : allowed(request, answer, API_HEADERS);
}

/** The page's files, its login, and what it asks besides its socket. */
function pageRoutes(tools: Tools): Route[] {
  const { auth, options: { publicUrl, tokens } } = tools;
  const serve = ({ request, path }: Visit) =>
    servePage(request, path, publicUrl) ?? nothing(request, publicUrl);
  return [
    {
      method: "POST",
      path: "/login",
      access: "open",
      handler: (visit) => login(visit, tools),
    },
    {
      method: "POST",
      path: "/logout",
      access: "open",
      handler: ({ request: { headers } }) =>
        loggedOut(auth, cookiePlace(headers, publicUrl)),
    },
    {
      // It tells a page, to which no browser says why a socket came to nothing.
      // Only a POST brings the Origin that the socket does.
      method: "POST",
      path: "/session",
      access: "token",
      handler: ({ request, scope }) =>
        isFull(tools)
          ? explain(request, TOO_MANY)
          : Response.json({ token: tokens.length > 0, scope }),
    },
    // They hold nothing of anybody's. Browsers ask for modules with an Origin: a
    // page that is refused could not say so otherwise.
    ...PAGE_PATHS.map((path): Route => ({
      method: null,
      path,
      access: "all",
      handler: serve,
    })),
    {
      method: null,
      path: "/",
      access: "token",
      handler: (visit) => visit.upgrades ? connect(visit, tools) : serve(visit),
    },
  ];
}

/** What is there for programs, and the files. */
function dataRoutes(
  { coordinator, health, options, sockets, aria2, events, lag, cluster }: Tools,
): Route[] {
  return [
    {
      method: null,
      path: "/healthz",
      access: "all",
      async handler() {
        const trouble = await health.check();
        return trouble ? text(503, trouble.message) : text(200, "ok");
      },
    },
    {
      method: null,
      path: "/metrics",
      // Prometheus calls a server by the name that its own resolver has for it.
      access: options.tokens.length === 0 ? "token" : "bearer",
      handler() {
        const { bytes, failures } = coordinator.figures;
        const body = render(familiesOf({
          bytes,
          failures,
          totals: coordinator.totals(),
          threads: coordinator.threads(),
          sockets: clientsOf({ sockets, aria2, events }),
          lag: lag.read(),
          cluster: cluster?.measures() ?? null,
        }));
        return new Response(body, {
          headers: { "content-type": METRICS_TYPE },
        });
      },
    },
    {
      method: null,
      path: /^\/files\/([^/]+)$/,
      access: "token",
      async handler({ request, parts: [id = ""] }) {
        const sight = {
          coming: () => coordinator.comingOf(id),
          finished: () => coordinator.pathOf(id),
        };
        const coming = sight.finished() === null ? sight.coming() : null;
        if (coming !== null) return await serveComing(request, coming, sight);
        const find = () => coordinator.findFile(id);
        const isHere = await find() !== null;
        const url = isHere ? null : cluster?.urlOf(id) ?? null;
        return url === null || isRelayed(request)
          ? await serveFile(request, find)
          : await relayFile(
            request,
            `${url}files/${id}`,
            options.tokens[0]?.token ?? null,
          );
      },
    },
  ];
}

/** For aria2's clients, whose calls hold the token, each its own. */
function aria2Route(tools: Tools): Route {
  const { aria2: door, auth, guard, refusals } = tools;
  return {
    method: null,
    path: "/jsonrpc",
    access: "open",
    handler: createEntrance({
      door,
      auth,
      guard,
      refusals,
      isFull: () => isFull(tools),
      tooMany: (request) => explain(request, TOO_MANY),
    }),
  };
}

const API_METHODS = "GET, POST, PATCH, DELETE, OPTIONS";
/** What pages of other origins may read of an answer's head. */
const API_HEADERS = "ETag, Location, Retry-After";

/** The HTTP API. */
function apiRoutes(tools: Tools): Route[] {
  const door = { ...tools, isFull: () => isFull(tools) };
  const routes = createApi(tools.options, door);
  return [
    {
      method: "OPTIONS",
      path: /^\/api(?:\/.*)?$/,
      access: "open",
      handler: ({ request }) =>
        allowed(request, preflight(request, API_METHODS)),
    },
    ...routes.map(({ method, path, handler }): Route => ({
      method,
      path,
      access: "token",
      handler: async (visit) =>
        allowed(visit.request, await handler(visit), API_HEADERS),
    })),
  ];
}

/** A route that fits a request, and how. */
interface Found extends Pick<Visit, "path" | "parts"> {
  readonly route: Pick<Route, "access" | "handler">;
}

/** For all other requests: only clients with the token learn the paths. */
function nowhere(publicUrl: string | null): Found {
  const route: Found["route"] = {
    access: "token",
    handler: ({ request }) => nothing(request, publicUrl),
  };
  return { route, path: "", parts: [] };
}

/** The first route that fits a request by one of its paths; null if none does. */
function find(
  routes: readonly Route[],
  method: string,
  paths: readonly string[],
): Found | null {
  for (const path of paths) {
    for (const route of routes) {
      const parts = partsOf(route, method, path);
      if (parts !== null) return { route, path, parts };
    }
  }
  return null;
}

/** What a route's path stands for in `pathname`; null if it does not fit. */
function partsOf(
  { method, path }: Route,
  asked: string,
  pathname: string,
): readonly string[] | null {
  const meant = asked === "HEAD" ? "GET" : asked;
  if (method !== null && method !== meant) return null;
  if (typeof path === "string") return path === pathname ? [] : null;
  return pathname.match(path)?.slice(1) ?? null;
}

function isFull(tools: Tools): boolean {
  return clientsOf(tools) >= tools.options.socketsAmount;
}

/** How many clients are connected. */
function clientsOf(
  { sockets, aria2, events }: Pick<Tools, "sockets" | "aria2" | "events">,
): number {
  return sockets.count() + aria2.count() + events.count();
}

function connect({ request, scope }: Visit, tools: Tools): Response {
  if (isFull(tools)) return explain(request, TOO_MANY);
  const protocol = protocolFor(request.headers);
  try {
    const { socket, response } = Deno.upgradeWebSocket(
      request,
      protocol === null ? {} : { protocol },
    );
    // Its route asks for a token: there is a scope.
    tools.sockets.add(socket, scope ?? "read");
    return response;
  } catch {
    return text(400, "This is not a valid WebSocket handshake.");
  }
}

/** A form with the token gives a cookie, and leads to the page. */
async function login(
  { request, address }: Visit,
  { auth, log, options, refusals }: Tools,
): Promise<Response> {
  const token = await tokenIn(request);
  if (token instanceof Response) return token;
  const verdict: Verdict = auth.login(token, address);
  if (verdict.kind === "welcome") {
    log("logged in", { address, by: verdict.name });
  } else {
    refusals.note("turned away", { address, verdict: verdict.kind });
  }
  if (verdict.kind === "throttled") return explain(request, THROTTLED);
  const place = cookiePlace(request.headers, options.publicUrl);
  return loggedIn(verdict, token, auth, place);
}
