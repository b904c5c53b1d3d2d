// @ts-check
/** How numbers, times and states are written. Pure. */

/** @import { Status, Totals } from "../../status/status.ts" */

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
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** @param {number} bytesPerSecond */
export function formatSpeed(bytesPerSecond) {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/**
 * A span of time in its two largest units: `45 s`, `1 min 20 s`, `2 h 5 min`.
 *
 * @param {number} seconds
 */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(whole, 60, "min", 1, "s");
  if (whole < 86_400) return pair(whole, 3600, "h", 60, "min");
  if (whole < 8_640_000) return pair(whole, 86_400, "d", 3600, "h");
  return "over 100 d";
}

/**
 * @param {number} seconds
 * @param {number} large
 * @param {string} largeName
 * @param {number} small
 * @param {string} smallName
 */
function pair(seconds, large, largeName, small, smallName) {
  const rest = Math.floor(seconds % large / small);
  const first = `${Math.floor(seconds / large)} ${largeName}`;
  return rest === 0 ? first : `${first} ${rest} ${smallName}`;
}

/**
 * Rounded down: 100 % is said only of what is whole.
 *
 * @param {number} progress From 0 to 1.
 */
export function formatPercent(progress) {
  return `${Math.floor(progress * 100)} %`;
}

/** @param {number} count */
export function formatCount(count) {
  return count.toLocaleString("en");
}

/**
 * When something was: the time alone if it was today.
 *
 * @param {string} iso
 * @param {Date} now
 */
export function formatMoment(iso, now) {
  const date = new Date(iso);
  const time = date.toLocaleTimeString("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
  });
  if (date.toDateString() === now.toDateString()) return time;
  const day = date.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    ...(date.getFullYear() !== now.getFullYear() && { year: "numeric" }),
  });
  return `${day}, ${time}`;
}

/** @type {Readonly<Record<Status["process_status"], string>>} */
export const STATE_WORDS = {
  Queued: "Waiting",
  Downloading: "Downloading",
  Paused: "Paused",
  Downloaded: "Finished",
  Failed: "Failed",
};

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
  if (bytes === 1) return "1 byte";
  const full = `${formatCount(bytes)} bytes`;
  return bytes < 1000 ? full : `${formatBytes(bytes)} (${full})`;
}

/**
 * What is wrong, without what to do about it: a row has no room for both.
 *
 * @param {string} message
 */
export function formatFault(message) {
  return message.replace(/(; |\. (?=[A-Z])).*$/s, "").replace(/\.$/, "");
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
  return whole.endsWith(` ${unit}`)
    ? `${number} of ${whole}`
    : `${number} ${unit} of ${whole}`;
}

/**
 * A download in one sentence, for people who do not see its row.
 *
 * @param {Status} status
 */
export function sentenceOf(status) {
  const { process_status: state, progress, speed, eta, threads, error } =
    status;
  const running = state === "Downloading";
  return [
    nameOf(status),
    STATE_WORDS[state],
    state !== "Downloaded" && progress !== null && formatPercent(progress),
    formatAmount(status),
    running && speed > 0 && formatSpeed(speed),
    running && eta !== null && `${formatDuration(eta)} left`,
    running && `${threads} thread${threads === 1 ? "" : "s"}`,
    error?.message,
  ].filter(Boolean).join(", ");
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
  if (!connected) return "Not connected · Sluice";
  const { Downloading: running, Queued: waiting, Failed: failed } = totals;
  if (running > 0) {
    const first = running === 1 && waiting === 0 && progress !== null
      ? formatPercent(progress)
      : `${formatCount(running + waiting)} to go`;
    return `${first} · ${formatSpeed(speed)} · Sluice`;
  }
  if (waiting > 0) return `${formatCount(waiting)} waiting · Sluice`;
  return failed > 0 ? `${formatCount(failed)} failed · Sluice` : "Sluice";
}
