/**
 * Runs the transfers: takes claims from the queue, gives them threads, hears
 * what these write, and decides what follows from their failures.
 */

import { every, within } from "../base/timers.ts";
import { mayWrite } from "../base/write_until.ts";
import type { ChecksumAlgorithm } from "../download/checksum.ts";
import type {
  Held,
  LimitedBy,
  RateLimits,
  Rewording,
} from "../download/download.ts";
import type { Tell } from "../download/events.ts";
import type { Rule } from "../download/rules.ts";
import type { DiskRoom } from "../files/disk_room.ts";
import type { DownloadParts } from "../files/parts.ts";
import type { Catalogue } from "../store/catalogue.ts";
import type { PartRecords } from "../store/part_records.ts";
import type { Claim, Queue } from "../store/queue.ts";
import type { FinishedPart, ThreadEvent } from "../threads/messages.ts";
import { createPool, type Pool, type PoolOptions } from "../threads/pool.ts";
import {
  choose,
  giveUp,
  surplus,
  type ThreadLimits,
} from "../transfer/assignment.ts";
import { ask, isBegun, type Transfer } from "../transfer/transfer.ts";
import { inGroups } from "./batches.ts";
import { type Common, portionsOf, type Share, wantsOf } from "./common.ts";
import { createDriver, type JobOutcome } from "./driver.ts";
import { createFilling, soon } from "./filling.ts";
import { createGrants } from "./grants.ts";
import { createHostLimits } from "./host_limits.ts";
import { takeUp } from "./intake.ts";
import type { Tools } from "./jobs.ts";
import { createRates } from "./rates.ts";
import { createRegistry } from "./registry.ts";
import { createRoomRule } from "./room_rule.ts";
import { startThread } from "./starting.ts";
import { limitThreads, stopSlow, tend } from "./tending.ts";
import { onFailure, onThreadEvent, readerOf } from "./thread_events.ts";
import { createTimekeeper } from "./timekeeper.ts";
import type { Timetable } from "./timetable.ts";

/** How often slow threads and due retries are looked for, in milliseconds. */
const LOOK_EVERY = 250;
/**
 * Files share a message, and syncs their work: with more groups at once, each
 * has fewer files, and all take longer.
 */
const PUBLISHING = { most: 64, atOnce: 1 };
const REMOVING = { most: 256, atOnce: 1 };
/** How long a close waits for transfers to be recorded, in milliseconds. */
const CLOSE_WITHIN = 1_500;

/** Settings of an engine. */
export interface EngineOptions extends Omit<PoolOptions, "directory"> {
  /** Threads in the whole server. */
  readonly threadsAmount: number;
  /** Threads at one origin host. */
  readonly threadsPerHost: number;
  /** Downloads that run at a time; null for as many as there are threads. */
  readonly maxDownloads: number | null;
  /** Bytes a slice has at most. */
  readonly bytesAmount: number;
  /** Bytes a second in the whole server; null for no limit. */
  readonly limitRate: number | null;
  /** Bytes a second from one origin host; null for no limit. */
  readonly limitRatePerHost: number | null;
  /** When the server is limited, or fetches nothing; null for never. */
  readonly timetable: Timetable | null;
  /** How many attempts in a row may bring nothing. */
  readonly attempts: number;
  /** How long to wait after the first failure, in milliseconds. */
  readonly retryWait: number;
  /** Whether files are forced to disk before they count as there. */
  readonly sync: boolean;
  /** Whether files get the time at which they were modified at their origins. */
  readonly remoteTime: boolean;
  /** What downloads get that were not asked for with it; absent for nothing. */
  readonly rules?: readonly Rule[];
}

/** What an engine works with. */
export interface EngineTools {
  readonly queue: Queue;
  readonly catalogue: Catalogue;
  readonly records: PartRecords;
  readonly parts: DownloadParts;
  readonly room: Pick<DiskRoom, "lack">;
  readonly tell: Tell;
  /** Absent where no other server has the same queue. */
  readonly share?: Share | undefined;
  /** The time of day, in milliseconds since 1970. */
  readonly timeOfDay: () => number;
}

/** The transfers, and who drives them. */
export interface Engine {
  get(id: string): Transfer | undefined;
  transfers(): Iterable<Transfer>;
  /** How many threads run. */
  threads(): number;
  /** What of the limits of all servers transfers want, and how much they have. */
  wants(): ReadonlyMap<Common, number>;
  /** There may be something new in the queue: idle threads get it. */
  fill(): void;
  /** Which limit holds a transfer's rate; null if none does. */
  limitedBy(transfer: Transfer): LimitedBy | null;
  /** What limits the rates of the server and of each host. */
  rates(): RateLimits;
  /** Changes these, at once. */
  limitRates(limits: RateLimits): void;
  /** What the timetable says now; null without one. */
  held(): Held | null;
  /** How many downloads may run at a time; null for one a thread. */
  maxDownloads(): number | null;
  /** Changes it; those that run go on. */
  limitDownloads(most: number | null): void;
  /** Has a transfer be asked for in another way, which bears on no byte. */
  reword(id: string, rewording: Rewording): void;
  /**
   * Gives back what has not begun, as others may come before it by now: once for
   * all that is moved in one turn.
   */
  reorder(): void;
  /**
   * Reads a finished file again, in a worker.
   *
   * @throws what the system says if it cannot be read.
   */
  digest(path: string, algorithm: ChecksumAlgorithm): Promise<string>;
  /** Bytes that all transfers are still to bring, as far as that is known. */
  owed(): number;
  /** Pauses what the disk has no room for any more. */
  pauseWithoutRoom(): void;
  /**
   * Brings a transfer to rest, and hands over the claim on its download, as it
   * then is. Null if there is no such transfer, or it came to another end.
   *
   * @param bytes Whether what was fetched is recorded, to go on from there.
   */
  rest(id: string, bytes: "keep" | "drop"): Promise<Claim | null>;
  /** Stops all, records what there is, and ends the workers. */
  close(): Promise<void>;
}

/** Makes an engine. */
export function createEngine(
  options: EngineOptions,
  { queue, catalogue, records, parts, room: { lack }, tell, share, timeOfDay }:
    EngineTools,
): Engine {
  const { rules = [], attempts, retryWait } = options;
  const writeUntil = share?.writeUntil;
  const portions = portionsOf(share);
  const time = createTimekeeper(options.timetable, timeOfDay);
  const registry = createRegistry();
  const hosts = createHostLimits(threadsAt);
  const rates = createRates({
    server: options.limitRate,
    host: options.limitRatePerHost,
  }, portions.rate);
  // The pool, the driver and the filling call back later only, when all of this
  // exists.
  const pool = createPool(
    { ...options, directory: parts.directory, writeUntil },
    onThread,
  );
  const grants = createGrants(rates, pool.grant);
  const driver = createDriver(
    {
      ...{ catalogue, records, parts, pool, tell, writeUntil, rules },
      ...createFileTools(pool, parts, options),
    },
    retryWait,
    onJob,
  );
  const filling = createFilling(fill);
  const room = createRoomRule({ lack }, driver, registry);
  let maxDownloads = options.maxDownloads;
  const limits: ThreadLimits = {
    threads: options.threadsAmount,
    get downloads() {
      return maxDownloads === null
        ? Infinity
        : portions.downloads(maxDownloads);
    },
    bytesAmount: options.bytesAmount,
    perHost: hosts.of,
    standing: hosts.standing,
    isHeld: ({ download: { id } }) => grants.holds(id),
  };
  const tools = {
    ...{ registry, hosts, limits, pool, driver, room, tell, rates, grants },
    ...{ queue, catalogue, records, parts, rules, attempts, retryWait },
    fillSoon: filling.soon,
  };
  const looking = every(LOOK_EVERY, look);
  let lastThread = 0;

  function threadsAt(host: string): number {
    return portions.threadsAt(host, options.threadsPerHost);
  }

  /** Returns when a host that bears few threads may have its next one. */
  function fill(): number | null {
    keepTime();
    if (isPaused() || !mayWrite(writeUntil)) return null;
    const now = performance.now();
    const open = takeUp(tools, limits, now);
    while (registry.threads() < limits.threads) {
      const choice = choose(open, limits, now);
      if (choice === null) break;
      startThread(choice, ++lastThread, now, tools);
    }
    const thread = giveUp(open, limits, now);
    if (thread) driver.stopThread(thread);
    return hosts.nextGap();
  }

  function isPaused(): boolean {
    return time.held()?.rule.kind === "pause";
  }

  /** Goes by what the timetable says now. */
  function keepTime(): void {
    const held = time.turn();
    if (held === null) return;
    const { rule } = held;
    rates.timetable = rule.kind === "rate" ? rule.rate : null;
    limitThreads(registry.all(), tools);
    // What they have fetched is kept; nothing is begun until this is over.
    if (rule.kind === "pause") {
      for (const { threads } of [...registry.all()]) {
        for (const thread of threads.values()) driver.stopThread(thread);
      }
    }
    tell({ kind: "timetable", held });
  }

  function onThread(event: ThreadEvent): void {
    const transfer = onThreadEvent(event, tools);
    if (transfer === null) return;
    tend(transfer, tools);
    filling.soon();
  }

  function onJob(transfer: Transfer, outcome: JobOutcome): void {
    if (outcome.kind === "failed") {
      onFailure(transfer, transfer.source, outcome.error, false, tools);
    }
    // One that rests keeps its claim, which is handed over.
    if (outcome.kind === "left" && outcome.then?.kind !== "rest") {
      registry.remove(transfer)?.release();
    }
    filling.soon();
  }

  function look(): void {
    const now = performance.now();
    for (const transfer of registry.all()) {
      stopSlow(transfer, now, tools);
      tend(transfer, tools);
    }
    if (share !== undefined) {
      surplus([...registry.all()], threadsAt).forEach(driver.stopThread);
      grants.changed(new Map());
    }
    filling.now();
  }

  async function rest(
    id: string,
    bytes: "keep" | "drop",
  ): Promise<Claim | null> {
    const transfer = registry.get(id);
    if (transfer === undefined) return null;
    if (!await driver.stop(transfer, { kind: "rest", bytes })) return null;
    const claim = registry.remove(transfer);
    if (claim === undefined) return null;
    const { file, recorded, download: { request } } = transfer;
    const now = { request, file, downloaded: recorded.bytes };
    const download = { ...claim.download, ...now };
    return { ...claim, download };
  }

  /**
   * Brings a transfer to rest, and gives its claim up in the same turn: a command
   * finds one or the other.
   */
  async function giveBack(transfer: Transfer): Promise<void> {
    const isStopped = await driver.stop(transfer, {
      kind: "rest",
      bytes: "keep",
    });
    if (isStopped) registry.remove(transfer)?.release();
  }

  async function reorder(): Promise<void> {
    queue.reset();
    const unbegun = [...registry.all()].filter((transfer) =>
      transfer.phase.kind === "fetching" && !isBegun(transfer)
    );
    await Promise.all(unbegun.map(giveBack));
    // Those that were given back stand in the queue again.
    if (unbegun.length > 0) queue.reset();
    filling.now();
  }

  async function close(): Promise<void> {
    looking[Symbol.dispose]();
    filling[Symbol.dispose]();
    grants[Symbol.dispose]();
    const all = [...registry.all()].map(giveBack);
    await within(CLOSE_WITHIN, Promise.all(all));
    pool.close();
  }

  return {
    get: registry.get,
    transfers: registry.all,
    threads: registry.threads,
    // A pause of the timetable leaves the others all but what still stops.
    wants: () =>
      wantsOf(
        [...registry.all()].filter(({ threads }) =>
          !isPaused() || threads.size > 0
        ),
      ),
    fill() {
      queue.reset();
      filling.now();
    },
    limitedBy: (transfer) => rates.strictest(readerOf(transfer))?.by ?? null,
    rates: () => rates.limits,
    limitRates(limits) {
      rates.limits = limits;
      limitThreads(registry.all(), tools);
    },
    held: time.held,
    maxDownloads: () => maxDownloads,
    limitDownloads(most) {
      maxDownloads = most;
      filling.now();
    },
    reword(id, rewording) {
      const transfer = registry.get(id);
      if (transfer === undefined) return;
      ask(transfer, rewording);
      limitThreads([transfer], tools);
    },
    async digest(path, algorithm) {
      const { size } = await Deno.stat(path);
      const ranges = [{ start: 0, end: size }];
      const [digest = ""] = await pool.digest({ path, algorithm, ranges });
      return digest;
    },
    reorder: soon(reorder),
    owed: room.owed,
    pauseWithoutRoom: room.pauseAllWithout,
    rest,
    close,
  };
}

/** Gives files their names, and removes parts, many at a time. */
function createFileTools(
  pool: Pool,
  { directory }: DownloadParts,
  { sync, remoteTime }: EngineOptions,
): Pick<Tools, "publish" | "removePart"> {
  return {
    publish: inGroups(
      PUBLISHING,
      (finished: readonly FinishedPart[]) =>
        pool.publish({ directory, sync, remoteTime, parts: finished }),
    ),
    removePart: inGroups(REMOVING, async (paths: readonly string[]) => {
      await pool.remove({ paths });
      return paths;
    }),
  };
}
