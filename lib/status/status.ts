/** What the world may see of a download. Pure. */

import { toFileUrl } from "@std/path/to-file-url";
import type { Download, LimitedBy } from "../download/download.ts";
import type { ErrorCode } from "../download/errors.ts";
import { type Range, total } from "../download/ranges.ts";
import type { Transfer } from "../transfer/transfer.ts";

/** Where a download can stand, as clients see it. */
export const PROCESS_STATUSES = [
  "Queued",
  "Downloading",
  "Paused",
  "Downloaded",
  "Failed",
] as const;

/** A download as clients see it. The names are the protocol's. */
export interface Status {
  readonly id: string;
  readonly url: string;
  readonly process_status: typeof PROCESS_STATUSES[number];
  /** The name that the file has or will have; null if not known yet. */
  readonly filename: string | null;
  /** Where the file is or will be below the content directory; null if in it. */
  readonly directory: string | null;
  /** Bytes; null if not known. */
  readonly size: number | null;
  /** Bytes. */
  readonly downloaded: number;
  /** From 0 to 1; null if not known. */
  readonly progress: number | null;
  /** The rate that it is limited to itself, in bytes a second; null for none. */
  readonly limit_rate: number | null;
  /** Which limit holds its rate while it runs; null if none does. */
  readonly limited_by: LimitedBy | null;
  /** Running now. */
  readonly threads: number;
  /** Whether the origin supports ranges; null if not known yet. */
  readonly ranges: boolean | null;
  /** Bytes per second. */
  readonly speed: number;
  /** Seconds; null if not known. */
  readonly eta: number | null;
  /** What is done, as half-open ranges `[start, end]`. */
  readonly slices: readonly (readonly [number, number])[];
  /** What each running thread fetches: from where it is, to where it stops. */
  readonly fetching: readonly (readonly [number, number])[];
  readonly path_to_file: string | null;
  /**
   * The server that fetches it, or has its file; absent where no other server
   * has the same queue.
   */
  readonly node?: string | null;
  /** Absent unless its bytes are to come from front to back. */
  readonly order?: "sequential";
  /** Why it failed or paused, or what it is trying again after. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
  /** ISO 8601. */
  readonly added_at: string;
  readonly finished_at: string | null;
}

/** The status of a download that no thread works on. */
export function statusOf(download: Download): Status {
  const { id, request, state, file, addedAt, finishedAt } = download;
  const finished = state.kind === "Downloaded";
  const size = file?.size ?? null;
  const error = "error" in state ? state.error : null;
  return {
    id,
    url: request.url,
    process_status: state.kind,
    filename: file?.name ?? request.filename,
    directory: request.directory ?? null,
    size,
    downloaded: download.downloaded,
    progress: finished ? 1 : progressOf(download.downloaded, size),
    limit_rate: request.limitRate ?? null,
    limited_by: null,
    threads: 0,
    ranges: file?.ranges ?? null,
    speed: 0,
    eta: null,
    slices: finished && size ? [[0, size]] : [],
    fetching: [],
    path_to_file: finished ? toFileUrl(state.path).href : null,
    ...(request.order && { order: request.order }),
    error: error && { code: error.code, message: error.message },
    added_at: isoDate(addedAt),
    finished_at: finishedAt === null ? null : isoDate(finishedAt),
  };
}

/**
 * The status of a download that is being fetched.
 *
 * @param speed Bytes per second.
 */
export function statusOfTransfer(
  transfer: Transfer,
  speed: number,
  limitedBy: LimitedBy | null,
): Status {
  const { download, file, done, threads, lastError } = transfer;
  const size = file?.size ?? null;
  const downloaded = total(done);
  const left = size === null ? null : size - downloaded;
  return {
    ...statusOf(download),
    process_status: isRunning(transfer) ? "Downloading" : "Queued",
    filename: file?.name ?? download.request.filename,
    size,
    downloaded,
    progress: progressOf(downloaded, size),
    limited_by: threads.size > 0 ? limitedBy : null,
    threads: threads.size,
    ranges: file?.ranges ?? null,
    speed: Math.round(speed),
    eta: left === null || speed < 1 ? null : Math.ceil(left / speed),
    slices: done.map(pairOf),
    fetching: [...threads.values()]
      .filter(({ run, end }) => run.end < end && end !== Infinity)
      .map(({ run, end }) => pairOf({ start: run.end, end })),
    error: lastError && { code: lastError.code, message: lastError.message },
  };
}

/** Whether a transfer has begun; until then it waits for its first thread. */
export function isRunning({ threads, done, failures }: Transfer): boolean {
  return threads.size > 0 || done.length > 0 || failures > 0;
}

function progressOf(downloaded: number, size: number | null): number | null {
  if (size === null) return null;
  return size === 0 ? 1 : Math.round(downloaded / size * 10_000) / 10_000;
}

function pairOf({ start, end }: Range): [number, number] {
  return [start, end];
}

function isoDate(time: number): string {
  return new Date(time).toISOString();
}

/** How many downloads there are of each process status. */
export type Totals = Readonly<Record<Status["process_status"], number>>;

/** How much room the content directory's disk has, in bytes. */
export interface Disk {
  /** Free on the disk. */
  readonly free: number;
  /** What downloads may still take of it; below 0 if less than MIN_FREE_SPACE is free. */
  readonly room: number;
}

/** What has changed since the last message. */
export interface Changes {
  readonly totals: Totals;
  readonly changed: readonly Status[];
  /** Downloads that are not there any more. */
  readonly removed: readonly string[];
  /** Absent before the disk was looked at. */
  readonly disk?: Disk;
}
