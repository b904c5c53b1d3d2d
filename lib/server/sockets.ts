/** The connected clients, and what each of them has been told. */

import type { Log } from "../base/log.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Coordinator } from "../coordinator.ts";
import type { Command } from "../download/download.ts";
import { DownloadError, fromRecord, toRecord } from "../download/errors.ts";
import { bad, fieldsOf } from "../download/request.ts";
import type { Lists } from "../status/lists.ts";
import type { Status } from "../status/status.ts";
import type { Hooks } from "./hooks.ts";
import { addOnce, KEY_REUSED, type Keys } from "./keys.ts";
import { createListTurns, type ListTurns, MOST_UNANSWERED } from "./limits.ts";
import { commandMany } from "./many.ts";
import type {
  ListedStatus,
  ManyDone,
  RequestId,
  ServerMessage,
} from "./messages.ts";
import { nodesOf } from "./nodes.ts";
import {
  type ClientRequest,
  idOfUnread,
  type MessageLimits,
  parseMessage,
  parseRequest,
  requestIdOf,
  type Which,
} from "./protocol.ts";
import { refuseBeyond, type Scope } from "./scopes.ts";
import { targetOf } from "./target.ts";
import type { Listener, Telling } from "./telling.ts";

/** Bytes: a client with more of them unread gets no more replies. */
const MOST_WAITING = 4 * 1024 * 1024;

/** What the shortest message takes until it is answered, in characters. */
const LEAST_SIZE = 500;

/** A message that is handled in less time is not slow, in milliseconds. */
const SLOW = 10;

/** What a door for clients works with. */
export interface DoorTools {
  readonly coordinator: Coordinator;
  readonly lists: Lists;
  readonly log: Log;
  /** Null where the server shares its queue with no other. */
  readonly cluster: Pick<Cluster, "urlOf" | "nodes" | "measures"> | null;
  /** Null where nobody is told that downloads have ended. */
  readonly hooks: Pick<Hooks, "deliveries"> | null;
}

/** What the sockets work with. */
interface SocketsTools extends DoorTools {
  readonly keys: Keys;
  readonly telling: Telling;
}

/** All clients. */
export interface Sockets {
  /** How many clients are connected. */
  count(): number;
  /**
   * Greets a client, tells it of changes and answers it, until it leaves.
   *
   * @param scope How far its token reaches.
   */
  add(socket: WebSocket, scope: Scope): void;
  /** Tells all clients that the server goes away. */
  close(): void;
}

/** A client. */
interface Client {
  readonly socket: WebSocket;
  readonly scope: Scope;
  /** What else it asks for does not wait for its lists. */
  readonly lists: ListTurns;
  /** What its messages that are not answered yet take, in characters. */
  unanswered: number;
}

/** Makes what greets, tells and answers the clients of a server. */
export function createSockets(
  options: MessageLimits,
  { coordinator, lists, keys, telling, log, cluster, hooks }: SocketsTools,
): Sockets {
  const clients = new Map<WebSocket, Listener>();
  const closing = new AbortController();

  function enter(socket: WebSocket): void {
    const listener: Listener = {
      isBehind: () => socket.bufferedAmount > 0,
      tell: (text) => send(socket, text),
    };
    clients.set(socket, listener);
    telling.add(listener);
  }

  function leave(socket: WebSocket): void {
    const listener = clients.get(socket);
    if (listener !== undefined) telling.remove(listener);
    clients.delete(socket);
  }

  function reply(socket: WebSocket, message: ServerMessage): void {
    if (socket.bufferedAmount < MOST_WAITING) {
      send(socket, JSON.stringify(message));
    } else {
      log("client too slow");
      socket.close(1008, "Read the replies, or ask less.");
    }
  }

  /** Counts a message until it is answered. One too many is let go of, unread. */
  function receive(client: Client, data: unknown, inTurn: Turns): void {
    const { socket } = client;
    if (socket.readyState !== WebSocket.OPEN) return;
    const size = sizeOf(data);
    const most = MOST_UNANSWERED * options.messageLength;
    // One alone is answered, however long it is.
    if (client.unanswered > 0 && client.unanswered + size > most) {
      const id = shortIdOf(data) ?? idOfUnread(data);
      return reply(socket, withId(NOT_READ, id));
    }
    client.unanswered += size;
    inTurn(async () => {
      await answer(client, data);
      client.unanswered -= size;
    });
  }

  /** The id of a short message: to read a long one would hold up others. */
  function shortIdOf(data: unknown): RequestId | undefined {
    if (sizeOf(data) > LEAST_SIZE) return undefined;
    try {
      return requestIdOf(parseMessage(data, options));
    } catch {
      return undefined;
    }
  }

  async function answer(client: Client, data: unknown): Promise<void> {
    const { socket } = client;
    if (socket.readyState !== WebSocket.OPEN) return;
    let requestId: RequestId | undefined;
    try {
      const fields = parseMessage(data, options);
      requestId = requestIdOf(fields);
      const request = parseRequest(fields, options);
      refuseBeyond(client.scope, neededFor(request));
      const message = await obey(client, request);
      if (message !== null) reply(socket, withId(message, requestId));
    } catch (error) {
      const { code, message } = toRecord(error);
      if (!(error instanceof DownloadError)) log("request failed", { message });
      const id = requestId ?? idOfUnread(data);
      reply(socket, withId({ error: { code, message } }, id));
    }
  }

  /** A download with what was asked for, which broadcasts do without. */
  function withRequest(status: Status): ListedStatus {
    const request = coordinator.requestOf(status.id);
    return request === null
      ? status
      : { ...status, request: fieldsOf(request) };
  }

  /** The reply; null if the client has gone before its turn came. */
  async function obey(
    client: Client,
    request: ClientRequest,
  ): Promise<ServerMessage | null> {
    switch (request.kind) {
      case "add": {
        const keyed = await addOnce(request, coordinator, keys);
        if (keyed.kind === "reused") throw bad(KEY_REUSED);
        const { ids } = keyed;
        const [id] = ids;
        return request.form === "url"
          ? { data: { message: "URL has been added.", id } }
          : { data: { message: `${ids.length} URLs have been added.`, ids } };
      }
      case "command": {
        const { command, id } = request;
        await coordinator.command(id, command);
        return { data: { message: DONE[command.kind], id } };
      }
      case "many": {
        const { command, which } = request;
        const ids = await idsOf(which);
        const stop = closing.signal;
        const done = await commandMany(coordinator, ids, command, stop);
        return { data: { message: sumUp(command.kind, done), ...done } };
      }
      case "move":
        return await move(request);
      case "limit": {
        coordinator.limit(request);
        const limits = coordinator.limits();
        return {
          data: { message: "The server's limits have been set.", ...limits },
        };
      }
      case "verify": {
        const { id, checksum } = request;
        const verified = await coordinator.verify(id, checksum);
        const message = verified.fits
          ? "The file is as its checksum says."
          : "The file is not as its checksum says.";
        return { data: { message, id, ...verified } };
      }
      case "get":
        return { data: [await coordinator.find(request.id)] };
      case "nodes":
        return { data: nodesOf(cluster) };
      case "deliveries":
        return { data: deliveriesOf(hooks) };
      case "proxies":
        return { data: proxiesOf(coordinator) };
      case "ping":
        return { data: { message: "The server is there." } };
      case "list": {
        const isThere = () => client.socket.readyState === WebSocket.OPEN;
        const page = await client.lists.read(request, isThere);
        if (page === null) return null;
        const { statuses, total } = page;
        const data = request.requests ? statuses.map(withRequest) : statuses;
        return { data, offset: request.offset, total };
      }
    }
  }

  /** @throws {DownloadError} why the only one was not moved. */
  async function move(
    { ids, to, form }: Extract<ClientRequest, { kind: "move" }>,
  ): Promise<ServerMessage> {
    const left = await coordinator.move(ids, await targetOf(lists, to, ids));
    const [id = ""] = ids;
    if (form === "id") {
      const error = left.get(id);
      if (error !== undefined) throw fromRecord(error);
      return { data: { message: DONE.move, id } };
    }
    const refused = [...left].map(([id, { code, message }]) => (
      { id, code, message }
    ));
    const done = ids.length - left.size;
    const outcome = { done, left: left.size, refused };
    return { data: { message: sumUp("move", outcome), ...outcome } };
  }

  async function idsOf(which: Which): Promise<readonly string[]> {
    if (which.kind === "these") return which.ids;
    const except = new Set(which.except);
    const ids = await lists.idsOf(which);
    return ids.filter((id) => !except.has(id));
  }

  return {
    count: () => clients.size,
    add(socket, scope) {
      // A socket whose client has gone before it is open never closes.
      socket.onopen = () => enter(socket);
      const turns = createListTurns(lists);
      const client = { socket, scope, lists: turns, unanswered: 0 };
      const inTurn = oneAfterAnother();
      socket.onmessage = ({ data }) => receive(client, data, inTurn);
      socket.onclose = () => leave(socket);
      socket.onerror = () => leave(socket);
    },
    close() {
      closing.abort();
      for (const socket of clients.keys()) {
        socket.close(1001, "The server stops.");
      }
    },
  };
}

const DONE: Record<Command["kind"], string> = {
  limit: "Download's rate has been set.",
  prioritize: "Download's priority has been set.",
  move: "Download has been moved.",
  pause: "Download has been paused.",
  resume: "Download has been resumed.",
  retry: "Download is tried again.",
  refresh: "Download goes on from the new URL.",
  relocate: "File has been moved.",
  remove: "Download has been removed.",
};

const PAST: Record<Command["kind"], string> = {
  limit: "given a rate",
  prioritize: "given a priority",
  move: "moved",
  pause: "paused",
  resume: "resumed",
  retry: "tried again",
  refresh: "given a new URL",
  relocate: "moved",
  remove: "removed",
};

function sumUp(kind: Command["kind"], { done, left }: ManyDone): string {
  const rest = left === 0 ? "" : `; ${left} left as they were`;
  return `Downloads ${PAST[kind]}: ${done}${rest}.`;
}

function withId(
  message: ServerMessage,
  requestId: RequestId | undefined,
): ServerMessage {
  return requestId === undefined
    ? message
    : { ...message, request_id: requestId };
}

/** What a message takes until it is answered, in characters. */
function sizeOf(data: unknown): number {
  if (typeof data === "string") return Math.max(LEAST_SIZE, data.length);
  return Math.max(LEAST_SIZE, data instanceof Blob ? data.size : 0);
}

const NOT_READ: ServerMessage = {
  error: {
    code: "TOO_MUCH",
    message:
      "You have sent too much before it could be answered. This message " +
      "was not read: wait for replies, and send it again.",
  },
};

/** Begins actions, each in its turn. */
type Turns = (action: () => void) => void;

/**
 * Begins to handle a client's messages in their order. After one that held up
 * all clients, the client's next one waits for as long, so that others get their
 * turn: ten thousand URLs are parsed in 50 to 150 ms.
 */
function oneAfterAnother(): Turns {
  let turn = Promise.resolve();
  return (action) => {
    turn = turn.then(async () => {
      const start = performance.now();
      action();
      const took = performance.now() - start;
      if (took < SLOW) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      setTimeout(resolve, took);
      await promise;
    });
  };
}

/** What a scope must reach: headers of requests let their reader in elsewhere. */
function neededFor(request: ClientRequest): string {
  return request.kind === "list" && request.requests ? "export" : request.kind;
}

/** What has become of telling a webhook, for a client. */
function deliveriesOf(hooks: DoorTools["hooks"]) {
  const deliveries = hooks?.deliveries() ?? null;
  const message = deliveries === null
    ? "There is no WEBHOOK_URL."
    : `The webhook's last deliveries: ${deliveries.length}.`;
  return { message, deliveries };
}

/** The proxies that a download may be given, for a client. */
function proxiesOf({ proxies }: Pick<Coordinator, "proxies">) {
  const message = proxies.length === 0
    ? "There are no proxies to choose from."
    : `Proxies to choose from: ${proxies.join(", ")}.`;
  return { message, proxies };
}

function send(socket: WebSocket, text: string): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(text);
}
