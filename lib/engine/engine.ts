/**
 * Runs the transfers: takes them from the queue, gives them threads, hears what
 * these write, and decides what follows from their failures.
 */

import type { Log } from "../base/log.ts";
import { every } from "../base/timers.ts";
import type { Download } from "../download/download.ts";
import {
  type ErrorCode,
  type ErrorRecord,
  toRecord,
} from "../download/errors.ts";
import { hostSignOf } from "../download/remedies.ts";
import { diskFull } from "../files/disk_room.ts";
import type { DownloadParts } from "../files/parts.ts";
import { filenameFor } from "../origin/filename.ts";
import { requestFor, withoutUserinfo } from "../origin/request.ts";
import type { Store } from "../store/store.ts";
import type {
  Answered,
  FinishedPart,
  Outcome,
  ThreadEvent,
} from "../threads/messages.ts";
import { createPool, type PoolOptions } from "../threads/pool.ts";
import {
  choose,
  giveUp,
  hostsInFull,
  isWaiting,
  serves,
  type ThreadLimits,
  threadsByHost,
} from "../transfer/assignment.ts";
import { endOfFirst, idle, straggler } from "../transfer/plan.ts";
import {
  begin,
  bytesLeft,
  createTransfer,
  end,
  type Ending,
  gotAnswer,
  isWhole,
  pinnedOf,
  type Plan,
  type Thread,
  type Transfer,
  wrote,
} from "../transfer/transfer.ts";
import { judge } from "../transfer/verdict.ts";
import { inGroups } from "./batches.ts";
import { createDriver } from "./driver.ts";
import { createHostLimits } from "./host_limits.ts";

/** How often slow threads and due retries are looked for, in milliseconds. */
const LOOK_EVERY = 250;
/**
 * Files share a message, and syncs their work: with more groups at once, each
 * has fewer files, and all take longer.
 */
const PUBLISHING = { most: 64, atOnce: 1 };
const REMOVING = { most: 256, atOnce: 1 };
/** So many transfers may wait after failures, beside those that have threads. */
const MOST_WAITING = 1_000;
/** How long a close waits for transfers to be recorded, in milliseconds. */
const CLOSE_WITHIN = 1_500;

/** Settings of an engine. */
export interface EngineOptions extends Omit<PoolOptions, "directory"> {
  /** Threads in the whole server. */
  readonly threadsAmount: number;
  /** Threads at one origin host. */
  readonly threadsPerHost: number;
  /** Bytes a slice has at most. */
  readonly bytesAmount: number;
  /** How many attempts in a row may bring nothing. */
  readonly attempts: number;
  /** How long to wait after the first failure, in milliseconds. */
  readonly retryWait: number;
  /** Whether files are forced to disk before they count as there. */
  readonly sync: boolean;
}

/** What an engine works with. */
export interface Surroundings {
  readonly store: Store;
  readonly parts: DownloadParts;
  readonly log: Log;
  /** Bytes that the disk has room for, of which `needed` are to be written. */
  room(needed: number): number;
  /** The next download in the queue, at none of these hosts. */
  next(fullHosts: readonly string[]): Download | null;
  /** The status of a download is another one now. */
  changed(id: string): void;
}

/** What an engine has done since it was made. */
export interface Figures {
  /** Bytes that threads have written. */
  bytes: number;
  /** Failures, by their code. */
  readonly failures: Map<ErrorCode, number>;
}

/** The transfers, and who drives them. */
export interface Engine {
  readonly figures: Figures;
  get(id: string): Transfer | undefined;
  transfers(): Iterable<Transfer>;
  /** Looks whether there is work for idle threads. */
  fill(): void;
  /**
   * Stops a transfer's threads and brings it to an end. Resolves when it has
   * come to one; to false if that is another, which it was coming to already.
   */
  stop(transfer: Transfer, then: Ending): Promise<boolean>;
  /** Stops all, records what there is, and ends the workers. */
  close(): Promise<void>;
}

/** Makes an engine. */
export function createEngine(
  options: EngineOptions,
  { store, parts, log, room, next, changed }: Surroundings,
): Engine {
  const transfers = new Map<string, Transfer>();
  const carried = new Map<number, Transfer>();
  const hosts = createHostLimits(options.threadsPerHost);
  const figures: Figures = { bytes: 0, failures: new Map() };
  const pool = createPool({ ...options, directory: parts.directory }, onEvent);
  const driver = createDriver({
    store,
    parts,
    pool,
    log,
    publish: inGroups(PUBLISHING, (finished: readonly FinishedPart[]) => {
      const { directory } = parts;
      return pool.publish({ directory, sync: options.sync, parts: finished });
    }),
    removePart: inGroups(REMOVING, async (paths: readonly string[]) => {
      await pool.remove({ paths });
      return paths;
    }),
    retryWait: options.retryWait,
    stopThread,
    failed: onFailed,
    worked({ download: { id } }) {
      changed(id);
      fillSoon();
    },
    left: ({ download: { id } }) => void transfers.delete(id),
  });
  const looking = every(LOOK_EVERY, look);
  let afterGap: ReturnType<typeof setTimeout> | undefined;
  let lastThread = 0;
  let closing = false;
  let filling = false;

  const limits: ThreadLimits = {
    threads: options.threadsAmount,
    bytesAmount: options.bytesAmount,
    perHost: hosts.of,
  };

  // From the queue to threads

  function fill(): void {
    if (closing) return;
    const open = unfinished();
    const now = performance.now();
    takeFromQueue(open, now);
    while (carried.size < limits.threads) {
      const choice = choose(open, limits, now);
      if (choice === null) break;
      start(choice.transfer, choice.plan, now);
    }
    const thread = giveUp(open, limits, now);
    if (thread) stopThread(thread);
    fillAfterGap();
  }

  /** A host that bears a thread only now and then is to get it in time. */
  function fillAfterGap(): void {
    forgetGap();
    const gap = hosts.nextGap();
    if (gap !== null) afterGap = setTimeout(fill, gap);
  }

  /** Most never wait, and a process's first call of a timer takes it 7 ms. */
  function forgetGap(): void {
    if (afterGap !== undefined) clearTimeout(afterGap);
    afterGap = undefined;
  }

  /** Once for all that is heard in one turn: looking costs more than hearing. */
  function fillSoon(): void {
    if (filling) return;
    filling = true;
    queueMicrotask(() => {
      filling = false;
      fill();
    });
  }

  /** Adds to the open transfers, until there is one for each thread. */
  function takeFromQueue(open: Transfer[], now: number): void {
    const waiting = open.filter((transfer) => isWaiting(transfer, now));
    const most = limits.threads + Math.min(waiting.length, MOST_WAITING);
    while (open.length < most) {
      const download = next(hostsInFull(open, limits, now));
      if (download === null) return;
      const transfer = createTransfer(
        download,
        download.file === null ? [] : store.runs(download.id),
        now,
      );
      transfers.set(download.id, transfer);
      if (!pauseWithoutRoom(transfer, bytesLeft(transfer))) open.push(transfer);
      driver.drive(transfer);
    }
  }

  /** Hundreds of small ones may be about to get their names at a time. */
  function unfinished(): Transfer[] {
    return [...transfers.values()]
      .filter(({ phase }) => phase.kind !== "finishing");
  }

  function start(transfer: Transfer, plan: Plan, now: number): void {
    const { download, location } = transfer;
    const thread = begin(transfer, plan, ++lastThread, now);
    hosts.started(transfer.host);
    carried.set(thread.number, transfer);
    if (plan.kind === "steal") pool.shrink(plan.from.number, plan.from.end);
    pool.fetch({
      thread: thread.number,
      ...requestFor(download.request, location),
      slice: plan.slice,
      pinned: pinnedOf(transfer),
      part: parts.path(download.id),
    });
    changed(download.id);
  }

  function stopThread(thread: Thread): void {
    thread.state = "stopping";
    pool.stop(thread.number);
  }

  // What threads say

  function onEvent(event: ThreadEvent): void {
    const transfer = carried.get(event.thread);
    const thread = transfer?.threads.get(event.thread);
    if (!transfer || !thread) return;
    if (event.type === "answered") {
      onAnswered(transfer, thread, event.answered);
    } else {
      if (event.run) {
        figures.bytes += event.run.end - thread.run.end;
        wrote(transfer, thread, event.run, performance.now());
      }
      if (event.type === "ended") onEnded(transfer, thread, event.outcome);
    }
    changed(transfer.download.id);
    tend(transfer);
    fillSoon();
  }

  function onAnswered(
    transfer: Transfer,
    thread: Thread,
    { answer, url, disposition }: Answered,
  ): void {
    const { id, request } = transfer.download;
    if (url !== withoutUserinfo(request.url)) transfer.location = url;
    gotAnswer(transfer, thread, performance.now());
    hosts.answered(transfer.host);
    if (transfer.file !== null) return;
    const { size, validator } = answer;
    const name = filenameFor(request.filename, disposition, url);
    const ranges = answer.kind === "slice";
    transfer.file = { size, ranges, validator, name };
    thread.end = answer.kind === "slice" ? answer.slice.end : size ?? Infinity;
    shareFirst(transfer, thread);
    log("answered", { id, name, size, ranges });
    // It was on its way when the thread was asked to stop.
    if (transfer.phase.kind !== "fetching") return;
    if (pauseWithoutRoom(transfer, size ?? 0)) return;
    if (ranges && validator === null && thread.end < (size ?? 0)) {
      // Nothing would prove that the other slices are of the same file.
      driver.bring(transfer, { kind: "restart", ask: "whole" });
    }
  }

  /** Pauses a transfer if the disk lacks room for `needed` bytes; whether it did. */
  function pauseWithoutRoom(transfer: Transfer, needed: number): boolean {
    const left = room(needed);
    if (needed <= left) return false;
    const error = toRecord(diskFull(needed, left));
    driver.bring(transfer, {
      kind: "settle",
      state: { kind: "Paused", error },
    });
    return true;
  }

  /** Leaves other threads their share of what the first one asked for. */
  function shareFirst(transfer: Transfer, thread: Thread): void {
    const free = limits.threads - carried.size;
    const threads = Math.min(free + 1, limits.perHost(transfer.host));
    const end = endOfFirst(transfer, { ...limits, threads });
    if (end >= thread.end) return;
    thread.end = end;
    pool.shrink(thread.number, end);
  }

  function onEnded(transfer: Transfer, thread: Thread, outcome: Outcome): void {
    end(transfer, thread);
    carried.delete(thread.number);
    if (outcome.kind === "done") {
      hosts.served(transfer.host);
      if (transfer.file?.size === null) {
        transfer.file = { ...transfer.file, size: thread.run.end };
      }
    }
    const { phase } = transfer;
    if (outcome.kind !== "failed" || phase.kind !== "fetching") return;
    if (isWhole(transfer)) return;
    onFailed(transfer, outcome.error, thread.location !== null);
  }

  function onFailed(
    transfer: Transfer,
    error: ErrorRecord,
    redirected = false,
  ): void {
    const { download: { id }, host } = transfer;
    const { attempts, retryWait } = options;
    const { failures } = figures;
    failures.set(error.code, (failures.get(error.code) ?? 0) + 1);
    const left = threadsByHost(transfers.values()).get(host) ?? 0;
    const sign = hostSignOf(error.code);
    if (sign === "silent" && left === 0) hosts.silent(host);
    if (sign === "answers") hosts.answered(host);
    const now = performance.now();
    const verdict = judge(transfer, error, {
      now,
      random: Math.random(),
      redirected,
      hostServes: serves(transfers.values(), host),
      attempts,
      retryWait,
    });
    log("failed", {
      id,
      code: error.code,
      message: error.message,
      failures: transfer.failures,
      wait: Math.max(0, Math.round(transfer.notBefore - now)),
    });
    if (verdict.kind === "stop") driver.bring(transfer, verdict.then);
    if (verdict.kind !== "fewer") return;
    if (left > 0 || error.code === "BUSY") hosts.refused(host, left);
  }

  function look(): void {
    const now = performance.now();
    for (const transfer of transfers.values()) {
      const slow = straggler(transfer, now);
      if (slow) stopThread(slow);
      tend(transfer);
    }
    fill();
  }

  /** Stops the threads that have nothing left to do, and sees to what is due. */
  function tend(transfer: Transfer): void {
    for (const thread of idle(transfer)) stopThread(thread);
    driver.drive(transfer);
  }

  return {
    figures,
    get: (id) => transfers.get(id),
    transfers: () => transfers.values(),
    fill,
    stop: driver.stop,
    async close() {
      closing = true;
      looking[Symbol.dispose]();
      forgetGap();
      const all = [...transfers.values()]
        .map((transfer) => driver.stop(transfer, { kind: "leave" }));
      const late = Promise.withResolvers<void>();
      using _waiting = every(CLOSE_WITHIN, late.resolve);
      await Promise.race([Promise.all(all), late.promise]);
      pool.close();
    },
  };
}
