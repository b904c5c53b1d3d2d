/** What is known of all downloads, whatever keeps it. */

import type {
  Download,
  DownloadRequest,
  FileFacts,
  Rewording,
  State,
} from "../download/download.ts";

/**
 * All downloads. A promise resolves once the change outlives a crash; what is
 * read are the changes that do.
 */
export interface Catalogue {
  /**
   * Adds downloads at the end of the queue.
   *
   * @param ids `chosen` if a client chose their ids: such a one may have been on
   * the list before. By default, they are new.
   */
  add(downloads: readonly Download[], ids?: "chosen"): Promise<void>;
  get(id: string): Download | null;
  /** Records where a download stands, or that it is to be done anew. */
  settle(id: string, settled: Settled): Promise<void>;
  /**
   * Has a download go by another request, in the queue or paused. It is in no other
   * state meanwhile, in which another server might begin it.
   */
  renew(id: string, request: DownloadRequest, state: Waiting): Promise<void>;
  /**
   * Has a download be asked for in another way, wherever it stands.
   *
   * @param rewording Is given the request that is recorded when its turn comes:
   * changes that began together follow each other, and none undoes another.
   */
  reword(id: string, rewording: Rewording): Promise<void>;
  /** Forgets a download. */
  remove(id: string): Promise<void>;
  /** How many downloads there are in each state. */
  totals(): Readonly<Record<State["kind"], number>>;
}

/** Finds what waits for more than its turn. */
export interface Deferred {
  /**
   * The first downloads that were paused because the disk was full, and that
   * `room` bytes are enough for, as far as is known. One that was begun and
   * whose size the origin does not tell would only fill the disk again.
   */
  waitingForRoom(room: number): Download[];
  /**
   * The downloads that were to wait until a time, in milliseconds since 1970, or
   * an earlier one: the first of them.
   */
  due(time: number, limit: number): string[];
}

/** How a download stands that is not finished. */
export type Waiting = Extract<State, { kind: "Queued" | "Paused" }>;

/** What is read at once: the queue's beginning, the history's end, some ids. */
export interface Excerpt {
  /** The first downloads that are not finished, in the queue's order. */
  open(limit: number): Download[];
  /** The finished downloads that were added last, the latest first. */
  finished(limit: number): Download[];
  /** The first ids that begin with these digits, at most `limit` of them. */
  idsFrom(beginning: string, limit: number): string[];
}

/** Finds downloads among all. It may take seconds, in which all else goes on. */
export interface Listing {
  /**
   * Finds the downloads of a page, as they are recorded at one moment. Each
   * change whose promise has resolved is seen.
   *
   * @throws {DownloadError} STATE if they cannot be read.
   */
  find(page: Page): Promise<Found>;
}

/** The downloads of a page. They may have changed since, or be gone. */
export interface Found {
  readonly ids: readonly string[];
  /** How many downloads a page without bounds would hold. */
  readonly total: number;
}

/** What `settle` records. */
export interface Settled {
  readonly state: State;
  readonly file: FileFacts | null;
  /** Bytes. */
  readonly downloaded: number;
  /** Milliseconds since the epoch; null unless it is finished or failed. */
  readonly finishedAt: number | null;
}

/** Some of all downloads. */
export interface Filter {
  /** Only downloads in these states. */
  readonly states: readonly State["kind"][];
  /** Only those whose URL or name holds this, in any case. */
  readonly search: string;
  /** Only those of exactly these URLs; undefined for any. */
  readonly urls?: readonly string[] | undefined;
  /** Of those in the queue, only these or all but these; null for all. */
  readonly queued:
    | { readonly kind: "only" | "except"; readonly ids: readonly string[] }
    | null;
}

/** A page of some of all downloads. */
export interface Page extends Filter {
  readonly offset: number;
  readonly limit: number;
  readonly order: RecordOrder;
}

/**
 * In which order downloads are listed: by when they were added, as the queue
 * goes, or by what is recorded of them, where `-` reverses it. What is not known
 * comes last. The queue's order is of what is queued or paused, and finds nothing
 * else.
 */
export const RECORD_ORDERS = [
  "oldest",
  "latest",
  "queue",
  "-queue",
  "name",
  "-name",
  "size",
  "-size",
  "progress",
  "-progress",
] as const;

/** One of {@linkcode RECORD_ORDERS}. */
export type RecordOrder = typeof RECORD_ORDERS[number];
