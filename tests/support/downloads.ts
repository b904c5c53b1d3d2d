/** A coordinator of a test's own, on a directory of its own. */

import type { Fields } from "../../lib/base/log.ts";
import {
  type Coordinator,
  type CoordinatorOptions,
  createCoordinator,
} from "../../lib/coordinator.ts";
import { parseDownload } from "../../lib/download/request.ts";
import { openContentDirectory } from "../../lib/files/content_directory.ts";
import type { DownloadParts } from "../../lib/files/parts.ts";
import { createEventLog } from "../../lib/status/event_log.ts";
import { createLists, type Lists } from "../../lib/status/lists.ts";
import type { Changes, Status } from "../../lib/status/status.ts";
import type { Catalogue } from "../../lib/store/catalogue.ts";
import { createQueue } from "../../lib/store/queue.ts";
import { createReader } from "../../lib/store/reader.ts";
import { recover } from "../../lib/store/recovery.ts";
import { openStore } from "../../lib/store/sqlite.ts";
import { NO_PROXIES } from "./proxy.ts";
import { makeDirectory } from "./directory.ts";

/** What is different in a test: all is quick, and nothing waits for long. */
export const OPTIONS: CoordinatorOptions = {
  threadsAmount: 4,
  threadsPerHost: 4,
  maxDownloads: null,
  bytesAmount: 64 * 1024,
  limitRate: null,
  limitRatePerHost: null,
  timetable: null,
  broadcastTimeout: 10,
  queueLength: 100_000,
  minFreeSpace: 0,
  // Each takes 40 to 100 ms of CPU to start, which is more than most tests take.
  workers: 1,
  begin: "prepared",
  caCerts: [],
  clientCertificate: null,
  proxies: NO_PROXIES,
  connectTimeout: 10_000,
  answerTimeout: 10_000,
  stallTimeout: 10_000,
  allowPrivate: true,
  sync: true,
  remoteTime: false,
  attempts: 4,
  retryWait: 5,
};

/** Threads of one download are spread over several workers. */
export const SEVERAL_WORKERS = { workers: 2 } as const;

/** One line of the log. */
export interface LogLine {
  readonly event: string;
  readonly fields: Fields;
}

/** A coordinator, and what a test wants to know of it. */
export interface Downloads extends AsyncDisposable {
  readonly coordinator: Coordinator;
  readonly lists: Lists;
  readonly directory: string;
  readonly log: readonly LogLine[];
  /** Adds a download; the fields are those of the protocol. */
  add(fields: { url: string } & Record<string, unknown>): Promise<string>;
  /** Gives a command; what `until` sees from then on is what came of it. */
  command(kind: "pause" | "resume" | "retry", id: string): Promise<void>;
  /** The first status of a download, had already or to come, that matches. */
  until(id: string, matches: (status: Status) => boolean): Promise<Status>;
  /** How a download ended: downloaded, failed or paused. */
  end(id: string): Promise<Status>;
  /** Stops it as a server stops, and keeps the directory. */
  close(): Promise<void>;
}

/** Starts a coordinator on `directory`, or on a new one of its own. */
export async function startDownloads(
  options: Partial<CoordinatorOptions> & {
    directory?: string;
    /** Hears all that is told. */
    onTold?: (changes: Changes) => void;
    /** In milliseconds since 1970. */
    timeOfDay?: () => number;
    /** Comes between the coordinator and what forces parts to disk. */
    syncPart?: (sync: DownloadParts["sync"]) => DownloadParts["sync"];
    /** Comes between the coordinator and the record of how it is asked for. */
    reword?: (record: Catalogue["reword"]) => Catalogue["reword"];
  } = {},
): Promise<Downloads> {
  const own = options.directory === undefined ? await makeDirectory() : null;
  const directory = options.directory ?? own?.path ?? "";
  const parts = await openContentDirectory(directory, { sync: true });
  const store = openStore(parts.statePath, { sync: true });
  const reader = createReader(parts.statePath);
  await recover({ parts, catalogue: store, records: store });
  const reword = options.reword?.(store.reword) ?? store.reword;
  const latest = new Map<string, Status>();
  const heard = new EventTarget();
  const log: LogLine[] = [];
  const settings = { ...OPTIONS, ...options };
  const coordinator = await createCoordinator(settings, {
    queue: createQueue(store),
    catalogue: { ...store, reword },
    records: store,
    order: store.order,
    parts: { ...parts, sync: options.syncPart?.(parts.sync) ?? parts.sync },
    ...(options.timeOfDay && { timeOfDay: options.timeOfDay }),
    hear: createEventLog((event, fields = {}) => {
      log.push({ event, fields });
    }),
    broadcast(changes) {
      const { changed } = changes;
      options.onTold?.(changes);
      for (const status of changed) latest.set(status.id, status);
      heard.dispatchEvent(new Event("change"));
    },
  });
  const lists = createLists({
    excerpt: store,
    listing: reader,
    downloads: coordinator,
  });
  for (const status of lists.snapshot()) latest.set(status.id, status);

  function until(
    id: string,
    matches: (status: Status) => boolean,
  ): Promise<Status> {
    const { promise, resolve } = Promise.withResolvers<Status>();
    function look() {
      const status = latest.get(id);
      if (!status || !matches(status)) return;
      heard.removeEventListener("change", look);
      resolve(status);
    }
    heard.addEventListener("change", look);
    look();
    return promise;
  }

  let closed = false;
  async function close() {
    if (closed) return;
    closed = true;
    await coordinator.close();
    await reader[Symbol.asyncDispose]();
    store[Symbol.dispose]();
    parts[Symbol.dispose]();
  }

  return {
    coordinator,
    lists,
    directory,
    log,
    async add(fields) {
      const request = parseDownload(fields, { urlLength: 10_000 });
      const [id = ""] = await coordinator.add([request]);
      return id;
    },
    async command(kind, id) {
      await coordinator.command(id, { kind });
      const status = coordinator.get(id);
      if (status) latest.set(id, status);
      else latest.delete(id);
    },
    until,
    end: (id) => until(id, isEnded),
    close,
    async [Symbol.asyncDispose]() {
      await close();
      await own?.[Symbol.asyncDispose]();
    },
  };
}

function isEnded({ process_status: status }: Status): boolean {
  return ["Downloaded", "Failed", "Paused"].includes(status);
}
