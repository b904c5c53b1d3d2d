/**
 * The one owner of all downloads: adds them to the queue, does to them what
 * clients say, and keeps to the room that the disk has.
 */

import type { Log } from "./base/log.ts";
import { every } from "./base/timers.ts";
import {
  type Command,
  createDownload,
  createIds,
  type Download,
  type DownloadRequest,
  refuseUnlessAllowed,
  type State,
} from "./download/download.ts";
import { DownloadError, toRecord } from "./download/errors.ts";
import {
  createEngine,
  type EngineOptions,
  type Figures,
} from "./engine/engine.ts";
import { diskFull, watchDisk } from "./files/disk_room.ts";
import type { DownloadParts } from "./files/parts.ts";
import { loggable } from "./origin/request.ts";
import { createOverview, type Overview } from "./status/overview.ts";
import type { Changes } from "./status/status.ts";
import { createQueue, type Held } from "./store/queue.ts";
import type { Store } from "./store/store.ts";
import { bytesLeft, type Ending } from "./transfer/transfer.ts";

/**
 * How long a close waits for commands, in milliseconds: a file that was removed
 * and still is recorded would be called downloaded.
 */
const COMMANDS_WITHIN = 1_500;

/** Settings of a coordinator. */
export interface CoordinatorOptions extends EngineOptions {
  /** How often changes are told, in milliseconds. */
  readonly broadcastTimeout: number;
  /** How many downloads may wait in the queue. */
  readonly queueLength: number;
  /** Bytes to be left free on the content directory's disk. */
  readonly minFreeSpace: number;
}

/** What a coordinator works with. */
export interface CoordinatorSurroundings {
  readonly store: Store;
  readonly parts: DownloadParts;
  readonly log: Log;
  /** Hears, every `broadcastTimeout`, what has changed since the last time. */
  publish(changes: Changes): void;
}

/** All downloads, and what can be done with them. */
export interface Coordinator
  extends Pick<Overview, "get" | "list" | "snapshot" | "totals"> {
  /**
   * Adds downloads at the end of the queue. Once this resolves, they outlive
   * a crash.
   *
   * @returns Their ids.
   * @throws {DownloadError} TOO_MUCH if the queue is full; STATE or DISK_FULL
   * if they cannot be recorded.
   */
  add(requests: readonly DownloadRequest[]): Promise<string[]>;
  /**
   * Does to a download what a client says; resolves when it is done.
   *
   * @throws {DownloadError} UNKNOWN_ID or WRONG_STATE; STATE, DISK or DISK_FULL
   * if the download's record or file cannot be changed.
   */
  command(id: string, command: Command): Promise<void>;
  /** Where the file of a finished download is; null for any other. */
  pathOf(id: string): string | null;
  /** How many threads run now. */
  threads(): number;
  /** What has been done since the server started. */
  readonly figures: Readonly<Figures>;
  /** Stops all threads, and records how far they came. */
  close(): Promise<void>;
}

/** Makes a coordinator, which at once goes on where the last one stopped. */
export async function createCoordinator(
  options: CoordinatorOptions,
  { store, parts, log, publish }: CoordinatorSurroundings,
): Promise<Coordinator> {
  /** The last command on each download; the next one waits for it. */
  const commands = new Map<string, Promise<void>>();
  /** How many downloads are being added: the store does not count them yet. */
  let adding = 0;
  const disk = watchDisk(parts, options.minFreeSpace, log, onRoom);
  const queue = createQueue(store);
  const overview = createOverview({
    store,
    transferOf: (id) => engine.get(id),
    transfers: () => engine.transfers(),
  });
  const held: Held = {
    has: (id) => commands.has(id) || engine.get(id) !== undefined,
    ids: () => [
      ...[...engine.transfers()].map(({ download: { id } }) => id),
      ...commands.keys(),
    ],
  };
  const engine = createEngine(options, {
    store,
    parts,
    log,
    room: disk.room,
    next: (fullHosts) => disk.room(0) > 0 ? queue.next(fullHosts, held) : null,
    changed: overview.changed,
  });
  if (options.begin === "prepared") await disk.look();
  const telling = every(options.broadcastTimeout, tell);
  let closing: Promise<void> | null = null;
  fill();

  /** There may be something new in the queue. */
  function fill(): void {
    queue.reset();
    engine.fill();
  }

  /** Stops what the disk has no room for, and goes on once there is. */
  function onRoom(room: number): void {
    for (const transfer of engine.transfers()) {
      const needed = room > 0 ? bytesLeft(transfer) : 0;
      if (room > 0 && needed <= room) continue;
      const error = toRecord(diskFull(needed, room));
      engine.stop(transfer, {
        kind: "settle",
        state: { kind: "Paused", error },
      });
    }
    let left = room;
    for (const { id, file, downloaded } of store.waitingForRoom(left)) {
      const needed = (file?.size ?? 1) - downloaded;
      if (needed > left || commands.has(id)) continue;
      left -= needed;
      command(id, { kind: "resume" }).catch(({ message }) =>
        log("not resumed", { id, message })
      );
    }
  }

  function tell(): void {
    const changes = overview.take();
    if (changes !== null) publish(changes);
  }

  async function add(requests: readonly DownloadRequest[]): Promise<string[]> {
    const waiting = store.totals().Queued + adding;
    if (waiting + requests.length > options.queueLength) {
      throw new DownloadError(
        "TOO_MUCH",
        `Cannot add ${requests.length}: ${waiting} downloads are waiting, and ` +
          `no more than ${options.queueLength} may.`,
      );
    }
    const now = Date.now();
    const ids = createIds(requests.length);
    const downloads = requests.map((request, n) =>
      createDownload(request, now, ids[n])
    );
    adding += downloads.length;
    try {
      await store.add(downloads);
    } finally {
      adding -= downloads.length;
    }
    // Of a thousand calls that were recorded together, only the last looks for
    // work. While calls come without end, the next idle thread finds the new
    // downloads, as the queue is read from its start again.
    queue.reset();
    if (adding === 0) fill();
    for (const { id, request: { url } } of downloads) {
      overview.added(id);
      log("added", { id, url: loggable(url) });
    }
    return ids;
  }

  /** One command at a time on each download. */
  async function command(id: string, command: Command): Promise<void> {
    const before = commands.get(id);
    const mine = (async () => {
      await before?.catch(() => {});
      await obey(id, command);
    })();
    commands.set(id, mine);
    let known = true;
    try {
      await mine;
    } catch (error) {
      known = toRecord(error).code !== "UNKNOWN_ID";
      throw error;
    } finally {
      if (commands.get(id) === mine) commands.delete(id);
      // Of ids that somebody made up, nobody is told.
      if (known) {
        overview.changed(id);
        fill();
      }
    }
  }

  async function obey(id: string, command: Command): Promise<void> {
    // A transfer that comes to another end may be followed by a new one.
    for (
      let transfer = engine.get(id);
      transfer !== undefined;
      transfer = engine.get(id)
    ) {
      refuseUnlessAllowed(command, transfer.download.state);
      const came = await engine.stop(transfer, endingFor(command));
      if (came && command.kind !== "refresh") return;
    }
    const download = store.get(id);
    if (download === null) {
      throw new DownloadError("UNKNOWN_ID", "There is no download of this id.");
    }
    refuseUnlessAllowed(command, download.state);
    await carryOut(download, command);
    log(EVENTS[command.kind], { id });
  }

  async function carryOut(download: Download, command: Command): Promise<void> {
    const { id, request, file, downloaded } = download;
    switch (command.kind) {
      case "pause":
        return await store.settle(id, { ...download, state: PAUSED });
      case "resume":
      case "retry":
        return await store.settle(id, {
          state: { kind: "Queued" },
          file,
          downloaded,
          finishedAt: null,
        });
      case "refresh":
        return await store.renew(id, { ...request, url: command.url });
      case "remove":
        if (command.deleteFile) {
          const path = finishedPath(download);
          if (path !== null) await parts.removeFinished(path);
        }
        await store.remove(id);
        await parts.remove(id);
    }
  }

  /** Null, too, if somebody moved the file and another one has its name now. */
  function finishedPath({ state }: Download): string | null {
    if (state.kind !== "Downloaded") return null;
    const { path, identity } = state;
    const there = parts.identity(path) ?? identity;
    return identity === undefined || identity === there ? path : null;
  }

  async function close(): Promise<void> {
    telling[Symbol.dispose]();
    disk[Symbol.dispose]();
    await engine.close();
    const late = Promise.withResolvers<void>();
    using _waiting = every(COMMANDS_WITHIN, late.resolve);
    await Promise.race([Promise.allSettled(commands.values()), late.promise]);
    tell();
  }

  return {
    add,
    command,
    get: overview.get,
    list: overview.list,
    snapshot: overview.snapshot,
    totals: overview.totals,
    pathOf(id) {
      const download = store.get(id);
      return download && finishedPath(download);
    },
    threads: () =>
      [...engine.transfers()].reduce((n, { threads }) => n + threads.size, 0),
    figures: engine.figures,
    close: () => closing ??= close(),
  };
}

/** What the log says of a command that was carried out. */
const EVENTS: Record<Command["kind"], string> = {
  pause: "paused",
  resume: "resumed",
  retry: "retried",
  refresh: "refreshed",
  remove: "removed",
};

const PAUSED: State = { kind: "Paused", error: null };

/** How a transfer is to end for a command to be carried out. */
function endingFor({ kind }: Command): Ending {
  switch (kind) {
    case "remove":
      return { kind: "remove" };
    case "refresh":
      return { kind: "leave" };
    default:
      return { kind: "settle", state: PAUSED };
  }
}
