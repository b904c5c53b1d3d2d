/** The schema of the state, as steps from each version to the next. */

import type { DatabaseSync } from "node:sqlite";
import { GAP_BITS, placeOf, rankOfAdded } from "./places.ts";
import { searchTextSql } from "./search_text.ts";

/** How many places in the order of adding make a block, as a power of two. */
export const BLOCK_BITS = 10;
/**
 * The same for places in the queue: blocks of both hold as many downloads, unless
 * some were moved there.
 */
export const LINE_BLOCK_BITS = BLOCK_BITS + GAP_BITS;

const IN_LINE = "state IN ('Queued', 'Paused')";

/** SQL that has one more, or one less, count for a block of the line. */
const LINE_GROWS =
  `INSERT INTO line_blocks VALUES (new.place >> ${LINE_BLOCK_BITS}, new.state, 1)
     ON CONFLICT DO UPDATE SET count = count + 1;`;
const OLD_LINE_BLOCK = `block = old.place >> ${LINE_BLOCK_BITS}
       AND state = old.state`;
const LINE_SHRINKS =
  `UPDATE line_blocks SET count = count - 1 WHERE ${OLD_LINE_BLOCK};
     DELETE FROM line_blocks WHERE ${OLD_LINE_BLOCK} AND count = 0;`;

/**
 * What makes version n + 1 of version n; version 0 is an empty file. A step
 * that was released stays as it is: there are files that it has made.
 */
export const STEPS: readonly string[] = [
  `CREATE TABLE downloads (
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
   ) STRICT, WITHOUT ROWID;`,
  `ALTER TABLE downloads ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
   UPDATE downloads SET search_text = ${searchTextSql("request", "file")};`,
  // Files had whole paths, directly in the content directory. Where that was is
  // not recorded, so that a path's last name is kept of those whose identity
  // tells, in a directory that was moved, whether a file is theirs.
  `UPDATE downloads SET detail = json_set(detail, '$.path', substr(
     detail ->> '$.path',
     length(rtrim(
       detail ->> '$.path',
       replace(detail ->> '$.path', '/', '')
     )) + 1
   ))
   WHERE state = 'Downloaded' AND detail ->> '$.path' LIKE '/%'
     AND detail ->> '$.identity' IS NOT NULL;`,
  // What lists and searches read of a million downloads lies close together, and
  // how many of each state a block has is counted as it changes.
  `CREATE TABLE listed (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL,
     state TEXT NOT NULL,
     search_text TEXT NOT NULL
   ) STRICT;
   INSERT INTO listed SELECT seq, id, state, search_text FROM downloads;
   ALTER TABLE downloads DROP COLUMN search_text;
   CREATE TABLE blocks (
     block INTEGER NOT NULL,
     state TEXT NOT NULL,
     count INTEGER NOT NULL,
     PRIMARY KEY (block, state)
   ) STRICT, WITHOUT ROWID;
   INSERT INTO blocks
     SELECT seq >> ${BLOCK_BITS}, state, count(*) FROM listed GROUP BY 1, 2;
   CREATE TRIGGER block_grows AFTER INSERT ON listed BEGIN
     INSERT INTO blocks VALUES (new.seq >> ${BLOCK_BITS}, new.state, 1)
       ON CONFLICT DO UPDATE SET count = count + 1;
   END;
   CREATE TRIGGER block_shrinks AFTER DELETE ON listed BEGIN
     UPDATE blocks SET count = count - 1
       WHERE block = old.seq >> ${BLOCK_BITS} AND state = old.state;
     DELETE FROM blocks
       WHERE block = old.seq >> ${BLOCK_BITS} AND state = old.state AND count = 0;
   END;
   CREATE TRIGGER block_changes AFTER UPDATE OF state ON listed BEGIN
     UPDATE blocks SET count = count - 1
       WHERE block = old.seq >> ${BLOCK_BITS} AND state = old.state;
     DELETE FROM blocks
       WHERE block = old.seq >> ${BLOCK_BITS} AND state = old.state AND count = 0;
     INSERT INTO blocks VALUES (new.seq >> ${BLOCK_BITS}, new.state, 1)
       ON CONFLICT DO UPDATE SET count = count + 1;
   END;
   CREATE TRIGGER listed_follows AFTER UPDATE OF state ON downloads
     WHEN old.state <> new.state BEGIN
     UPDATE listed SET state = new.state WHERE seq = new.seq;
   END;
   CREATE TRIGGER listed_leaves AFTER DELETE ON downloads BEGIN
     DELETE FROM listed WHERE seq = old.seq;
   END;
   CREATE INDEX downloads_waiting ON downloads (host, seq)
     WHERE state = 'Queued';
   CREATE INDEX downloads_without_room ON downloads (seq)
     WHERE state = 'Paused' AND detail ->> '$.error.code' = 'DISK_FULL';`,
  `CREATE INDEX downloads_to_start ON downloads (detail ->> '$.startAt')
     WHERE state = 'Paused' AND detail ->> '$.startAt' IS NOT NULL;`,
  // The queue has an order of its own, which begins as that of adding. What is
  // in line of a block of it is counted, too.
  `ALTER TABLE downloads ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
   DROP INDEX downloads_by_state;
   DROP INDEX downloads_waiting;
   UPDATE downloads SET place = ${
    placeOf(rankOfAdded(0))
  } + (seq << ${GAP_BITS});
   CREATE INDEX downloads_waiting ON downloads (host, place)
     WHERE state = 'Queued';
   CREATE INDEX downloads_in_line ON downloads (state, place) WHERE ${IN_LINE};
   CREATE INDEX downloads_over ON downloads (seq)
     WHERE state IN ('Downloaded', 'Failed');
   CREATE TABLE line_blocks (
     block INTEGER NOT NULL,
     state TEXT NOT NULL,
     count INTEGER NOT NULL,
     PRIMARY KEY (block, state)
   ) STRICT, WITHOUT ROWID;
   INSERT INTO line_blocks
     SELECT place >> ${LINE_BLOCK_BITS}, state, count(*) FROM downloads
     WHERE ${IN_LINE} GROUP BY 1, 2;
   CREATE TRIGGER line_grows AFTER INSERT ON downloads
     WHEN new.${IN_LINE} BEGIN ${LINE_GROWS} END;
   CREATE TRIGGER line_shrinks AFTER DELETE ON downloads
     WHEN old.${IN_LINE} BEGIN ${LINE_SHRINKS} END;
   CREATE TRIGGER line_is_left AFTER UPDATE OF state, place ON downloads
     WHEN old.${IN_LINE}
       AND (old.state <> new.state OR old.place <> new.place)
     BEGIN ${LINE_SHRINKS} END;
   CREATE TRIGGER line_is_joined AFTER UPDATE OF state, place ON downloads
     WHEN new.${IN_LINE}
       AND (old.state <> new.state OR old.place <> new.place)
     BEGIN ${LINE_GROWS} END;`,
  // What aria2's clients gave besides a URL was kept to be read back only.
  `UPDATE downloads SET request = json_remove(
     iif(
       json_array_length(request, '$.kept.uris') > 0,
       json_set(request, '$.mirrors', json(request -> '$.kept.uris')),
       request
     ),
     '$.kept.uris'
   )
   WHERE json_type(request, '$.kept.uris') IS NOT NULL;`,
];

/**
 * Refuses a file that a newer program has written.
 *
 * @throws {Error} saying both versions, and what to do.
 */
export function refuseNewer(db: DatabaseSync, steps = STEPS): void {
  const version = versionOf(db);
  if (version <= steps.length) return;
  throw new Error(
    `it is of version ${version}, and this Sluice knows version ` +
      `${steps.length}: run the newer Sluice again, or move the file away to ` +
      "begin with an empty queue",
  );
}

/** Whether a file is of this program's version. */
export function isCurrent(db: DatabaseSync): boolean {
  return versionOf(db) === STEPS.length;
}

/**
 * Brings a file up to date. Each step and its version are one transaction: one
 * that fails leaves the file as the step before it did.
 *
 * @throws what SQLite says of the step that failed.
 */
export function migrate(db: DatabaseSync, steps = STEPS): void {
  for (let version = versionOf(db); version < steps.length; version++) {
    const step = steps[version];
    if (step === undefined) throw new Error(`its version is ${version}`);
    try {
      db.exec("BEGIN IMMEDIATE");
      db.exec(step);
      db.exec(`PRAGMA user_version = ${version + 1}`);
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare("PRAGMA user_version").get()?.user_version);
}
