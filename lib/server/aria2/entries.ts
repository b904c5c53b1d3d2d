/** Downloads as aria2's clients see them: all values are text. Pure. */

import { join } from "@std/path/join";
import type { DownloadRequest } from "../../download/download.ts";
import type { ErrorCode } from "../../download/errors.ts";
import type { Status } from "../../status/status.ts";

/** Where a download stands, in aria2's words. */
export type Standing =
  | "active"
  | "waiting"
  | "paused"
  | "error"
  | "complete"
  | "removed";

/** A download that aria2's clients are told of. */
export interface Known {
  readonly standing: Standing;
  readonly status: Status;
  readonly request: DownloadRequest;
}

/** A URI of a download, and whether it is in use. */
export interface Uri {
  readonly uri: string;
  readonly status: "used" | "waiting";
}

/** The digits that stand for an id. */
const GID_LENGTH = 16;

/** Bytes of a piece, unless there would be too many of them ... */
const PIECE = 2 ** 20;
/** ... for AriaNg, which draws no more. */
const MOST_PIECES = 10_240;

const STANDINGS: Record<Status["process_status"], Standing> = {
  Downloading: "active",
  Queued: "waiting",
  Paused: "paused",
  Downloaded: "complete",
  Failed: "error",
};

/** Whether a download is over. */
export function isStopped({ standing }: Known): boolean {
  return ["complete", "error", "removed"].includes(standing);
}

/** A download that is on the list. */
export function knownOf(status: Status, request: DownloadRequest): Known {
  return { standing: STANDINGS[status.process_status], status, request };
}

/** The gid of an id: its first digits. */
export function gidOf(id: string): string {
  return id.replaceAll("-", "").slice(0, GID_LENGTH);
}

/** How the ids of a gid, or of the first digits of one, begin. */
export function beginningOf(gid: string): string {
  const digits = gid.toLowerCase();
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12)]
    .filter((part) => part !== "").join("-");
}

/** An id whose gid is this one. */
export function idWith(gid: string): string {
  return beginningOf(gid) + crypto.randomUUID().slice(GID_LENGTH + 2);
}

/** Whether a client may give a download this gid. */
export function isGid(text: string): boolean {
  return /^[0-9a-f]{16}$/i.test(text) && !/^0+$/.test(text);
}

/** All URIs of a download, and which of them it is fetched from. */
export function urisOf({ standing, status }: Known): Uri[] {
  const begun = standing === "active" || status.size !== null;
  const { sources = [{ url: status.url, standing: "used" }] } = status;
  const uris = sources.map(({ url, standing }): Uri => ({
    uri: url,
    status: begun && standing === "used" ? "used" : "waiting",
  }));
  // The one that was given is there, also if it only told of the others.
  const isGiven = uris.some(({ uri }) => uri === status.url);
  return isGiven ? uris : [{ uri: status.url, status: "waiting" }, ...uris];
}

/** The files of a download, of which there is one. */
export function filesOf(known: Known, root: string): unknown[] {
  return [{
    index: "1",
    path: pathOf(known, root),
    length: String(sizeOf(known)),
    completedLength: String(known.status.downloaded),
    selected: "true",
    uris: urisOf(known),
  }];
}

/** Each field of an entry; undefined where the entry has none. */
const FIELDS: Readonly<
  Record<string, (known: Known, root: string) => unknown>
> = {
  gid: ({ status }) => gidOf(status.id),
  status: ({ standing }) => standing,
  totalLength: (known) => String(isBegun(known) ? sizeOf(known) : 0),
  completedLength: ({ status }) => String(status.downloaded),
  uploadLength: () => "0",
  bitfield: bitfieldOf,
  downloadSpeed: ({ status }) => String(status.speed),
  uploadSpeed: () => "0",
  errorCode: errorCodeOf,
  errorMessage: errorMessageOf,
  pieceLength: (known) => String(pieceLength(sizeOf(known))),
  numPieces: (known) => String(pieces(sizeOf(known))),
  connections: ({ status }) => String(status.threads),
  dir: dirOf,
  files: filesOf,
};

/**
 * A download as a client is told of it.
 *
 * @param keys The fields that it wants; all of them if there are none.
 * @param root The content directory.
 */
export function entryOf(
  known: Known,
  keys: readonly string[],
  root: string,
): Record<string, unknown> {
  const names = keys.length === 0 ? Object.keys(FIELDS) : keys;
  const entry: Record<string, unknown> = {};
  for (const name of names) {
    const value = Object.hasOwn(FIELDS, name)
      ? FIELDS[name]?.(known, root)
      : undefined;
    if (value !== undefined) entry[name] = value;
  }
  return entry;
}

/**
 * Where a file goes, but for what `out` says of directories; where it was moved
 * to, if that is elsewhere.
 */
export function dirOf({ request }: Known, root: string): string {
  const { directory = "", kept } = request;
  if (kept === undefined) return join(root, directory);
  const { dir = "" } = kept.options;
  const isThere = dir === "" || `${directory}/`.startsWith(`${dir}/`);
  return join(root, isThere ? dir : directory);
}

/** Empty where the name is not known yet. */
function pathOf({ status, request }: Known, root: string): string {
  if (status.path_to_file !== null) {
    const path = decodeURIComponent(
      status.path_to_file.slice("file://".length),
    );
    return path.replace(/^\/(?=[a-z]:)/i, "");
  }
  return status.filename === null
    ? ""
    : join(root, request.directory ?? "", status.filename);
}

/** Bytes, as the origin tells or the request; 0 where neither does. */
function sizeOf({ status, request }: Known): number {
  return status.size ?? request.size ?? 0;
}

/** Whether its size counts: aria2 tells none of what only waits. */
function isBegun({ standing, status }: Known): boolean {
  return status.size !== null || !["waiting", "paused"].includes(standing);
}

function pieceLength(size: number): number {
  let length = PIECE;
  while (size > length * MOST_PIECES) length *= 2;
  return length;
}

function pieces(size: number): number {
  return Math.ceil(size / pieceLength(size));
}

/** A bit for each piece that is there whole, the first piece's in front. */
function bitfieldOf(known: Known): string | undefined {
  const { status } = known;
  const size = isBegun(known) ? sizeOf(known) : 0;
  const count = pieces(size);
  if (count === 0) return undefined;
  const length = pieceLength(size);
  const bits = new Uint8Array(Math.ceil(count / 8));
  for (const [start, end] of status.slices) {
    const first = Math.ceil(start / length);
    const after = end >= size ? count : Math.floor(end / length);
    for (let n = first; n < after; n++) {
      bits[n >> 3] = (bits[n >> 3] ?? 0) | 0x80 >> (n & 7);
    }
  }
  return bits.toHex();
}

/** aria2's codes for what goes wrong; it has one for all else. */
const ERROR_CODES: Partial<Record<ErrorCode, string>> = {
  STALLED: "2",
  HOST_UNKNOWN: "19",
  REFUSED: "6",
  TLS: "6",
  PROXY: "6",
  PROXY_AUTH: "24",
  PROXY_UNKNOWN: "28",
  CUT: "6",
  REDIRECT: "23",
  NO_RANGES: "8",
  UNREADABLE: "22",
  EXPIRED: "22",
  ORIGIN_STATUS: "22",
  ORIGIN_FAULT: "29",
  BUSY: "29",
  DISK_FULL: "9",
  FILE_TOO_LARGE: "17",
  DISK: "17",
  PART_LOST: "17",
  CHECKSUM: "32",
};

/** ... and those for what origins answer. */
const STATUS_CODES: Readonly<Record<string, string>> = {
  401: "24",
  404: "3",
  503: "29",
};

function errorCodeOf({ standing, status }: Known): string | undefined {
  if (standing === "complete") return "0";
  if (standing === "removed") return "31";
  if (standing !== "error" || status.error === null) return undefined;
  const { code, message } = status.error;
  const [, answered = ""] = message.match(/\banswered (\d{3})\b/) ?? [];
  return STATUS_CODES[answered] ?? ERROR_CODES[code] ?? "1";
}

/** Empty for what is complete: some clients take any text for a failure. */
function errorMessageOf(known: Known): string | undefined {
  if (!isStopped(known)) return undefined;
  return known.standing === "error" ? known.status.error?.message ?? "" : "";
}
