/** What happens to downloads. It is told once, to all that listen. */

import type { Command, Download, FileFacts, Held, Limits } from "./download.ts";
import type { ErrorRecord } from "./errors.ts";

/** Something that has happened. */
export type DownloadEvent =
  | { readonly kind: "added"; readonly id: string; readonly url: string }
  /** One more thread of a download runs. */
  | { readonly kind: "started"; readonly id: string }
  /** The first answer has told what the file is. */
  | {
    readonly kind: "answered";
    readonly id: string;
    readonly file: FileFacts;
  }
  /** Threads of a download have written `bytes` more, or have ended. */
  | { readonly kind: "wrote"; readonly id: string; readonly bytes: number }
  /** An attempt has failed; most are tried again, after `wait` milliseconds. */
  | {
    readonly kind: "setback";
    readonly id: string;
    readonly error: ErrorRecord;
    /** Attempts in a row that brought nothing. */
    readonly failures: number;
    readonly wait: number;
  }
  /** A mirror is fetched from in the place of a source that failed for good. */
  | { readonly kind: "diverted"; readonly id: string; readonly url: string }
  /** All that was fetched is thrown away: the download begins anew. */
  | { readonly kind: "restarted"; readonly id: string }
  /** What was fetched before the program's start was read again. */
  | {
    readonly kind: "verified";
    readonly id: string;
    /** Bytes that are as they were written. */
    readonly bytes: number;
    /** Bytes that are not, and are fetched again. */
    readonly lost: number;
  }
  /** A download has come to rest, and is recorded so. */
  | {
    readonly kind: "paused" | "failed" | "downloaded";
    readonly id: string;
    readonly download: Download;
  }
  /** A command has been carried out, besides `pause`. */
  | {
    readonly kind:
      | "limited"
      | "prioritized"
      | "moved"
      | "resumed"
      | "retried"
      | "refreshed"
      | "relocated"
      | "removed";
    readonly id: string;
  }
  /** A server that has the same queue has changed a download, or its place. */
  | { readonly kind: "changed" | "reordered"; readonly id: string }
  /** A step towards a download's end has failed, and will be tried again. */
  | {
    readonly kind: "stuck";
    readonly id: string;
    readonly error: ErrorRecord;
  }
  /** A part file could not be removed; the next start does it. */
  | {
    readonly kind: "leftover";
    readonly id: string;
    readonly error: ErrorRecord;
  }
  /** The disk was looked at: it has room for `bytes` more, below 0 if too few. */
  | {
    readonly kind: "room";
    readonly bytes: number;
    /** Bytes that are free, those that are to be left so among them. */
    readonly free: number;
  }
  /** The timetable has another rule from now on. */
  | { readonly kind: "timetable"; readonly held: Held }
  /** Limits of the server, or of all that share its queue, were set. */
  | { readonly kind: "limits"; readonly limits: Limits }
  /** The disk could not be looked at. */
  | { readonly kind: "unread"; readonly error: ErrorRecord }
  /** The part files' directory is not there any more, nor is any of them. */
  | { readonly kind: "gone"; readonly error: ErrorRecord };

/** Tells what has happened, or hears it. */
export type Tell = (event: DownloadEvent) => void;

/** What events are told to, and heard from. */
export interface Teller {
  readonly tell: Tell;
  /** From now on, `hear` is told each event, after those that came before it. */
  listen(hear: Tell): void;
}

/** Makes a teller that nothing listens to yet. */
export function createTeller(): Teller {
  const listeners: Tell[] = [];
  return {
    tell(event) {
      for (const hear of listeners) hear(event);
    },
    listen: (hear) => void listeners.push(hear),
  };
}

/** What is told of a command that was carried out. */
export const CARRIED_OUT = {
  limit: "limited",
  prioritize: "prioritized",
  move: "moved",
  resume: "resumed",
  retry: "retried",
  refresh: "refreshed",
  relocate: "relocated",
  remove: "removed",
} as const satisfies Record<
  Exclude<Command["kind"], "pause">,
  DownloadEvent["kind"]
>;

/** Whether what waits begins in another order than before an event. */
export function isReordering({ kind }: DownloadEvent): boolean {
  return kind === "moved" || kind === "prioritized" || kind === "reordered";
}

/** The download that an event is of; null for the server's. */
export function idOf(event: DownloadEvent): string | null {
  return "id" in event ? event.id : null;
}
