/**
 * Runs the transfers: takes claims from the queue, gives them threads, hears
 * what these write, and decides what follows from their failures.
 */

import { every, within } from "../base/timers.ts";
import { mayWrite, type WriteUntil } from "../base/write_until.ts";
import type { ChecksumAlgorithm } from "../download/checksum.ts";
import type {
  Held,
  LimitedBy,
  RateLimits,
  Rewording,
} from "../download/download.ts";
import { toRecord } from "../download/errors.ts";
import type { Tell } from "../download/events.ts";
import { headersByRules, type Rule } from "../download/rules.ts";
import type { DiskRoom } from "../files/disk_room.ts";
import type { DownloadParts } from "../files/parts.ts";
import { type Duplicates, withDuplicates } from "../origin/duplicates.ts";
import { metalinkFor } from "../origin/metalink.ts";
import { requestFor, requestOfSource } from "../origin/request.ts";
import type { Catalogue } from "../store/catalogue.ts";
import type { PartRecords } from "../store/part_records.ts";
import type { Claim, Queue } from "../store/queue.ts";
import type { FinishedPart, ThreadEvent } from "../threads/messages.ts";
import { createPool, type Pool, type PoolOptions } from "../threads/pool.ts";
import {
  type Choice,
  choose,
  giveUp,
  surplus,
  type ThreadLimits,
  threadsByHost,
} from "../transfer/assignment.ts";
import { idle, nextEnd, slowSource, straggler } from "../transfer/plan.ts";
import type { Source } from "../transfer/source.ts";
import {
  ask,
  begin,
  bound,
  helpedBy,
  isBegun,
  leaveAlone,
  pinnedOf,
  type Transfer,
} from "../transfer/transfer.ts";
import { inGroups } from "./batches.ts";
import { createDriver, type JobOutcome } from "./driver.ts";
import { createFilling, soon } from "./filling.ts";
import { createHostLimits } from "./host_limits.ts";
import { takeUp } from "./intake.ts";
import type { Tools } from "./jobs.ts";
import { createGrants } from "./grants.ts";
import { createRates, type Reader } from "./rates.ts";
import { createRegistry } from "./registry.ts";
import { createRoomRule } from "./room_rule.ts";
import { heldAt, type Timetable } from "./timetable.ts";
import { onFailure, onThreadEvent, readerOf } from "./thread_events.ts";

/** How often slow threads and due retries are looked for, in milliseconds. */
const LOOK_EVERY = 250;
/**
 * Files share a message, and syncs their work: with more groups at once, each
 * has fewer files, and all take longer.
 */
const PUBLISHING = { most: 64, atOnce: 1 };
const REMOVING = { most: 256, atOnce: 1 };
/** How long a source that is slow among others is left alone, in milliseconds. */
const SLOW_FOR = 60_000;
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

/** What a server may do that shares its queue with others. */
export interface Share {
  /** Until when it may write what it fetches. */
  readonly writeUntil: WriteUntil;
  /** How many of `all` that servers may have together are this one's. */
  partOf(what: Common, all: number): number;
}

/**
 * What all servers of a queue have together: downloads that run, threads at an
 * origin host, bytes a second in all and from a host.
 */
export type Common =
  | "downloads"
  | "rate"
  | `threads at ${string}`
  | `rate of ${string}`;

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
  const { rules = [] } = options;
  const registry = createRegistry();
  const hosts = createHostLimits(ofHost);
  const writeUntil = share?.writeUntil;
  const rates = createRates({
    server: options.limitRate,
    host: options.limitRatePerHost,
  }, rateOf);
  const grants = createGrants(rates, (thread, bytes) => {
    pool.grant(thread, bytes);
  });
  let maxDownloads = options.maxDownloads;
  const limits: ThreadLimits = {
    threads: options.threadsAmount,
    get downloads() {
      return maxDownloads === null
        ? Infinity
        : ofAll("downloads", maxDownloads);
    },
    bytesAmount: options.bytesAmount,
    perHost: hosts.of,
    standing: hosts.standing,
    isHeld: ({ download: { id } }) => grants.holds(id),
  };
  const pool = createPool(
    { ...options, directory: parts.directory, writeUntil },
    onThread,
  );
  const driver = createDriver(
    {
      catalogue,
      records,
      parts,
      pool,
      tell,
      writeUntil,
      rules,
      ...createFileTools(pool, parts, options),
    },
    options.retryWait,
    onJob,
  );
  const room = createRoomRule({ lack }, driver);
  const { attempts, retryWait } = options;
  const tools = {
    ...{ registry, hosts, limits, pool, driver, room, tell, adopt },
    ...{ queue, records, attempts, retryWait, grants },
  };
  const filling = createFilling(fill);
  const looking = every(LOOK_EVERY, look);
  let lastThread = 0;
  let held: Held | null = null;
  /** When it was looked at, by the time of day. */
  let heldSince = 0;

  function ofAll(what: Common, all: number): number {
    return share?.partOf(what, all) ?? all;
  }

  function ofHost(host: string): number {
    return ofAll(`threads at ${host}`, options.threadsPerHost);
  }

  function rateOf(host: string | null, all: number): number {
    return ofAll(host === null ? "rate" : `rate of ${host}`, all);
  }

  function wants(): Map<Common, number> {
    // A pause of the timetable leaves the others all but what still stops.
    const transfers = [...registry.all()].filter(({ threads }) =>
      held?.rule.kind !== "pause" || threads.size > 0
    );
    const running = transfers.filter(({ threads }) => threads.size > 0).length;
    const wanted = new Map<Common, number>();
    if (running > 0) wanted.set("downloads", running);
    if (transfers.length > 0) wanted.set("rate", 0);
    for (const [host, threads] of threadsByHost(transfers)) {
      wanted.set(`threads at ${host}`, threads);
      wanted.set(`rate of ${host}`, 0);
    }
    return wanted;
  }

  /** Returns when a host that bears few threads may have its next one. */
  function fill(): number | null {
    keepTime();
    if (held?.rule.kind === "pause" || !mayWrite(writeUntil)) return null;
    const now = performance.now();
    const open = takeUp(tools, limits, now);
    while (registry.threads() < limits.threads) {
      const choice = choose(open, limits, now);
      if (choice === null) break;
      start(choice, now);
    }
    const thread = giveUp(open, limits, now);
    if (thread) driver.stopThread(thread);
    return hosts.nextGap();
  }

  /** Goes by what the timetable says now. */
  function keepTime(): void {
    if (options.timetable === null) return;
    const time = timeOfDay();
    // The clock may have been set back.
    if (held && time >= heldSince && time < (held.until ?? Infinity)) return;
    held = heldAt(options.timetable, time);
    heldSince = time;
    const { rule } = held;
    rates.timetable = rule.kind === "rate" ? rule.rate : null;
    hold(registry.all());
    // What they have fetched is kept; nothing is begun until this is over.
    if (rule.kind === "pause") [...registry.all()].forEach(stopThreads);
    tell({ kind: "timetable", held });
  }

  function stopThreads({ threads }: Transfer): void {
    for (const thread of threads.values()) driver.stopThread(thread);
  }

  function start({ transfer, plan, source }: Choice, now: number): void {
    const { download: { id, request } } = transfer;
    const asked = requestOfSource(request, source.url);
    const headers = headersByRules(asked, rules);
    const thread = begin(transfer, plan, ++lastThread, now, source);
    hosts.started(source.host);
    registry.started(transfer, thread);
    if (plan.kind === "steal") pool.bound(plan.from.number, plan.from.end);
    const task = {
      thread: thread.number,
      ...requestFor({ ...asked, headers }, source.location),
      slice: plan.slice,
      reach: thread.reach,
      pinned: pinnedOf(transfer, source),
      checked: request.checksum !== null,
      ...(request.checksumFrom === "auto" && { looks: true as const }),
      metalink: metalinkFor(request),
      size: request.size ?? null,
      part: parts.path(id),
      limited: rates.strictest(readerOf(transfer, thread)) !== null,
    };
    pool.fetch(task, hosts.bearsFew(source.host) ? "together" : "anywhere");
    tell({ kind: "started", id });
  }

  function onThread(event: ThreadEvent): void {
    const transfer = onThreadEvent(event, tools);
    if (transfer === null) return;
    tend(transfer);
    filling.soon();
  }

  /**
   * Records mirrors that an answer has told of, and what proves them; only then do
   * they help.
   */
  function adopt(
    transfer: Transfer,
    { url }: Source,
    duplicates: Duplicates,
  ): void {
    const { download: { id, request: asked } } = transfer;
    const rewording: Rewording = (request) => {
      // A client has given another URL meanwhile: there may be another file.
      if (request.url !== asked.url) return request;
      const isOwn = url === request.url;
      return withDuplicates(request, duplicates, isOwn) ?? request;
    };
    if (rewording(asked) === asked) return;
    const recording = catalogue.reword(id, rewording);
    ask(transfer, rewording);
    recording.then(() => {
      helpedBy(transfer);
      filling.soon();
    }).catch((error) => tell({ kind: "stuck", id, error: toRecord(error) }));
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
      if (!limits.isHeld(transfer)) stopSlow(transfer, now);
      tend(transfer);
    }
    if (share !== undefined) {
      surplus([...registry.all()], ofHost).forEach(driver.stopThread);
      grants.changed(new Map());
    }
    filling.now();
  }

  /** Has others fetch what threads and sources that are far behind would. */
  function stopSlow(transfer: Transfer, now: number): void {
    const thread = straggler(transfer, now);
    if (thread) driver.stopThread(thread);
    const slow = slowSource(transfer, now);
    if (slow === null) return;
    leaveAlone(transfer, slow, now + SLOW_FOR);
    for (const thread of transfer.threads.values()) {
      if (thread.source.key === slow.key) driver.stopThread(thread);
    }
  }

  /** Tells threads to go on or to stop, and sees to what else is due. */
  function tend(transfer: Transfer): void {
    for (const thread of transfer.threads.values()) {
      const end = nextEnd(transfer, thread, limits);
      if (end === null) continue;
      bound(thread, end);
      pool.bound(thread.number, end);
    }
    for (const thread of idle(transfer)) driver.stopThread(thread);
    driver.drive(transfer);
  }

  /** Threads that nothing has limited so far do not know that they are to ask. */
  function hold(transfers: Iterable<Transfer>): void {
    const readers = new Map<number, Reader>();
    for (const transfer of transfers) {
      for (const thread of transfer.threads.values()) {
        const reader = readerOf(transfer, thread);
        readers.set(thread.number, reader);
        if (rates.strictest(reader) !== null) pool.limit(thread.number);
      }
    }
    grants.changed(readers);
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

  async function reorder(): Promise<void> {
    queue.reset();
    const unbegun = [...registry.all()].filter((transfer) =>
      transfer.phase.kind === "fetching" && !isBegun(transfer)
    );
    await Promise.all(unbegun.map(async ({ download: { id } }) => {
      const claim = await rest(id, "keep");
      claim?.release();
    }));
    // Those that were given back stand in the queue again.
    if (unbegun.length > 0) queue.reset();
    filling.now();
  }

  async function close(): Promise<void> {
    looking[Symbol.dispose]();
    filling[Symbol.dispose]();
    grants[Symbol.dispose]();
    const all = [...registry.all()].map(async ({ download: { id } }) => {
      const claim = await rest(id, "keep");
      claim?.release();
    });
    await within(CLOSE_WITHIN, Promise.all(all));
    pool.close();
  }

  return {
    get: registry.get,
    transfers: registry.all,
    threads: registry.threads,
    wants,
    fill() {
      queue.reset();
      filling.now();
    },
    limitedBy: (transfer) => rates.strictest(readerOf(transfer))?.by ?? null,
    rates: () => rates.limits,
    limitRates(limits) {
      rates.limits = limits;
      hold(registry.all());
    },
    held: () => held,
    maxDownloads: () => maxDownloads,
    limitDownloads(most) {
      maxDownloads = most;
      filling.now();
    },
    reword(id, rewording) {
      const transfer = registry.get(id);
      if (transfer === undefined) return;
      ask(transfer, rewording);
      hold([transfer]);
    },
    async digest(path, algorithm) {
      const { size } = await Deno.stat(path);
      const ranges = [{ start: 0, end: size }];
      const [digest = ""] = await pool.digest({ path, algorithm, ranges });
      return digest;
    },
    reorder: soon(reorder),
    pauseWithoutRoom: () => room.pauseAllWithout(registry.all()),
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
