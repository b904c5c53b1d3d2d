/** What the world may see of a download. Pure. */

import { toFileUrl } from "@std/path/to-file-url";
import {
  checksumOf,
  type Download,
  type Held,
  type LimitedBy,
  type Limits,
  OWN_URL,
} from "../download/download.ts";
import type { ErrorRecord } from "../download/errors.ts";
import { type Range, total } from "../download/ranges.ts";
import { createSources, type Source } from "../transfer/source.ts";
import { sourcesWithBytes } from "../transfer/sources.ts";
import { isBegun, type Transfer } from "../transfer/transfer.ts";
import type {
  Disk,
  Fault,
  LimitsStatus,
  SourceStatus,
  Status,
  TimetableStatus,
  Totals,
} from "./schema.ts";

export type {
  Disk,
  LimitsStatus,
  SourceStatus,
  Status,
  TimetableStatus,
  Totals,
};

/** The status of a download that no thread works on. */
export function statusOf(download: Download): Status {
  const { id, request, state, file, addedAt, finishedAt } = download;
  const finished = state.kind === "Downloaded";
  const size = file?.size ?? null;
  const error = "error" in state ? state.error : null;
  const checksum = checksumOf(request, file);
  return {
    id,
    url: request.url,
    ...sourcesOf(download),
    process_status: state.kind,
    filename: file?.name ?? request.filename,
    directory: request.directory || null,
    size,
    downloaded: download.downloaded,
    progress: finished ? 1 : progressOf(download.downloaded, size),
    limit_rate: request.limitRate ?? null,
    priority: request.priority ?? "normal",
    limited_by: null,
    threads: 0,
    ranges: file?.ranges ?? null,
    speed: 0,
    eta: null,
    slices: finished && size ? [[0, size]] : [],
    fetching: [],
    path_to_file: finished ? toFileUrl(state.path).href : null,
    ...(request.order && { order: request.order }),
    ...(checksum !== undefined && { checksum }),
    ...(state.kind === "Paused" && state.startAt !== undefined &&
      { start_at: isoDate(state.startAt) }),
    ...(request.proxy && { proxy: request.proxy }),
    error: error && faultOf(error),
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
  // While it waits, what it had before tells nothing of when it is done.
  const pace = threads.size > 0 ? speed : 0;
  const checksum = checksumOf(download.request, file);
  return {
    ...statusOf(download),
    ...sourcesOfTransfer(transfer),
    process_status: isBegun(transfer) ? "Downloading" : "Queued",
    filename: file?.name ?? download.request.filename,
    size,
    downloaded,
    progress: progressOf(downloaded, size),
    limited_by: threads.size > 0 ? limitedBy : null,
    threads: threads.size,
    ranges: file?.ranges ?? null,
    speed: Math.round(pace),
    eta: left === null || pace < 1 ? null : Math.ceil(left / pace),
    slices: done.map(pairOf),
    fetching: [...threads.values()]
      .filter(({ run, end }) => run.end < end && end !== Infinity)
      .map(({ run, end }) => pairOf({ start: run.end, end })),
    ...(checksum !== undefined && { checksum }),
    error: lastError && faultOf(lastError),
  };
}

function faultOf({ code, message }: ErrorRecord): Fault {
  return { code, message };
}

/** What `sources` is of a download that no thread works on. */
function sourcesOf(
  { request, file }: Download,
): Pick<Status, "sources"> {
  if (request.mirrors === undefined) return {};
  const used = file === null ? [] : file.sources ?? [OWN_URL];
  const sources = createSources(request).map(({ url, key }): SourceStatus => ({
    url,
    standing: used.includes(key) ? "used" : "spare",
    threads: 0,
    error: null,
  }));
  return { sources };
}

/** ... and of one that is being fetched. */
function sourcesOfTransfer(transfer: Transfer): Pick<Status, "sources"> {
  const { download: { request }, source, lost } = transfer;
  if (request.mirrors === undefined) return {};
  const withBytes = sourcesWithBytes(transfer);
  const threads = [...transfer.threads.values()];
  const sources = createSources(request).map(({ url, key }): SourceStatus => {
    const isIt = (other: Source) => other.key === key;
    const error = lost.find(({ source }) => isIt(source))?.error ?? null;
    const running = threads.filter(({ source }) => isIt(source)).length;
    const isUsed = isIt(source) || running > 0 || withBytes.some(isIt);
    return {
      url,
      standing: error !== null ? "failed" : isUsed ? "used" : "spare",
      threads: running,
      error: error && faultOf(error),
    };
  });
  return { sources };
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

/** How clients see what a timetable says. */
export function timetableStatusOf({ rule, until }: Held): TimetableStatus {
  return {
    holds: rule.kind,
    limit_rate: rule.kind === "rate" ? rule.rate : null,
    until: until === null ? null : isoDate(until),
  };
}

/** How clients see what limits all downloads together. */
export function limitsStatusOf(
  { rates, maxDownloads }: Limits,
): LimitsStatus {
  return {
    limit_rate: rates.server,
    limit_rate_per_host: rates.host,
    max_downloads: maxDownloads,
  };
}

/** What has changed since the last message. */
export interface Changes {
  readonly totals: Totals;
  readonly changed: readonly Status[];
  /** Downloads that are not there any more. */
  readonly removed: readonly string[];
  /** Whether what waits begins in another order than before. */
  readonly reordered?: boolean;
  /** Absent before the disk was looked at. */
  readonly disk?: Disk | undefined;
  /** Absent where there is no timetable. */
  readonly timetable?: TimetableStatus | undefined;
  readonly limits: LimitsStatus;
}
