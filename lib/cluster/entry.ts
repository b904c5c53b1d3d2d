/** A download as the cluster keeps it, and what may become of it. Pure. */

import { hash } from "../base/fingerprint.ts";
import type {
  Download,
  DownloadRequest,
  Rewording,
  State,
} from "../download/download.ts";
import type { Settled, Waiting } from "../store/catalogue.ts";
import { addedBefore } from "../store/places.ts";

/** A directory of part files and finished files, and the server that uses it. */
export interface Place {
  /** The id of the storage: servers that tell the same one share it. */
  readonly storage: string;
  /** The server's name. */
  readonly node: string;
}

/** Where the part of a download is, or the file that it became. */
export interface Part extends Place {
  /** The claim for which it was written: a part's name ends with it. */
  readonly epoch: number;
  /** Whether its writer has said that it writes no more. */
  readonly closed: boolean;
}

/** The value of a download's key. */
export interface Entry {
  /** The path of a finished file is relative to its storage. */
  readonly download: Download;
  /**
   * Its rank among those of its priority, as the revision after which it would
   * have been added, which may be between two; 0 until it is known: then its own
   * revision is.
   */
  readonly order: number;
  /**
   * The revision at which it was added. Absent until it is changed, and where an
   * older version has changed it; 0 if it was moved in with an order of its own.
   */
  readonly added?: number;
  /** Counts claims and revocations: only the holder of the latest may write. */
  readonly epoch: number;
  /** The session that has the claim; null for none. */
  readonly owner: string | null;
  /** What the last writer may have left; null for nothing. */
  readonly part: Part | null;
}

/** The value of a session's key: a server, from one start or loss to the next. */
export interface Lease extends Place {
  /** Where other servers reach it, `/` at its end. */
  readonly url: string;
  readonly draining: boolean;
  /** How long it holds, in milliseconds. Absent where an older version wrote it. */
  readonly length?: number;
}

/**
 * How long a session is silent before it counts as dead, in milliseconds: for as
 * long as it may itself believe to be alive, where the servers' settings differ.
 *
 * @param own How long leases hold by the setting here, in milliseconds.
 */
export function silenceOf({ length }: Lease, own: number): number {
  return Math.max(length ?? own, own);
}

/** A claim as its holder knows it. */
export interface Held {
  readonly session: string;
  readonly epoch: number;
}

/**
 * An entry that has just been added.
 *
 * @param epoch At least that of all claims that were made on its id before.
 */
export function newEntry(download: Download, epoch = 0): Entry {
  return { download, order: 0, epoch, owner: null, part: null };
}

/**
 * An entry that is about to be changed: its place in the queue and in the order of
 * adding, which its first revision tells, are kept.
 */
export function placed(entry: Entry, revision: number): Entry {
  return {
    ...entry,
    order: entry.order || revision,
    added: addedAt(entry, revision),
  };
}

/** The revision at which an entry was added, as far as it is known. */
export function addedAt({ added, order }: Entry, revision: number): number {
  if (added !== undefined) return added || revision;
  // An older version tells the same as its place in the queue, unless it was moved.
  return order >= 1 ? Math.floor(order) : revision;
}

/**
 * An entry that a session claims to fetch it. What another storage has of it is
 * left behind: the part is this place's from now on.
 */
export function claimedForWork(
  entry: Entry,
  session: string,
  place: Place,
): Entry {
  const epoch = entry.epoch + 1;
  const { storage, node } = place;
  const part = entry.part?.storage === storage
    ? entry.part
    : { storage, node, epoch, closed: false };
  return { ...entry, epoch, owner: session, part };
}

/** An entry that a session claims for a command: its part stays where it is. */
export function claimedForCommand(entry: Entry, session: string): Entry {
  return { ...entry, epoch: entry.epoch + 1, owner: session };
}

/** Whether an entry is still as the holder of a claim has it. */
export function isHeld(entry: Entry | null, { session, epoch }: Held): boolean {
  return entry !== null && entry.owner === session && entry.epoch === epoch;
}

/**
 * Whether the holder of a claim has itself given it up in an entry: a server that
 * takes another's claim away counts its epoch on.
 */
export function isGivenUp(entry: Entry | null, { epoch }: Held): boolean {
  return entry !== null && entry.owner === null && entry.epoch === epoch;
}

/** An entry with another rank, wherever it stands. */
export function movedTo(entry: Entry, rank: number): Entry {
  // A rank that would read as an unknown one is the next one beside it.
  return { ...entry, order: addedBefore(rank) || addedBefore(rank + 1) };
}

/** An entry that is asked for in another way, wherever it stands. */
export function rewordedAs(entry: Entry, rewording: Rewording): Entry {
  const request = rewording(entry.download.request);
  return { ...entry, download: { ...entry.download, request } };
}

/** A claimed entry whose part is about to be written. */
export function opened(entry: Entry, { storage, node }: Place): Entry {
  const { epoch } = entry;
  return { ...entry, part: { storage, node, epoch, closed: false } };
}

/**
 * A claimed entry that has come to rest, or begins anew.
 *
 * @param part What is left of it; null for nothing.
 * @param goesOn Whether it stays claimed.
 */
export function settledAs(
  entry: Entry,
  settled: Settled,
  part: Part | null,
  goesOn: boolean,
): Entry {
  return {
    ...entry,
    download: { ...entry.download, ...settled },
    owner: goesOn ? entry.owner : null,
    part,
  };
}

/** A claimed entry whose file has another path, and stays claimed. */
export function relocatedAs(
  entry: Entry,
  state: State,
  name: string,
  rewording: Rewording,
): Entry {
  const { download } = entry;
  const file = download.file && { ...download.file, name };
  return rewordedAs(
    { ...entry, download: { ...download, state, file } },
    rewording,
  );
}

/** A claimed entry that waits again, with another request. */
export function renewedAs(
  entry: Entry,
  request: DownloadRequest,
  state: Waiting,
  part: Part | null,
): Entry {
  const download = { ...entry.download, request, state, finishedAt: null };
  return { ...entry, download, owner: null, part };
}

/** A claimed entry that its holder gives up. */
export function releasedAs(
  entry: Entry,
  part: Part | null,
  known: Pick<Download, "file" | "downloaded">,
): Entry {
  const { file, downloaded } = known;
  const download = { ...entry.download, file, downloaded };
  return { ...entry, download, owner: null, part };
}

/** An entry whose owner does not answer: it finds out by the epoch. */
export function revoked(entry: Entry): Entry {
  return { ...entry, epoch: entry.epoch + 1, owner: null };
}

/**
 * Whether a download is a session's to take before others: servers that all took
 * the first in the queue would mostly take it from each other.
 *
 * @param live All sessions that are alive.
 */
export function isFavourite(
  id: string,
  session: string,
  live: readonly string[],
): boolean {
  const sorted = live.toSorted();
  return sorted[hash(id) % Math.max(1, sorted.length)] === session;
}
