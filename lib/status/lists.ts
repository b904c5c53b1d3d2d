/** Lists of downloads, as clients see them. */

import type { Download, State } from "../download/download.ts";
import type { Listing } from "../store/catalogue.ts";
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
  /** The latest added first, or as the queue goes. */
  readonly order: "latest" | "oldest";
}

/** A page of downloads. */
export interface StatusPage {
  readonly statuses: readonly Status[];
  /** How many there are on all pages. */
  readonly total: number;
}

/** What is to be known of a download besides its record. */
export interface Running {
  /** The ids of the downloads that have begun. */
  running(): string[];
  /** How a download stands: the record of a running one lags behind it. */
  standing(download: Download): Status;
}

/** Lists downloads. */
export interface Lists {
  /** A page of downloads. */
  list(page: StatusPageRequest): StatusPage;
  /** The downloads that are not finished, and the latest that are. */
  snapshot(): Status[];
}

/** Makes what lists downloads. */
export function createLists(
  { listing, downloads }: { listing: Listing; downloads: Running },
): Lists {
  /** Of those in the queue, those that run or those that wait; null for both. */
  function queuedOf(statuses: readonly Status["process_status"][]) {
    const run = statuses.includes("Downloading");
    if (run === statuses.includes("Queued")) return null;
    const kind = run ? "only" : "except";
    return { kind, ids: downloads.running() } as const;
  }

  return {
    list({ offset, limit, statuses, search, order }) {
      const states = [...new Set(statuses.map(stateOf))];
      const filter = { states, search, queued: queuedOf(statuses) };
      const page = listing.list({ ...filter, offset, limit, order });
      return {
        statuses: page.map(downloads.standing),
        total: listing.count(filter),
      };
    },
    snapshot() {
      const all = { offset: 0, search: "", queued: null };
      const open = listing.list({
        ...all,
        limit: SNAPSHOT_OPEN,
        states: ["Queued", "Paused"],
        order: "oldest",
      });
      const finished = listing.list({
        ...all,
        limit: SNAPSHOT_FINISHED,
        states: ["Downloaded", "Failed"],
        order: "latest",
      });
      return [...open, ...finished.reverse()].map(downloads.standing);
    },
  };
}

/** The state in which downloads of a process status are recorded. */
function stateOf(status: Status["process_status"]): State["kind"] {
  return status === "Downloading" ? "Queued" : status;
}
