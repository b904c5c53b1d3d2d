/** The routes, and the upgrade to a WebSocket. */

import type { Coordinator } from "../coordinator.ts";
import type { Log } from "../log.ts";
import { type GuardOptions, refusal } from "./guard.ts";
import { createSockets, type SocketsOptions } from "./sockets.ts";

/** Settings of a server. */
export interface ServerOptions extends GuardOptions, SocketsOptions {}

/** What answers requests; needs no port of its own. */
export interface Handler {
  handle(request: Request): Response;
  /** Tells all clients that the server goes away. */
  close(): void;
}

/** Makes the handler of a server's requests. */
export function createHandler(
  options: ServerOptions,
  surroundings: { coordinator: Coordinator; log: Log },
): Handler {
  const sockets = createSockets(options, surroundings);

  function handle(request: Request): Response {
    const refused = refusal(request.headers, options);
    if (refused) return text(403, refused);
    const { pathname } = new URL(request.url);
    if (pathname !== "/") return text(404, "There is nothing here.");
    const upgrade = request.headers.get("upgrade")?.toLowerCase();
    if (upgrade !== "websocket") {
      return text(426, "Connect with a WebSocket.", { upgrade: "websocket" });
    }
    if (sockets.isFull()) return text(503, "Too many clients are connected.");
    return connect(request);
  }

  function connect(request: Request): Response {
    try {
      const { socket, response } = Deno.upgradeWebSocket(request);
      sockets.add(socket);
      return response;
    } catch {
      return text(400, "This is not a valid WebSocket handshake.");
    }
  }

  return { handle, close: sockets.close };
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
