/** Durable state in SQLite: the downloads and the runs of their parts. */

import { type Download, hostOf, type State } from "../download/download.ts";
import { PRIORITIES } from "../download/priority.ts";
import type { Run } from "../download/ranges.ts";
import { createBatcher } from "./batcher.ts";
import type { Catalogue, Deferred, Excerpt } from "./catalogue.ts";
import { type Database, openDatabase, stateError } from "./database.ts";
import { createFinishedPaths, type FinishedPaths } from "./finished_paths.ts";
import { STEPS } from "./migrations.ts";
import type { Changeable } from "./order.ts";
import type { PartRecords } from "./part_records.ts";
import { GAP, placeOf } from "./places.ts";
import type { Line } from "./queue.ts";
import { createRecent } from "./recent.ts";
import { searchText } from "./search_text.ts";
import { prepareCheck } from "./soundness.ts";

/** Where a download that another server has added stands in a copy. */
export interface Standing {
  /** Its rank in the queue. */
  readonly rank: number;
  /** Its number in the order of adding; the last one if another has it already. */
  readonly added: number;
}

/** Durable state: the queue's line, the catalogue, the records of parts. */
export interface Store
  extends Line, Catalogue, Deferred, Excerpt, PartRecords, Disposable {
  /** Adds a download where it stands, as another server says. */
  addAt(download: Download, where: Standing): Promise<void>;
  get(id: string): Download | null;
  /** The queue's order. */
  readonly order: Changeable;
  /**
   * Whether all of it was checked as it was opened. Otherwise, each record is
   * when it is read.
   */
  readonly isChecked: boolean;
  /** Writes to the state, and changes nothing. */
  touch(): Promise<void>;
  /** Has a download stand as another server says; adds it if it is not there. */
  replace(download: Download, where: Standing): Promise<void>;
  /** Has a write to tables of another's done, together with those of its turn. */
  write(run: () => void): Promise<void>;
}

/**
 * Opens the state at `path`, and makes it if there is none.
 *
 * A write's promise is settled once it is on disk, or could not be put there.
 * What is read are the writes that are.
 *
 * @param path In the content directory: `.sluice/state.db`.
 * @param sync Whether a write counts as on disk only once it outlives a loss
 * of power; otherwise, it outlives the process.
 * @throws {DownloadError} STATE if the file is damaged or of a newer version; a
 * large one may turn out to be damaged when it is read.
 */
export function openStore(path: string, { sync }: { sync: boolean }): Store {
  const database = openDatabase(path, sync);
  return createStore(database, createFinishedPaths(path), path);
}

/**
 * Makes the store of an open database, which is closed with it.
 *
 * @param paths How the paths of finished files are recorded.
 * @param path The database's own, to be named where it is damaged.
 */
export function createStore(
  { db, sql, isChecked }: Database,
  paths: FinishedPaths,
  path: string,
): Store {
  const check = isChecked ? () => {} : prepareCheck(db);
  const recent = createRecent();
  /** Null if they are to be counted, which takes long in a long queue. */
  let totals: Record<State["kind"], number> | null = null;
  /** The highest rank; null if it is to be looked up. */
  let last: number | null = null;

  const get = readable((id: string): Download | null => {
    const known = recent.get(id);
    if (known !== undefined) return known;
    const row = sql.get.get(id) as Row | undefined;
    if (row === undefined) return null;
    const download = read(row);
    recent.remember(download, row.request);
    return download;
  });

  /** Keeps the totals right; null is for what is not there. */
  function count(from: State["kind"] | null, to: State["kind"] | null): void {
    if (totals === null) return;
    if (from !== null) totals[from]--;
    if (to !== null) totals[to]++;
  }

  function downloadsOf(rows: readonly unknown[]): Download[] {
    return rows.map((row) => read(row as Row));
  }

  function read(row: Row): Download {
    check(row.id);
    return downloadOf(row, paths);
  }

  /** A read whose failure says what to do, as a large state may be damaged. */
  function readable<Asked extends unknown[], Result>(
    read: (...asked: Asked) => Result,
  ): (...asked: Asked) => Result {
    return (...asked) => {
      try {
        return read(...asked);
      } catch (error) {
        throw stateError(error, path);
      }
    };
  }

  const { write, finish } = createBatcher(db, () => {
    totals = null;
    last = null;
    recent.forgetAll();
  });

  const lastRank = readable(() => last ??= sql.order.lastRank());

  function noteRank(rank: number): number {
    last = Math.max(lastRank(), rank);
    return rank;
  }

  function insert(download: Download, where?: Standing): void {
    const request = JSON.stringify(download.request);
    const { rank, added = null } = where ?? {};
    const noted = noteRank(rank ?? lastRank() + GAP);
    const place = placeOf(noted, download.request.priority);
    sql.add.run(...rowOf(download, request, paths), place, added);
    sql.list.run(download.id, download.state.kind, textOf(download));
    recent.remember(download, request);
    count(null, download.state.kind);
  }

  return {
    isChecked,
    add: (downloads) =>
      write(() => {
        for (const download of downloads) insert(download);
      }),
    addAt: (download, where) => write(() => insert(download, where)),
    waiting: readable((fullHosts, limit) =>
      sql.waiting(new Set(fullHosts), limit)
    ),
    runs: readable((id) => sql.runs.all(id) as unknown as Run[]),
    checkpoint: (id, file, { fresh, bytes }) =>
      write(() => {
        const before = get(id);
        sql.facts.run(JSON.stringify(file), bytes, id);
        if (before?.file?.name !== file.name) sql.relist.run(id);
        for (const { start, end, crc } of fresh) {
          sql.record.run(id, start, end, crc);
        }
        recent.forget(id);
      }),
    forget: (id) =>
      write(() => {
        sql.forget.run(id);
      }),
    settle: (id, { state, file, downloaded, finishedAt }) =>
      write(() => {
        const before = get(id);
        if (before === null) return;
        const { kind } = state;
        const now = { state, file, downloaded, finishedAt };
        sql.settle.run(...standingOf(now, paths), finishedAt, id);
        if (before.file?.name !== file?.name) sql.relist.run(id);
        count(before.state.kind, kind);
        const useless = kind === "Downloaded" || downloaded === 0;
        // Runs are recorded only together with the file's facts.
        if (useless && before.file !== null) sql.forget.run(id);
        recent.update({ ...before, ...now });
      }),
    renew: (id, request, state) =>
      write(() => {
        const before = get(id);
        if (before === null) return;
        const { kind, ...detail } = state;
        const text = JSON.stringify(request);
        sql.renew.run(hostOf(request), text, kind, JSON.stringify(detail), id);
        sql.relist.run(id);
        count(before.state.kind, kind);
        recent.forget(id);
      }),
    reword: (id, rewording) =>
      write(() => {
        const before = get(id);
        if (before === null) return;
        const request = rewording(before.request);
        const priority = PRIORITIES.indexOf(request.priority ?? "normal");
        sql.reword.run(JSON.stringify(request), priority, id);
        recent.forget(id);
      }),
    remove: (id) =>
      write(() => {
        const before = get(id);
        if (before === null) return;
        sql.remove.run(id);
        sql.forget.run(id);
        count(before.state.kind, null);
        recent.forget(id);
      }),
    get,
    order: {
      find: readable(sql.order.find),
      after: sql.order.after,
      before: sql.order.before,
      lastRank,
      place: (id, rank) =>
        write(() => {
          const { priority } = get(id)?.request ?? {};
          sql.place.run(placeOf(noteRank(rank), priority), id);
        }),
    },
    idsFrom: readable((beginning, limit) =>
      // An id is of hexadecimal digits and hyphens, all of them before "g".
      sql.idsFrom.all(beginning, beginning + "g", limit)
        .map(({ id }) => String(id))
    ),
    write,
    replace: (download, where) =>
      write(() => {
        const { id, request, state: { kind }, finishedAt } = download;
        const before = get(id);
        if (before === null) return insert(download, where);
        sql.renew.run(hostOf(request), JSON.stringify(request), kind, "{}", id);
        sql.settle.run(...standingOf(download, paths), finishedAt, id);
        sql.place.run(placeOf(where.rank, request.priority), id);
        if (textOf(before) !== textOf(download)) sql.relist.run(id);
        count(before.state.kind, kind);
        recent.update(download);
      }),
    touch: () =>
      write(() => {
        // SQLite writes the page that holds it, whatever it was.
        db.exec(`PRAGMA user_version = ${STEPS.length}`);
      }),
    open: readable((limit) => downloadsOf(sql.open.all(limit))),
    finished: readable((limit) => downloadsOf(sql.finished.all(limit))),
    waitingForRoom: readable((room) =>
      downloadsOf(sql.waitingForRoom.all(room))
    ),
    due: readable((time, limit) =>
      sql.due.all(time, limit).map(({ id }) => String(id))
    ),
    totals: readable(() => {
      if (totals === null) {
        totals = { Queued: 0, Paused: 0, Downloaded: 0, Failed: 0 };
        for (const { state, count } of sql.totals.all()) {
          totals[state as State["kind"]] = Number(count);
        }
      }
      return { ...totals };
    }),
    [Symbol.dispose]() {
      finish();
      db.close();
    },
  };
}

interface Row {
  readonly id: string;
  readonly request: string;
  readonly state: State["kind"];
  readonly detail: string;
  readonly file: string | null;
  readonly downloaded: number;
  readonly added_at: number;
  readonly finished_at: number | null;
}

function downloadOf(row: Row, paths: FinishedPaths): Download {
  return {
    id: row.id,
    request: JSON.parse(row.request),
    state: paths.now({ ...JSON.parse(row.detail), kind: row.state }),
    file: row.file === null ? null : JSON.parse(row.file),
    downloaded: row.downloaded,
    addedAt: row.added_at,
    finishedAt: row.finished_at,
  };
}

/** What a download is found by. */
function textOf({ request, file }: Download): string {
  return searchText(request.url, file?.name ?? request.filename);
}

function rowOf(
  download: Download,
  request: string,
  paths: FinishedPaths,
): (string | number | null)[] {
  const { id, addedAt, finishedAt } = download;
  const standing = standingOf(download, paths);
  const host = hostOf(download.request);
  return [id, host, request, ...standing, addedAt, finishedAt];
}

/** The columns from `state` to `downloaded`. */
function standingOf(
  { state, file, downloaded }: Pick<Download, "state" | "file" | "downloaded">,
  paths: FinishedPaths,
): (string | number | null)[] {
  const { kind, ...detail } = paths.recorded(state);
  const facts = file && JSON.stringify(file);
  return [kind, JSON.stringify(detail), facts, downloaded];
}
