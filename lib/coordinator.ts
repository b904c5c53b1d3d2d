/**
 * The one owner of all downloads: adds them to the queue, does to them what
 * clients say, and tells how they stand.
 */

import {
  type Command,
  createDownload,
  type Download,
  type DownloadRequest,
  refuseUnlessAllowed,
  type State,
} from "./download.ts";
import { createEngine, type EngineOptions } from "./engine.ts";
import { DownloadError } from "./errors.ts";
import type { Log } from "./log.ts";
import { loggable } from "./origin/request.ts";
import type { Parts } from "./parts.ts";
import {
  openStatusChannel,
  type Speedometer,
  startSpeedometer,
  type Status,
  statusOf,
  statusOfTransfer,
} from "./status.ts";
import type { Store } from "./store.ts";

/** How many statuses one message carries at most; the rest follows. */
const MOST_CHANGES = 1_000;
/** How many downloads that are not finished a snapshot shows. */
const SNAPSHOT_OPEN = 1_000;
/** ... and how many that are. */
const SNAPSHOT_FINISHED = 100;

const OPEN: readonly State["kind"][] = ["Queued", "Paused"];
const FINISHED: readonly State["kind"][] = ["Downloaded", "Failed"];

/** Settings of a coordinator. */
export interface CoordinatorOptions extends EngineOptions {
  /** How often changes are told, in milliseconds. */
  readonly broadcastTimeout: number;
  /** How many downloads may wait in the queue. */
  readonly queueLength: number;
  /** The name of the channel that carries the status of all downloads. */
  readonly channel: string;
}

/** All downloads, and what can be done with them. */
export interface Coordinator {
  /**
   * Adds downloads at the end of the queue. Once this resolves, they outlive
   * a crash.
   *
   * @returns Their ids.
   * @throws {DownloadError} TOO_MUCH if the queue is full.
   */
  add(requests: readonly DownloadRequest[]): Promise<string[]>;
  /**
   * Pauses, resumes, retries or removes a download; resolves when it is done.
   *
   * @throws {DownloadError} UNKNOWN_ID or WRONG_STATE.
   */
  command(
    command: Command,
    id: string,
    options?: { deleteFile?: boolean },
  ): Promise<void>;
  /** A page of all downloads, the latest added first. */
  list(page: { offset: number; limit: number }): StatusPage;
  /** The downloads that are not finished, and the latest that are. */
  snapshot(): Status[];
  /** Stops all threads, and records how far they came. */
  close(): Promise<void>;
}

/** Some of all downloads. */
export interface StatusPage {
  readonly statuses: readonly Status[];
  /** How many there are in all. */
  readonly total: number;
}

/** Makes a coordinator, which at once goes on where the last one stopped. */
export function createCoordinator(
  options: CoordinatorOptions,
  { store, parts, log }: { store: Store; parts: Parts; log: Log },
): Coordinator {
  const channel = openStatusChannel(options.channel);
  const speeds = new Map<string, Speedometer>();
  const changed = new Set<string>();
  /** The last command on each download; the next one waits for it. */
  const commands = new Map<string, Promise<void>>();
  const engine = createEngine(options, {
    store,
    parts,
    log,
    next: (hosts) => store.take({ ids: heldIds(), hosts }),
    changed: (id) => changed.add(id),
  });
  const timer = setInterval(tell, options.broadcastTimeout);
  engine.fill();

  /** What must not be taken from the queue: it is being dealt with. */
  function heldIds(): string[] {
    const taken = [...engine.transfers()].map(({ download: { id } }) => id);
    return [...taken, ...commands.keys()];
  }

  function tell(): void {
    for (const { download: { id }, threads } of engine.transfers()) {
      if (threads.size > 0) changed.add(id);
    }
    if (changed.size === 0) return;
    const ids = [...changed].slice(0, MOST_CHANGES);
    const statuses: Status[] = [];
    const removed: string[] = [];
    for (const id of ids) {
      changed.delete(id);
      const status = statusFor(id);
      if (status) statuses.push(status);
      else removed.push(id);
    }
    channel.publish({ changed: statuses, removed });
  }

  function statusFor(id: string): Status | null {
    const transfer = engine.get(id);
    if (transfer === undefined) {
      speeds.delete(id);
      const download = store.get(id);
      return download && statusOf(download);
    }
    const speedometer = speeds.get(id) ?? startSpeedometer();
    speeds.set(id, speedometer);
    return statusOfTransfer(transfer, speedometer.read(transfer, Date.now()));
  }

  /** As clients see it now: a transfer's record lags behind it. */
  function current(download: Download): Status {
    return statusFor(download.id) ?? statusOf(download);
  }

  async function add(requests: readonly DownloadRequest[]): Promise<string[]> {
    const waiting = store.totals().Queued;
    if (waiting + requests.length > options.queueLength) {
      throw new DownloadError(
        "TOO_MUCH",
        `Cannot add ${requests.length}: ${waiting} downloads are waiting, and ` +
          `no more than ${options.queueLength} may.`,
      );
    }
    const now = Date.now();
    const downloads = requests.map((request) => createDownload(request, now));
    await store.add(downloads);
    for (const { id, request: { url } } of downloads) {
      changed.add(id);
      log("added", { id, url: loggable(url) });
    }
    engine.fill();
    return downloads.map(({ id }) => id);
  }

  /** One command at a time on each download. */
  async function command(
    command: Command,
    id: string,
    { deleteFile = false } = {},
  ): Promise<void> {
    const before = commands.get(id);
    const mine = (async () => {
      await before?.catch(() => {});
      await obey(command, id, deleteFile);
    })();
    commands.set(id, mine);
    try {
      await mine;
    } finally {
      if (commands.get(id) === mine) commands.delete(id);
      changed.add(id);
      engine.fill();
    }
  }

  async function obey(
    command: Command,
    id: string,
    deleteFile: boolean,
  ): Promise<void> {
    for (let transfer; (transfer = engine.get(id)) !== undefined;) {
      refuseUnlessAllowed(command, transfer.download.state);
      const came = await engine.stop(
        transfer,
        command === "remove"
          ? { kind: "remove" }
          : { kind: "settle", state: { kind: "Paused", error: null } },
      );
      if (came) return;
    }
    const download = store.get(id);
    if (download === null) {
      throw new DownloadError("UNKNOWN_ID", "There is no download of this id.");
    }
    refuseUnlessAllowed(command, download.state);
    if (command === "remove") return await remove(download, deleteFile);
    const { file, downloaded } = download;
    const state: State = command === "pause"
      ? { kind: "Paused", error: null }
      : { kind: "Queued" };
    await store.settle(id, { state, file, downloaded, finishedAt: null });
    log(command, { id });
  }

  async function remove(
    download: Download,
    deleteFile: boolean,
  ): Promise<void> {
    const { id, state } = download;
    if (deleteFile && state.kind === "Downloaded") {
      await parts.removeFinished(state.path);
    }
    await store.remove(id);
    await parts.remove(id);
    log("removed", { id, file: deleteFile });
  }

  return {
    add,
    command,
    list({ offset, limit }) {
      const states = [...OPEN, ...FINISHED];
      const page = store.list({ offset, limit, states, order: "latest" });
      const totals = Object.values(store.totals());
      return {
        statuses: page.map(current),
        total: totals.reduce((sum, count) => sum + count, 0),
      };
    },
    snapshot() {
      const [open, finished] = [
        store.list({
          offset: 0,
          limit: SNAPSHOT_OPEN,
          states: OPEN,
          order: "oldest",
        }),
        store.list({
          offset: 0,
          limit: SNAPSHOT_FINISHED,
          states: FINISHED,
          order: "latest",
        }),
      ];
      return [...open, ...finished.reverse()].map(current);
    },
    async close() {
      clearInterval(timer);
      await engine.close();
      tell();
      channel[Symbol.dispose]();
    },
  };
}
