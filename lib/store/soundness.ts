/** Whether a state is as Sluice has written it. */

import type { DatabaseSync } from "node:sqlite";
import { BLOCK_BITS, LINE_BLOCK_BITS } from "./migrations.ts";
import { prioritySql } from "./places.ts";

/** The latest time that a Date can hold, in milliseconds since the epoch. */
const LATEST_DATE = 8_640_000_000_000_000;

/** What SQLite asks of JSON that is to be an error. */
function isError(json: string): string {
  return `json_type(${json}, '$.error.code') IS 'text' AND
    json_type(${json}, '$.error.message') IS 'text'`;
}

// SQLite itself does not notice when bytes change within a value. It reads more
// than JSON, unless it is asked whether it is. A URL that begins with the host it
// was added with can be read: the others, which are few, such as one with capitals
// in its host, take a call each.
const IS_DAMAGED = `(
    json_valid(request) AND json_valid(detail) AND
    json_valid(coalesce(file, 'null')) AND
    CASE state
      WHEN 'Queued' THEN json_type(detail) IS 'object'
      WHEN 'Paused' THEN
        (json_type(detail, '$.error') IS 'null' OR ${isError("detail")}) AND
        coalesce(json_type(detail, '$.startAt'), 'integer') = 'integer'
      WHEN 'Downloaded' THEN json_type(detail, '$.path') IS 'text' AND
        coalesce(json_type(detail, '$.identity'), 'text') = 'text'
      WHEN 'Failed' THEN ${isError("detail")}
      ELSE FALSE
    END AND
    json_type(request, '$.url') IS 'text' AND
    (instr(request ->> 'url', 'http://' || host || '/') = 1 OR
      instr(request ->> 'url', 'https://' || host || '/') = 1 OR
      is_url(request ->> 'url')) AND
    json_type(request, '$.headers') IS 'object' AND
    json_type(request, '$.filename') IN ('text', 'null') AND
    json_type(request, '$.checksum') IN ('object', 'null') AND
    json_type(request, '$.threads') IN ('integer', 'null') AND
    coalesce(json_type(request, '$.directory'), 'text') = 'text' AND
    coalesce(json_type(request, '$.checksumFrom'), 'text') = 'text' AND
    coalesce(json_type(request, '$.limitRate'), 'integer') = 'integer' AND
    coalesce(request ->> '$.limitRate', 1) > 0 AND
    coalesce(json_type(request, '$.proxy'), 'text') = 'text' AND
    coalesce(request ->> '$.order', 'sequential') = 'sequential' AND
    ${prioritySql("place")} = CASE request ->> '$.priority'
      WHEN 'high' THEN 0 WHEN 'low' THEN 2
      ELSE iif(json_type(request, '$.priority') IS NULL, 1, NULL) END AND
    coalesce(json_type(request, '$.size'), 'integer') = 'integer' AND
    coalesce(json_type(request, '$.described'), 'array') = 'array' AND
    coalesce(json_type(request, '$.ownMirrors'), 'array') = 'array' AND
    (json_type(request, '$.mirrors') IS NULL OR
      json_type(request, '$.mirrors') IS 'array' AND
      NOT EXISTS (SELECT 1 FROM json_each(request, '$.mirrors')
        WHERE NOT is_url(value))) AND
    (json_type(request, '$.kept') IS NULL OR
      json_type(request, '$.kept.options') IS 'object') AND
    (file IS NULL OR
      json_type(file, '$.name') IS 'text' AND
      json_type(file, '$.size') IN ('integer', 'null') AND
      coalesce(file ->> 'size', 0) >= 0 AND
      coalesce(json_type(file, '$.ranges'), 'null')
        IN ('true', 'false', 'null') AND
      (json_type(file, '$.validator') IS 'null' OR
        file ->> '$.validator.kind' IN ('etag', 'modified') AND
        json_type(file, '$.validator.value') IS 'text') AND
      coalesce(json_type(file, '$.sources'), 'array') = 'array' AND
      coalesce(json_type(file, '$.modified'), 'integer') = 'integer' AND
      coalesce(json_type(file, '$.checksum'), 'null')
        IN ('object', 'null') AND
      coalesce(json_type(file, '$.mediaType'), 'text') = 'text' AND
      coalesce(json_type(file, '$.mislabelled'), 'text') = 'text') AND
    downloaded BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER} AND
    added_at BETWEEN 0 AND ${LATEST_DATE} AND
    coalesce(finished_at, 0) BETWEEN 0 AND ${LATEST_DATE}
  ) IS NOT TRUE`;

const IS_DAMAGED_RUN = `(
    start < 0 OR end NOT BETWEEN start AND ${Number.MAX_SAFE_INTEGER} OR
    crc NOT BETWEEN 0 AND ${2 ** 32 - 1}
  )`;

/** Damaged rows, and what is counted or listed otherwise than recorded. */
const DAMAGED = `
  SELECT id FROM downloads WHERE ${IS_DAMAGED}
  UNION ALL SELECT id FROM runs WHERE ${IS_DAMAGED_RUN}
  UNION ALL SELECT downloads.id FROM downloads LEFT JOIN listed USING (seq)
    WHERE listed.id IS NOT downloads.id OR listed.state IS NOT downloads.state
  UNION ALL SELECT id FROM listed
    WHERE seq NOT IN (SELECT seq FROM downloads)
  UNION ALL SELECT 'of a block' FROM (
    SELECT seq >> ${BLOCK_BITS}, state, count(*) FROM listed GROUP BY 1, 2
    EXCEPT SELECT block, state, count FROM blocks)
  UNION ALL SELECT 'of no block' FROM blocks WHERE count <= 0 OR
    NOT EXISTS (SELECT 1 FROM listed
      WHERE seq >= block << ${BLOCK_BITS} AND
        seq < (block + 1) << ${BLOCK_BITS} AND listed.state = blocks.state)
  UNION ALL SELECT 'of a part of the line' FROM (
    SELECT place >> ${LINE_BLOCK_BITS}, state, count(*) FROM downloads
      WHERE state IN ('Queued', 'Paused') GROUP BY 1, 2
    EXCEPT SELECT block, state, count FROM line_blocks)
  UNION ALL SELECT 'of no part of the line' FROM line_blocks
    WHERE count <= 0 OR NOT EXISTS (SELECT 1 FROM downloads
      WHERE downloads.state IN ('Queued', 'Paused') AND
        downloads.state = line_blocks.state AND
        place >= block << ${LINE_BLOCK_BITS} AND
        place < (block + 1) << ${LINE_BLOCK_BITS})
  LIMIT 1`;

/**
 * Refuses records that are damaged, or listed otherwise than recorded. It takes
 * seconds for a million downloads.
 *
 * @throws {Error} naming one.
 */
export function refuseDamagedRecords(db: DatabaseSync): void {
  defineIsUrl(db);
  const damaged = db.prepare(DAMAGED).get();
  if (damaged) throw damagedDownload(damaged.id);
}

/**
 * Refuses a file whose pages do not fit together.
 *
 * @throws {Error} saying what SQLite found first.
 */
export function refuseDamagedFile(db: DatabaseSync): void {
  const [first] = db.prepare("PRAGMA integrity_check(1)").all();
  const verdict = String(Object.values(first ?? {})[0]);
  if (verdict !== "ok") throw new Error(verdict);
}

/**
 * Prepares to refuse single records that are damaged, or whose runs are, or that
 * are not found by their own id.
 *
 * @returns what throws an error naming the download.
 */
export function prepareCheck(db: DatabaseSync): (id: string) => void {
  defineIsUrl(db);
  const isSound = db.prepare(
    `SELECT 1 FROM downloads WHERE id = ?1 AND NOT ${IS_DAMAGED}
     AND NOT EXISTS (SELECT 1 FROM runs WHERE id = ?1 AND ${IS_DAMAGED_RUN})`,
  );
  return (id) => {
    if (isSound.get(id) === undefined) throw damagedDownload(id);
  };
}

function defineIsUrl(db: DatabaseSync): void {
  db.function(
    "is_url",
    (url) => /^https?:$/.test(URL.parse(String(url))?.protocol ?? "") ? 1 : 0,
  );
}

function damagedDownload(id: unknown): Error {
  return new Error(`download ${id} is damaged`);
}
