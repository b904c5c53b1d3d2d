/** The server's life: from listening to a clean end. */

import type { Log } from "../base/log.ts";
import { aborted, startSignals } from "../base/signals.ts";
import { within } from "../base/timers.ts";
import { type CoordinatorOptions, createCoordinator } from "../coordinator.ts";
import { toRecord } from "../download/errors.ts";
import { openContentDirectory } from "../files/content_directory.ts";
import { ownDirectory } from "../files/own_directory.ts";
import { openStatusChannel } from "../status/channel.ts";
import { createEventLog } from "../status/event_log.ts";
import { createLists } from "../status/lists.ts";
import { checkBehind } from "../store/checker.ts";
import { createHealth } from "../store/health.ts";
import { createQueue } from "../store/queue.ts";
import { createReader } from "../store/reader.ts";
import { recover } from "../store/recovery.ts";
import { openStore } from "../store/sqlite.ts";
import { createHandler, type Handler, type ServerOptions } from "./routes.ts";

/** Settings of a server. */
export interface ServeOptions extends CoordinatorOptions, ServerOptions {
  readonly contentDirectory: string;
  /** 0 for any that is free. */
  readonly port: number;
}

/** How long clients have to take what they are being sent, in milliseconds. */
const STOP_WITHIN = 1_000;
/** How long to wait before listening again, in milliseconds. */
const LISTEN_AGAIN = 500;

/**
 * Serves until a signal says to stop.
 *
 * @param onListen Called once, with the port; if it throws, the start has failed.
 * @throws {DownloadError} if the content directory cannot be used.
 */
export async function serve(
  options: ServeOptions,
  log: Log,
  onListen: (port: number) => void,
): Promise<void> {
  keepRunning(log);
  using parts = await openContentDirectory(options.contentDirectory, options);
  if (!parts.isPrivate) tellOthersMayRead(parts.directory, log);
  using store = openStore(parts.statePath, options);
  await recover({ parts, catalogue: store, records: store });
  await using reader = createReader(parts.statePath);
  using channel = openStatusChannel(options.channel);
  const listeners = [createEventLog(log)];
  const coordinator = await createCoordinator(options, {
    queue: createQueue(store),
    catalogue: store,
    records: store,
    parts,
    hear: (event) => {
      for (const hear of listeners) hear(event);
    },
    broadcast: channel.send,
  });
  const lists = createLists({
    excerpt: store,
    listing: reader,
    downloads: coordinator,
  });
  const health = createHealth(store.touch);
  const handler = createHandler(options, {
    coordinator,
    lists,
    log,
    health,
    listen: (hear) => void listeners.push(hear),
  });
  using signals = startSignals(() => log("hangup", { ignored: true }));
  try {
    const server = listen(options, handler, log, onListen);
    // In the turn that begins to listen, no client can have taken the last file.
    reader.start();
    using checking = store.isChecked ? null : checkBehind(parts.statePath);
    await Promise.race([
      server.finished,
      aborted(signals.stop),
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
 * @throws what keeps it from listening at first, such as a port that is taken,
 * or what `onListen` throws; then nothing listens.
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
  let server = start(port);
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
