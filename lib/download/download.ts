/** A download: what was asked for, what is known of it, where it stands. */

import type { Checksum, FoundChecksum } from "./checksum.ts";
import { DownloadError, type ErrorRecord } from "./errors.ts";
import type { Priority } from "./priority.ts";

/**
 * What proves that two answers are of the same file: a strong entity tag, or
 * else a modification date that is strong by RFC 9110 §8.8.2.2.
 */
export type Validator =
  | { readonly kind: "etag"; readonly value: string }
  | {
    readonly kind: "modified";
    readonly value: string;
    /** An entity tag beside it that is not strong: it proves a difference only. */
    readonly weak?: string;
  };

/** What the first answer said of a file, and every later one must repeat. */
export interface Pinned {
  /** Bytes. */
  readonly size: number;
  /** Null where a checksum of the whole file proves in its place. */
  readonly validator: Validator | null;
  /** A content coding that answers name and the file's bytes are not in. */
  readonly mislabelled?: string;
}

/** A name and password, for one origin. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What a client asks for. */
export interface DownloadRequest {
  readonly url: string;
  /**
   * Other URLs of the same file, the first of which stands in where the URL
   * fails for good; absent for none.
   */
  readonly mirrors?: readonly string[];
  /**
   * What a Metalink document at the URL gave of this, besides mirrors: these alone
   * have the file then; absent where the URL has it.
   */
  readonly described?: readonly Described[];
  /**
   * Those of the mirrors that the client gave itself, where the others are a
   * document's; absent for none.
   */
  readonly ownMirrors?: readonly string[];
  /** Bytes that the file must have; absent if any number will do. */
  readonly size?: number;
  /** The name that the file is to have; null for the origin's. */
  readonly filename: string | null;
  /**
   * The directory that the file is to be in: safe, below the content directory,
   * with `/` between its parts; empty for the content directory itself. Absent
   * for that, too, unless a rule says otherwise.
   */
  readonly directory?: string;
  /** Sent to the URL's own origin only, but for User-Agent and Referer. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * By the origins that they are for, of URLs and mirrors that have none
   * themselves. Only a `get` has them, in memory; they are never recorded.
   */
  readonly credentials?: ReadonlyMap<string, Credentials>;
  /** The checksum that the whole file must have, and where it is from if found. */
  readonly checksum: Checksum & { readonly from?: string } | null;
  /**
   * Where a checksum is to be looked for: `auto` for where origins publish them,
   * or a URL. Absent to look nowhere.
   */
  readonly checksumFrom?: string;
  /** How many threads it may have at most; null for no limit of its own. */
  readonly threads: number | null;
  /** Bytes a second that it may take; absent for no limit of its own. */
  readonly limitRate?: number;
  /** Its bytes are to come from front to back; absent for wherever is fastest. */
  readonly order?: "sequential";
  /** Whether it begins before others that wait, or after; absent for neither. */
  readonly priority?: Exclude<Priority, "normal">;
  /**
   * The name of the proxy that it is fetched through, `direct` for none; absent
   * for what the environment says.
   */
  readonly proxy?: string;
  /** It is added paused, and waits for a client to resume it. */
  readonly paused?: true;
  /**
   * It is added to wait until then, in milliseconds since 1970; how it stands
   * tells that from then on.
   */
  readonly startAt?: number;
  /** What it was asked for with besides; absent for most. */
  readonly kept?: Kept;
}

/**
 * Changes some of a request, and leaves the rest: what clients, rules and origins
 * change of it at the same time holds together, in whatever order it is recorded.
 */
export type Rewording = (request: DownloadRequest) => DownloadRequest;

/** What a Metalink document may give of a request besides mirrors. */
export type Described = "filename" | "size" | "checksum";

/** What aria2's clients gave with a URL: kept for them to read back. */
export interface Kept {
  /** By aria2's names, as aria2 writes them; `dir` as a path below ours. */
  readonly options: Readonly<Record<string, string>>;
}

/** Where a download stands, as far as a restart has to know. */
export type State =
  /** In the queue, or being fetched: only the running server tells which. */
  | { readonly kind: "Queued" }
  | {
    readonly kind: "Paused";
    readonly error: ErrorRecord | null;
    /** When it goes on by itself, in milliseconds since 1970; absent for never. */
    readonly startAt?: number;
  }
  | {
    readonly kind: "Downloaded";
    readonly path: string;
    /** Tells the file from others, should it be moved; old records lack it. */
    readonly identity?: string;
  }
  | { readonly kind: "Failed"; readonly error: ErrorRecord };

/** Stands for a download's URL among its sources: its mirrors have keys. */
export const OWN_URL = "url";

/** What the origin said of the file when it was first asked. */
export interface FileFacts {
  /** Bytes; null where the origin does not tell. */
  readonly size: number | null;
  /** Whether it can be fetched in slices; null if that was not recorded. */
  readonly ranges: boolean | null;
  /** Null, too, where the bytes are from several sources. */
  readonly validator: Validator | null;
  /**
   * The keys of the sources that the bytes are from; absent for the URL alone.
   * Of several, only a checksum of the whole proves that they have one file.
   */
  readonly sources?: readonly string[];
  /** A content coding that answers name and the file's bytes are not in. */
  readonly mislabelled?: string;
  /**
   * When the file was last modified at its origin, in milliseconds since the
   * epoch; absent where the origin does not tell, and in old records.
   */
  readonly modified?: number;
  /** The checksum that was found; null if it was looked for in vain. */
  readonly checksum?: FoundChecksum | null;
  /**
   * The origin's label, in lower case and without parameters; absent where there
   * is none, and in old records.
   */
  readonly mediaType?: string;
  /** A safe name for the file. */
  readonly name: string;
}

/** One URL on its way to one file. */
export interface Download {
  readonly id: string;
  readonly request: DownloadRequest;
  readonly state: State;
  readonly file: FileFacts | null;
  /** How many bytes had come when this was recorded. */
  readonly downloaded: number;
  /** Milliseconds since the epoch. */
  readonly addedAt: number;
  readonly finishedAt: number | null;
}

/** A new download, at the end of the queue unless it is to be paused. */
export function createDownload(
  request: DownloadRequest,
  now: number,
  id: string = crypto.randomUUID(),
): Download {
  const { startAt, ...rest } = request;
  return {
    id,
    request: rest,
    state: request.paused
      ? { kind: "Paused", error: null }
      : waitingUntil(startAt, now),
    file: null,
    downloaded: 0,
    addedAt: now,
    finishedAt: null,
  };
}

/**
 * How a download stands that is to start at a time: in the queue if that has
 * come, or there is none.
 */
export function waitingUntil(
  startAt: number | undefined,
  now: number,
): Extract<State, { kind: "Paused" | "Queued" }> {
  return startAt === undefined || startAt <= now
    ? { kind: "Queued" }
    : { kind: "Paused", error: null, startAt };
}

/**
 * Ids for downloads that are added together. They are random but for their
 * first digits, which count on from a random number: together in the store's
 * index, they change few of its pages, however long the queue is; and people,
 * who type the first few digits, can tell them apart.
 */
export function createIds(count: number): string[] {
  const first = Math.floor(Math.random() * 16 ** COUNTED);
  return Array.from({ length: count }, (_, n) => {
    const digits = ((first + n) % 16 ** COUNTED).toString(16);
    return digits.padStart(COUNTED, "0") + crypto.randomUUID().slice(COUNTED);
  });
}

/**
 * Digits of an id that count on. With more, ids would look alike to people; with
 * fewer, ids added together would lie on different pages of the index.
 */
const COUNTED = 5;

/** Rates of the server's own, in bytes a second; null for no limit. */
export interface RateLimits {
  readonly server: number | null;
  /** From each origin host. */
  readonly host: number | null;
}

/** What limits all downloads together. */
export interface Limits {
  readonly rates: RateLimits;
  /** How many run at a time; null for one a thread. */
  readonly maxDownloads: number | null;
}

/** What is to change of these limits; what is absent stays. */
export interface LimitsChange {
  readonly rates?: Partial<RateLimits>;
  readonly maxDownloads?: number | null;
}

/** Which limit holds a download's rate: the strictest that bears on it. */
export type LimitedBy = "server" | "timetable" | "host" | "download";

/** What a timetable says: nothing, a rate in bytes a second, or to fetch nothing. */
export type Rule =
  | { readonly kind: "off" }
  | { readonly kind: "rate"; readonly rate: number }
  | { readonly kind: "pause" };

/** What a timetable says now. */
export interface Held {
  readonly rule: Rule;
  /** When it says something else, in milliseconds since 1970; null for never. */
  readonly until: number | null;
}

/** What a client may do to a download that is there. */
export type Command =
  /** Bytes a second; null for no limit of its own. It goes on meanwhile. */
  | { readonly kind: "limit"; readonly limitRate: number | null }
  | { readonly kind: "prioritize"; readonly priority: Priority }
  /** To another rank among those of its priority; what runs goes on. */
  | { readonly kind: "move"; readonly rank: number }
  | { readonly kind: "pause" }
  | {
    readonly kind: "resume" | "retry";
    /** In milliseconds since 1970; absent for at once. */
    readonly startAt?: number;
  }
  /** Another URL for the same file, since the first has expired. */
  | {
    readonly kind: "refresh";
    readonly url: string;
    /** Other mirrors; absent for those that it has. */
    readonly mirrors?: readonly string[];
    /** Whether one that is paused stays so; else it goes on. */
    readonly staysPaused?: true;
  }
  /** Its file goes to this directory, see `DownloadRequest`. */
  | { readonly kind: "relocate"; readonly directory: string }
  | { readonly kind: "remove"; readonly deleteFile: boolean };

const ALLOWED: Record<Command["kind"], readonly State["kind"][]> = {
  limit: ["Queued", "Paused", "Failed"],
  prioritize: ["Queued", "Paused", "Failed"],
  move: ["Queued", "Paused"],
  pause: ["Queued"],
  resume: ["Paused"],
  retry: ["Failed", "Paused"],
  refresh: ["Queued", "Paused", "Failed"],
  relocate: ["Downloaded"],
  remove: ["Queued", "Paused", "Failed", "Downloaded"],
};

/**
 * Checks that a command makes sense in a state.
 *
 * @throws {DownloadError} WRONG_STATE, saying what state it is in.
 */
export function refuseUnlessAllowed({ kind }: Command, state: State): void {
  if (ALLOWED[kind].includes(state.kind)) return;
  // What goes on by itself does not, once a client pauses it, too.
  const goesOn = state.kind === "Paused" &&
    (state.error !== null || state.startAt !== undefined);
  if (kind === "pause" && goesOn) return;
  throw new DownloadError(
    "WRONG_STATE",
    `Cannot ${kind}: the download is ${WORDS[state.kind]}.`,
  );
}

const WORDS: Record<State["kind"], string> = {
  Queued: "on its way already",
  Paused: "paused",
  Downloaded: "finished",
  Failed: "failed",
};

/**
 * The checksum that a file must have, and where it is from; null if none was found,
 * undefined if none was asked for.
 */
export function checksumOf(
  { checksum, checksumFrom }: DownloadRequest,
  file: FileFacts | null,
): FoundChecksum | null | undefined {
  if (checksum !== null) return { from: "request", ...checksum };
  return checksumFrom === undefined ? undefined : file?.checksum ?? null;
}

/** A request with another URL for the same file, and other mirrors if it says so. */
export function refreshed(
  request: DownloadRequest,
  { url, mirrors = request.mirrors }: Extract<Command, { kind: "refresh" }>,
): DownloadRequest {
  const { mirrors: own, ...rest } = undescribed(request);
  const isNew = mirrors !== request.mirrors;
  const others = ((isNew ? mirrors : own) ?? [])
    .filter((mirror) => mirror !== url);
  return { ...rest, url, ...(others.length > 0 && { mirrors: others }) };
}

/** Has a request's file go to a directory, see `DownloadRequest`. */
export function placedIn(directory: string): Rewording {
  return (request) => ({ ...request, directory });
}

/** A request without what a document at its URL gave. */
export function undescribed(request: DownloadRequest): DownloadRequest {
  const { described, mirrors: _, ownMirrors, size, ...rest } = request;
  if (described === undefined) return request;
  return {
    ...rest,
    ...(ownMirrors !== undefined && { mirrors: ownMirrors }),
    ...(size !== undefined && !described.includes("size") && { size }),
    filename: described.includes("filename") ? null : rest.filename,
    checksum: described.includes("checksum") ? null : rest.checksum,
  };
}

/**
 * Whether a retry asks for the Metalink document at the URL again: what it told
 * may have been wrong. Bytes fit what it told, and are gone on with.
 */
export function asksAnew(
  { request, downloaded }: Pick<Download, "request" | "downloaded">,
): boolean {
  return request.described !== undefined && downloaded === 0;
}

/**
 * Whether the bytes of a download are of use beside another URL's. It may be a new
 * one of the source that all of them are from; of another source, only a checksum
 * of the whole could prove that they are of the same file.
 */
export function keepsBytes(
  { request, file }: Pick<Download, "request" | "file">,
  url: string,
): boolean {
  if (request.described !== undefined) return false;
  return request.checksum !== null ||
    file?.sources === undefined && !request.mirrors?.includes(url);
}

/** The host that a download's threads count against, with its port. */
export function hostOf({ url }: DownloadRequest): string {
  return new URL(url).host;
}
