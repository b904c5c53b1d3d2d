/** Lists of downloads, as clients see them. */

import type { Download, State } from "../download/download.ts";
import {
  type Excerpt,
  type Filter,
  type Found,
  type Listing,
  type Page,
  RECORD_ORDERS,
  type RecordOrder,
} from "../store/catalogue.ts";
import type { Status } from "./status.ts";

/** How many downloads that are not finished a snapshot shows. */
const SNAPSHOT_OPEN = 1_000;
/** ... and how many that are. */
const SNAPSHOT_FINISHED = 100;

/**
 * In which order downloads are listed: by their records, or by their speed. The
 * queue's order has what runs first, then what waits, then all else, the latest
 * first.
 */
export const ORDERS = [...RECORD_ORDERS, "speed", "-speed"] as const;

/** Which of all downloads are meant. */
export interface StatusFilter {
  /** Only those that stand so. */
  readonly statuses: readonly Status["process_status"][];
  /** Only those whose URL or name holds this, in any case. */
  readonly search: string;
  /** Only those of exactly these URLs; undefined for any. */
  readonly urls?: readonly string[] | undefined;
}

/** Which downloads to list. */
export interface StatusPageRequest extends StatusFilter {
  readonly offset: number;
  readonly limit: number;
  readonly order: typeof ORDERS[number];
}

/** A page of downloads. */
export interface StatusPage {
  readonly statuses: readonly Status[];
  /** How many there are on all pages. */
  readonly total: number;
}

/** What is known of a download besides its record. */
export interface Running {
  /** How a download stands; null if there is none of this id. */
  get(id: string): Status | null;
  /** The ids of the downloads that have begun. */
  running(): string[];
  /** How a download stands: the record of a running one lags behind it. */
  standing(download: Download): Status;
}

/** Lists downloads. */
export interface Lists {
  /**
   * A page of downloads.
   *
   * @throws {DownloadError} STATE if they cannot be read.
   */
  list(page: StatusPageRequest): Promise<StatusPage>;
  /**
   * The ids of all downloads that a filter lets through, the latest first.
   *
   * @throws {DownloadError} STATE if they cannot be read.
   */
  idsOf(filter: StatusFilter): Promise<string[]>;
  /**
   * The ids of all that wait or are paused, as the queue goes.
   *
   * @throws {DownloadError} STATE if they cannot be read.
   */
  idsInLine(): Promise<readonly string[]>;
  /**
   * The download that would be at a place of those that wait, from 1 on, if some
   * others were not there; null if there are not as many.
   *
   * @throws {DownloadError} STATE if they cannot be read.
   */
  waitingAt(place: number, others: readonly string[]): Promise<string | null>;
  /** The first ids that begin with these digits, at most `limit` of them. */
  idsFrom(beginning: string, limit: number): string[];
  /** The downloads that are not finished, and the latest that are. */
  snapshot(): Status[];
}

/** What lists are made of. */
export interface ListsTools {
  readonly excerpt: Excerpt;
  readonly listing: Listing;
  readonly downloads: Running;
}

/** Downloads that come one behind the other in a list, before others. */
type Part = Omit<Page, "offset" | "limit">;

/** Makes what lists downloads. */
export function createLists(
  { excerpt, listing, downloads }: ListsTools,
): Lists {
  /** Of those in the queue, those that run or those that wait; null for both. */
  function queuedOf(statuses: readonly Status["process_status"][]) {
    const run = statuses.includes("Downloading");
    if (run === statuses.includes("Queued")) return null;
    const kind = run ? "only" : "except";
    return { kind, ids: downloads.running() } as const;
  }

  function filterOf({ statuses, search, urls }: StatusFilter): Filter {
    const states = [...new Set(statuses.map(stateOf))];
    return { states, search, urls, queued: queuedOf(statuses) };
  }

  /** The queue's order, in parts: those that run are few. */
  function partsOfQueue(page: StatusPageRequest): Part[] {
    const ids = downloads.running();
    const part = (
      names: StatusFilter["statuses"],
      kind: "only" | "except",
      order: RecordOrder,
    ): Part => {
      const statuses = page.statuses.filter((name) => names.includes(name));
      const queued = { kind, ids };
      return { ...filterOf({ ...page, statuses }), queued, order };
    };
    const parts = [
      part(["Downloading"], "only", "queue"),
      part(["Queued", "Paused"], "except", "queue"),
      part(["Downloaded", "Failed"], "except", "latest"),
    ];
    if (page.order === "queue") return parts;
    const reversed = { queue: "-queue", latest: "oldest" } as const;
    return parts.toReversed().map((part) => ({
      ...part,
      order: part.order === "queue" ? reversed.queue : reversed.latest,
    }));
  }

  /** A page of parts that follow each other. */
  async function findInParts(
    parts: readonly Part[],
    { offset, limit }: StatusPageRequest,
  ): Promise<Found> {
    const ids: string[] = [];
    let total = 0;
    for (const part of parts) {
      if (part.states.length === 0) continue;
      const found = await listing.find({
        ...part,
        offset: Math.max(0, offset - total),
        limit: limit - ids.length,
      });
      ids.push(...found.ids);
      total += found.total;
    }
    // One that ends between two parts is in both.
    return { ids: [...new Set(ids)], total };
  }

  /** Those that run are few: they are sorted here, the rest follows them. */
  async function findBySpeed({ offset, limit, ...asked }: StatusPageRequest) {
    const ids = downloads.running();
    const only = (statuses: StatusFilter["statuses"]) =>
      filterOf({ ...asked, statuses });
    const first = asked.statuses.includes("Downloading")
      ? await listing.find({
        ...only(["Downloading"]),
        queued: { kind: "only", ids },
        offset: 0,
        limit: ids.length,
        order: "oldest",
      })
      : { ids: [], total: 0 };
    const fast = asked.order === "speed" ? 1 : -1;
    const sorted = first.ids
      .map((id) => ({ id, speed: downloads.get(id)?.speed ?? 0 }))
      .sort((a, b) => fast * (a.speed - b.speed))
      .map(({ id }) => id);
    const page = sorted.slice(offset, offset + limit);
    const others = asked.statuses.filter((status) => status !== "Downloading");
    const rest = await listing.find({
      ...only(others),
      queued: { kind: "except", ids },
      offset: Math.max(0, offset - sorted.length),
      limit: limit - page.length,
      order: "latest",
    });
    return {
      ids: [...page, ...rest.ids],
      total: sorted.length + rest.total,
    };
  }

  async function find(page: StatusPageRequest): Promise<Found> {
    const { offset, limit, order } = page;
    if (order === "queue" || order === "-queue") {
      return await findInParts(partsOfQueue(page), page);
    }
    return isRecordOrder(order)
      ? await listing.find({ ...filterOf(page), offset, limit, order })
      : await findBySpeed(page);
  }

  return {
    async list(page) {
      const { ids, total } = await find(page);
      // Clients may have been told more since: a list that came after that and
      // said how these stood before would have the last word.
      const found = ids.map(downloads.get)
        .filter((status) => status !== null)
        .filter((status) => page.statuses.includes(status.process_status));
      return { statuses: found, total };
    },
    async idsOf(filter) {
      const limit = Number.MAX_SAFE_INTEGER;
      const all = { ...filterOf(filter), offset: 0, limit };
      const { ids } = await listing.find({ ...all, order: "latest" });
      return [...ids];
    },
    async idsInLine() {
      const { ids } = await listing.find({
        ...filterOf({ statuses: ["Queued", "Paused"], search: "" }),
        offset: 0,
        limit: Number.MAX_SAFE_INTEGER,
        order: "queue",
      });
      return ids;
    },
    async waitingAt(place, others) {
      const ids = [...new Set([...downloads.running(), ...others])];
      const { ids: [id = null] } = await listing.find({
        states: ["Queued"],
        search: "",
        queued: { kind: "except", ids },
        offset: place - 1,
        limit: 1,
        order: "queue",
      });
      return id;
    },
    idsFrom: excerpt.idsFrom,
    snapshot() {
      const open = excerpt.open(SNAPSHOT_OPEN);
      const finished = excerpt.finished(SNAPSHOT_FINISHED);
      return [...open, ...finished.reverse()].map(downloads.standing);
    },
  };
}

function isRecordOrder(order: string): order is RecordOrder {
  return RECORD_ORDERS.some((known) => known === order);
}

/** The state in which downloads of a process status are recorded. */
function stateOf(status: Status["process_status"]): State["kind"] {
  return status === "Downloading" ? "Queued" : status;
}
