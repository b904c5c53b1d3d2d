/** Downloads as lines of text of a given width. Pure. */

import type { Verified } from "../../download/checksum.ts";
import { remedyFor } from "../../download/remedies.ts";
import type { Kept } from "../../get/existing.ts";
import type { Effort } from "../../get/reporter.ts";
import { filenameFor } from "../../origin/filename.ts";
import { loggable } from "../../origin/request.ts";
import type { Status } from "../../status/status.ts";
import {
  formatBytes,
  formatMoment,
  formatPercent,
  formatSeconds,
} from "./format.ts";
import { clip, fit, printable, widthOf } from "./width.ts";

/** A name for a download, whose file may have none yet. */
export function nameOf({ filename, url }: Status): string {
  return printable(filename ?? filenameFor(null, null, url));
}

/** The name of a download, with its directory below the server's own. */
function pathOf(status: Status): string {
  const { directory } = status;
  const name = nameOf(status);
  return directory === null ? name : `${printable(directory)}/${name}`;
}

/** Columns of `100%`, `99.9 MiB/s` and `99:59:59`. */
const PERCENT = 4;
const SPEED = 10;
const LEFT = 8;
/** A name gets a third of the line, but no more than this. */
const LONGEST_NAME = 30;
/** A bar shorter than this says nothing. */
const SHORTEST_BAR = 8;

/** One line for a download, at most `width` columns. */
export function renderDownload(status: Status, width: number): string {
  const name = nameOf(status);
  const note = noteOf(status);
  if (note !== null) {
    const room = Math.max(8, width - widthOf(note) - 2);
    const shortest = Math.min(widthOf(name), LONGEST_NAME, width >> 1);
    return clip(`${clip(name, Math.max(room, shortest))}  ${note}`, width);
  }
  const columns = [
    percentOf(status).padStart(PERCENT),
    width < 30 ? "" : `  ${speedOf(status).padStart(SPEED)}`,
    width < 45 ? "" : `  ${leftOf(status).padStart(LEFT)}`,
  ].join("");
  const room = width - columns.length - 1;
  const nameWidth = Math.min(LONGEST_NAME, Math.floor(width / 3));
  const barWidth = room - nameWidth - 1;
  if (barWidth < SHORTEST_BAR) {
    return clip(`${fit(name, Math.max(1, room))} ${columns}`, width);
  }
  return `${fit(name, nameWidth)} ${renderBar(status, barWidth)} ${columns}`;
}

/** A note in place of bar and speed; null while the download gets on. */
function noteOf(status: Status): string | null {
  const { process_status: state, size, downloaded, error, threads } = status;
  const { start_at } = status;
  const message = error === null ? "" : `: ${printable(error.message)}`;
  switch (state) {
    case "Downloaded":
      return `done, ${formatBytes(size ?? downloaded)}`;
    case "Failed":
      return `failed${message}`;
    case "Paused":
      return start_at === undefined
        ? `paused${message}`
        : `starts ${formatMoment(start_at)}`;
    case "Queued":
      return "waiting";
    case "Downloading":
      return threads === 0 && error && remedyFor(error.code) !== "none"
        ? [percentOf(status), `trying again${message}`]
          .filter((part) => part !== "").join(", ")
        : null;
  }
}

function percentOf({ size, downloaded }: Status): string {
  return size === null ? "" : formatPercent(downloaded, size);
}

function speedOf({ speed, size, downloaded }: Status): string {
  return size !== null && downloaded >= size
    ? "finishing"
    : speed > 0
    ? `${formatBytes(speed)}/s`
    : "";
}

function leftOf({ eta }: Status): string {
  return eta === null || eta === 0 ? "" : formatSeconds(eta);
}

/**
 * The slices of a download, `width` columns: done, partly done, being fetched,
 * missing. Where the size is not known, how many bytes have come.
 */
export function renderBar(status: Status, width: number): string {
  const { size, downloaded, slices, fetching } = status;
  if (size === null) return fit(`${formatBytes(downloaded)} of ?`, width);
  return Array.from({ length: width }, (_, n) => {
    const start = size * n / width;
    const end = size * (n + 1) / width;
    const done = overlap(slices, start, end);
    if (done >= end - start - 1e-6 * size) {
      return downloaded < size && done < end - start ? "▓" : "█";
    }
    if (done > 0) return "▓";
    return fetching.some(([at]) => at >= start && at < end) ? "▒" : "░";
  }).join("");
}

function overlap(
  ranges: Status["slices"],
  start: number,
  end: number,
): number {
  return ranges.reduce(
    (sum, [from, to]) =>
      sum + Math.max(0, Math.min(to, end) - Math.max(from, start)),
    0,
  );
}

/** How a view is cut to a terminal. */
export interface ViewSize {
  /** Columns. */
  readonly width: number;
  /** Lines. */
  readonly height: number;
}

/** The order in which downloads are shown: running ones first. */
const ORDER: readonly Status["process_status"][] = [
  "Downloading",
  "Queued",
  "Failed",
  "Paused",
  "Downloaded",
];

/**
 * A line for each download, in the order above. The last line says how many
 * downloads there are for which there is no line.
 *
 * @param more How many downloads there are besides `statuses`.
 */
export function renderDownloads(
  statuses: readonly Status[],
  { width, height }: ViewSize,
  more: number,
): string[] {
  const sorted = statuses.toSorted((a, b) =>
    ORDER.indexOf(a.process_status) - ORDER.indexOf(b.process_status)
  );
  const fits = sorted.length + (more > 0 ? 1 : 0) <= height;
  const shown = fits ? sorted : sorted.slice(0, Math.max(0, height - 1));
  const hidden = sorted.length - shown.length + more;
  const lines = shown.map((status) => renderDownload(status, width));
  return hidden > 0 ? [...lines, clip(`… and ${hidden} more`, width)] : lines;
}

/** One line about a download, for outputs where nothing can be redrawn. */
export function renderLine(status: Status): string {
  const { size, downloaded, process_status: state } = status;
  const note = noteOf(status);
  if (note !== null) return `${nameOf(status)}: ${note}`;
  const parts = [
    percentOf(status),
    size === null
      ? formatBytes(downloaded)
      : `${formatBytes(downloaded)} of ${formatBytes(size)}`,
    speedOf(status),
    leftOf(status) === "" ? "" : `${leftOf(status)} left`,
  ].filter((part) => part !== "");
  return `${nameOf(status)}: ${
    parts.length > 0 ? parts.join(", ") : state.toLowerCase()
  }`;
}

/** The last line about a download. */
export function renderEnd(
  status: Status,
  { seconds, bytes }: Effort,
): string {
  const { process_status: state, size, downloaded } = status;
  if (state !== "Downloaded") {
    const where = printable(loggable(status.url));
    return `${renderLine(status)} (${where})`;
  }
  const time = seconds < 10
    ? `${seconds.toFixed(1)} s`
    : formatSeconds(seconds);
  const speed = formatBytes(bytes / Math.max(seconds, 0.001));
  const all = formatBytes(size ?? downloaded);
  const end = `${nameOf(status)}: ${all} in ${time} (${speed}/s)`;
  return end + renderSource(status);
}

/** Where a checksum that was looked for was found; empty if none was to be. */
function renderSource({ checksum }: Status): string {
  if (checksum === undefined || checksum?.from === "request") return "";
  if (checksum === null) return ", no checksum found";
  return `, ${checksum.algorithm} as ${printable(checksum.from)} says`;
}

/** A line about a finished file that was read again. */
export function renderVerified(
  { id, fits, checksum: { algorithm, digest: wanted, from }, digest }:
    & Verified
    & { readonly id: string },
): string {
  const source = from === "request" ? "" : `, as ${from} says`;
  return printable(
    fits
      ? `${id}  right: ${algorithm}${source}`
      : `${id}  WRONG: its ${algorithm} is ${digest}, not ${wanted}${source}`,
  );
}

/** A line about a download whose file is there already. */
export function renderKept(status: Status, why: Kept): string {
  const words = { existing: "is there already", unchanged: "has not changed" };
  return `${nameOf(status)} ${words[why]}`;
}

/** The downloads of a server as a table; `width` is Infinity for no end. */
export function renderTable(
  statuses: readonly Status[],
  width: number,
): string[] {
  return statuses.map((status) => {
    const { id, process_status: state, size, downloaded, error, priority } =
      status;
    const bytes = size === null ? formatBytes(downloaded) : formatBytes(size);
    const columns = [
      printable(id.slice(0, 8)).padEnd(8),
      state.padEnd(11),
      percentOf(status).padStart(PERCENT),
      bytes.padStart(8),
      pathOf(status),
    ];
    const notes = [
      priority === "normal" ? "" : `${priority} priority`,
      status.start_at === undefined ? "" : noteOf(status),
      error === null ? "" : printable(error.message),
    ].filter((note) => note !== "");
    const more = notes.length === 0 ? "" : `  (${notes.join("; ")})`;
    return clip(columns.join("  ") + more, width);
  });
}
