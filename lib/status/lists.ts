/** Lists of downloads, as clients see them. */

import type { Download, State } from "../download/download.ts";
import type { Excerpt, Listing } from "../store/catalogue.ts";
import type { Status } from "./status.ts";

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
  /** Only those of exactly these URLs; undefined for any. */
  readonly urls?: readonly string[] | undefined;
  /** The latest added first, or as the queue goes. */
  readonly order: "latest" | "oldest";
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
  /** The downloads that are not finished, and the latest that are. */
  snapshot(): Status[];
}

/** What lists are made of. */
export interface ListsTools {
  readonly excerpt: Excerpt;
  readonly listing: Listing;
  readonly downloads: Running;
}

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

  return {
    async list({ offset, limit, statuses, search, urls, order }) {
      const states = [...new Set(statuses.map(stateOf))];
      const filter = { states, search, urls, queued: queuedOf(statuses) };
      const page = { ...filter, offset, limit, order };
      const { ids, total } = await listing.find(page);
      // Clients may have been told more since: a list that came after that and
      // said how these stood before would have the last word.
      const found = ids.map(downloads.get)
        .filter((status) => status !== null)
        .filter((status) => statuses.includes(status.process_status));
      return { statuses: found, total };
    },
    snapshot() {
      const open = excerpt.open(SNAPSHOT_OPEN);
      const finished = excerpt.finished(SNAPSHOT_FINISHED);
      return [...open, ...finished.reverse()].map(downloads.standing);
    },
  };
}

/** The state in which downloads of a process status are recorded. */
function stateOf(status: Status["process_status"]): State["kind"] {
  return status === "Downloading" ? "Queued" : status;
}
