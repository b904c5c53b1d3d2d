/** Who comes in at `/jsonrpc`, by which method, and what browsers are told. */

import { explain, text } from "../answers.ts";
import { type Auth, protocolFor } from "../auth.ts";
import { allowed, preflight } from "../cors.ts";
import type { Refused } from "../guard.ts";
import type { RefusalLog } from "../refusal_log.ts";
import type { Scope } from "../scopes.ts";
import type { Aria2Door, Judge } from "./door.ts";

/** What is answered besides sockets. */
const METHODS = "POST, GET, OPTIONS";

/**
 * Sockets that have not given the token: programs that only listen need none, as
 * at aria2, but who does not know it must not take all places of those who do.
 */
const MOST_STRANGERS = 100;

/** What the entrance works with. */
export interface EntranceTools {
  readonly door: Aria2Door;
  readonly auth: Auth;
  readonly guard: (headers: Headers) => Refused | null;
  readonly refusals: RefusalLog;
  /** Whether no more clients may connect. */
  isFull(): boolean;
  /** What a client gets that is one too many. */
  tooMany(request: Request): Response;
}

/** A request that the guard lets in. */
export interface Visitor {
  readonly request: Request;
  /** The client's address. */
  readonly address: string;
  readonly upgrades: boolean;
}

/** Makes what answers requests for `/jsonrpc`. */
export function createEntrance(
  tools: EntranceTools,
): (visitor: Visitor) => Promise<Response> {
  const { door, auth, guard, refusals } = tools;

  /** How far what a request came with reaches; null if it came with nothing. */
  function scopeOf(headers: Headers, address: string): Scope | null {
    const verdict = auth.check(headers, address);
    return verdict.kind === "welcome" ? verdict.scope : null;
  }

  /**
   * Tells how far a message's tokens reach; each counts as one guess. Where the
   * request came with credentials, these count.
   */
  function judgeOf(headers: Headers, address: string): Judge {
    const own = scopeOf(headers, address);
    const known = new Map<string, Scope | null>();
    return (token) => {
      if (own !== null || token === null) return own;
      const before = known.get(token);
      if (before !== undefined) return before;
      const verdict = auth.login(token, address);
      const scope = verdict.kind === "welcome" ? verdict.scope : null;
      known.set(token, scope);
      if (scope === null) {
        refusals.note("turned away", { address, verdict: verdict.kind });
      }
      return scope;
    };
  }

  function connect({ request, address }: Visitor): Response {
    const judge = socketJudge(request.headers, address);
    const isStranger = judge()(null) === null;
    const full = isStranger && door.strangers() >= MOST_STRANGERS;
    if (full || tools.isFull()) return tools.tooMany(request);
    const protocol = protocolFor(request.headers);
    try {
      const { socket, response } = Deno.upgradeWebSocket(
        request,
        protocol === null ? {} : { protocol },
      );
      door.add(socket, judge);
      return response;
    } catch {
      return text(400, "This is not a valid WebSocket handshake.");
    }
  }

  /** What a socket came with is looked at once: it would count as guesses. */
  function socketJudge(headers: Headers, address: string): () => Judge {
    const own = scopeOf(headers, address);
    const none = new Headers();
    return () => own !== null ? () => own : judgeOf(none, address);
  }

  /**
   * Pages of other sites can make a browser ask by GET without an Origin: the
   * site's own cookie proves nothing then, and Referer stands for Origin.
   */
  async function get({ request, address }: Visitor): Promise<Response> {
    const headers = new Headers(request.headers);
    headers.delete("cookie");
    const page = pageOf(headers);
    if (page !== null) headers.set("origin", page);
    const refused = guard(headers);
    if (refused === null) {
      return await door.get(request, judgeOf(headers, address));
    }
    const { header, value, reason, remedies } = refused;
    refusals.note("refused", { address, header, value });
    const title = "Not let in";
    return explain(request, { status: 403, title, reason, remedies });
  }

  return async (visitor) => {
    const { request, address, upgrades } = visitor;
    if (upgrades) return connect(visitor);
    switch (request.method) {
      case "POST": {
        const judge = judgeOf(request.headers, address);
        return allowed(request, await door.post(request, judge));
      }
      case "GET":
        return allowed(request, await get(visitor));
      case "OPTIONS":
        return allowed(request, preflight(request, METHODS));
      default:
        return text(404, "Only POST, GET and WebSockets are answered here.");
    }
  };
}

/** The origin of the page that a browser asks for; null if it is no page's. */
function pageOf(headers: Headers): string | null {
  if (headers.has("origin")) return null;
  const referer = URL.parse(headers.get("referer") ?? "");
  if (referer !== null) return referer.origin;
  const site = headers.get("sec-fetch-site") ?? "none";
  return ["none", "same-origin"].includes(site) ? null : "null";
}
