/**
 * This server's copy of the cluster's entries, in SQLite: what is listed,
 * searched and counted is read here. No change is worked out from it.
 */

import type { DatabaseSync } from "node:sqlite";
import type { Download, State } from "../download/download.ts";
import { openDatabase } from "../store/database.ts";
import { createFinishedPaths } from "../store/finished_paths.ts";
import { firstLike, placeOf, rankOfAdded } from "../store/places.ts";
import { createStore, type Store } from "../store/sqlite.ts";
import { addedAt, type Entry, type Part } from "./entry.ts";

/** What is kept in memory of each entry. */
export interface Known {
  readonly revision: number;
  readonly order: number;
  /** Its place in the queue, by its order and its priority. */
  readonly place: number;
  readonly epoch: number;
  readonly owner: string | null;
  readonly part: Part | null;
  readonly state: State["kind"];
}

/** An entry with the revision at which it stands so. */
export interface Stored {
  readonly entry: Entry;
  readonly revision: number;
}

/** The copy. */
export interface Replica extends Disposable {
  readonly store: Store;
  /** What is known of an entry; undefined if there is none. */
  known(id: string): Known | undefined;
  /** The claimed entries. */
  owned(): Iterable<readonly [id: string, known: Known]>;
  count(): number;
  /** The revision up to which all is known. */
  position(): number;
  /** The highest revision of what was taken in, which may be ahead of the others. */
  latest(): number;
  /**
   * Takes an entry in, unless a later one is known, or that it is gone by then;
   * null for one that is gone. One that could not be written is taken in again.
   *
   * @returns Resolves once it can be read in the store; null if it was no news.
   */
  apply(
    id: string,
    entry: Entry | null,
    revision: number,
  ): Promise<void> | null;
  /**
   * Entries that are known, or known to be gone, and could not be written. Until
   * all are, the next start reads from before them.
   */
  lagging(): ReadonlySet<string>;
  /** All up to a revision is known now. */
  reach(revision: number): void;
  /**
   * Forgets all, and what it is a copy of: another bucket.
   *
   * @throws {Error} if that cannot be written: it is a copy of no bucket
   * until it can be.
   * @returns The ids of what it had.
   */
  reset(bucket: string): Promise<readonly string[]>;
  /** The bucket that it is a copy of; an empty text for none. */
  bucket(): string;
  /** A download as it is kept in an entry, its file's path relative. */
  recorded(state: State): State;
  /** A download of an entry, with the whole path of its file here. */
  local(download: Download): Download;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entries (id TEXT PRIMARY KEY, revision INTEGER,
    place INTEGER, epoch INTEGER, owner TEXT, part TEXT) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS copy (bucket TEXT, position INTEGER);
  INSERT INTO copy SELECT '', 0 WHERE NOT EXISTS (SELECT * FROM copy);`;

/**
 * Opens the copy at `path`, and makes an empty one if there is none.
 *
 * @param contentDirectory What paths of finished files are relative to.
 * @throws {DownloadError} STATE if it is damaged or of a newer version.
 */
export function openReplica(path: string, contentDirectory: string): Replica {
  const database = openDatabase(path, false);
  const { db } = database;
  db.exec(SCHEMA);
  const paths = createFinishedPaths(`${contentDirectory}/.sluice/state.db`);
  const store = createStore(database, paths, path);
  const put = db.prepare(
    `INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const drop = db.prepare("DELETE FROM entries WHERE id = ?");
  const move = db.prepare("UPDATE copy SET position = ?");
  const all = new Map<string, Known>();
  const claimed = new Map<string, Known>();
  /** Entries that are gone, and that older news may still come of. */
  const gone = new Map<string, number>();
  const lagging = new Set<string>();
  /** Entries of another bucket that are to be forgotten. */
  const former = new Set<string>();
  let { bucket, position } = read();
  let latest = position;
  let moving = false;

  function read() {
    const [row] = db.prepare("SELECT bucket, position FROM copy").all();
    const misplaced: [place: number, id: string][] = [];
    for (
      const row of db.prepare(
        `SELECT id, revision, entries.place AS rank, downloads.place AS place,
           epoch, owner, part, state
         FROM entries JOIN downloads USING (id)`,
      ).iterate()
    ) {
      const [order, recorded] = [Number(row.rank), Number(row.place)];
      const place = firstLike(recorded) + rankOfAdded(order);
      if (place !== recorded) misplaced.push([place, String(row.id)]);
      note(String(row.id), {
        revision: Number(row.revision),
        order,
        place,
        epoch: Number(row.epoch),
        owner: row.owner === null ? null : String(row.owner),
        part: row.part === null ? null : JSON.parse(String(row.part)),
        state: row.state as State["kind"],
      });
    }
    putRight(db, misplaced);
    return {
      bucket: String(row?.bucket ?? ""),
      position: Number(row?.position ?? 0),
    };
  }

  function note(id: string, known: Known): void {
    all.set(id, known);
    if (known.owner === null) claimed.delete(id);
    else claimed.set(id, known);
  }

  /** A download as the store keeps it. */
  function local(download: Download): Download {
    return { ...download, state: paths.now(download.state) };
  }

  function forget(id: string, revision: number): Promise<void> {
    all.delete(id);
    claimed.delete(id);
    gone.set(id, revision);
    store.write(() => void drop.run(id)).then(() => {
      if (!all.has(id)) lagging.delete(id);
    }, () => lag(id));
    return store.remove(id);
  }

  /** An entry could not be written. */
  function lag(id: string): void {
    if (all.has(id) || isStored(id)) lagging.add(id);
    // Nothing of it is there that would have to be removed.
    else lagging.delete(id);
  }

  function isStored(id: string): boolean {
    try {
      return store.get(id) !== null;
    } catch {
      // It cannot be read now: it may be there.
      return true;
    }
  }

  return {
    store,
    known: (id) => all.get(id),
    owned: () => claimed.entries(),
    count: () => all.size,
    position: () => position,
    latest: () => latest,
    apply(id, entry, revision) {
      const before = all.get(id);
      // What is not here and came before the position has gone since.
      const last = before?.revision ?? gone.get(id) ?? position;
      const isAgain = revision === last && lagging.has(id);
      if (revision <= last && !isAgain) return null;
      latest = Math.max(latest, revision);
      if (entry === null) {
        return before || isAgain ? forget(id, revision) : null;
      }
      const { epoch, owner, part } = entry;
      const download = local(entry.download);
      const order = entry.order || before?.order || revision;
      const state = download.state.kind;
      const rank = rankOfAdded(order);
      const place = placeOf(rank, download.request.priority);
      note(id, { revision, order, place, epoch, owner, part, state });
      const where = { rank, added: addedAt(entry, revision) };
      // What is surely not there is added without a look.
      const written = before === undefined && !lagging.has(id)
        ? store.addAt(download, where)
        : store.replace(download, where);
      store.write(() =>
        void put.run(
          id,
          revision,
          order,
          epoch,
          owner,
          part && JSON.stringify(part),
        )
      ).then(() => {
        if (all.get(id)?.revision === revision) lagging.delete(id);
      }, () => lag(id));
      return written;
    },
    lagging: () => lagging,
    reach(revision) {
      if (revision <= position) return;
      position = revision;
      for (const [id, at] of gone) if (at <= position) gone.delete(id);
      if (moving || lagging.size > 0) return;
      moving = true;
      store.write(() => {
        if (lagging.size === 0) move.run(position);
      }).catch(() => {}).finally(() => moving = false);
    },
    async reset(name) {
      for (const id of all.keys()) former.add(id);
      all.clear();
      claimed.clear();
      gone.clear();
      lagging.clear();
      position = latest = 0;
      bucket = "";
      const ids = [...former];
      const removed = ids.map((id) => store.remove(id));
      await Promise.all([
        ...removed,
        store.write(() => {
          db.exec("DELETE FROM entries");
          db.prepare("UPDATE copy SET bucket = ?, position = 0").run(name);
        }),
      ]);
      // Only now: what could not be written is all done again.
      bucket = name;
      former.clear();
      return ids;
    },
    bucket: () => bucket,
    recorded: paths.recorded,
    local,
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

/**
 * Puts downloads at the places that their entries tell: in a copy of an older
 * version, they have those of the order in which the copy heard of them.
 */
function putRight(
  db: DatabaseSync,
  misplaced: readonly (readonly [place: number, id: string])[],
): void {
  if (misplaced.length === 0) return;
  const move = db.prepare("UPDATE downloads SET place = ? WHERE id = ?");
  db.exec("BEGIN IMMEDIATE");
  for (const one of misplaced) move.run(...one);
  db.exec("COMMIT");
}
