/**
 * What is done for a transfer besides its threads: comparing what an earlier
 * run left, recording, finishing, coming to an end.
 *
 * Data first, record second: a range is recorded only after it is synced, and
 * "Downloaded" only after the file has its name.
 */

import type { Log } from "../base/log.ts";
import type { State } from "../download/download.ts";
import { DownloadError, fromRecord, toRecord } from "../download/errors.ts";
import { total, union } from "../download/ranges.ts";
import type { DownloadParts } from "../files/parts.ts";
import type { Store } from "../store/store.ts";
import type { FinishedPart, Published } from "../threads/messages.ts";
import type { Pool } from "../threads/pool.ts";
import {
  beginAnew,
  type Ending,
  isWhole,
  pinnedOf,
  runsOf,
  type Transfer,
} from "../transfer/transfer.ts";

/** The longest time without a record of progress, in milliseconds. */
const CHECKPOINT_EVERY = 1_000;
/** New bytes that call for a record sooner: the disk then never falls behind. */
const CHECKPOINT_BYTES = 32 * 1024 * 1024;

/** What jobs work with. */
export interface Tools {
  readonly store: Store;
  readonly parts: DownloadParts;
  readonly pool: Pool;
  /** Gives a finished part file its name. */
  publish(part: FinishedPart): Promise<Published>;
  /** Removes a part file whose name is recorded. */
  removePart(path: string): Promise<unknown>;
  readonly log: Log;
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
      return finish;
    case "stopping":
      return threads.size > 0
        ? null
        : (transfer, tools) => conclude(transfer, phase.then, tools);
    case "fetching":
      if (!isWhole(transfer)) return isDue(transfer, now) ? checkpoint : null;
      return threads.size > 0 || notBefore > now ? null : finish;
  }
}

/** Whether there is enough that a crash would lose. */
function isDue(transfer: Transfer, now: number): boolean {
  if (pinnedOf(transfer) === null) return false;
  const { done, recorded } = transfer;
  const bytes = total(done) - recorded.bytes;
  return bytes >= CHECKPOINT_BYTES ||
    bytes > 0 && now - recorded.at >= CHECKPOINT_EVERY;
}

/** Keeps those runs of an earlier transfer that the part file really holds. */
async function verify(
  transfer: Transfer,
  { store, parts, pool, log }: Tools,
): Promise<Done> {
  const { download: { id }, runs, done } = transfer;
  let intact: typeof runs = [];
  try {
    const path = parts.path(id);
    const digests = await pool.digest({
      path,
      algorithm: "crc32",
      ranges: runs,
    });
    intact = runs.filter(({ crc }, n) => digests[n] === String(crc));
    // Under its name it is the user's by now, and not to be written to.
    const damaged = intact.length < runs.length;
    if (damaged && await parts.isNamed(id)) intact = [];
  } catch (error) {
    // What cannot be read is lost, too.
    if (!["PART_LOST", "DISK"].includes(toRecord(error).code)) throw error;
  }
  const found = total(union(intact));
  log("verified", { id, bytes: found, lost: total(done) - found });
  transfer.verified = intact.length === runs.length;
  transfer.runs = intact;
  transfer.done = union(intact);
  // Without a validator, a rest could be of another file.
  const useless = found === 0 || pinnedOf(transfer) === null;
  const anew = useless && !isWhole(transfer);
  if (anew || intact.length < runs.length) {
    await store.forget(id);
    transfer.recorded = { ...transfer.recorded, bytes: 0, runs: new Set() };
  }
  if (anew) {
    await parts.remove(id);
    beginAnew(transfer, transfer.ask);
  }
  // What was lost and comes again is progress.
  transfer.best = total(transfer.done);
  if (transfer.phase.kind === "verifying") {
    transfer.phase = { kind: "fetching" };
  }
  return "stays";
}

/** Records what has been written so far. */
async function checkpoint(
  transfer: Transfer,
  { store, parts }: Tools,
): Promise<Done> {
  const { download: { id }, file } = transfer;
  if (file === null || pinnedOf(transfer) === null) return "stays";
  const runs = runsOf(transfer);
  const fresh = runs.filter((run) => !transfer.recorded.runs.has(run));
  const bytes = total(transfer.done);
  await parts.sync(id);
  await store.checkpoint(id, file, { runs, fresh, bytes });
  const at = performance.now();
  transfer.recorded = { at, bytes, runs: new Set(runs) };
  return "stays";
}

/** All bytes are there: checksum, sync, name, record. */
async function finish(
  transfer: Transfer,
  { store, parts, pool, publish, removePart, log }: Tools,
): Promise<Done> {
  const { download: { id, request: { checksum } }, file } = transfer;
  if (file === null || file.size === null) return "stays";
  const { name, size } = file;
  const path = parts.path(id);
  const { verified } = transfer;
  transfer.phase = { kind: "finishing" };
  let published: Published;
  try {
    if (checksum) {
      const { algorithm, digest: wanted } = checksum;
      const ranges = [{ start: 0, end: size }];
      const [found] = await pool.digest({ path, algorithm, ranges });
      if (found !== wanted) throw wrongChecksum(algorithm, wanted, found);
    }
    // After a crash between name and record, the part is a link to the name.
    published = await publish({ path, name, size, verified });
    if (published.kind === "failed") throw fromRecord(published.error);
    if (published.kind === "holes") {
      transfer.phase = { kind: "verifying" };
      return "stays";
    }
  } catch (error) {
    transfer.phase = { kind: "fetching" };
    throw error;
  }
  // Whatever fails now, nothing else may become of a file that has its name.
  await store.settle(id, {
    state: {
      kind: "Downloaded",
      path: published.path,
      identity: published.identity,
    },
    // Where the name was taken, it has got another one.
    file: { ...file, name: published.name },
    downloaded: size,
    finishedAt: Date.now(),
  });
  await removePart(path).catch((error) => {
    // The next start removes it.
    log("part not removed", { id, message: toRecord(error).message });
  });
  log("downloaded", { id, name, size });
  return "leaves";
}

function wrongChecksum(
  algorithm: string,
  wanted: string,
  found = "",
): DownloadError {
  return new DownloadError(
    "CHECKSUM",
    `The file's ${algorithm} is ${found}, not ${wanted}: either is wrong. ` +
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
    case "remove":
      return remove(transfer, tools);
    case "leave":
      return leave(transfer, tools);
  }
}

async function settle(
  transfer: Transfer,
  state: State,
  tools: Tools,
): Promise<Done> {
  const { store, parts, log } = tools;
  const { download: { id }, file } = transfer;
  const error = "error" in state ? state.error : null;
  const kept = error?.code === "CHECKSUM" ? 0 : await keep(transfer, tools);
  const finishedAt = state.kind === "Failed" ? Date.now() : null;
  await store.settle(id, { state, file, downloaded: kept, finishedAt });
  if (kept === 0) await parts.remove(id);
  const { code, message } = error ?? {};
  log(state.kind.toLowerCase(), { id, code, message });
  return "leaves";
}

/** Whether a later transfer can go on from the bytes of this one. */
function isOfUse(transfer: Transfer): boolean {
  return pinnedOf(transfer) !== null && transfer.done.length > 0;
}

/** Records what there is, if it can be; how many bytes are kept. */
async function keep(transfer: Transfer, tools: Tools): Promise<number> {
  if (!isOfUse(transfer)) return 0;
  try {
    await checkpoint(transfer, tools);
  } catch (error) {
    const { code } = toRecord(error);
    // What cannot be read is lost; what was recorded before stands.
    if (code === "PART_LOST" || code === "DISK") return 0;
    if (code !== "DISK_FULL") throw error;
  }
  return transfer.recorded.bytes;
}

async function restart(
  transfer: Transfer,
  ask: Transfer["ask"],
  { store, parts }: Tools,
): Promise<Done> {
  const { id, state } = transfer.download;
  await store.settle(id, {
    state,
    file: null,
    downloaded: 0,
    finishedAt: null,
  });
  // A thread of a worker that died may still write: not into the new file.
  await parts.remove(id);
  beginAnew(transfer, ask);
  if (
    transfer.phase.kind === "stopping" && transfer.phase.then.kind === "restart"
  ) {
    transfer.phase = { kind: "fetching" };
  }
  return "stays";
}

async function remove(
  { download: { id } }: Transfer,
  { store, parts, log }: Tools,
): Promise<Done> {
  await store.remove(id);
  await parts.remove(id);
  log("removed", { id });
  return "leaves";
}

async function leave(transfer: Transfer, tools: Tools): Promise<Done> {
  if (isOfUse(transfer)) await keep(transfer, tools);
  else await tools.parts.remove(transfer.download.id);
  return "leaves";
}
