/** The server's life: from listening to a clean end. */

import type { Log } from "../base/log.ts";
import { aborted, startSignals } from "../base/signals.ts";
import { within } from "../base/timers.ts";
import type { Cluster, ClusterOptions } from "../cluster/cluster.ts";
import {
  type CoordinatorOptions,
  type CoordinatorTools,
  createCoordinator,
} from "../coordinator.ts";
import { fromRecord, toRecord } from "../download/errors.ts";
import { createTeller, type Tell } from "../download/events.ts";
import { openContentDirectory } from "../files/content_directory.ts";
import { ownDirectory } from "../files/own_directory.ts";
import { openStatusChannel } from "../status/channel.ts";
import { createEventLog } from "../status/event_log.ts";
import { createLists } from "../status/lists.ts";
import type { Excerpt } from "../store/catalogue.ts";
import { checkBehind } from "../store/checker.ts";
import { createHealth } from "../store/health.ts";
import { createQueue } from "../store/queue.ts";
import { createReader } from "../store/reader.ts";
import { recover } from "../store/recovery.ts";
import { openStore } from "../store/sqlite.ts";
import { createHooks, type Webhook } from "./hooks.ts";
import { listenError } from "./listen_error.ts";
import { createHandler, type Handler, type ServerOptions } from "./routes.ts";

/** Settings of a server. */
export interface ServeOptions extends CoordinatorOptions, ServerOptions {
  readonly contentDirectory: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Where it tells that downloads have ended; null for nowhere. */
  readonly webhook: Webhook | null;
  /** What the server is in a queue that it shares; null if it shares none. */
  readonly node:
    | Omit<
      ClusterOptions,
      "contentDirectory" | "sync" | "threadsAmount"
    >
    | null;
}

/** What a server's downloads are kept in, and come from. */
interface Home extends
  Disposable,
  Pick<
    CoordinatorTools,
    "queue" | "catalogue" | "records" | "order" | "parts" | "peers"
  > {
  readonly excerpt: Excerpt;
  /** The database that lists are read from. */
  readonly statePath: string;
  readonly isPrivate: boolean;
  /** Whether all of the state was checked as it was opened. */
  readonly isChecked: boolean;
  /** Writes to the state, and changes nothing. */
  touch(): Promise<void>;
  /** Null where the server shares its queue with no other. */
  readonly cluster: Cluster | null;
}

/** How long clients have to take what they are being sent, in milliseconds. */
const STOP_WITHIN = 1_000;
/** How long to wait before listening again, in milliseconds. */
const LISTEN_AGAIN = 500;

/**
 * Serves until a signal says to stop.
 *
 * @param onListen Called once, with the port; if it throws, the start has failed.
 * @throws {DownloadError} if the content directory cannot be used, or is gone
 * later.
 * @throws {ListenError} if nothing can listen where the settings say.
 */
export async function serve(
  options: ServeOptions,
  log: Log,
  onListen: (port: number) => void,
): Promise<void> {
  keepRunning(log);
  const { tell: hear, listen: onEvent } = createTeller();
  onEvent(createEventLog(log));
  using home = options.node === null
    ? await openAlone(options, hear)
    : await openTogether(options, options.node, log);
  const { excerpt, cluster } = home;
  if (!home.isPrivate) tellOthersMayRead(options.contentDirectory, log);
  await using reader = createReader(home.statePath);
  using channel = openStatusChannel(options.channel);
  const coordinator = await createCoordinator(options, {
    ...home,
    hear,
    broadcast: channel.send,
  });
  const lists = createLists({
    excerpt,
    listing: reader,
    downloads: coordinator,
  });
  const gone = Promise.withResolvers<never>();
  gone.promise.catch(() => {});
  onEvent((event) => {
    if (event.kind === "gone") gone.reject(fromRecord(event.error));
  });
  const health = createHealth(home.touch);
  using hooks = options.webhook &&
    createHooks(options.webhook, { log, totals: coordinator.totals });
  if (hooks !== null) onEvent(hooks.hear);
  const tools = {
    ...{ coordinator, lists, log, health, cluster, hooks },
    listen: onEvent,
  };
  const handler = createHandler(options, tools);
  using signals = startSignals(() => log("hangup", { ignored: true }));
  try {
    const server = listen(options, handler, log, (port) => {
      cluster?.listens(port);
      onListen(port);
    });
    // In the turn that begins to listen, no client can have taken the last file.
    reader.start();
    using checking = home.isChecked ? null : checkBehind(home.statePath);
    await Promise.race([
      server.finished,
      aborted(signals.stop),
      gone.promise,
      ...(checking === null ? [] : [checking.damaged]),
    ]);
    log("stopping");
    handler.close();
    await Promise.all([
      coordinator.close(),
      within(STOP_WITHIN, server.stop()),
    ]);
  } finally {
    handler.close();
    await coordinator.close();
  }
}

/** A content directory and a queue that are this server's alone. */
async function openAlone(options: ServeOptions, tell: Tell): Promise<Home> {
  using opened = new DisposableStack();
  const parts = opened.use(
    await openContentDirectory(options.contentDirectory, options),
  );
  const store = opened.use(openStore(parts.statePath, options));
  await recover({ parts, catalogue: store, records: store, tell });
  const held = opened.move();
  return {
    queue: createQueue(store),
    catalogue: store,
    records: store,
    order: store.order,
    excerpt: store,
    parts,
    statePath: parts.statePath,
    isPrivate: parts.isPrivate,
    isChecked: store.isChecked,
    touch: store.touch,
    cluster: null,
    [Symbol.dispose]: () => held.dispose(),
  };
}

/** A queue that this server shares with others. */
async function openTogether(
  options: ServeOptions,
  node: NonNullable<ServeOptions["node"]>,
  log: Log,
): Promise<Home> {
  const { openCluster } = await import("../cluster/cluster.ts");
  const cluster = await openCluster({ ...options, ...node }, log);
  return {
    ...cluster,
    cluster,
    [Symbol.dispose]: () => cluster[Symbol.dispose](),
  };
}

function tellOthersMayRead(directory: string, log: Log): void {
  log("others may read", {
    path: ownDirectory(directory),
    message:
      "It holds what URLs and headers keep secret, and its mode cannot " +
      "be changed: have the server's user own it, or mount the disk for that " +
      "user alone.",
  });
}

/**
 * Listens, and listens again when the listener ends by itself, as it does while
 * too many files are open.
 *
 * @throws {ListenError} if nothing can listen there.
 * @throws AddrInUse if the port is taken, or what `onListen` throws; then nothing
 * listens.
 */
function listen(
  { host, port }: ServeOptions,
  handler: Handler,
  log: Log,
  onListen: (port: number) => void,
): { finished: Promise<never>; stop: () => Promise<void> } {
  const start = (port: number) =>
    Deno.serve({
      hostname: host,
      port,
      onListen: () => {},
      handler: (request, { remoteAddr }) =>
        handler.handle(request, remoteAddr.hostname),
      onError(error) {
        log("request failed", { message: toRecord(error).message });
        return new Response("The server failed.\n", { status: 500 });
      },
    });

  function startFirst() {
    try {
      return start(port);
    } catch (error) {
      throw listenError(error, { host, port });
    }
  }

  let server = startFirst();
  let stopping = false;
  const { port: taken } = server.addr;
  try {
    onListen(taken);
  } catch (error) {
    server.shutdown();
    throw error;
  }

  async function run(): Promise<never> {
    for (;;) {
      await server.finished.catch(({ message }) => {
        log("not listening", { message });
      });
      const again = Promise.withResolvers<void>();
      setTimeout(again.resolve, LISTEN_AGAIN);
      await again.promise;
      if (stopping) return await new Promise<never>(() => {});
      try {
        server = start(taken);
      } catch (error) {
        log("not listening", { message: toRecord(error).message });
      }
    }
  }

  return {
    finished: run(),
    stop() {
      stopping = true;
      return server.shutdown();
    },
  };
}

/**
 * Logs errors that nothing caught, and keeps the process running: such an error
 * costs the download or request that it belongs to, never the others.
 */
function keepRunning(log: Log): void {
  addEventListener("error", (event) => {
    event.preventDefault();
    log("unexpected error", { message: event.message });
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log("unexpected error", { message: toRecord(event.reason).message });
  });
}
