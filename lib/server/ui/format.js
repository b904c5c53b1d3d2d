// @ts-check
/** How numbers, times and states are written. Pure. */

/** @import { ErrorRecord } from "../../download/errors.ts" */
/** @import { Status, Totals } from "../../status/status.ts" */
import { faultFor, formatDate, formatNumber, listed, say } from "./words.js";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/**
 * Bytes, with as many digits as matter: `512 B`, `1.5 MiB`, `238 GiB`.
 *
 * @param {number} bytes
 */
export function formatBytes(bytes) {
  let unit = 0;
  let value = bytes;
  // 999.5, not 1000: four digits would be shown otherwise.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${formatNumber(value, digits)} ${UNITS[unit]}`;
}

/** @param {number} bytesPerSecond */
export function formatSpeed(bytesPerSecond) {
  return say("unit.speed", { bytes: formatBytes(bytesPerSecond) });
}

/**
 * A span of time in its two largest units: `45 s`, `1 min 20 s`, `2 h 5 min`.
 *
 * @param {number} seconds
 */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return say("unit.second", { count: whole });
  if (whole < 3600) return pair(whole, "minute", "second");
  if (whole < 86_400) return pair(whole, "hour", "minute");
  if (whole < 8_640_000) return pair(whole, "day", "hour");
  return say("duration.long", { count: 100 });
}

/** In seconds. */
const SPANS = { second: 1, minute: 60, hour: 3600, day: 86_400 };

/**
 * @param {number} seconds
 * @param {keyof typeof SPANS} large
 * @param {keyof typeof SPANS} small
 */
function pair(seconds, large, small) {
  const rest = Math.floor(seconds % SPANS[large] / SPANS[small]);
  const count = Math.floor(seconds / SPANS[large]);
  const first = say(`unit.${large}`, { count });
  if (rest === 0) return first;
  const second = say(`unit.${small}`, { count: rest });
  return say("duration.pair", { large: first, small: second });
}

/** @param {number} seconds What it still takes. */
export function formatLeft(seconds) {
  return say("duration.left", { duration: formatDuration(seconds) });
}

/**
 * Rounded down: 100 % is said only of what is whole.
 *
 * @param {number} progress From 0 to 1.
 */
export function formatPercent(progress) {
  return say("unit.percent", { count: Math.floor(progress * 100) });
}

/**
 * When something was: the time alone if it was today.
 *
 * @param {string} iso
 * @param {Date} now
 */
export function formatMoment(iso, now) {
  const date = new Date(iso);
  const time = formatDate(date, "time");
  if (date.toDateString() === now.toDateString()) return time;
  const isOfYear = date.getFullYear() === now.getFullYear();
  const day = formatDate(date, isOfYear ? "day" : "dayOfYear");
  return say("moment", { day, time });
}

/** What turns the direction of text: in a name, it only deceives. */
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * What a download is called: its file's name, or what its URL ends with.
 *
 * @param {Pick<Status, "filename" | "url">} status
 */
export function nameOf(status) {
  return givenName(status).replaceAll(TURNS, "");
}

/**
 * A name within a sentence, where one that is written from right to left turns
 * nothing else.
 *
 * @param {Pick<Status, "filename" | "url">} status
 */
export function quotedName(status) {
  return `\u2068${nameOf(status)}\u2069`;
}

/** Characters that of a name are always seen; more would leave no beginning. */
const LONGEST_END = 14;

/**
 * A name in two: what may be cut off when there is no room, and its end with
 * the extension, which tells what it is.
 *
 * @param {string} name
 */
export function halvesOf(name) {
  const characters = [...SEGMENTER.segment(name)].map(({ segment }) => segment);
  if (characters.length <= 2 * LONGEST_END) return { start: name, end: "" };
  const end = characters.slice(-LONGEST_END).join("");
  return { start: name.slice(0, -end.length), end };
}

const SEGMENTER = new Intl.Segmenter("en");

/** @param {Pick<Status, "filename" | "url">} status */
function givenName({ filename, url }) {
  if (filename !== null) return filename;
  const { pathname, host } = new URL(url);
  const segment = pathname.split("/").findLast((part) => part !== "");
  if (segment === undefined) return host;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/**
 * Where a file is, as people write it.
 *
 * @param {string} href Of a `file:` URL.
 */
export function formatPath(href) {
  const { hostname, pathname } = new URL(href);
  try {
    const path = decodeURIComponent(pathname);
    if (hostname !== "") return `//${hostname}${path}`;
    // Of C:\\ the URL has /C:/.
    return path.replace(/^\/(?=[A-Za-z]:\/)/, "");
  } catch {
    return href;
  }
}

/** @param {Pick<Status, "url">} status */
export function hostOf({ url }) {
  return new URL(url).host;
}

/**
 * A size in full: `1.5 MiB (1,572,864 bytes)`.
 *
 * @param {number} bytes
 */
export function formatSize(bytes) {
  const full = say("bytes", { count: bytes });
  if (bytes < 1000) return full;
  return say("bytes.both", { short: formatBytes(bytes), full });
}

/**
 * What is wrong, without what to do about it: a row has no room for both.
 *
 * @param {Pick<ErrorRecord, "code" | "message">} error
 */
export function formatFault({ code, message }) {
  return faultFor(code) ??
    message.replace(/(; |\. (?=[A-Z])).*$/s, "").replace(/\.$/, "");
}

/**
 * How much there is of how much.
 *
 * @param {Pick<Status, "downloaded" | "size" | "process_status">} status
 */
export function formatAmount({ downloaded, size, process_status: state }) {
  if (state === "Downloaded" && size !== null) return formatBytes(size);
  if (size === null) return downloaded === 0 ? "" : formatBytes(downloaded);
  if (downloaded === 0) return formatBytes(size);
  const [number, unit] = formatBytes(downloaded).split(" ");
  const whole = formatBytes(size);
  const part = whole.endsWith(` ${unit}`) ? number : `${number} ${unit}`;
  return say("amount", { part: part ?? "", whole });
}

/**
 * How a download stands, in words.
 *
 * @param {Pick<Status, "process_status" | "start_at">} status
 * @param {Date} now
 */
export function standingOf({ process_status: state, start_at: startAt }, now) {
  return startAt === undefined
    ? say(`state.${state}`)
    : say("state.starts", { moment: formatMoment(startAt, now) });
}

/**
 * A download in one sentence, for people who do not see its row.
 *
 * @param {Status} status
 * @param {Date} now
 */
export function sentenceOf(status, now) {
  const { process_status: state, progress, speed, eta, threads, error } =
    status;
  const running = state === "Downloading";
  return listed([
    nameOf(status),
    standingOf(status, now),
    state !== "Downloaded" && progress !== null && formatPercent(progress),
    formatAmount(status),
    running && speed > 0 && formatSpeed(speed),
    running && eta !== null && formatLeft(eta),
    running && say("threads", { count: threads }),
    error && (faultFor(error.code) ?? error.message),
  ]);
}

/**
 * What the tab is called.
 *
 * @param {{
 *   connected: boolean,
 *   totals: Totals,
 *   speed: number,
 *   progress: number | null,
 * }} now `progress` of the one that runs, if it is only one.
 */
export function titleFor({ connected, totals, speed, progress }) {
  if (!connected) return titled(say("title.lost"));
  const { Downloading: running, Queued: waiting, Failed: failed } = totals;
  if (running > 0) {
    const first = running === 1 && waiting === 0 && progress !== null
      ? formatPercent(progress)
      : say("title.left", { count: running + waiting });
    return titled(first, formatSpeed(speed));
  }
  if (waiting > 0) return titled(say("waiting", { count: waiting }));
  return failed > 0 ? titled(say("failed", { count: failed })) : titled();
}

/** @param {string[]} texts */
function titled(...texts) {
  return [...texts, "Sluice"].join(" · ");
}
