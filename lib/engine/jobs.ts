/**
 * What is done for a transfer besides its threads: comparing what an earlier
 * run left, recording, finishing, coming to an end.
 *
 * Data first, record second: a range is recorded only after it is synced, and
 * "Downloaded" only after the file has its name.
 */

import type { WriteUntil } from "../base/write_until.ts";
import type { FoundChecksum } from "../download/checksum.ts";
import {
  checksumOf,
  type FileFacts,
  placedIn,
  type Rewording,
} from "../download/download.ts";
import { DownloadError, fromRecord, toRecord } from "../download/errors.ts";
import type { Tell } from "../download/events.ts";
import { total, union } from "../download/ranges.ts";
import {
  directoryByRules,
  headersByRules,
  type Rule,
} from "../download/rules.ts";
import { directoryGone } from "../files/disk_room.ts";
import type { DownloadParts } from "../files/parts.ts";
import { sumFilesBeside } from "../origin/digests.ts";
import { lastSegment } from "../origin/filename.ts";
import { describedBy } from "../origin/metalink.ts";
import { requestForOther } from "../origin/request.ts";
import type { Catalogue, Settled } from "../store/catalogue.ts";
import type { PartRecords } from "../store/part_records.ts";
import type { FinishedPart, Published } from "../threads/messages.ts";
import type { Pool } from "../threads/pool.ts";
import { pinnedOf } from "../transfer/sources.ts";
import {
  type Ask,
  ask,
  beginAnew,
  described,
  type Ending,
  finish,
  forgotten,
  isWhole,
  notDescribed,
  notFinished,
  recorded,
  type Rest,
  restarted,
  runsOf,
  type Transfer,
  unsynced,
  verified,
  verifyAgain,
} from "../transfer/transfer.ts";

/** The longest time without a record of progress, in milliseconds. */
const CHECKPOINT_EVERY = 1_000;
/** New bytes that call for a record sooner: the disk then never falls behind. */
const CHECKPOINT_BYTES = 32 * 1024 * 1024;

/** What jobs work with. */
export interface Tools {
  readonly catalogue: Catalogue;
  readonly records: PartRecords;
  readonly parts: DownloadParts;
  readonly pool: Pool;
  /** Gives a finished part file its name. */
  publish(part: FinishedPart): Promise<Published>;
  /** Removes what told of a part's name; it is recorded. */
  removePart(path: string): Promise<unknown>;
  readonly tell: Tell;
  /** Until when files may be written and named; absent for always. */
  readonly writeUntil?: WriteUntil | undefined;
  readonly rules: readonly Rule[];
}

/** Whether the transfer is over with the job. */
export type Done = "stays" | "leaves";

/** One job for one transfer. */
export type Job = (transfer: Transfer, tools: Tools) => Promise<Done>;

/** The job that is due for a transfer now, if any. */
export function dueJob(transfer: Transfer, now: number): Job | null {
  const { phase, threads, notBefore } = transfer;
  switch (phase.kind) {
    case "verifying":
      return verify;
    case "finishing":
      // It has its name, and could not be recorded.
      return complete;
    case "stopping":
      return threads.size > 0
        ? null
        : (transfer, tools) => conclude(transfer, phase.then, tools);
    case "fetching":
      if (!isWhole(transfer)) return isDue(transfer, now) ? checkpoint : null;
      return threads.size > 0 || notBefore > now ? null : complete;
  }
}

/** Whether there is enough that a crash would lose. */
function isDue(transfer: Transfer, now: number): boolean {
  if (pinnedOf(transfer) === null || transfer.unsynced) return false;
  const { done, recorded } = transfer;
  const bytes = total(done) - recorded.bytes;
  return bytes >= CHECKPOINT_BYTES ||
    bytes > 0 && now - recorded.at >= CHECKPOINT_EVERY;
}

/** Keeps those runs of an earlier transfer that the part file really holds. */
async function verify(
  transfer: Transfer,
  { records, parts, pool, tell }: Tools,
): Promise<Done> {
  const { download: { id }, runs, done } = transfer;
  const intact = await intactRuns(transfer, parts, pool);
  const bytes = total(union(intact));
  tell({ kind: "verified", id, bytes, lost: total(done) - bytes });
  verified(transfer, intact);
  // Without validator or checksum, a rest could be of another file.
  const useless = bytes === 0 || pinnedOf(transfer) === null;
  const anew = useless && !isWhole(transfer);
  if (anew || intact.length < runs.length) {
    await records.forget(id);
    forgotten(transfer);
  }
  if (anew) {
    await parts.remove(transfer.download);
    beginAnew(transfer, transfer.ask);
  }
  return "stays";
}

/** The runs whose bytes in the part file are as they were written. */
async function intactRuns(
  { download: { id }, runs }: Transfer,
  parts: DownloadParts,
  pool: Pool,
): Promise<Transfer["runs"]> {
  const path = parts.path(id);
  try {
    const algorithm = "crc32";
    const digests = await pool.digest({ path, algorithm, ranges: runs });
    const intact = runs.filter(({ crc }, n) => digests[n] === String(crc));
    // Under its name it is the user's by now, and not to be written to.
    const damaged = intact.length < runs.length;
    return damaged && parts.isNamed(id) ? [] : intact;
  } catch (error) {
    if (isUnreadable(error) && !parts.isGone()) return [];
    throw error;
  }
}

/** Whether a part file cannot be read any more: what it held is lost, too. */
function isUnreadable(error: unknown): boolean {
  return ["PART_LOST", "DISK"].includes(toRecord(error).code);
}

/** Records what has been written so far. */
async function checkpoint(
  transfer: Transfer,
  { records, parts }: Tools,
): Promise<Done> {
  const { download: { id }, file } = transfer;
  if (file === null || pinnedOf(transfer) === null) return "stays";
  if (transfer.unsynced) return "stays";
  const runs = runsOf(transfer);
  const fresh = runs.filter((run) => !transfer.recorded.runs.has(run));
  const bytes = total(transfer.done);
  const refusal = await parts.sync(id);
  if (refusal !== null) {
    unsynced(transfer);
    throw fromRecord(refusal);
  }
  await records.checkpoint(id, file, { runs, fresh, bytes });
  const at = performance.now();
  recorded(transfer, { at, bytes, runs: new Set(runs) });
  return "stays";
}

/** All bytes are there: checksum, sync, name, record. */
async function complete(transfer: Transfer, tools: Tools): Promise<Done> {
  const { catalogue, parts, removePart, tell } = tools;
  const { download, file } = transfer;
  const { id } = download;
  if (file === null || file.size === null) return "stays";
  const { size } = file;
  const part = parts.path(id);
  const naming = parts.naming();
  finish(transfer);
  let published: Published;
  let facts = file;
  try {
    refuseOtherSize(transfer, size);
    const checksum = await findChecksum(transfer, tools);
    if (checksum) await compareChecksum(transfer, size, checksum, tools);
    if (checksum?.from !== "request" && checksum !== undefined) {
      facts = { ...file, checksum };
    }
    const { verified } = transfer;
    const { name, modified = null } = file;
    const directory = await place(transfer, file, tools);
    // After a crash between name and record, the name is found again.
    const what = { path: part, directory, name, size };
    const finished = { ...what, naming, verified, modified };
    published = await tools.publish(finished);
    if (published.kind === "unsynced") unsynced(transfer);
    if ("error" in published) throw fromRecord(published.error);
  } catch (error) {
    notFinished(transfer);
    throw error;
  }
  if (published.kind === "held") {
    notFinished(transfer);
    return "stays";
  }
  if (published.kind === "holes") {
    verifyAgain(transfer);
    return "stays";
  }
  const { name, path, identity } = published;
  const settled: Settled = {
    state: { kind: "Downloaded", path, identity },
    // Where the name was taken, it has got another one.
    file: { ...facts, name },
    downloaded: size,
    finishedAt: Date.now(),
  };
  // Whatever fails now, nothing else may become of a file that has its name.
  await catalogue.settle(id, settled);
  await removePart(parts.evidence(id)).catch((error) => {
    tell({ kind: "leftover", id, error: toRecord(error) });
  });
  const done = { ...transfer.download, ...settled };
  tell({ kind: "downloaded", id, download: done });
  return "leaves";
}

/**
 * The checksum that the file must have: as it was given, or as it was found beside
 * the first answer, or is found now. Null if it is looked for in vain, undefined
 * if it is not to be looked for.
 */
async function findChecksum(
  { download: { request }, file }: Transfer,
  { pool, rules }: Tools,
): Promise<FoundChecksum | null | undefined> {
  const known = checksumOf(request, file);
  const { url, filename, checksumFrom: from } = request;
  if (known !== null || from === undefined) return known;
  const files = from === "auto"
    ? sumFilesBeside(url)
    : [{ url: from, isOwn: true }];
  const asked = { ...request, headers: headersByRules(request, rules) };
  const named = filename === null && file !== null ? [file.name] : [];
  return await pool.look({
    files: files.map(({ url, isOwn }) => ({
      isOwn,
      request: requestForOther(asked, url),
    })),
    names: [lastSegment(new URL(url).pathname), ...named],
  });
}

/**
 * The directory that a file goes to. What rules say of it now that all is known is
 * recorded before the file gets its name: there it is looked for after a crash.
 */
async function place(
  transfer: Transfer,
  file: FileFacts,
  { catalogue, rules }: Tools,
): Promise<string | undefined> {
  const { download } = transfer;
  const { id, request } = download;
  if (request.directory !== undefined) return request.directory;
  const directory = directoryByRules(download, file, rules);
  if (directory === undefined) return undefined;
  const rewording = placedIn(directory);
  await catalogue.reword(id, rewording);
  ask(transfer, rewording);
  return directory;
}

/** @throws {DownloadError} UNREADABLE if the file has not the size that it must. */
function refuseOtherSize({ download }: Transfer, size: number): void {
  const wanted = download.request.size ?? size;
  if (size === wanted) return;
  throw new DownloadError(
    "UNREADABLE",
    `The origin's file has ${size} bytes, and should have ${wanted}: check ` +
      "the URL, or add another one of the file.",
  );
}

/** @throws {DownloadError} CHECKSUM if the part is not what was asked for. */
async function compareChecksum(
  { download }: Transfer,
  size: number,
  { algorithm, digest: wanted, from }: FoundChecksum,
  { parts, pool }: Tools,
): Promise<void> {
  const path = parts.whole(download);
  const ranges = [{ start: 0, end: size }];
  const [found] = await pool.digest({ path, algorithm, ranges });
  if (found !== wanted) throw wrongChecksum(algorithm, wanted, found, from);
}

function wrongChecksum(
  algorithm: string,
  wanted: string,
  found = "",
  from: string,
): DownloadError {
  const source = from === "request" ? "" : `, as ${from} says`;
  return new DownloadError(
    "CHECKSUM",
    `The file's ${algorithm} is ${found}, not ${wanted}${source}: either is wrong. ` +
      "Check where the checksum is from; trying again fetches the file anew.",
  );
}

/** Brings a transfer without threads to its end. */
function conclude(
  transfer: Transfer,
  then: Ending,
  tools: Tools,
): Promise<Done> {
  switch (then.kind) {
    case "settle":
      return settle(transfer, then.state, tools);
    case "restart":
      return restart(transfer, then.ask, tools);
    case "describe":
      return describe(transfer, then.document, tools);
    case "rest":
      return rest(transfer, then.bytes, tools);
    case "lost":
      return Promise.resolve("leaves");
  }
}

async function settle(
  transfer: Transfer,
  state: Rest,
  tools: Tools,
): Promise<Done> {
  const { catalogue, tell } = tools;
  const { download, file } = transfer;
  const { id } = download;
  const useless = state.error?.code === "CHECKSUM" || !isOfUse(transfer);
  if (useless) forgotten(transfer);
  else await keep(transfer, tools);
  const downloaded = transfer.recorded.bytes;
  const finishedAt = state.kind === "Failed" ? Date.now() : null;
  const settled: Settled = { state, file, downloaded, finishedAt };
  await catalogue.settle(id, settled);
  if (downloaded === 0) await removeUseless(transfer, tools);
  const kind = state.kind === "Failed" ? "failed" : "paused";
  tell({ kind, id, download: { ...download, ...settled } });
  return "leaves";
}

/**
 * Removes a part that nothing goes on from. Where it cannot be removed, it stays
 * for the next transfer, which begins anew: nobody waits for that.
 */
async function removeUseless(
  { download }: Transfer,
  { parts, tell }: Pick<Tools, "parts" | "tell">,
): Promise<void> {
  try {
    await parts.remove(download);
  } catch (error) {
    tell({ kind: "leftover", id: download.id, error: toRecord(error) });
  }
}

/** Whether a later transfer can go on from the bytes of this one. */
function isOfUse(transfer: Transfer): boolean {
  return pinnedOf(transfer) !== null && transfer.done.length > 0;
}

/**
 * Records what there is, if it can be: on a full disk, after a sync that failed, and
 * where all parts are gone, what was recorded stands.
 */
async function keep(transfer: Transfer, tools: Tools): Promise<void> {
  try {
    await checkpoint(transfer, tools);
  } catch (error) {
    if (transfer.unsynced || tools.parts.isGone()) return;
    if (isUnreadable(error)) forgotten(transfer);
    else if (toRecord(error).code !== "DISK_FULL") throw error;
  }
}

async function restart(
  transfer: Transfer,
  ask: Ask,
  { catalogue, parts, tell }: Tools,
): Promise<Done> {
  // They come back with their disk, and the records of them are of use then.
  if (parts.isGone()) throw directoryGone(parts);
  const { id, state } = transfer.download;
  const anew = { file: null, downloaded: 0, finishedAt: null };
  await catalogue.settle(id, { state, ...anew });
  // A thread of a worker that died may still write: not into the new file.
  await parts.remove(transfer.download);
  restarted(transfer, ask);
  tell({ kind: "restarted", id });
  return "stays";
}

/** A Metalink document says where the file is. */
async function describe(
  transfer: Transfer,
  document: string,
  tools: Tools,
): Promise<Done> {
  const { catalogue, tell } = tools;
  const { download: { id, request: asked } } = transfer;
  let rewording: Rewording;
  try {
    rewording = await describedBy(asked, document);
  } catch (error) {
    // A mirror may stand in.
    if (error instanceof DownloadError) notDescribed(transfer);
    throw error;
  }
  await catalogue.reword(id, rewording);
  described(transfer, rewording);
  tell({ kind: "diverted", id, url: transfer.source.url });
  return "stays";
}

/** A command or the next start goes on from here. */
async function rest(
  transfer: Transfer,
  bytes: "keep" | "drop",
  tools: Tools,
): Promise<Done> {
  if (bytes === "drop") return "leaves";
  if (isOfUse(transfer)) await keep(transfer, tools);
  else {
    forgotten(transfer);
    await removeUseless(transfer, tools);
  }
  return "leaves";
}
