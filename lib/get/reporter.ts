/** What a `get` tells of its downloads. */

import type { ErrorRecord } from "../download/errors.ts";
import type { Status } from "../status/status.ts";
import type { Kept } from "./existing.ts";

/** Hears how downloads stand. */
export interface Reporter extends Disposable {
  /** Some go on. */
  changed(statuses: readonly Status[]): void;
  /** One has come to its end; `path` is where its file is, if it came. */
  ended(status: Status, effort: Effort, path: string | null): void;
  /** One need not be fetched: its file is there, at `path`. */
  kept(status: Status, why: Kept, path: string): void;
  /** A step towards a download's end has failed, and is tried again. */
  stuck(error: ErrorRecord): void;
  /** How many downloads have not begun yet. */
  waiting(count: number): void;
}

/** What a download took. */
export interface Effort {
  readonly seconds: number;
  /** Without those that an earlier attempt had left. */
  readonly bytes: number;
}
