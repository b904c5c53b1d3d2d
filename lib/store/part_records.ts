/** What is recorded of a part file: which runs of it are good. */

import type { FileFacts } from "../download/download.ts";
import type { Run } from "../download/ranges.ts";

/** The records of all parts. Data first, record second. */
export interface PartRecords {
  /** The runs recorded of a download's part. */
  runs(id: string): readonly Run[];
  /** Records what is in the part file, which must be synced by then. */
  checkpoint(id: string, file: FileFacts, progress: Progress): Promise<void>;
  /** Forgets what was recorded to be in the part file. */
  forget(id: string): Promise<void>;
}

/** What is in a part file. */
export interface Progress {
  readonly runs: readonly Run[];
  /** Those of the runs that are not recorded yet: all others are. */
  readonly fresh: readonly Run[];
  /** How many bytes the runs hold together. */
  readonly bytes: number;
}
