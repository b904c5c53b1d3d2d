/** How all downloads stand, and what of it is to be told. */

import type {
  Download,
  Held,
  LimitedBy,
  RateLimits,
} from "../download/download.ts";
import { type DownloadEvent, idOf, isReordering } from "../download/events.ts";
import type { Catalogue } from "../store/catalogue.ts";
import { isBegun, type Transfer } from "../transfer/transfer.ts";
import type { Running } from "./lists.ts";
import { type Speedometer, startSpeedometer } from "./speedometer.ts";
import {
  type Changes,
  type Disk,
  type LimitsStatus,
  limitsStatusOf,
  type Status,
  statusOf,
  statusOfTransfer,
  type TimetableStatus,
  timetableStatusOf,
  type Totals,
} from "./status.ts";

/** How many statuses one message carries at most; the rest follows. */
const MOST_CHANGES = 1_000;

/**
 * How many new downloads wait to be told of. Of what is beyond, the totals tell,
 * and each once it begins: a million ids would take as much memory as all else.
 */
const MOST_ADDED = 20_000;

/** A change of the free room that is told by itself, in bytes ... */
const DISK_CHANGE = 16 * 1024 * 1024;
/** ... or as a part of what was told before, if that is more. */
const DISK_SHARE = .01;

/** What is known of other servers that have the same queue. */
export interface Elsewhere {
  /** A status as it is where its download is worked on, and where that is. */
  show(status: Status): Status;
  /** The ids of the downloads that others have begun. */
  running(): string[];
}

/** What an overview is of: what is recorded, and what goes on. */
export interface OverviewSources {
  readonly catalogue: Pick<Catalogue, "get" | "totals">;
  readonly engine: {
    get(id: string): Transfer | undefined;
    transfers(): Iterable<Transfer>;
    limitedBy(transfer: Transfer): LimitedBy | null;
    held(): Held | null;
    rates(): RateLimits;
    maxDownloads(): number | null;
  };
  /** Absent where no other server has the same queue. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** How all downloads stand. */
export interface Overview extends Running {
  totals(): Totals;
  /** How much room the disk has; undefined before it was looked at. */
  disk(): Disk | undefined;
  /** What the timetable says; undefined without one. */
  timetable(): TimetableStatus | undefined;
  /** What limits all downloads together. */
  limits(): LimitsStatus;
  /** Notes which download an event has changed. New ones are told of last. */
  hear(event: DownloadEvent): void;
  /** What is to be told now, in one message; null if that is nothing. */
  take(): Changes | null;
}

/** Makes an overview that has told of nothing yet. */
export function createOverview(
  { catalogue, engine, elsewhere }: OverviewSources,
): Overview {
  const speeds = new Map<string, Speedometer>();
  const changed = new Set<string>();
  const added = new Set<string>();
  let disk: Disk | undefined;
  let reordered = false;
  /** What was told last of the disk's free bytes. */
  let toldFree = -Infinity;
  /** Whether what the timetable says is yet to be told. */
  let isNewTime = false;
  /** Whether limits that were set are yet to be told. */
  let areNewLimits = false;

  function get(id: string): Status | null {
    const transfer = engine.get(id);
    if (transfer !== undefined) return statusOfRunning(transfer);
    speeds.delete(id);
    const download = catalogue.get(id);
    return download && shown(statusOf(download));
  }

  function shown(status: Status): Status {
    return elsewhere?.show(status) ?? status;
  }

  function standing(download: Download): Status {
    const transfer = engine.get(download.id);
    return transfer ? statusOfRunning(transfer) : shown(statusOf(download));
  }

  function statusOfRunning(transfer: Transfer): Status {
    const { id } = transfer.download;
    const speedometer = speeds.get(id) ?? startSpeedometer();
    speeds.set(id, speedometer);
    const speed = speedometer.read(transfer, performance.now());
    const by = engine.limitedBy(transfer);
    return shown(statusOfTransfer(transfer, speed, by));
  }

  function running(): string[] {
    const here = [...engine.transfers()].filter(isBegun)
      .map(({ download: { id } }) => id);
    return elsewhere === undefined ? here : [...here, ...elsewhere.running()];
  }

  function totals(): Totals {
    const { Queued, ...rest } = catalogue.totals();
    const Downloading = running().length;
    return { Queued: Math.max(0, Queued - Downloading), Downloading, ...rest };
  }

  function timetable(): TimetableStatus | undefined {
    const held = engine.held();
    return held === null ? undefined : timetableStatusOf(held);
  }

  function limits(): LimitsStatus {
    const maxDownloads = engine.maxDownloads();
    return limitsStatusOf({ rates: engine.rates(), maxDownloads });
  }

  /** Whether the disk's room alone is worth a message. */
  function isDiskNews(): boolean {
    if (disk === undefined) return false;
    const step = Math.max(DISK_CHANGE, toldFree * DISK_SHARE);
    return Math.abs(disk.free - toldFree) >= step;
  }

  return {
    get,
    standing,
    running,
    totals,
    disk: () => disk,
    timetable,
    limits,
    hear(event) {
      if (event.kind === "limits") areNewLimits = true;
      if (event.kind === "timetable") isNewTime = true;
      if (event.kind === "room") disk = { free: event.free, room: event.bytes };
      if (isReordering(event)) reordered = true;
      const id = idOf(event);
      if (id === null) return;
      if (event.kind !== "added") changed.add(id);
      else if (added.size < MOST_ADDED) added.add(id);
    },
    take() {
      for (const { download: { id }, threads } of engine.transfers()) {
        if (threads.size > 0) changed.add(id);
      }
      const isNews = isDiskNews() || isNewTime || areNewLimits;
      if (changed.size + added.size === 0 && !isNews) return null;
      isNewTime = areNewLimits = false;
      toldFree = disk?.free ?? toldFree;
      const first = changed.values().take(MOST_CHANGES);
      const then = added.values().take(MOST_CHANGES);
      const ids = [...new Set([...first, ...then])].slice(0, MOST_CHANGES);
      const statuses: Status[] = [];
      const removed: string[] = [];
      for (const id of ids) {
        changed.delete(id);
        added.delete(id);
        const status = get(id);
        if (status === null) removed.push(id);
        else statuses.push(status);
      }
      const order = reordered && { reordered };
      reordered = false;
      return {
        ...{ totals: totals(), changed: statuses, removed, disk, ...order },
        ...{ timetable: timetable(), limits: limits() },
      };
    },
  };
}
