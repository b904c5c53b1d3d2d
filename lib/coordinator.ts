/**
 * The one owner of all downloads: adds them to the queue, does to them what
 * clients say, and keeps to the room that the disk has.
 */

import { createInOrder } from "./base/in_order.ts";
import { every, within } from "./base/timers.ts";
import type { Checksum, Verified } from "./download/checksum.ts";
import {
  asksAnew,
  checksumOf,
  type Command,
  createDownload,
  createIds,
  type Download,
  type DownloadRequest,
  keepsBytes,
  type RateLimits,
  refreshed,
  refuseUnlessAllowed,
  type Rewording,
  undescribed,
  waitingUntil,
} from "./download/download.ts";
import {
  DownloadError,
  type ErrorRecord,
  toRecord,
} from "./download/errors.ts";
import {
  CARRIED_OUT,
  type DownloadEvent,
  isReordering,
  type Tell,
} from "./download/events.ts";
import { withRules } from "./download/rules.ts";
import {
  type Common,
  createEngine,
  type EngineOptions,
  type EngineTools,
  type Share,
} from "./engine/engine.ts";
import { fitting, watchDiskRoom } from "./files/disk_room.ts";
import type { DownloadParts } from "./files/parts.ts";
import { type Proxies, proxyNames } from "./origin/proxies.ts";
import { type Coming, comingOf } from "./status/coming.ts";
import { createFigures, type Figures } from "./status/figures.ts";
import {
  createOverview,
  type Elsewhere,
  type Overview,
} from "./status/overview.ts";
import { type Changes, type Disk, type Status } from "./status/status.ts";
import type { Catalogue, Waiting } from "./store/catalogue.ts";
import { planMove, type Target } from "./store/moves.ts";
import type { Changeable } from "./store/order.ts";
import type { PartRecords } from "./store/part_records.ts";
import type { Claim, Queue } from "./store/queue.ts";
import { relocate } from "./store/relocation.ts";
import { isBegun } from "./transfer/transfer.ts";

/**
 * How long a close waits for commands, in milliseconds: a file that was removed
 * and still is recorded would be called downloaded.
 */
const COMMANDS_WITHIN = 1_500;

/** How often downloads are looked for whose time has come, in milliseconds. */
const START_EVERY = 1_000;
/** How many of these start in one turn. */
const STARTED_AT_ONCE = 1_000;

/** Settings of a coordinator. */
export interface CoordinatorOptions extends EngineOptions {
  /** How often changes are told, in milliseconds. */
  readonly broadcastTimeout: number;
  /** How many downloads may wait in the queue. */
  readonly queueLength: number;
  /** Bytes to be left free on the content directory's disk. */
  readonly minFreeSpace: number;
}

/** The other servers that have the same queue. */
export interface Peers extends Elsewhere, Share {
  /** From now on, they say what they change, and may ask for commands. */
  begin(here: Here): void;
  /**
   * Has a command carried out where its download is worked on: here, or by
   * another server.
   */
  carryOut(
    id: string,
    command: Command,
    here: () => Promise<void>,
  ): Promise<void>;
  /** Whether the file of a finished download is in this content directory. */
  hasFile(id: string): boolean;
  /** Tells them how the transfers here stand. */
  tell(): void;
  /** Gives up all claims, and takes no more. */
  leave(): Promise<void>;
}

/** Limits that a client has set while servers run: the latest hold for all. */
export interface LimitsSet {
  /** When they were set: later than all that were known then. */
  readonly at: number;
  readonly rates: RateLimits;
  readonly maxDownloads: number | null;
}

/** A server, as those that have the same queue see it. */
export interface Here {
  /** Hears of what others have done. */
  readonly tell: Tell;
  /** Carries out a command on a download that is worked on here. */
  command(id: string, command: Command): Promise<void>;
  /** Looks for work. */
  fill(): void;
  /** Whether the disk and the timetable let a download of `bytes` begin now. */
  lets(bytes: number): boolean;
  /** How the downloads stand that have begun here. */
  running(): Status[];
  /** What of the limits of all servers this one wants, and how much it has. */
  wants(): ReadonlyMap<Common, number>;
  threads(): number;
  disk(): Disk | undefined;
  /** The limits that clients have set since the start; null for none. */
  limitsSet(): LimitsSet | null;
  /** Takes over what was set at another server, if that is the latest. */
  setLimits(limits: LimitsSet): void;
}

/** What a coordinator works with. */
export interface CoordinatorTools {
  readonly queue: Queue;
  readonly catalogue: Catalogue;
  readonly records: PartRecords;
  /** Absent where nobody changes it. */
  readonly order?: Changeable;
  readonly parts: DownloadParts;
  /** Hears everything that happens, at once. */
  readonly hear: Tell;
  /** Hears, every `broadcastTimeout`, what has changed since the last time. */
  broadcast(changes: Changes): void;
  /** Absent where no other server has the same queue. */
  readonly peers?: Peers | undefined;
  /** The time of day, in milliseconds since 1970; the machine's by itself. */
  readonly timeOfDay?: () => number;
}

/** All downloads, and what can be done with them. */
export interface Coordinator extends
  Pick<
    Overview,
    "get" | "disk" | "running" | "standing" | "timetable" | "totals"
  > {
  /**
   * Adds downloads at the end of the queue. Once this resolves, they outlive
   * a crash.
   *
   * @param ids Their ids, where a client chose their first digits.
   * @returns Their ids.
   * @throws {DownloadError} BAD_REQUEST if one names a proxy that is none;
   * TOO_MUCH if the queue is full; STATE or DISK_FULL if they cannot be recorded.
   */
  add(
    requests: readonly DownloadRequest[],
    ids?: readonly string[],
  ): Promise<string[]>;
  /**
   * Does to a download what a client says; resolves when it is done.
   *
   * @throws {DownloadError} UNKNOWN_ID or WRONG_STATE; STATE, DISK or DISK_FULL
   * if the download's record or file cannot be changed; FILE_GONE if a download
   * was removed, and its file was not there to be deleted.
   */
  command(id: string, command: Command): Promise<void>;
  /**
   * Reads a finished file again, one at a time, and compares it with a checksum:
   * the one that is given, or else the download's own.
   *
   * @throws {DownloadError} UNKNOWN_ID or WRONG_STATE; FILE_GONE if the file is
   * not here; BAD_REQUEST if there is no checksum.
   */
  verify(id: string, given: Checksum | null): Promise<Verified>;
  /**
   * Moves downloads in the queue, among those of their own priority. What is
   * moved keeps the order that it has among itself; what runs goes on.
   *
   * @returns Those that were left where they are, and why.
   * @throws {DownloadError} UNKNOWN_ID or WRONG_STATE if the one that they are to
   * be before is not in the queue.
   */
  move(
    ids: readonly string[],
    to: Target,
  ): Promise<ReadonlyMap<string, ErrorRecord>>;
  /** What limits the rates of the server and of each host, until it stops. */
  rates(): RateLimits;
  /** Changes these, at once. */
  limitRates(limits: RateLimits): void;
  /** How many downloads may run at a time; null for one a thread. */
  maxDownloads(): number | null;
  /** Changes it until the server stops; those that run go on. */
  limitDownloads(most: number | null): void;
  /** What a download was asked for with; null if there is none of this id. */
  requestOf(id: string): DownloadRequest | null;
  /** Where the file of a finished download is; null for any other. */
  pathOf(id: string): string | null;
  /**
   * What there is of a file that is fetched here and was asked for in order;
   * null for any other.
   */
  comingOf(id: string): Coming | null;
  /** How many threads run now. */
  threads(): number;
  /** The names of proxies that a request may choose. */
  readonly proxies: readonly string[];
  /** What has been done since the server started. */
  readonly figures: Figures;
  /** Stops all threads, and records how far they came. */
  close(): Promise<void>;
}

/** Makes a coordinator, which at once goes on where the last one stopped. */
export async function createCoordinator(
  options: CoordinatorOptions,
  { queue, catalogue, records, order, parts, hear, broadcast, peers, ...more }:
    CoordinatorTools,
): Promise<Coordinator> {
  const { rules = [] } = options;
  const commands = createInOrder();
  const verifying = createInOrder();
  /** Moves, each of which is worked out from what the one before has come to. */
  const moves = createInOrder();
  let reordering = false;
  const { figures, hear: count } = createFigures();
  const room = watchDiskRoom(parts, options.minFreeSpace, tell);
  const { timeOfDay = Date.now } = more;
  const tools = {
    ...{ queue, catalogue, records, parts, room, tell, timeOfDay },
    share: peers,
  };
  const engine = createEngine(options, tools);
  const overview = createOverview({ catalogue, engine, elsewhere: peers });
  /** How many downloads are being added: the catalogue does not count them yet. */
  let adding = 0;
  let limitsSet: LimitsSet | null = null;
  let closing: Promise<void> | null = null;
  if (options.begin === "prepared") await room.look();
  const telling = every(options.broadcastTimeout, broadcastChanges);
  let isStarting = false;
  const starting = every(START_EVERY, () => void startDue());
  peers?.begin(here());
  fill();

  /** What others may know and want of this server. */
  function here(): Here {
    return {
      tell,
      command: (id, command) => commands.run(id, () => obey(id, command)),
      fill,
      lets: (bytes) =>
        engine.held()?.rule.kind !== "pause" && room.lack(bytes) === null,
      running: () =>
        [...engine.transfers()].filter(isBegun)
          .map(({ download: { id } }) => overview.get(id))
          .filter((status) => status !== null),
      wants: engine.wants,
      threads: engine.threads,
      disk: overview.disk,
      limitsSet: () => limitsSet,
      setLimits(limits) {
        if (limits.at <= (limitsSet?.at ?? 0)) return;
        limitsSet = limits;
        engine.limitRates(limits.rates);
        engine.limitDownloads(limits.maxDownloads);
      },
    };
  }

  function noteLimits(): void {
    limitsSet = {
      // Clocks differ, and what is set after another is the later of both.
      at: Math.max(Date.now(), (limitsSet?.at ?? 0) + 1),
      rates: engine.rates(),
      maxDownloads: engine.maxDownloads(),
    };
  }

  function tell(event: DownloadEvent): void {
    count(event);
    overview.hear(event);
    if (event.kind === "room") onRoom(event.bytes);
    if (isReordering(event)) reorderSoon();
    hear(event);
  }

  /** What waits begins in another order: once for all that are moved together. */
  function reorderSoon(): void {
    if (reordering) return;
    reordering = true;
    queueMicrotask(() => {
      reordering = false;
      engine.reorder();
    });
  }

  /** There may be something new in the queue. */
  function fill(): void {
    queue.reset();
    engine.fill();
  }

  /** Stops what the disk has no room for, and goes on once there is. */
  function onRoom(bytes: number): void {
    engine.pauseWithoutRoom();
    const waiting = catalogue.waitingForRoom(bytes)
      .filter(({ id }) => !commands.has(id));
    for (const { id } of fitting(waiting, bytes)) {
      command(id, { kind: "resume" }).catch((error) =>
        tell({ kind: "stuck", id, error: toRecord(error) })
      );
    }
  }

  /** Starts what was to wait until now. */
  async function startDue(): Promise<void> {
    if (isStarting || closing !== null) return;
    isStarting = true;
    try {
      for (;;) {
        const due = catalogue.due(timeOfDay(), STARTED_AT_ONCE);
        const started = await Promise.all(due.map(startInTime));
        if (!started.includes(true)) break;
      }
    } finally {
      isStarting = false;
    }
  }

  /** Whether it did; it may be gone, or started by another server. */
  async function startInTime(id: string): Promise<boolean> {
    if (commands.has(id)) return false;
    try {
      await command(id, { kind: "resume" });
      return true;
    } catch (error) {
      const record = toRecord(error);
      const isGone = ["WRONG_STATE", "UNKNOWN_ID"].includes(record.code);
      if (!isGone) tell({ kind: "stuck", id, error: record });
      return false;
    }
  }

  function broadcastChanges(): void {
    peers?.tell();
    const changes = overview.take();
    if (changes !== null) broadcast(changes);
  }

  async function add(
    requests: readonly DownloadRequest[],
    ids: readonly string[] = createIds(requests.length),
  ): Promise<string[]> {
    refuseUnknownProxies(requests, options.proxies);
    const waiting = catalogue.totals().Queued + adding;
    refuseIfFull(requests.length, waiting, options.queueLength);
    const now = timeOfDay();
    const downloads = requests.map((request, n) =>
      createDownload(withRules(request, rules, now), now, ids[n])
    );
    adding += downloads.length;
    try {
      await catalogue.add(downloads);
    } finally {
      adding -= downloads.length;
    }
    // Of a thousand calls that were recorded together, only the last looks for
    // work. While calls come without end, the next idle thread finds the new
    // downloads, as the queue is read from its start again.
    queue.reset();
    if (adding === 0) fill();
    for (const { id, request: { url } } of downloads) {
      tell({ kind: "added", id, url });
    }
    return [...ids];
  }

  function command(id: string, command: Command): Promise<void> {
    const here = () => obey(id, command);
    return commands.run(id, () => peers?.carryOut(id, command, here) ?? here());
  }

  async function obey(id: string, command: Command): Promise<void> {
    if (isAdjustment(command)) return await adjust(id, command);
    const claim = await bringToRest(id, command);
    try {
      refuseUnlessAllowed(command, claim.download.state);
      await carryOut(command, claim.download, tools);
    } finally {
      claim.release();
      fill();
    }
  }

  /** Changes a download while its threads go on. */
  async function adjust(id: string, command: Adjustment): Promise<void> {
    changeable(id, command);
    if (command.kind === "move") await order?.place(id, command.rank);
    else {
      const rewording = adjusting(command);
      await catalogue.reword(id, rewording);
      engine.reword(id, rewording);
    }
    // What has been read ahead of the line goes by what was before.
    queue.reset();
    tell({ kind: CARRIED_OUT[command.kind], id });
  }

  /** @throws {DownloadError} UNKNOWN_ID or WRONG_STATE. */
  function changeable(id: string, command: Adjustment): Download {
    const download = catalogue.get(id);
    if (download === null) throw unknownId();
    refuseUnlessAllowed(command, download.state);
    return download;
  }

  async function move(
    ids: readonly string[],
    to: Target,
    order: Changeable,
  ): Promise<ReadonlyMap<string, ErrorRecord>> {
    const left = new Map<string, ErrorRecord>();
    const running = new Set(overview.running());
    const isRunning = (id: string) => running.has(id);
    if (typeof to === "object") changeable(to.before, NO_MOVE);
    const asked = ids.filter((id) => {
      try {
        return changeable(id, NO_MOVE);
      } catch (error) {
        left.set(id, toRecord(error));
      }
    });
    for (;;) {
      const { kind, moved } = planMove(asked, to, { order, isRunning });
      const moving = moved.map(async ({ id, rank }) => {
        try {
          await command(id, { kind: "move", rank });
        } catch (error) {
          left.set(id, toRecord(error));
        }
      });
      await Promise.all(moving);
      if (kind === "move" || moved.every(({ id }) => left.has(id))) break;
    }
    return left;
  }

  /** The claim on a download that no thread works on, for a command. */
  async function bringToRest(id: string, command: Command): Promise<Claim> {
    const transfer = engine.get(id);
    if (transfer !== undefined) {
      refuseUnlessAllowed(command, transfer.download.state);
      const bytes = command.kind === "remove" ? "drop" : "keep";
      const claim = await engine.rest(id, bytes);
      if (claim !== null) return claim;
    }
    // A transfer that comes to another end may be followed by a new one.
    const claiming = queue.claim(id);
    // One process answers at once, and nothing else happens meanwhile.
    const claim = claiming instanceof Promise ? await claiming : claiming;
    if (claim !== null) return claim;
    if (engine.get(id) !== undefined) return await bringToRest(id, command);
    throw unknownId();
  }

  async function verify(id: string, given: Checksum | null): Promise<Verified> {
    const download = catalogue.get(id);
    if (download === null) throw unknownId();
    const { request, file, state } = download;
    if (state.kind !== "Downloaded") {
      throw new DownloadError(
        "WRONG_STATE",
        "Cannot verify: the download is not finished.",
      );
    }
    const own = checksumOf(request, file) ?? null;
    const checksum = given === null ? own : { ...given, from: "request" };
    if (checksum === null) {
      throw new DownloadError(
        "BAD_REQUEST",
        "Cannot verify: no checksum is known of this download. Give one.",
      );
    }
    const path = pathOf(id);
    if (path === null) {
      throw new DownloadError(
        "FILE_GONE",
        peers?.hasFile(id) === false
          ? "Another server of the queue has the file: ask that one."
          : "The file is not here any more, or another one has its name.",
      );
    }
    const digest = await engine.digest(path, checksum.algorithm);
    return { fits: digest === checksum.digest, checksum, digest };
  }

  function pathOf(id: string): string | null {
    const download = peers?.hasFile(id) === false ? null : catalogue.get(id);
    return download && finishedPath(download, parts);
  }

  async function close(): Promise<void> {
    telling[Symbol.dispose]();
    starting[Symbol.dispose]();
    room[Symbol.dispose]();
    await engine.close();
    await within(COMMANDS_WITHIN, commands.settled());
    await peers?.leave();
    broadcastChanges();
  }

  return {
    add,
    command,
    move: (ids, to) =>
      moves.run("", async () => order ? await move(ids, to, order) : new Map()),
    get: overview.get,
    disk: overview.disk,
    running: overview.running,
    standing: overview.standing,
    timetable: overview.timetable,
    totals: overview.totals,
    requestOf: (id) => catalogue.get(id)?.request ?? null,
    pathOf,
    comingOf(id) {
      const transfer = engine.get(id);
      return transfer?.download.request.order === "sequential"
        ? comingOf(transfer, parts.path(id))
        : null;
    },
    // Of several at a time, each would take as long as all of them.
    verify: (id, given) => verifying.run("", () => verify(id, given)),
    rates: engine.rates,
    limitRates(limits) {
      engine.limitRates(limits);
      noteLimits();
    },
    maxDownloads: engine.maxDownloads,
    limitDownloads(most) {
      engine.limitDownloads(most);
      noteLimits();
    },
    threads: engine.threads,
    proxies: proxyNames(options.proxies),
    figures,
    close: () => closing ??= close(),
  };
}

/** A command that is carried out while the download's threads go on. */
type Adjustment = Extract<Command, { kind: "limit" | "prioritize" | "move" }>;

/** A move to nowhere, to ask whether a download could be moved. */
const NO_MOVE: Adjustment = { kind: "move", rank: 0 };

function isAdjustment(command: Command): command is Adjustment {
  return ["limit", "prioritize", "move"].includes(command.kind);
}

/** Gives a request another rate or priority. */
function adjusting(command: Exclude<Adjustment, { kind: "move" }>): Rewording {
  if (command.kind === "limit") {
    const { limitRate } = command;
    return ({ limitRate: _, ...rest }) =>
      limitRate === null ? rest : { ...rest, limitRate };
  }
  const { priority } = command;
  return ({ priority: _, ...rest }) =>
    priority === "normal" ? rest : { ...rest, priority };
}

/** The error for an id that no download has. */
export function unknownId(): DownloadError {
  return new DownloadError("UNKNOWN_ID", "There is no download of this id.");
}

/** @throws {DownloadError} BAD_REQUEST if a request names a proxy that is none. */
function refuseUnknownProxies(
  requests: readonly DownloadRequest[],
  proxies: Proxies,
): void {
  const known = proxyNames(proxies);
  const wrong = requests.find(({ proxy }) =>
    proxy !== undefined && !known.includes(proxy)
  );
  if (wrong === undefined) return;
  throw new DownloadError(
    "BAD_REQUEST",
    known.length === 0
      ? '"proxy": there are no proxies to choose from.'
      : `"proxy": there is no ${wrong.proxy}; there are ${known.join(", ")}.`,
  );
}

/** @throws {DownloadError} TOO_MUCH if `added` more than those that wait may not. */
function refuseIfFull(added: number, waiting: number, most: number): void {
  if (waiting + added <= most) return;
  throw new DownloadError(
    "TOO_MUCH",
    `Cannot add ${added}: ${waiting} downloads are waiting, and no more than ` +
      `${most} may.`,
  );
}

/** Does to a download that nothing works on what a client says. */
async function carryOut(
  command: Exclude<Command, Adjustment>,
  download: Download,
  tools: EngineTools,
): Promise<void> {
  const { catalogue, records, parts, tell } = tools;
  const { id, request, file, downloaded } = download;
  switch (command.kind) {
    case "pause": {
      const state = { kind: "Paused", error: null } as const;
      const settled = { state, file, downloaded, finishedAt: null };
      await catalogue.settle(id, settled);
      if (downloaded === 0) await parts.remove(download);
      const paused = { ...download, ...settled };
      return tell({ kind: "paused", id, download: paused });
    }
    case "resume":
    case "retry": {
      const state = waitingUntil(command.startAt, tools.timeOfDay());
      if (command.kind === "retry" && asksAnew(download)) {
        await catalogue.renew(id, undescribed(request), state);
        break;
      }
      const settled = { state, file, downloaded, finishedAt: null };
      await catalogue.settle(id, settled);
      break;
    }
    case "refresh":
      if (!keepsBytes(download, command.url)) {
        await records.forget(id);
        await parts.remove(download);
      }
      await catalogue.renew(
        id,
        refreshed(request, command),
        stateOnceRefreshed(download, command),
      );
      break;
    case "relocate":
      refuseToShare(tools);
      await relocate(download, command.directory, tools);
      break;
    case "remove":
      return await remove(download, command, tools);
  }
  tell({ kind: CARRIED_OUT[command.kind], id });
}

/** What waits for its time, or for a client, goes on with that. */
function stateOnceRefreshed(
  { state }: Download,
  { paused }: Extract<Command, { kind: "refresh" }>,
): Waiting {
  if (state.kind === "Paused" && state.startAt !== undefined) return state;
  return paused ? { kind: "Paused", error: null } : { kind: "Queued" };
}

/**
 * Where servers share a queue, another one may end what this one has begun: it
 * would have to know of moves, too.
 */
function refuseToShare({ share }: EngineTools): void {
  if (share === undefined) return;
  throw new DownloadError(
    "WRONG_STATE",
    "Servers that share a queue do not move files.",
  );
}

/**
 * Takes a download off the list, with its finished file if that is asked for.
 *
 * @throws {DownloadError} FILE_GONE if the file is not there to be deleted: then
 * the download is off the list all the same.
 */
async function remove(
  download: Download,
  { deleteFile }: Extract<Command, { kind: "remove" }>,
  { catalogue, parts, tell }: EngineTools,
): Promise<void> {
  const { id, state } = download;
  const finished = deleteFile && state.kind === "Downloaded" ? state : null;
  const found = finished && parts.look(finished.path, finished.identity);
  if (found === "there") await parts.removeFinished(finished?.path ?? "");
  await catalogue.remove(id);
  await parts.remove(download);
  tell({ kind: "removed", id });
  if (finished !== null && found !== "there") {
    throw fileGone(finished.path, found === "another");
  }
}

function fileGone(path: string, taken: boolean): DownloadError {
  const why = taken
    ? `another file is at ${path} by now, and was left there`
    : `it was not at ${path} any more`;
  return new DownloadError(
    "FILE_GONE",
    `The download is off the list, but its file was not deleted: ${why}.`,
  );
}

/** Where the file of a finished download is; null if it is not there any more. */
function finishedPath(
  { state }: Download,
  parts: DownloadParts,
): string | null {
  if (state.kind !== "Downloaded") return null;
  const { path, identity } = state;
  return parts.look(path, identity) === "there" ? path : null;
}
