/** What the coordinator, the engine and recovery ask of durable state. */

import type {
  Download,
  DownloadRequest,
  FileFacts,
  State,
} from "../download/download.ts";
import type { Run } from "../download/ranges.ts";

/** What the coordinator asks of durable state. */
export interface Store extends Disposable {
  /** Adds downloads at the end of the queue. */
  add(downloads: readonly Download[]): Promise<void>;
  /** The first downloads in the queue that may be taken now. */
  next(
    except: { ids: Iterable<string>; hosts: Iterable<string> },
    limit: number,
  ): Download[];
  /** The runs recorded of a download. */
  runs(id: string): Run[];
  /** Records what is in the part file, which must be synced by then. */
  checkpoint(id: string, file: FileFacts, progress: Progress): Promise<void>;
  /** Forgets what was recorded to be in the part file. */
  forget(id: string): Promise<void>;
  /** Records where a download stands, or that it is to be done anew. */
  settle(id: string, settled: Settled): Promise<void>;
  /** Puts a download back into the queue, to be asked for so. */
  renew(id: string, request: DownloadRequest): Promise<void>;
  /** Forgets a download. */
  remove(id: string): Promise<void>;
  get(id: string): Download | null;
  list(page: Page): Download[];
  /**
   * The first downloads that were paused because the disk was full, and that
   * `room` bytes are enough for, as far as is known. One that was begun and
   * whose size the origin does not tell would only fill the disk again.
   */
  waitingForRoom(room: number): Download[];
  /** How many downloads a page without bounds would hold. */
  count(filter: Filter): number;
  /** How many downloads there are in each state. */
  totals(): Readonly<Record<State["kind"], number>>;
}

/** What is in a part file. */
export interface Progress {
  readonly runs: readonly Run[];
  /** Those of the runs that are not recorded yet: all others are. */
  readonly fresh: readonly Run[];
  /** How many bytes the runs hold together. */
  readonly bytes: number;
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
  /** Of those in the queue, only these or all but these; null for all. */
  readonly queued:
    | { readonly kind: "only" | "except"; readonly ids: readonly string[] }
    | null;
}

/** A page of some of all downloads. */
export interface Page extends Filter {
  readonly offset: number;
  readonly limit: number;
  /** In which order: as the queue goes, or the latest added first. */
  readonly order: "oldest" | "latest";
}
