/** The SQLite database of the state: its statements, its health. */

import { DatabaseSync } from "node:sqlite";
import { errorMessage } from "../base/error_message.ts";
import { DownloadError } from "../download/errors.ts";
import { refuseDamagedRows } from "./damaged_rows.ts";
import { migrate, refuseNewer } from "./migrations.ts";
import { defineSearchText, searchTextSql } from "./search_text.ts";

/** An open database, and all that is asked of it. */
export interface Database {
  readonly db: DatabaseSync;
  readonly sql: ReturnType<typeof statements>;
}

/**
 * Opens the database at `path`, and makes it if there is none. One of an older
 * version is brought up to date.
 *
 * @param sync Whether a transaction outlives a loss of power.
 * @throws {DownloadError} STATE if it is damaged or of a newer version.
 */
export function openDatabase(
  path: string,
  sync: boolean,
): Database {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: 5_000 });
    refuseNewer(db);
    // FULL: a transaction that was acknowledged outlives a loss of power.
    // NORMAL: the last ones may be lost then, but the state is never damaged.
    const synchronous = sync ? "FULL" : "NORMAL";
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`);
    const [first] = db.prepare("PRAGMA integrity_check(1)").all();
    const verdict = String(Object.values(first ?? {})[0]);
    if (verdict !== "ok") throw new Error(verdict);
    defineSearchText(db);
    // Only now: a step might make what is damaged look whole.
    migrate(db);
    refuseDamagedRows(db);
    return { db, sql: statements(db) };
  } catch (error) {
    db?.close();
    throw stateError(error, path);
  }
}

/** What SQLite said, as an error that says what to do. */
export function stateError(error: unknown, path = "state.db"): DownloadError {
  const what = errorMessage(error);
  if (/disk is full|disk I\/O error/.test(what)) {
    const message = `Cannot write ${path}: ${what}. Make room on the disk.`;
    return new DownloadError("DISK_FULL", message, { cause: error });
  }
  if (isHeld(error)) {
    const message = `Cannot write ${path}: another process holds it (${what}).`;
    return new DownloadError("STATE", message, { cause: error });
  }
  return new DownloadError(
    "STATE",
    `Cannot use the state in ${path}: ${what}.`,
    {
      cause: error,
    },
  );
}

/** Whether SQLite says that another connection writes, or keeps others out. */
export function isHeld(error: unknown): boolean {
  return /database is locked/.test(errorMessage(error));
}

const COLUMNS =
  "id, request, state, detail, file, downloaded, added_at, finished_at";

function statements(db: DatabaseSync) {
  return {
    add: db.prepare(
      `INSERT INTO downloads (id, host, request, state, detail, file,
         downloaded, added_at, finished_at, search_text)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ${
        searchTextSql("?3", "?6")
      })`,
    ),
    waiting: db.prepare(
      `SELECT id FROM downloads WHERE state = 'Queued'
       AND host NOT IN (SELECT value FROM json_each(?))
       ORDER BY seq LIMIT ?`,
    ),
    get: db.prepare(`SELECT ${COLUMNS} FROM downloads WHERE id = ?`),
    open: db.prepare(
      `SELECT ${COLUMNS} FROM downloads WHERE state IN ('Queued', 'Paused')
       ORDER BY seq LIMIT ?`,
    ),
    finished: db.prepare(
      `SELECT ${COLUMNS} FROM downloads WHERE state IN ('Downloaded', 'Failed')
       ORDER BY seq DESC LIMIT ?`,
    ),
    waitingForRoom: db.prepare(
      `SELECT ${COLUMNS} FROM downloads WHERE state = 'Paused'
       AND detail ->> '$.error.code' = 'DISK_FULL'
       AND (file IS NULL OR file ->> 'size' - downloaded <= ?)
       ORDER BY seq LIMIT 100`,
    ),
    totals: db.prepare(
      "SELECT state, count(*) AS count FROM downloads GROUP BY state",
    ),
    facts: db.prepare(
      `UPDATE downloads SET file = ?1, downloaded = ?2,
         search_text = ${searchTextSql("request", "?1")} WHERE id = ?3`,
    ),
    settle: db.prepare(
      `UPDATE downloads SET state = ?1, detail = ?2, file = ?3,
         downloaded = ?4, finished_at = ?5,
         search_text = ${searchTextSql("request", "?3")} WHERE id = ?6`,
    ),
    renew: db.prepare(
      `UPDATE downloads SET host = ?1, request = ?2, state = 'Queued',
         detail = '{}', finished_at = NULL,
         search_text = ${searchTextSql("?2", "file")} WHERE id = ?3`,
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
