/** How all downloads stand, and what of it is to be told. */

import type { Download } from "../download/download.ts";
import { type DownloadEvent, idOf } from "../download/events.ts";
import type { Catalogue } from "../store/catalogue.ts";
import type { Transfer } from "../transfer/transfer.ts";
import type { Running } from "./lists.ts";
import { type Speedometer, startSpeedometer } from "./speedometer.ts";
import {
  type Changes,
  isRunning,
  type Status,
  statusOf,
  statusOfTransfer,
  type Totals,
} from "./status.ts";

/** How many statuses one message carries at most; the rest follows. */
const MOST_CHANGES = 1_000;

/** What an overview is of: what is recorded, and what goes on. */
export interface OverviewSources {
  readonly catalogue: Pick<Catalogue, "get" | "totals">;
  readonly engine: {
    get(id: string): Transfer | undefined;
    transfers(): Iterable<Transfer>;
  };
}

/** How all downloads stand. */
export interface Overview extends Running {
  totals(): Totals;
  /** Notes which download an event has changed. New ones are told of last. */
  hear(event: DownloadEvent): void;
  /** What is to be told now, in one message; null if that is nothing. */
  take(): Changes | null;
}

/** Makes an overview that has told of nothing yet. */
export function createOverview(
  { catalogue, engine }: OverviewSources,
): Overview {
  const speeds = new Map<string, Speedometer>();
  const changed = new Set<string>();
  const added = new Set<string>();

  function get(id: string): Status | null {
    const transfer = engine.get(id);
    if (transfer !== undefined) return statusOfRunning(transfer);
    speeds.delete(id);
    const download = catalogue.get(id);
    return download && statusOf(download);
  }

  function standing(download: Download): Status {
    const transfer = engine.get(download.id);
    return transfer ? statusOfRunning(transfer) : statusOf(download);
  }

  function statusOfRunning(transfer: Transfer): Status {
    const { id } = transfer.download;
    const speedometer = speeds.get(id) ?? startSpeedometer();
    speeds.set(id, speedometer);
    const speed = speedometer.read(transfer, performance.now());
    return statusOfTransfer(transfer, speed);
  }

  function running(): string[] {
    return [...engine.transfers()].filter(isRunning)
      .map(({ download: { id } }) => id);
  }

  function totals(): Totals {
    const { Queued, ...rest } = catalogue.totals();
    const Downloading = running().length;
    return { Queued: Math.max(0, Queued - Downloading), Downloading, ...rest };
  }

  return {
    get,
    standing,
    running,
    totals,
    hear(event) {
      const id = idOf(event);
      if (id !== null) (event.kind === "added" ? added : changed).add(id);
    },
    take() {
      for (const { download: { id }, threads } of engine.transfers()) {
        if (threads.size > 0) changed.add(id);
      }
      if (changed.size + added.size === 0) return null;
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
      return { totals: totals(), changed: statuses, removed };
    },
  };
}
