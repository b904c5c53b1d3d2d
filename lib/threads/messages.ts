/** What the pool and its workers say to each other. */

import type { Checksum } from "../download.ts";
import type { ErrorRecord } from "../errors.ts";
import type { Answer, Pinned } from "../origin/partial.ts";
import type { Range, Run } from "../slices.ts";

/** One slice to fetch. */
export interface SliceTask {
  /** The thread's number, unique in the pool's life. */
  readonly thread: number;
  /** The URL to ask, without userinfo. */
  readonly url: string;
  /** Sent to the URL's own origin only, never on to where it redirects. */
  readonly headers: Readonly<Record<string, string>>;
  /** The slice to ask for; null to ask for the whole file. */
  readonly slice: Range | null;
  /** What the answer must fit; null if this is the download's first one. */
  readonly pinned: Pinned | null;
  /** The path of the part file. */
  readonly part: string;
}

/** What a worker is told once, before anything else. */
export interface WorkerSettings {
  /** Certificates in PEM to trust besides the usual ones. */
  readonly caCerts: readonly string[];
  /** How long a thread may get no byte, in milliseconds. */
  readonly stallTimeout: number;
  /** Whether URLs may lead into private networks. */
  readonly allowPrivate: boolean;
}

/** What a thread is to do. */
export type ThreadOrder =
  | { readonly type: "fetch"; readonly task: SliceTask }
  /** The slice ends earlier now: another thread has taken its tail. */
  | { readonly type: "shrink"; readonly thread: number; readonly end: number }
  | { readonly type: "stop"; readonly thread: number };

/** Pool to worker. */
export type Order =
  | { readonly type: "settings"; readonly settings: WorkerSettings }
  | ThreadOrder
  | { readonly type: "digest"; readonly id: number; readonly job: DigestJob }
  | { readonly type: "ping" };

/** A file to read again, to see whether it holds what it should. */
export interface DigestJob {
  readonly path: string;
  readonly algorithm: Checksum["algorithm"] | "crc32";
  readonly ranges: readonly Range[];
}

/** What the first answer tells of a file, besides its bytes. */
export interface Answered {
  readonly answer: Answer;
  /** Where it came from at last, after redirects. */
  readonly url: string;
  /** The value of Content-Disposition. */
  readonly disposition: string | null;
}

/** How a thread came to its end. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly error: ErrorRecord };

/** Worker to pool, about one thread. */
export type ThreadEvent =
  | {
    readonly type: "answered";
    readonly thread: number;
    readonly answered: Answered;
  }
  /** All that the thread has written so far. */
  | { readonly type: "wrote"; readonly thread: number; readonly run: Run }
  /** The thread's last word: what it wrote is with the operating system. */
  | {
    readonly type: "ended";
    readonly thread: number;
    readonly run: Run | null;
    readonly outcome: Outcome;
  };

/** Worker to pool, in messages of one or more. */
export type Report =
  | ThreadEvent
  | {
    readonly type: "digested";
    readonly id: number;
    readonly digests: readonly string[];
  }
  | {
    readonly type: "not digested";
    readonly id: number;
    readonly error: ErrorRecord;
  }
  | { readonly type: "pong" };
