/** All downloads by gid, and the lists that aria2's clients ask for. */

import type { Coordinator } from "../../coordinator.ts";
import type { DownloadRequest, Kept } from "../../download/download.ts";
import type { DownloadEvent } from "../../download/events.ts";
import type { Lists } from "../../status/lists.ts";
import type { Status } from "../../status/status.ts";
import { RpcError } from "./calls.ts";
import {
  beginningOf,
  gidOf,
  isStopped,
  type Known,
  knownOf,
} from "./entries.ts";

/** Downloads that were removed, and that clients are still told of. */
const MOST_REMOVED = 1_000;

/** Downloads whose changed options are remembered. */
const MOST_CHANGED = 10_000;

/** Downloads that are looked up in one turn of the event loop. */
const AT_ONCE = 1_000;

/** Pages that are kept until something happens. */
const MOST_PAGES = 20;

const WAITING = ["Queued", "Paused"] as const;
const STOPPED = ["Downloaded", "Failed"] as const;

/** What finds downloads, and remembers what only aria2's clients want to know. */
export interface Downloads {
  /**
   * The download of a gid, or of the first digits of one.
   *
   * @throws {RpcError} if there is none, or more than one.
   */
  find(gid: string): Known;
  /** Whether a download has this gid. */
  has(gid: string): boolean;
  active(): Known[];
  /** A page of the queue; a negative offset counts from its end, backwards. */
  waiting(offset: number, count: number): Promise<Known[]>;
  /** A page of those that are over, likewise. */
  stopped(offset: number, count: number): Promise<Known[]>;
  /** The ids of the queue, in its order. */
  idsInLine(): Promise<readonly string[]>;
  /** The ids of all in some process statuses, the first added first. */
  idsOf(statuses: readonly Status["process_status"][]): Promise<string[]>;
  /** How many were removed and are told of. */
  removed(): number;
  /** Remembers one that is being removed. */
  noteRemoved(known: Known): void;
  /** Forgets one that was removed; false if it is not remembered. */
  forgetRemoved(id: string): boolean;
  forgetAllRemoved(): void;
  /** Changes what is kept for clients to read back, until the next start. */
  change(id: string, kept: Kept): void;
  /** What has happened may change the pages that are kept. */
  hear(event: DownloadEvent): void;
}

/** What they are found by. */
export interface DownloadsTools {
  readonly coordinator: Coordinator;
  readonly lists: Lists;
}

/** Makes what finds downloads. */
export function createDownloads(
  { coordinator, lists }: DownloadsTools,
): Downloads {
  /** By id, the one that was removed last at the end. */
  const removed = new Map<string, Known>();
  const changed = new Map<string, Kept>();
  const pages = new Map<string, Promise<Page>>();

  function requestOf(id: string): DownloadRequest | null {
    const request = coordinator.requestOf(id);
    const kept = changed.get(id);
    return request && kept ? { ...request, kept } : request;
  }

  function get(id: string): Known | null {
    const gone = removed.get(id);
    if (gone !== undefined) return gone;
    const status = coordinator.get(id);
    const request = status && requestOf(id);
    return status && request && knownOf(status, request);
  }

  function idsFrom(digits: string): string[] {
    const beginning = beginningOf(digits);
    const gone = [...removed.keys()].filter((id) => id.startsWith(beginning));
    return [...gone, ...lists.idsFrom(beginning, 2)];
  }

  /** A page as it was when nothing had happened since; else, it is read. */
  function pageOf(statuses: Statuses, bounds: Bounds): Promise<Page> {
    const key = JSON.stringify([statuses, bounds]);
    const kept = pages.get(key);
    if (kept !== undefined) return kept;
    const page = read(statuses, bounds);
    const [oldest] = pages.keys();
    if (pages.size >= MOST_PAGES && oldest) pages.delete(oldest);
    pages.set(key, page);
    page.catch(() => pages.delete(key));
    return page;
  }

  async function read(
    statuses: Statuses,
    { offset, limit, order }: Bounds,
  ): Promise<Page> {
    const found: Known[] = [];
    let total = 0;
    for (let at = 0; at < Math.max(1, limit); at += AT_ONCE) {
      const page = await lists.list({
        statuses,
        search: "",
        offset: offset + at,
        limit: Math.min(AT_ONCE, limit - at),
        order,
      });
      total = page.total;
      for (const status of page.statuses) {
        const request = requestOf(status.id);
        if (request !== null) found.push(knownOf(status, request));
      }
      if (offset + at + AT_ONCE >= total) break;
    }
    return { found, total };
  }

  return {
    find(gid) {
      if (!/^[0-9a-f]{1,16}$/i.test(gid)) {
        throw new RpcError(`Invalid GID ${gid}`);
      }
      const [id, another] = idsFrom(gid);
      if (another !== undefined) throw new RpcError(`GID ${gid} is not unique`);
      const known = id === undefined ? null : get(id);
      if (known === null) throw new RpcError(`GID ${gid} is not found`);
      return known;
    },
    has: (gid) => idsFrom(gid).length > 0,
    active: () =>
      coordinator.running().map(get)
        .filter((known) => known?.standing === "active")
        .filter((known) => known !== null),
    async waiting(offset, count) {
      const bounds = offset < 0
        ? { offset: -1 - offset, limit: count, order: "-queue" } as const
        : { offset, limit: count, order: "queue" } as const;
      return (await pageOf(WAITING, bounds)).found;
    },
    async stopped(offset, count) {
      const gone = [...removed.values()];
      if (offset >= 0) {
        const bounds = { offset, limit: count, order: "oldest" } as const;
        const { found, total } = await pageOf(STOPPED, bounds);
        const first = Math.max(0, offset - total);
        const after = Math.max(0, offset + count - total);
        return [...found, ...gone.slice(first, after)];
      }
      const start = -1 - offset;
      const latest = gone.reverse().slice(start, start + count);
      const limit = count - latest.length;
      if (limit === 0) return latest;
      const past = Math.max(0, start - gone.length);
      const bounds = { offset: past, limit, order: "latest" } as const;
      return [...latest, ...(await pageOf(STOPPED, bounds)).found];
    },
    idsInLine: lists.idsInLine,
    async idsOf(statuses) {
      return (await lists.idsOf({ statuses, search: "" })).reverse();
    },
    removed: () => removed.size,
    noteRemoved(known) {
      const [oldest] = removed.keys();
      if (removed.size >= MOST_REMOVED && oldest) removed.delete(oldest);
      const status = { ...known.status, speed: 0, threads: 0 };
      removed.set(status.id, { ...known, status, standing: "removed" });
    },
    forgetRemoved: (id) => removed.delete(id),
    forgetAllRemoved: () => removed.clear(),
    change(id, kept) {
      const [oldest] = changed.keys();
      if (changed.size >= MOST_CHANGED && oldest) changed.delete(oldest);
      changed.set(id, kept);
      pages.clear();
    },
    hear(event) {
      if (["wrote", "room", "unread", "gone"].includes(event.kind)) return;
      pages.clear();
      if (event.kind === "removed") changed.delete(event.id);
    },
  };
}

type Statuses = typeof WAITING | typeof STOPPED;

interface Bounds {
  readonly offset: number;
  readonly limit: number;
  readonly order: "oldest" | "latest" | "queue" | "-queue";
}

interface Page {
  readonly found: Known[];
  /** How many there are on all pages. */
  readonly total: number;
}

/** The error for a download that is over already. */
export function refuseStopped(known: Known, words: string): void {
  if (isStopped(known)) throw refusalOf(known, words);
}

/** An error whose words end in a download's gid, or hold it at `…`. */
export function refusalOf({ status }: Known, words: string): RpcError {
  return new RpcError(words.replace("…", `GID#${gidOf(status.id)}`));
}
