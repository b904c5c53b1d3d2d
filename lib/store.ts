/** What must survive a crash: the downloads and their runs, in SQLite. */

import { DatabaseSync } from "node:sqlite";
import {
  type Download,
  type DownloadRequest,
  type FileFacts,
  hostOf,
  type State,
} from "./download.ts";
import { DownloadError } from "./errors.ts";
import type { Run } from "./slices.ts";

/** What the coordinator asks of durable state. */
export interface Store extends Disposable {
  /** Adds downloads at the end of the queue. */
  add(downloads: readonly Download[]): Promise<void>;
  /** The first downloads in the queue that may be taken now. */
  next(
    except: { ids: Iterable<string>; hosts: Iterable<string> },
    limit: number,
  ): Download[];
  /** The runs recorded of a download. */
  runs(id: string): Run[];
  /** Records what is in the part file, which must be synced by then. */
  checkpoint(id: string, file: FileFacts, progress: Progress): Promise<void>;
  /** Forgets what was recorded to be in the part file. */
  forget(id: string): Promise<void>;
  /** Records where a download stands, or that it is to be done anew. */
  settle(id: string, settled: Settled): Promise<void>;
  /** Puts a download back into the queue, to be asked for so. */
  renew(id: string, request: DownloadRequest): Promise<void>;
  /** Forgets a download. */
  remove(id: string): Promise<void>;
  get(id: string): Download | null;
  /** Those of the downloads that there are, in the order of the queue. */
  getAll(ids: readonly string[]): Download[];
  list(page: Page): Download[];
  /** The first downloads that were paused because the disk was full. */
  waitingForRoom(): Download[];
  /** How many downloads a page without bounds would hold. */
  count(filter: Filter): number;
  /** How many downloads there are in each state. */
  totals(): Readonly<Record<State["kind"], number>>;
}

/** What is in a part file. */
export interface Progress {
  readonly runs: readonly Run[];
  /** Those of the runs that are not recorded yet: all others are. */
  readonly fresh: readonly Run[];
  /** How many bytes the runs hold together. */
  readonly bytes: number;
}

/** What `settle` records. */
export interface Settled {
  readonly state: State;
  readonly file: FileFacts | null;
  /** Bytes. */
  readonly downloaded: number;
  /** Milliseconds since the epoch; null unless it is finished or failed. */
  readonly finishedAt: number | null;
}

/** Some of all downloads. */
export interface Filter {
  /** Only downloads in these states. */
  readonly states: readonly State["kind"][];
  /** Only those whose URL or name holds this, in any case. */
  readonly search: string;
  /** Of those in the queue, only these or all but these; null for all. */
  readonly queued:
    | { readonly kind: "only" | "except"; readonly ids: readonly string[] }
    | null;
}

/** A page of some of all downloads. */
export interface Page extends Filter {
  readonly offset: number;
  readonly limit: number;
  /** In which order: as the queue goes, or the latest added first. */
  readonly order: "oldest" | "latest";
}

const VERSION = 1;

const SCHEMA = `
  CREATE TABLE downloads (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    host TEXT NOT NULL,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    file TEXT,
    downloaded INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    finished_at INTEGER
  ) STRICT;
  CREATE INDEX downloads_by_state ON downloads (state, seq);
  CREATE TABLE runs (
    id TEXT NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (id, start)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${VERSION};
`;

/** Between transactions, writes are gathered for so long, in milliseconds ... */
const GATHER = 20;
/** ... or for so many times as long as the last one took, if that is longer. */
const GATHER_LONGER = 2;

interface Write {
  readonly run: () => void;
  readonly waiting: PromiseWithResolvers<void>;
}

/**
 * Opens the state at `path`, and makes it if there is none.
 *
 * A write's promise is settled once it is on disk, or could not be put there.
 * What is read are the writes that are.
 *
 * @param sync Whether a write counts as on disk only once it outlives a loss
 * of power; otherwise, it outlives the process.
 * @throws {DownloadError} STATE if the file is damaged or of another version.
 */
export function openStore(path: string, { sync }: { sync: boolean }): Store {
  const { db, sql } = openDatabase(path, sync);
  const writes: Write[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** When the next transaction may begin. */
  let due = -Infinity;
  /** Null if they are to be counted, which takes long in a long queue. */
  let totals: Record<State["kind"], number> | null = null;

  /** Keeps the totals right; before a download gets its new state, if any. */
  function count(id: string, to: State["kind"] | null): void {
    if (totals === null) return;
    const from = sql.state.get(id)?.state as State["kind"] | undefined;
    if (from === undefined) return;
    totals[from]--;
    if (to !== null) totals[to]++;
  }

  function write(run: () => void): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    writes.push({ run, waiting });
    timer ??= setTimeout(flush, Math.max(0, due - performance.now()));
    return waiting.promise;
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const batch = writes.splice(0);
    if (batch.length === 0) return;
    const start = performance.now();
    try {
      db.exec("BEGIN IMMEDIATE");
      for (const { run } of batch) run();
      db.exec("COMMIT");
      for (const { waiting } of batch) waiting.resolve();
    } catch (error) {
      totals = null;
      if (db.isTransaction) db.exec("ROLLBACK");
      const failure = stateError(error);
      for (const { waiting } of batch) waiting.reject(failure);
    }
    const now = performance.now();
    due = now + Math.max(GATHER, GATHER_LONGER * (now - start));
  }

  return {
    add: (downloads) =>
      write(() => {
        for (const download of downloads) {
          sql.add.run(...rowOf(download));
          if (totals !== null) totals[download.state.kind]++;
        }
      }),
    next({ ids, hosts }, limit) {
      const lists = [[...ids], [...hosts]].map((list) => JSON.stringify(list));
      const rows = sql.next.all(...lists, limit);
      return rows.map((row) => downloadOf(row as unknown as Row));
    },
    runs: (id) => sql.runs.all(id) as unknown as Run[],
    checkpoint: (id, file, { fresh, bytes }) =>
      write(() => {
        sql.facts.run(JSON.stringify(file), bytes, id);
        for (const { start, end, crc } of fresh) {
          sql.record.run(id, start, end, crc);
        }
      }),
    forget: (id) =>
      write(() => {
        sql.forget.run(id);
      }),
    settle: (id, { state, file, downloaded, finishedAt }) =>
      write(() => {
        const { kind, ...detail } = state;
        const facts = file && JSON.stringify(file);
        const rest = [JSON.stringify(detail), facts, downloaded, finishedAt];
        count(id, kind);
        sql.settle.run(kind, ...rest, id);
        if (kind === "Downloaded" || downloaded === 0) sql.forget.run(id);
      }),
    renew: (id, request) =>
      write(() => {
        count(id, "Queued");
        sql.renew.run(hostOf(request), JSON.stringify(request), id);
      }),
    remove: (id) =>
      write(() => {
        count(id, null);
        sql.remove.run(id);
        sql.forget.run(id);
      }),
    get(id) {
      const row = sql.get.get(id);
      return row ? downloadOf(row as unknown as Row) : null;
    },
    getAll(ids) {
      const rows = sql.getAll.all(JSON.stringify(ids));
      return rows.map((row) => downloadOf(row as unknown as Row));
    },
    list({ offset, limit, order, ...filter }) {
      const rows = sql[order].all(...valuesOf(filter), limit, offset);
      return rows.map((row) => downloadOf(row as unknown as Row));
    },
    waitingForRoom() {
      const rows = sql.waitingForRoom.all();
      return rows.map((row) => downloadOf(row as unknown as Row));
    },
    count: (filter) => Number(sql.count.get(...valuesOf(filter))?.count),
    totals() {
      if (totals === null) {
        totals = { Queued: 0, Paused: 0, Downloaded: 0, Failed: 0 };
        for (const { state, count } of sql.totals.all()) {
          totals[state as State["kind"]] = Number(count);
        }
      }
      return { ...totals };
    },
    [Symbol.dispose]() {
      flush();
      db.close();
    },
  };
}

/** A filter, as the statements take it. */
function valuesOf({ states, search, queued }: Filter): (string | null)[] {
  const { kind = null, ids = [] } = queued ?? {};
  return [JSON.stringify(states), search, kind, JSON.stringify(ids)];
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

function downloadOf(row: Row): Download {
  return {
    id: row.id,
    request: JSON.parse(row.request),
    state: { kind: row.state, ...JSON.parse(row.detail) },
    file: row.file === null ? null : JSON.parse(row.file),
    downloaded: row.downloaded,
    addedAt: row.added_at,
    finishedAt: row.finished_at,
  };
}

function rowOf(download: Download): (string | number | null)[] {
  const { id, request, state: { kind, ...detail } } = download;
  const { file, downloaded, addedAt, finishedAt } = download;
  return [
    id,
    hostOf(request),
    JSON.stringify(request),
    kind,
    JSON.stringify(detail),
    file && JSON.stringify(file),
    downloaded,
    addedAt,
    finishedAt,
  ];
}

/** The latest time that a Date can hold, in milliseconds since the epoch. */
const LATEST_DATE = 8_640_000_000_000_000;

/** SQLite itself does not notice when bytes change within a value. */
const BROKEN = `
  SELECT id FROM downloads WHERE
    state NOT IN ('Queued', 'Paused', 'Downloaded', 'Failed') OR
    NOT json_valid(request) OR NOT json_valid(detail) OR
    NOT json_valid(coalesce(file, 'null')) OR
    coalesce(substr(request ->> 'url', 1, 4), '') <> 'http' OR
    downloaded NOT BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER} OR
    added_at NOT BETWEEN 0 AND ${LATEST_DATE} OR
    coalesce(finished_at, 0) NOT BETWEEN 0 AND ${LATEST_DATE}
  UNION ALL SELECT id FROM runs WHERE
    start < 0 OR end NOT BETWEEN start AND ${Number.MAX_SAFE_INTEGER} OR
    crc NOT BETWEEN 0 AND ${2 ** 32 - 1}
  LIMIT 1`;

function openDatabase(
  path: string,
  sync: boolean,
): { db: DatabaseSync; sql: ReturnType<typeof statements> } {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: 5_000 });
    // FULL: a transaction that was acknowledged outlives a loss of power.
    // NORMAL: the last ones may be lost then, but the state is never damaged.
    const synchronous = sync ? "FULL" : "NORMAL";
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`);
    const { user_version: version } = db.prepare("PRAGMA user_version")
      .get() as { user_version: number };
    if (version === 0) db.exec(`BEGIN; ${SCHEMA} COMMIT`);
    else if (version !== VERSION) throw new Error(`its version is ${version}`);
    const [first] = db.prepare("PRAGMA integrity_check(1)").all();
    const verdict = String(Object.values(first ?? {})[0]);
    if (verdict !== "ok") throw new Error(verdict);
    const broken = db.prepare(BROKEN).get();
    if (broken) throw new Error(`download ${broken.id} is damaged`);
    return { db, sql: statements(db) };
  } catch (error) {
    db?.close();
    throw stateError(error, path);
  }
}

function stateError(error: unknown, path = "state.db"): DownloadError {
  const what = error instanceof Error ? error.message : String(error);
  if (/disk is full|disk I\/O error/.test(what)) {
    const message = `Cannot write ${path}: ${what}. Make room on the disk.`;
    return new DownloadError("DISK_FULL", message, { cause: error });
  }
  return new DownloadError(
    "STATE",
    `Cannot use the state in ${path}: ${what}.`,
    {
      cause: error,
    },
  );
}

const COLUMNS =
  "id, request, state, detail, file, downloaded, added_at, finished_at";

function statements(db: DatabaseSync) {
  const filter = `FROM downloads
    WHERE state IN (SELECT value FROM json_each(?1)) AND (?2 = '' OR instr(
      lower(request ->> 'url' || ' ' || coalesce(file ->> 'name', '')),
      lower(?2)
    )) AND (state <> 'Queued' OR ?3 IS NULL
      OR (id IN (SELECT value FROM json_each(?4))) = (?3 = 'only'))`;
  const page = (order: string) =>
    db.prepare(
      `SELECT ${COLUMNS} ${filter} ORDER BY seq ${order} LIMIT ?5 OFFSET ?6`,
    );
  return {
    add: db.prepare(
      `INSERT INTO downloads (id, host, request, state, detail, file,
         downloaded, added_at, finished_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    next: db.prepare(
      `SELECT ${COLUMNS} FROM downloads WHERE state = 'Queued'
       AND id NOT IN (SELECT value FROM json_each(?))
       AND host NOT IN (SELECT value FROM json_each(?))
       ORDER BY seq LIMIT ?`,
    ),
    get: db.prepare(`SELECT ${COLUMNS} FROM downloads WHERE id = ?`),
    getAll: db.prepare(
      `SELECT ${COLUMNS} FROM downloads
       WHERE id IN (SELECT value FROM json_each(?)) ORDER BY seq`,
    ),
    state: db.prepare("SELECT state FROM downloads WHERE id = ?"),
    latest: page("DESC"),
    oldest: page("ASC"),
    waitingForRoom: db.prepare(
      `SELECT ${COLUMNS} FROM downloads WHERE state = 'Paused'
       AND detail ->> '$.error.code' = 'DISK_FULL' ORDER BY seq LIMIT 100`,
    ),
    count: db.prepare(`SELECT count(*) AS count ${filter}`),
    totals: db.prepare(
      "SELECT state, count(*) AS count FROM downloads GROUP BY state",
    ),
    facts: db.prepare(
      "UPDATE downloads SET file = ?, downloaded = ? WHERE id = ?",
    ),
    settle: db.prepare(
      `UPDATE downloads SET state = ?, detail = ?, file = ?, downloaded = ?,
         finished_at = ? WHERE id = ?`,
    ),
    renew: db.prepare(
      `UPDATE downloads SET host = ?, request = ?, state = 'Queued',
         detail = '{}', finished_at = NULL WHERE id = ?`,
    ),
    remove: db.prepare("DELETE FROM downloads WHERE id = ?"),
    runs: db.prepare(
      "SELECT start, end, crc FROM runs WHERE id = ? ORDER BY start",
    ),
    record: db.prepare(
      // Of two that begin alike, as where both fetched one rest, the longer.
      `INSERT INTO runs (id, start, end, crc) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET end = excluded.end, crc = excluded.crc
       WHERE excluded.end > end`,
    ),
    forget: db.prepare("DELETE FROM runs WHERE id = ?"),
  };
}
