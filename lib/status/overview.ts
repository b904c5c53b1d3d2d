/** How all downloads stand, and what of it is to be told. */

import type { Download, State } from "../download/download.ts";
import type { Store } from "../store/store.ts";
import type { Transfer } from "../transfer/transfer.ts";
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
/** How many downloads that are not finished a snapshot shows. */
const SNAPSHOT_OPEN = 1_000;
/** ... and how many that are. */
const SNAPSHOT_FINISHED = 100;

/** Which downloads to list. */
export interface StatusPageRequest {
  readonly offset: number;
  readonly limit: number;
  /** Only those that stand so. */
  readonly statuses: readonly Status["process_status"][];
  /** Only those whose URL or name holds this, in any case. */
  readonly search: string;
  /** The latest added first, or as the queue goes. */
  readonly order: "latest" | "oldest";
}

/** A page of downloads. */
export interface StatusPage {
  readonly statuses: readonly Status[];
  /** How many there are on all pages. */
  readonly total: number;
}

/** What an overview is of: what is recorded, and what goes on. */
export interface OverviewSources {
  readonly store: Store;
  transferOf(id: string): Transfer | undefined;
  transfers(): Iterable<Transfer>;
}

/** How all downloads stand. */
export interface Overview {
  /** How a download stands; null if there is none of this id. */
  get(id: string): Status | null;
  /** A page of downloads. */
  list(page: StatusPageRequest): StatusPage;
  /** The downloads that are not finished, and the latest that are. */
  snapshot(): Status[];
  totals(): Totals;
  /** A download is new. It is told of behind all that changes. */
  added(id: string): void;
  /** A download stands otherwise now. */
  changed(id: string): void;
  /** What is to be told now, in one message; null if that is nothing. */
  take(): Changes | null;
}

/** Makes an overview that has told of nothing yet. */
export function createOverview(
  { store, transferOf, transfers }: OverviewSources,
): Overview {
  const speeds = new Map<string, Speedometer>();
  const changed = new Set<string>();
  const added = new Set<string>();

  function get(id: string): Status | null {
    const transfer = transferOf(id);
    if (transfer !== undefined) return statusOfRunning(transfer);
    speeds.delete(id);
    const download = store.get(id);
    return download && statusOf(download);
  }

  /** As clients see it now: the record of a transfer lags behind it. */
  function current(download: Download): Status {
    const transfer = transferOf(download.id);
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
    return [...transfers()].filter(isRunning)
      .map(({ download: { id } }) => id);
  }

  function totals(): Totals {
    const { Queued, ...rest } = store.totals();
    const Downloading = running().length;
    return { Queued: Math.max(0, Queued - Downloading), Downloading, ...rest };
  }

  /** Of those in the queue, those that run or those that wait; null for both. */
  function queuedOf(statuses: readonly Status["process_status"][]) {
    const run = statuses.includes("Downloading");
    if (run === statuses.includes("Queued")) return null;
    const kind = run ? "only" : "except";
    return { kind, ids: running() } as const;
  }

  return {
    get,
    list({ offset, limit, statuses, search, order }) {
      const states = [...new Set(statuses.map(stateOf))];
      const filter = { states, search, queued: queuedOf(statuses) };
      const page = store.list({ ...filter, offset, limit, order });
      return { statuses: page.map(current), total: store.count(filter) };
    },
    snapshot() {
      const all = { offset: 0, search: "", queued: null };
      const open = store.list({
        ...all,
        limit: SNAPSHOT_OPEN,
        states: ["Queued", "Paused"],
        order: "oldest",
      });
      const finished = store.list({
        ...all,
        limit: SNAPSHOT_FINISHED,
        states: ["Downloaded", "Failed"],
        order: "latest",
      });
      return [...open, ...finished.reverse()].map(current);
    },
    totals,
    added: (id) => void added.add(id),
    changed: (id) => void changed.add(id),
    take() {
      for (const { download: { id }, threads } of transfers()) {
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

/** The state in which downloads of a process status are recorded. */
function stateOf(status: Status["process_status"]): State["kind"] {
  return status === "Downloading" ? "Queued" : status;
}
