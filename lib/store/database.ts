/** The SQLite database of the state: its statements, its health. */

import { DatabaseSync } from "node:sqlite";
import { errorMessage } from "../base/error_message.ts";
import { DownloadError } from "../download/errors.ts";
import { isCurrent, migrate, refuseNewer } from "./migrations.ts";
import { defineSearchText, searchTextSql } from "./search_text.ts";
import { prepareOrder } from "./order.ts";
import { reprioritizedSql } from "./places.ts";
import { refuseDamagedFile, refuseDamagedRecords } from "./soundness.ts";
import { prepareWaiting } from "./waiting.ts";

/** An open database, and all that is asked of it. */
export interface Database {
  readonly db: DatabaseSync;
  readonly sql: ReturnType<typeof statements>;
  /**
   * Whether all of it was checked. A large file is not, as nobody would wait for
   * it: see `checkBehind`.
   */
  readonly isChecked: boolean;
}

/** Bytes of a file that are checked in half a second. */
const LARGE = 32 * 1024 * 1024;

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
    const isChecked = sizeOf(db) <= LARGE;
    // Before it is brought up to date, which might make damage look whole.
    if (isChecked || !isCurrent(db)) refuseDamagedFile(db);
    defineSearchText(db);
    migrate(db);
    if (isChecked) refuseDamagedRecords(db);
    return { db, sql: statements(db), isChecked };
  } catch (error) {
    db?.close();
    throw stateError(error, path);
  }
}

function sizeOf(db: DatabaseSync): number {
  const row = db.prepare(
    "SELECT page_count * page_size AS size FROM pragma_page_count, pragma_page_size",
  ).get();
  return Number(row?.size);
}

/** What SQLite said, as an error that says what to do. */
export function stateError(error: unknown, path = "state.db"): DownloadError {
  if (error instanceof DownloadError) return error;
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

/** What a record is found by. */
const TEXT = searchTextSql("request", "file");

const COLUMNS =
  "id, request, state, detail, file, downloaded, added_at, finished_at";

/** The first that are in line in one state; those of two are merged. */
function firstInLine(state: "Queued" | "Paused"): string {
  return `SELECT * FROM (
    SELECT ${COLUMNS}, place, seq FROM downloads INDEXED BY downloads_in_line
    WHERE state IN ('Queued', 'Paused') AND state = '${state}'
    ORDER BY place, seq LIMIT ?1)`;
}

function statements(db: DatabaseSync) {
  return {
    add: db.prepare(
      `INSERT INTO downloads (id, host, request, state, detail, file,
         downloaded, added_at, finished_at, place, seq)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
         iif(EXISTS (SELECT 1 FROM downloads WHERE seq = ?11), NULL, ?11))`,
    ),
    list: db.prepare(
      `INSERT INTO listed (seq, id, state, search_text)
       VALUES (last_insert_rowid(), ?, ?, ?)`,
    ),
    waiting: prepareWaiting(db),
    get: db.prepare(`SELECT ${COLUMNS} FROM downloads WHERE id = ?`),
    idsFrom: db.prepare(
      "SELECT id FROM downloads WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
    ),
    open: db.prepare(
      `${firstInLine("Queued")} UNION ALL ${firstInLine("Paused")}
       ORDER BY place, seq LIMIT ?1`,
    ),
    finished: db.prepare(
      `SELECT ${COLUMNS} FROM downloads INDEXED BY downloads_over
       WHERE state IN ('Downloaded', 'Failed') ORDER BY seq DESC LIMIT ?`,
    ),
    waitingForRoom: db.prepare(
      `SELECT ${COLUMNS} FROM downloads INDEXED BY downloads_without_room
       WHERE state = 'Paused'
       AND detail ->> '$.error.code' = 'DISK_FULL'
       AND (file IS NULL OR file ->> 'size' - downloaded <= ?)
       ORDER BY seq LIMIT 100`,
    ),
    due: db.prepare(
      `SELECT id FROM downloads INDEXED BY downloads_to_start
       WHERE state = 'Paused' AND detail ->> '$.startAt' IS NOT NULL
       AND detail ->> '$.startAt' <= ?
       ORDER BY detail ->> '$.startAt' LIMIT ?`,
    ),
    totals: db.prepare(
      "SELECT state, sum(count) AS count FROM blocks GROUP BY state",
    ),
    facts: db.prepare(
      "UPDATE downloads SET file = ?, downloaded = ? WHERE id = ?",
    ),
    settle: db.prepare(
      `UPDATE downloads SET state = ?1, detail = ?2, file = ?3,
         downloaded = ?4, finished_at = ?5 WHERE id = ?6`,
    ),
    renew: db.prepare(
      `UPDATE downloads SET host = ?1, request = ?2, state = ?3, detail = ?4,
         downloaded = iif(EXISTS (SELECT 1 FROM runs WHERE id = ?5), downloaded, 0),
         finished_at = NULL WHERE id = ?5`,
    ),
    reword: db.prepare(
      `UPDATE downloads SET request = ?1, place = ${
        reprioritizedSql("place", "?2")
      } WHERE id = ?3`,
    ),
    place: db.prepare("UPDATE downloads SET place = ? WHERE id = ?"),
    order: prepareOrder(db),
    relist: db.prepare(
      `UPDATE listed SET search_text = now.text
       FROM (SELECT seq, ${TEXT} AS text FROM downloads WHERE id = ?) AS now
       WHERE listed.seq = now.seq`,
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
