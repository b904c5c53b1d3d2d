/**
 * The routes, and the order in which a request is checked: first the guard, for
 * Host and Origin; then, unless the route is open to all, the token; then the
 * route's own handler.
 */

import type { Log } from "../base/log.ts";
import type { Health } from "../store/health.ts";
import { type Auth, createAuth, protocolFor, type Verdict } from "./auth.ts";
import { serveFile } from "./files.ts";
import { type GuardOptions, refusal } from "./guard.ts";
import {
  type Family,
  METRICS_TYPE,
  render,
  single,
  startLagMeter,
} from "./metrics.ts";
import { PAGE_PATHS, serveLogin, servePage } from "./page.ts";
import {
  createSockets,
  type DoorTools,
  type SocketsOptions,
} from "./sockets.ts";

/** Settings of a server. */
export interface ServerOptions extends GuardOptions, SocketsOptions {
  /** What clients must know; null to let in everybody who can connect. */
  readonly authToken: string | null;
  /** How many clients may be connected. */
  readonly socketsAmount: number;
}

/** What answers requests; needs no port of its own. */
export interface Handler {
  /** @param address Where the request comes from. */
  handle(request: Request, address: string): Response | Promise<Response>;
  /** Tells all clients that the server goes away. */
  close(): void;
}

/** What answers requests for one path, or for many of one form. */
interface Route {
  /** The only method it is for; null for any, which the handler looks at. */
  readonly method: "POST" | null;
  readonly path: string | RegExp;
  /** `open` to all whom the guard lets in; `token` to those who know it. */
  readonly access: "open" | "token";
  handler(visit: Visit): Response | Promise<Response>;
}

/** One request on its way to its route's handler. */
interface Visit {
  readonly request: Request;
  /** Where the request comes from. */
  readonly address: string;
  readonly upgrades: boolean;
  /** What the parentheses of the route's path stand for. */
  readonly parts: readonly string[];
}

/** Makes the handler of a server's requests. */
export function createHandler(
  options: ServerOptions,
  tools: DoorTools & { readonly health: Health },
): Handler {
  const { coordinator, log, health } = tools;
  const auth = createAuth(options.authToken);
  const sockets = createSockets(options, tools);
  const lag = startLagMeter();

  const routes: readonly Route[] = [
    {
      method: null,
      path: "/healthz",
      access: "open",
      async handler() {
        const trouble = await health.check();
        return trouble ? text(503, trouble.message) : text(200, "ok");
      },
    },
    {
      method: "POST",
      path: "/login",
      access: "open",
      handler: ({ request, address }) => login(request, address, auth, log),
    },
    ...PAGE_PATHS.map((path): Route => ({
      method: null,
      path,
      access: "open",
      handler: ({ request }) => servePage(request) ?? nothing(),
    })),
    {
      method: null,
      path: /^\/files\/([^/]+)$/,
      access: "token",
      handler: ({ request, parts: [id = ""] }) =>
        serveFile(request, coordinator.pathOf(id)),
    },
    {
      method: null,
      path: "/",
      access: "token",
      handler: ({ request, upgrades }) =>
        upgrades ? connect(request) : servePage(request) ?? nothing(),
    },
    {
      method: null,
      path: "/metrics",
      access: "token",
      handler: () =>
        new Response(render(families()), {
          headers: { "content-type": METRICS_TYPE },
        }),
    },
  ];

  function handle(
    request: Request,
    address: string,
  ): Response | Promise<Response> {
    const { headers, method } = request;
    const refused = refusal(headers, options);
    if (refused) return text(403, refused);
    const { pathname } = new URL(request.url);
    const upgrades = headers.get("upgrade")?.toLowerCase() === "websocket";
    const { route, parts } = find(routes, method, pathname);
    const verdict = route.access === "open"
      ? "welcome"
      : auth.check(headers, address);
    if (verdict !== "welcome") {
      log("turned away", { address, verdict });
      const page = verdict === "unknown" && pathname === "/" && !upgrades;
      return page ? serveLogin(request) : turnAway(verdict);
    }
    return route.handler({ request, address, upgrades, parts });
  }

  function connect(request: Request): Response {
    if (sockets.count() >= options.socketsAmount) {
      return text(503, "Too many clients are connected: try again later.");
    }
    const protocol = protocolFor(request.headers);
    try {
      const { socket, response } = Deno.upgradeWebSocket(
        request,
        protocol === null ? {} : { protocol },
      );
      sockets.add(socket);
      return response;
    } catch {
      return text(400, "This is not a valid WebSocket handshake.");
    }
  }

  function families(): Family[] {
    const { bytes, failures } = coordinator.figures;
    const totals = coordinator.totals();
    return [
      single("sluice_bytes", "counter", "Bytes written.", bytes),
      {
        name: "sluice_failures",
        type: "counter",
        help: "Failed attempts, by reason; most are tried again.",
        label: "reason",
        samples: [...failures],
      },
      {
        name: "sluice_downloads",
        type: "gauge",
        help: "Downloads, by state.",
        label: "state",
        samples: Object.entries(totals),
      },
      single("sluice_queue", "gauge", "Downloads waiting.", totals.Queued),
      single("sluice_threads", "gauge", "Threads.", coordinator.threads()),
      single("sluice_sockets", "gauge", "Clients.", sockets.count()),
      single(
        "sluice_loop_lag_seconds",
        "gauge",
        "The event loop's worst lag since the last reading.",
        lag.read(),
      ),
    ];
  }

  return {
    handle,
    close() {
      lag[Symbol.dispose]();
      sockets.close();
    },
  };
}

/** What a route does with the requests that it is for. */
type Target = Pick<Route, "access" | "handler">;

/** For all other requests: only clients with the token learn the paths. */
const NOWHERE: Target = { access: "token", handler: nothing };

/** The first route that fits a request, and what its path stands for in it. */
function find(
  routes: readonly Route[],
  method: string,
  pathname: string,
): { route: Target; parts: readonly string[] } {
  for (const route of routes) {
    const parts = partsOf(route, method, pathname);
    if (parts !== null) return { route, parts };
  }
  return { route: NOWHERE, parts: [] };
}

/** What a route's path stands for in `pathname`; null if it does not fit. */
function partsOf(
  { method, path }: Route,
  asked: string,
  pathname: string,
): readonly string[] | null {
  if (method !== null && method !== asked) return null;
  if (typeof path === "string") return path === pathname ? [] : null;
  return pathname.match(path)?.slice(1) ?? null;
}

/** A form with the token gives a cookie, and leads to the page. */
async function login(
  request: Request,
  address: string,
  auth: Auth,
  log: Log,
): Promise<Response> {
  const length = Number(request.headers.get("content-length") ?? Infinity);
  if (length > LONGEST_FORM) return text(413, "The form is too long.");
  const body = await request.text().catch(() => null);
  if (body === null) return text(400, "The form did not come whole.");
  const form = new URLSearchParams(body);
  const verdict = auth.login(form.get("token") ?? "", address);
  if (verdict === "throttled") return turnAway(verdict);
  const { protocol } = new URL(request.url);
  const welcome = verdict === "welcome";
  log(welcome ? "logged in" : "turned away", { address, verdict });
  return new Response(null, {
    status: 303,
    headers: {
      location: welcome ? "./" : "./?failed",
      ...(welcome && { "set-cookie": auth.cookie(protocol === "https:") }),
    },
  });
}

const LONGEST_FORM = 10_000;

function nothing(): Response {
  return text(404, "There is nothing here.");
}

function turnAway(verdict: Exclude<Verdict, "welcome">): Response {
  return verdict === "unknown"
    ? text(401, "Give the token, as Authorization: Bearer …", {
      "www-authenticate": "Bearer",
    })
    : text(429, "Too many wrong tokens: wait a minute.", {
      "retry-after": "60",
    });
}

function text(
  status: number,
  body: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(`${body}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}
