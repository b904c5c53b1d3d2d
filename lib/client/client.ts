/**
 * A client of a Sluice server, for Deno, Node (from 22) and browsers:
 *
 * ```ts
 * import { connect } from "./lib/client/client.ts";
 *
 * const sluice = await connect("ws://localhost:8888/");
 * const id = await sluice.add("https://example.org/file.bin");
 * const { path_to_file } = await sluice.ended(id);
 * sluice.close();
 * ```
 *
 * It connects again by itself when the server was away, and goes on.
 */

import type { DownloadFields } from "../download/fields.ts";
import type { ManyDone, ServerMessage } from "../server/messages.ts";
import type { NodeStatus, Status } from "../status/schema.ts";
import {
  type Connection,
  type ConnectionOptions,
  openConnection,
  SluiceError,
} from "./connection.ts";
import { heard, type News, newsIn, NOTHING, type View } from "./view.ts";

export { SluiceError };
export type { DownloadFields, ManyDone, News, NodeStatus, Status, View };

/** The first and the longest wait before connecting again, in milliseconds. */
const SOONEST = 500;
const LATEST = 5_000;
/** How often a server is asked whether it is still there, in milliseconds. */
const ASK_EVERY = 30_000;

/** How a client connects. */
export interface ClientOptions
  extends Pick<ConnectionOptions, "open" | "explain"> {
  /** A token of the server's; absent where it asks for none. */
  readonly token?: string | null;
  /** Closes the client when it is aborted. */
  readonly signal?: AbortSignal;
  /**
   * Hears of each change in what is known.
   *
   * @param news What the server told; null for a change of the connection.
   */
  onChange?(view: View, news: News | null): void;
}

/** Which downloads a list has, and in which order (README, "Protocol"). */
export interface ListFields {
  readonly offset?: number;
  /** 1,000 at most. */
  readonly limit?: number;
  readonly status?:
    | Status["process_status"]
    | readonly Status["process_status"][];
  readonly search?: string;
  readonly urls?: readonly string[];
  readonly order?: string;
}

/** Downloads on a page, and how many there are on all pages. */
export interface ListPage {
  readonly statuses: readonly Status[];
  readonly total: number;
}

/**
 * A client. All that it asks for waits while the server is away. What cannot be
 * known to be done when the connection is lost is asked again if that does no
 * harm: all but commands, which fail with REFUSED then.
 */
export interface Client extends Disposable {
  /** What is known now. The server tells of what is open, and the latest else. */
  view(): View;
  /** Adds a download, once, however often the connection is lost; its id. */
  add(download: string | DownloadFields): Promise<string>;
  /** Adds several; their ids. */
  addAll(downloads: readonly (string | DownloadFields)[]): Promise<string[]>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  retry(id: string): Promise<void>;
  /** Has a download go on from another URL of the same file. */
  refresh(id: string, url: string): Promise<void>;
  /** @param rate Bytes a second; null for no limit. */
  limit(id: string, rate: number | null): Promise<void>;
  /** @param to top, up, down, bottom, or a place in the queue, from 1 on. */
  move(id: string, to: string | number): Promise<void>;
  remove(id: string, options?: { deleteFile?: boolean }): Promise<void>;
  list(fields?: ListFields): Promise<ListPage>;
  /** How a download stands. @throws {SluiceError} UNKNOWN_ID. */
  get(id: string): Promise<Status>;
  /** The servers that share the queue. */
  nodes(): Promise<readonly NodeStatus[]>;
  /**
   * How a download stands once it is downloaded, failed or paused.
   *
   * @throws {SluiceError} UNKNOWN_ID if it is removed.
   */
  ended(id: string): Promise<Status>;
  /** Asks for anything else (README, "Protocol"). */
  request(fields: Readonly<Record<string, unknown>>): Promise<ServerMessage>;
  /** Ends the client; what waits fails. */
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * Connects to a server.
 *
 * @param url Such as `ws://localhost:8888/`; `http:` is taken for `ws:`.
 * @throws {SluiceError} if there is no server, or it does not let this client in.
 */
export async function connect(
  url: string,
  { token = null, signal, onChange, ...how }: ClientOptions = {},
): Promise<Client> {
  const closing = new AbortController();
  const stop = signal === undefined
    ? closing.signal
    : AbortSignal.any([closing.signal, signal]);
  const target = url.replace(/^http(s?):/, "ws$1:");
  const listeners = new Set<() => void>();
  let view = NOTHING;

  function show(next: View, news: News | null): void {
    view = next;
    onChange?.(view, news);
    for (const listener of listeners) listener();
  }

  function open(): Promise<Connection> {
    const hear = (message: ServerMessage) => {
      const news = newsIn(message);
      if (news !== null) show(heard(view, news), news);
    };
    return openConnection({ url: target, token, hear, stop, ...how });
  }

  /** The connection, or the next one. */
  let current = open();
  show(view, null);
  const first = await current;
  stop.addEventListener("abort", () => {
    current.then((connection) => connection[Symbol.dispose](), () => {});
    for (const listener of listeners) listener();
  });
  keep(first);

  /** Sees to it that there is a connection after this one. */
  async function keep(connection: Connection): Promise<void> {
    const reason = await lossOf(connection);
    if (stop.aborted) return;
    current = again(reason);
    current.then(keep, () => {});
  }

  /** Why a connection is over, once it is. */
  async function lossOf(connection: Connection): Promise<string> {
    let reason = "The server went away.";
    const asking = setInterval(() => {
      connection.request({ action: "ping" }).catch((error) => {
        reason = error.message;
      });
    }, ASK_EVERY);
    await connection.closed;
    clearInterval(asking);
    return reason;
  }

  async function again(reason: string): Promise<Connection> {
    for (let wait = SOONEST;; wait = Math.min(LATEST, wait * 2)) {
      show({ ...view, connection: { kind: "lost", reason } }, null);
      await pause(wait, stop);
      if (stop.aborted) throw clientClosed();
      try {
        return await open();
      } catch (error) {
        if (stop.aborted) throw clientClosed();
        reason = error instanceof Error ? error.message : String(error);
      }
    }
  }

  async function request(
    fields: Readonly<Record<string, unknown>>,
    isHarmless = false,
  ): Promise<ServerMessage> {
    for (;;) {
      if (stop.aborted) throw clientClosed();
      const connection = await current;
      try {
        if (connection.isOpen()) return await connection.request(fields);
      } catch (error) {
        const isLost = !connection.isOpen() && !isForeign(error);
        if (!isLost || !isHarmless || stop.aborted) throw error;
      }
      // The next one begins in a turn or two.
      await connection.closed;
    }
  }

  async function command(
    fields: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await request(fields);
  }

  async function addAll(
    urls: readonly (string | DownloadFields)[],
  ): Promise<string[]> {
    if (urls.length === 0) return [];
    const reply = await request({ urls, idempotency_key: newKey() }, true);
    return "data" in reply && "ids" in reply.data
      ? [...reply.data.ids ?? []]
      : [];
  }

  async function get(id: string): Promise<Status> {
    const reply = await request({ action: "get", id }, true);
    const { data } = reply as { data: readonly Status[] };
    const [status] = data;
    if (status === undefined) throw new SluiceError("INTERNAL", "No status.");
    return status;
  }

  async function ended(id: string): Promise<Status> {
    for (;;) {
      let change = nextChange();
      // The view may lag behind what was asked for, and has not all downloads.
      const status = await get(id);
      if (isEnded(status)) return status;
      for (;;) {
        await change;
        const known = view.downloads.get(id);
        if (known === undefined || isEnded(known) || stop.aborted) break;
        change = nextChange();
      }
    }
  }

  /** Resolves once something has changed in what is known. */
  function nextChange(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    function hear(): void {
      listeners.delete(hear);
      resolve();
    }
    listeners.add(hear);
    return promise;
  }

  return {
    view: () => view,
    async add(download) {
      const [id = ""] = await addAll([download]);
      return id;
    },
    addAll,
    pause: (id) => command({ action: "pause", id }),
    resume: (id) => command({ action: "resume", id }),
    retry: (id) => command({ action: "retry", id }),
    refresh: (id, url) => command({ action: "refresh", id, url }),
    limit: (id, rate) => command({ action: "limit", id, limit_rate: rate }),
    move: (id, to) => command({ action: "move", id, to }),
    remove: (id, { deleteFile = false } = {}) =>
      command({ action: "remove", id, delete_file: deleteFile }),
    async list(fields = {}) {
      return pageIn(await request({ action: "list", ...fields }, true));
    },
    async nodes() {
      const reply = await request({ action: "nodes" }, true);
      return "data" in reply && "nodes" in reply.data ? reply.data.nodes : [];
    },
    get,
    ended,
    request: (fields) => request(fields),
    close: () => closing.abort(),
    [Symbol.dispose]: () => closing.abort(),
  };
}

/** The page that a reply to a list holds. */
export function pageIn(reply: ServerMessage): ListPage {
  return "data" in reply && Array.isArray(reply.data) && "total" in reply
    ? { statuses: reply.data, total: reply.total ?? 0 }
    : { statuses: [], total: 0 };
}

function isEnded({ process_status: status }: Status): boolean {
  return ["Downloaded", "Failed", "Paused"].includes(status);
}

/** Whether it is no Sluice that answered: the next connection finds it there, too. */
function isForeign(error: unknown): boolean {
  return error instanceof SluiceError && error.code === "BAD_URL";
}

function clientClosed(): SluiceError {
  return new SluiceError("REFUSED", "The client was closed.");
}

/** A key that no other request has. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Resolves after some milliseconds, or once it is to stop. */
function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const end = () => resolve();
  stop.addEventListener("abort", end);
  return promise.finally(() => {
    clearTimeout(timer);
    stop.removeEventListener("abort", end);
  });
}
