/** What the pool and its workers say to each other. */

import type { WriteUntil } from "../base/write_until.ts";
import type { Checksum, FoundChecksum } from "../download/checksum.ts";
import type { Credentials, Pinned } from "../download/download.ts";
import type { ErrorRecord } from "../download/errors.ts";
import type { Range, Run } from "../download/ranges.ts";
import type { NamingKind } from "../files/naming.ts";
import type { Answer } from "../origin/answer.ts";
import type { OriginRequest } from "../origin/request.ts";
import type { Duplicates } from "../origin/duplicates.ts";
import type { ClientSettings } from "./clients.ts";
import type { SharedTurns } from "./turns.ts";

/** One slice to fetch. */
export interface SliceTask {
  /** The thread's number, unique in the pool's life. */
  readonly thread: number;
  /** The URL to ask, without userinfo. */
  readonly url: string;
  /** Where the URL redirects to, none but User-Agent and Referer go along. */
  readonly headers: Readonly<Record<string, string>>;
  /** Shown to the URL's own origin only, in the way that it asks for. */
  readonly credentials: Credentials | null;
  /** The name of the proxy that the download has chosen; null for none. */
  readonly proxy: string | null;
  /** The slice to ask for; null to ask for the whole file. */
  readonly slice: Range | null;
  /**
   * Where the range that is asked for ends; Infinity for all that follows. From
   * the slice's end to there, the thread goes on only if it is told to.
   */
  readonly reach: number;
  /** What the answer must fit; null if this is the download's first one. */
  readonly pinned: Pinned | null;
  /** Whether a checksum will prove that all answers were of the same file. */
  readonly checked: boolean;
  /** A checksum is to be looked for beside the answer. */
  readonly looks?: true;
  /** What becomes of a first answer that is a Metalink document. */
  readonly metalink: "follow" | "keep";
  /** Bytes that the file must have; null if any number will do. */
  readonly size: number | null;
  /** The path of the part file. */
  readonly part: string;
  /** Whether it has to ask for leave to read. */
  readonly limited: boolean;
}

/** What a worker is told once, before anything else. */
export interface WorkerSettings extends ClientSettings {
  /** How long a connection may take to be made, in milliseconds. */
  readonly connectTimeout: number;
  /** How long a thread may wait for the head of an answer, in milliseconds. */
  readonly answerTimeout: number;
  /** How long a thread may get no byte, in milliseconds. */
  readonly stallTimeout: number;
  /** Memory that all workers share, to take turns at writing. */
  readonly turns: SharedTurns;
  /** Until when files may be written and named; absent for always. */
  readonly writeUntil?: WriteUntil | undefined;
}

/** Pool to worker, about one thread. */
export type ThreadOrder =
  | { readonly type: "fetch"; readonly task: SliceTask }
  /** The slice ends there now: its tail was taken over, or has come back. */
  | { readonly type: "bound"; readonly thread: number; readonly end: number }
  /** The thread may read `bytes` more; Infinity for all. */
  | { readonly type: "grant"; readonly thread: number; readonly bytes: number }
  /** What may be read without leave is over. */
  | { readonly type: "limit"; readonly thread: number }
  | { readonly type: "stop"; readonly thread: number }
  /** Connections that lie idle are to be closed: others may have theirs then. */
  | { readonly type: "trim" };

/** Pool to worker, in messages of one or more. */
export type Order =
  | { readonly type: "settings"; readonly settings: WorkerSettings }
  | ThreadOrder
  | FileOrder
  | { readonly type: "ping" };

/** Something to be done for files in a worker, without a thread. */
export type FileTask =
  | { readonly type: "digest"; readonly task: DigestTask }
  | { readonly type: "look"; readonly task: LookTask }
  | { readonly type: "publish"; readonly task: PublishTask }
  | { readonly type: "remove"; readonly task: RemoveTask };

/** A file task on its way to a worker; the report of it has the same id. */
export type FileOrder = FileTask & { readonly id: number };

/** A file to read again, to see whether it holds what it should. */
export interface DigestTask {
  readonly path: string;
  readonly algorithm: Checksum["algorithm"] | "crc32";
  readonly ranges: readonly Range[];
}

/** Files that may hold a file's checksum, in the order in which to look. */
export interface LookTask {
  readonly files: readonly {
    readonly request: OriginRequest;
    /** Whether it is of that file alone. */
    readonly isOwn: boolean;
  }[];
  /** What the file is called. */
  readonly names: readonly string[];
}

/** Part files that are finished, and to get their names. */
export interface PublishTask {
  /** The content directory. */
  readonly directory: string;
  /** Whether the files and their names are forced to disk. */
  readonly sync: boolean;
  /** Whether files get the time at which they were modified at their origins. */
  readonly remoteTime: boolean;
  readonly parts: readonly FinishedPart[];
}

/** A part file whose bytes are all written. */
export interface FinishedPart {
  readonly path: string;
  /** The directory that it is to be in, below the content directory. */
  readonly directory: string | undefined;
  /** The name that it is to have, if that is not taken. */
  readonly name: string;
  /** The size that it must have, in bytes. */
  readonly size: number;
  /** How it gets its name. */
  readonly naming: NamingKind;
  /** Whether its bytes have been read again and compared with their record. */
  readonly verified: boolean;
  /**
   * When the file was last modified at its origin, in milliseconds since the
   * epoch; null if that is not known.
   */
  readonly modified: number | null;
}

/** What has come of a finished part. */
export type Published =
  | {
    readonly kind: "named";
    readonly name: string;
    readonly path: string;
    /** What tells the file from all others. */
    readonly identity: string;
  }
  /** The disk holds less of the part than was written: it may have been cut. */
  | { readonly kind: "holes" }
  /** The time to write is over: for now, or for good. */
  | { readonly kind: "held" }
  /** The disk has refused some of its bytes: see sync.ts. */
  | { readonly kind: "unsynced"; readonly error: ErrorRecord }
  | { readonly kind: "failed"; readonly error: ErrorRecord };

/** Files to remove that told of names: these are recorded. */
export interface RemoveTask {
  readonly paths: readonly string[];
}

/** What the first answer tells of a file, besides its bytes. */
export interface Answered {
  readonly answer: Answer;
  /** A coding that its label named and its bytes did not bear out. */
  readonly mislabelled: string | null;
  /** The URL that gave the answer, after redirects. */
  readonly url: string;
  /** Whether that URL may be asked directly: it needs no cookies of a chain. */
  readonly direct: boolean;
  /** The value of Content-Disposition. */
  readonly disposition: string | null;
  /** When the file was last modified, in milliseconds since the epoch. */
  readonly modified: number | null;
  /** The checksum beside the answer, if it was looked for there and found. */
  readonly checksum: FoundChecksum | null;
  /** See `FileFacts`; null if there is none. */
  readonly mediaType: string | null;
  /** What the first answer tells of other URLs of the file; null for nothing. */
  readonly duplicates: Duplicates | null;
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
  /** The first answer is a Metalink document; nothing of it is written. */
  | {
    readonly type: "described";
    readonly thread: number;
    readonly document: string;
  }
  /** All that the thread has written so far. */
  | { readonly type: "wrote"; readonly thread: number; readonly run: Run }
  /** The thread has read what it might, and waits for leave to read more. */
  | { readonly type: "wants"; readonly thread: number }
  /** The thread's last word: what it wrote is with the operating system. */
  | {
    readonly type: "ended";
    readonly thread: number;
    readonly run: Run | null;
    readonly outcome: Outcome;
    /** Bytes that it had leave to read, and did not. */
    readonly unread: number;
  };

/** Worker to pool, in messages of one or more. */
export type Report =
  | ThreadEvent
  | FileReport
  | { readonly type: "pong" };

/** What has come of a file task. */
export type FileReport =
  | {
    readonly type: "digested";
    readonly id: number;
    readonly digests: readonly string[];
  }
  | {
    readonly type: "looked";
    readonly id: number;
    readonly found: FoundChecksum | null;
  }
  | {
    readonly type: "published";
    readonly id: number;
    readonly published: readonly Published[];
  }
  | { readonly type: "removed"; readonly id: number }
  | {
    readonly type: "failed";
    readonly id: number;
    readonly error: ErrorRecord;
  };
