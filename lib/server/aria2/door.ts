/** aria2's JSON-RPC at `/jsonrpc`: over POST, GET and WebSockets. */

import type { Log } from "../../base/log.ts";
import type { Coordinator } from "../../coordinator.ts";
import { DownloadError, toRecord } from "../../download/errors.ts";
import type { DownloadEvent } from "../../download/events.ts";
import type { Lists } from "../../status/lists.ts";
import { bodyOf } from "../body.ts";
import { refuseBeyond, type Scope } from "../scopes.ts";
import {
  type Call,
  callbackIn,
  type CallLimits,
  type Fault,
  httpStatus,
  type Message,
  readMessage,
  readQuery,
  refusal,
  render,
  type Reply,
  RpcError,
} from "./calls.ts";
import { isObject } from "../../base/json.ts";
import { createDownloads } from "./downloads.ts";
import {
  type Budget,
  createMethods,
  listNotifications,
  type MethodsOptions,
} from "./methods.ts";
import { createNotices } from "./notices.ts";
import { listAt } from "./params.ts";

/** Bytes: a client with more of them unread is let go of. */
const MOST_WAITING = 16 * 1024 * 1024;

/** Downloads that the replies to one message tell of at most. */
const MOST_ENTRIES = 10_000;

/** Messages of the greatest length that a client may have unanswered. */
const MOST_UNANSWERED = 4;

/** Settings of the door. */
export interface DoorOptions extends CallLimits, MethodsOptions {}

/** What the door works with. */
export interface Aria2Tools {
  readonly coordinator: Coordinator;
  readonly lists: Lists;
  readonly log: Log;
}

/**
 * How far a token reaches; null if it is no right one. A call may have none,
 * which is null, too.
 */
export type Judge = (token: string | null) => Scope | null;

/** The door for aria2's clients. */
export interface Aria2Door {
  /** Answers a POST. */
  post(request: Request, judge: Judge): Promise<Response>;
  /** Answers a GET. */
  get(request: Request, judge: Judge): Promise<Response>;
  /** Answers a client, and tells it of what happens, until it leaves. */
  add(socket: WebSocket, judge: () => Judge): void;
  /** How many clients have a socket that has not given the token. */
  strangers(): number;
  /** How many clients have a socket. */
  count(): number;
  /** Tells all clients that the server goes away. */
  close(): void;
  hear(event: DownloadEvent): void;
}

/** A client with a socket. */
interface Client {
  readonly socket: WebSocket;
  readonly judge: () => Judge;
  /** Its messages that are not answered yet, each after the one before. */
  answering: Promise<void>;
  /** How many those are ... */
  messages: number;
  /** ... and how many characters they have. */
  unanswered: number;
  /** What is told after the reply to what caused it. */
  notices: string[];
}

/** What one message may do, and how much. */
interface Session {
  readonly judge: Judge;
  readonly budget: Budget;
}

/** Makes the door. */
export function createAria2Door(
  options: DoorOptions,
  { coordinator, lists, log }: Aria2Tools,
): Aria2Door {
  const closing = new AbortController();
  const downloads = createDownloads({ coordinator, lists });
  const tools = { coordinator, downloads, stop: closing.signal };
  const methods = createMethods(options, tools);
  const noticeOf = createNotices();
  const clients = new Map<WebSocket, Client>();
  const strangers = new Set<WebSocket>();

  const system: Readonly<
    Record<string, (params: readonly unknown[], session: Session) => unknown>
  > = {
    "system.multicall": (params, session) =>
      inTurn(
        listAt(params, 0),
        (entry) => isObject(entry) ? entry.methodName : null,
        (entry) => inner(entry, session),
      ),
    "system.listMethods": () => [...methods.keys(), ...Object.keys(system)],
    "system.listNotifications": listNotifications,
  };

  /** What a method returns. @throws {RpcError | DownloadError} */
  async function invoke(
    name: string,
    params: readonly unknown[],
    session: Session,
  ): Promise<unknown> {
    if (Object.hasOwn(system, name)) {
      return await system[name]?.(params, session);
    }
    const [first] = params;
    const hasToken = typeof first === "string" && first.startsWith("token:");
    const token = hasToken ? first.slice("token:".length) : null;
    const scope = session.judge(token);
    if (scope === null) throw new RpcError("Unauthorized");
    const method = methods.get(name);
    if (method === undefined) throw new RpcError(`No such method: ${name}`);
    refuseBeyond(scope, name);
    const given = hasToken ? params.slice(1) : params;
    return await method(given, session.budget, scope);
  }

  /** The entry of a multicall's reply for one of its calls. */
  async function inner(entry: unknown, session: Session): Promise<unknown> {
    try {
      if (!isObject(entry)) {
        throw new RpcError("system.multicall expected struct.");
      }
      const { methodName, params } = entry;
      if (typeof methodName !== "string") {
        throw new RpcError("Missing methodName.");
      }
      if (methodName === "system.multicall") {
        throw new RpcError("Recursive system.multicall forbidden.");
      }
      const given = Array.isArray(params) ? params : [];
      return [await invoke(methodName, given, session)];
    } catch (error) {
      const { code, message } = toRpcError(error);
      return { code, message };
    }
  }

  async function answer(call: Call | Fault, session: Session): Promise<Reply> {
    if ("error" in call) return refusal(call.id, call.error);
    const { id, method, params } = call;
    try {
      const result = await invoke(method, params, session);
      return { id, result };
    } catch (error) {
      return refusal(id, toRpcError(error));
    }
  }

  /** Errors are told in our words where aria2 has none. */
  function toRpcError(error: unknown): RpcError {
    if (error instanceof RpcError) return error;
    const { message } = toRecord(error);
    if (!(error instanceof DownloadError)) log("request failed", { message });
    return new RpcError(message);
  }

  async function obey(message: Message, judge: Judge): Promise<Answer> {
    const session = { judge, budget: { entries: MOST_ENTRIES } };
    if (message.kind === "one") {
      const reply = await answer(message.call, session);
      return { status: httpStatus(reply), text: render(reply) };
    }
    const replies = await inTurn(
      message.calls,
      (call) => "method" in call ? call.method : null,
      (call) => answer(call, session),
    );
    return { status: 200, text: `[${replies.map(render).join()}]` };
  }

  async function receive(client: Client, data: unknown): Promise<void> {
    const { socket } = client;
    if (socket.readyState === WebSocket.OPEN) {
      const message = readMessage(
        typeof data === "string" ? data : "",
        options,
      );
      const { text } = await obey(message, client.judge());
      send(socket, text);
    }
    // Notices of what the next message causes come after its reply.
    for (const notice of client.notices.splice(0)) send(socket, notice);
  }

  function onMessage(client: Client, data: unknown): void {
    const size = typeof data === "string" ? data.length : 0;
    const most = MOST_UNANSWERED * options.messageLength;
    if (client.unanswered + size > most) {
      return client.socket.close(1008, "Wait for replies.");
    }
    client.unanswered += size;
    client.messages++;
    client.answering = client.answering.then(async () => {
      await receive(client, data);
      client.unanswered -= size;
      client.messages--;
    });
  }

  /** A client that has given the token once is no stranger. */
  function known(socket: WebSocket, judge: Judge): Judge {
    return (token) => {
      const scope = judge(token);
      if (scope !== null) strangers.delete(socket);
      return scope;
    };
  }

  function leave(socket: WebSocket): void {
    clients.delete(socket);
    strangers.delete(socket);
  }

  function send(socket: WebSocket, text: string): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (socket.bufferedAmount < MOST_WAITING) return socket.send(text);
    log("client too slow");
    socket.close(1008, "Read the replies, or ask less.");
  }

  return {
    async post(request, judge) {
      const text = await bodyOf(request, options.messageLength);
      if (text === null) return new Response(null, { status: 413 });
      const answer = await obey(readMessage(text, options), judge);
      return respond(answer, "application/json-rpc");
    },
    async get(request, judge) {
      const { search } = new URL(request.url);
      try {
        const callback = callbackIn(search);
        const answer = await obey(readQuery(search, options), judge);
        if (callback === null) return respond(answer, "application/json-rpc");
        const text = `${callback}(${answer.text})`;
        return respond({ ...answer, text }, "text/javascript");
      } catch (error) {
        const reply = refusal("null", toRpcError(error));
        const answer = {
          status: httpStatus(reply),
          text: render(reply),
        };
        return respond(answer, "application/json-rpc");
      }
    },
    add(socket, judge) {
      const client: Client = {
        socket,
        judge: () => known(socket, judge()),
        answering: Promise.resolve(),
        messages: 0,
        unanswered: 0,
        notices: [],
      };
      // A socket whose client has gone before it is open never closes.
      socket.onopen = () => {
        clients.set(socket, client);
        // Who needs no token is judged right without one.
        if (judge()(null) === null) strangers.add(socket);
      };
      socket.onmessage = ({ data }) => onMessage(client, data);
      socket.onclose = () => leave(socket);
      socket.onerror = () => leave(socket);
    },
    strangers: () => strangers.size,
    count: () => clients.size,
    close() {
      closing.abort();
      for (const socket of clients.keys()) {
        socket.close(1001, "The server stops.");
      }
    },
    hear(event) {
      downloads.hear(event);
      const notice = noticeOf(event);
      if (notice === null) return;
      for (const { socket, messages, notices } of clients.values()) {
        if (messages > 0) notices.push(notice);
        else send(socket, notice);
      }
    },
  };
}

/** A reply on its way, and the HTTP status that goes with it. */
interface Answer {
  readonly status: number;
  readonly text: string;
}

/** How long calls of one message go on before others get their turn, in ms. */
const TURN = 10;

/** Calls that are carried out side by side at most. */
const AT_ONCE = 500;

/**
 * Methods of which many are called at once, for one download each. Those that
 * follow each other share their writes to the disk; to all others, what was
 * called before them is done.
 */
const SIDE_BY_SIDE = [
  "aria2.addUri",
  "aria2.remove",
  "aria2.forceRemove",
  "aria2.pause",
  "aria2.forcePause",
  "aria2.unpause",
  "aria2.removeDownloadResult",
];

/**
 * What an action makes of each of many calls, in their order.
 *
 * @param methodOf The method that is called.
 */
async function inTurn<Value, Result>(
  calls: readonly Value[],
  methodOf: (call: Value) => unknown,
  action: (call: Value) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let begun = performance.now();
  while (results.length < calls.length) {
    const group = groupAt(
      calls.slice(results.length, results.length + AT_ONCE),
    );
    results.push(...await Promise.all(group.map(action)));
    if (performance.now() - begun < TURN) continue;
    const { promise, resolve } = Promise.withResolvers<void>();
    setImmediate(resolve);
    await promise;
    begun = performance.now();
  }
  return results;

  /** The first of some calls, and those that may go with it. */
  function groupAt(next: readonly Value[]): readonly Value[] {
    const [method] = next.map(methodOf);
    if (!SIDE_BY_SIDE.some((name) => name === method)) return next.slice(0, 1);
    const end = next.findIndex((call) => methodOf(call) !== method);
    return end < 0 ? next : next.slice(0, end);
  }
}

function respond({ status, text }: Answer, type: string): Response {
  const headers: Record<string, string> = {
    "content-type": type,
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
  };
  if (status !== 200) headers.connection = "close";
  return new Response(text, { status, headers });
}
