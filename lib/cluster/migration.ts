/** A queue that a server had for itself, put into the cluster's. */

import { join } from "@std/path/join";
import type { Log } from "../base/log.ts";
import type { Download } from "../download/download.ts";
import { DownloadError, toRecord } from "../download/errors.ts";
import { openContentDirectory } from "../files/content_directory.ts";
import { lstatIfThere, removeIfThere } from "../files/names.ts";
import { ownDirectory, writePrivateFile } from "../files/own_directory.ts";
import { openDatabase } from "../store/database.ts";
import { createFinishedPaths } from "../store/finished_paths.ts";
import { preparePages } from "../store/pages.ts";
import { recover } from "../store/recovery.ts";
import { createStore, openStore, type Store } from "../store/sqlite.ts";
import { partPath, writeRecord } from "./adoption.ts";
import type { Broker } from "./broker.ts";
import { CONFLICT } from "./outcomes.ts";
import { newEntry, type Place } from "./entry.ts";
import type { Replica } from "./replica.ts";

/** Entries that are on their way to the broker at a time. */
const AT_ONCE = 256;

function statePath(contentDirectory: string): string {
  return join(ownDirectory(contentDirectory), "state.db");
}

/** Whether a content directory has a queue of its own. */
export function hasOwnQueue(contentDirectory: string): boolean {
  const info = lstatIfThere(statePath(contentDirectory));
  return info !== null && info.size > 0;
}

/**
 * Sets right what a server without a cluster left when it was killed. Where
 * others of the cluster have the directory, the first of them has done it.
 *
 * @throws {DownloadError} STATE if the queue cannot be read.
 */
export async function settleOwnQueue(
  contentDirectory: string,
  options: { sync: boolean },
): Promise<void> {
  try {
    using parts = await openContentDirectory(contentDirectory, options);
    // Another server may have moved it in meanwhile: no empty one takes its place.
    if (!hasOwnQueue(contentDirectory)) return;
    using store = openStore(parts.statePath, options);
    await recover({ parts, catalogue: store, records: store });
  } catch (error) {
    const isInUse = error instanceof DownloadError && error.code === "DISK";
    if (!isInUse) throw error;
  }
}

/** What a migration works with. */
export interface MigrationTools {
  readonly broker: Pick<Broker, "refuseTooLarge" | "write">;
  readonly replica: Pick<Replica, "recorded" | "position" | "bucket">;
  readonly place: Place;
  readonly contentDirectory: string;
  /** The directory of the cluster's part files. */
  readonly parts: string;
  readonly sync: boolean;
  readonly log: Log;
}

/**
 * Puts a directory's own queue into the cluster's, in its order. It may be killed
 * at any point and be done again: its file is renamed when all else is done. Only
 * one server may do it at a time. What is too large for the brokers stays behind in
 * that file, and what has been moved is taken off it instead.
 *
 * @throws {DownloadError} STATE if it cannot be read, or the broker is silent.
 */
export async function migrateOwnQueue(tools: MigrationTools): Promise<void> {
  const { contentDirectory, log } = tools;
  const path = statePath(contentDirectory);
  const start = performance.now();
  const database = openDatabase(path, tools.sync);
  let count = 0;
  const left: string[] = [];
  {
    using store = createStore(database, createFinishedPaths(path), path);
    const find = preparePages(database.db);
    const all = {
      ...{ search: "", queued: null },
      ...{ offset: 0, limit: Number.MAX_SAFE_INTEGER },
    };
    const states = ["Queued", "Paused", "Downloaded", "Failed"] as const;
    const { ids } = find({ ...all, states, order: "oldest" });
    const line = find({ ...all, states, order: "queue" }).ids;
    const first = firstOrder(path, tools);
    const orders = new Map(line.map((id, n) => [id, first + n]));
    for (let done = 0; done < ids.length; done += AT_ONCE) {
      const some = ids.slice(done, done + AT_ONCE);
      const moved = await Promise.allSettled(
        some.map((id) => migrateOne(id, orders.get(id) ?? 0, store, tools)),
      );
      // Only once none is on its way any more: it is all done again after that.
      const failed = moved.find(({ status }) => status === "rejected");
      if (failed?.status === "rejected") throw failed.reason;
      left.push(...some.filter((_, n) => isLeftBehind(moved[n])));
    }
    count = ids.length - left.length;
    if (left.length > 0) await keepOnly(left, ids, store);
  }
  // The next queue that is moved in from here has an order of its own.
  removeIfThere(notePath(path));
  if (left.length === 0 && lstatIfThere(path) !== null) {
    Deno.renameSync(path, `${path}.migrated`);
  }
  const ms = Math.round(performance.now() - start);
  log("migrated", { downloads: count, ms });
}

/** What a migration does with one download. */
type Moved = "moved" | "left behind";

function isLeftBehind(
  result: PromiseSettledResult<Moved> | undefined,
): boolean {
  return result?.status === "fulfilled" && result.value === "left behind";
}

/** Takes what has been moved off a queue, so that it holds what is left behind. */
async function keepOnly(
  left: readonly string[],
  ids: readonly string[],
  store: Store,
): Promise<void> {
  const kept = new Set(left);
  await Promise.all(
    ids.filter((id) => !kept.has(id)).map((id) => store.remove(id)),
  );
}

/** What a move that was begun goes on with. */
interface Note {
  /** The bucket that the order is of. */
  readonly bucket: string;
  /** The order of the first in the queue. */
  readonly first: number;
}

function notePath(state: string): string {
  return `${state}.migrating`;
}

/**
 * The order of the first in the queue: as if it was added when the move began. A
 * move that is done again goes on from the same one, as entries that are there
 * already keep theirs.
 */
function firstOrder(state: string, { replica, sync }: MigrationTools): number {
  const bucket = replica.bucket();
  const noted = readNote(notePath(state));
  if (noted?.bucket === bucket) return noted.first;
  const note: Note = { bucket, first: replica.position() + 1 };
  writePrivateFile(notePath(state), JSON.stringify(note), { sync });
  return note.first;
}

/** What was noted of a move; null if that is nothing, or cannot be read. */
function readNote(path: string): Note | null {
  if (lstatIfThere(path) === null) return null;
  try {
    const { bucket, first } = JSON.parse(Deno.readTextFileSync(path));
    return typeof bucket === "string" && Number.isSafeInteger(first)
      ? { bucket, first }
      : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** @param order Its order in the cluster's queue; 0 for that of its revision. */
async function migrateOne(
  id: string,
  order: number,
  store: Store,
  tools: MigrationTools,
): Promise<Moved> {
  const download = store.get(id);
  if (download === null) return "moved";
  const { broker, replica, place } = tools;
  const state = replica.recorded(download.state);
  const entry = {
    ...newEntry({ ...download, state }),
    ...{ order, added: 0 },
  };
  try {
    broker.refuseTooLarge(entry);
  } catch (error) {
    leaveBehind(id, toRecord(error).message, tools);
    return "left behind";
  }
  const hasPart = movePart(download, store, tools) ||
    download.state.kind === "Downloaded";
  const part = hasPart ? { ...place, epoch: 0, closed: true } : null;
  try {
    await broker.write(`d.${id}`, { ...entry, part }, 0);
  } catch (error) {
    // An earlier migration came as far as this.
    if (error !== CONFLICT) throw error;
  }
  return "moved";
}

function leaveBehind(
  id: string,
  message: string,
  { contentDirectory, log }: MigrationTools,
): void {
  const file = statePath(contentDirectory);
  log("left behind", {
    ...{ id, file },
    message: `${message} It stays in that file until a start moves it in.`,
  });
}

/** Moves a part to the cluster's, its record first; whether there is one. */
function movePart(
  { id, file, state }: Download,
  store: Store,
  { contentDirectory, parts, sync }: MigrationTools,
): boolean {
  const from = join(ownDirectory(contentDirectory), "parts", id);
  const to = partPath(parts, id, 0);
  const runs = store.runs(id);
  if (state.kind === "Downloaded" || file === null || runs.length === 0) {
    return false;
  }
  if (lstatIfThere(from) !== null) {
    writeRecord(to, { file, runs }, { sync });
    Deno.renameSync(from, to);
  }
  return true;
}
