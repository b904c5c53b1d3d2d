/**
 * Rows of the state that are not as Sluice writes them. SQLite itself does not
 * notice when bytes change within a value.
 */

import type { DatabaseSync } from "node:sqlite";

/** The latest time that a Date can hold, in milliseconds since the epoch. */
const LATEST_DATE = 8_640_000_000_000_000;

/** What SQLite asks of JSON that is to be an error. */
function isError(json: string): string {
  return `json_type(${json}, '$.error.code') IS 'text' AND
    json_type(${json}, '$.error.message') IS 'text'`;
}

// SQLite reads more than JSON, unless it is asked whether it is. A URL that holds
// the host it was added with can be read: the others, which are few, take a call
// each.
const DAMAGED = `
  SELECT id FROM downloads WHERE (
    json_valid(request) AND json_valid(detail) AND
    json_valid(coalesce(file, 'null')) AND
    CASE state
      WHEN 'Queued' THEN json_type(detail) IS 'object'
      WHEN 'Paused' THEN
        json_type(detail, '$.error') IS 'null' OR ${isError("detail")}
      WHEN 'Downloaded' THEN json_type(detail, '$.path') IS 'text' AND
        coalesce(json_type(detail, '$.identity'), 'text') = 'text'
      WHEN 'Failed' THEN ${isError("detail")}
      ELSE FALSE
    END AND
    json_type(request, '$.url') IS 'text' AND
    substr(request ->> 'url', 1, 4) = 'http' AND
    (instr(request ->> 'url', '://' || host || '/') > 0 OR
      is_url(request ->> 'url')) AND
    json_type(request, '$.headers') IS 'object' AND
    json_type(request, '$.filename') IN ('text', 'null') AND
    json_type(request, '$.checksum') IN ('object', 'null') AND
    json_type(request, '$.threads') IN ('integer', 'null') AND
    coalesce(json_type(request, '$.directory'), 'text') = 'text' AND
    (file IS NULL OR
      json_type(file, '$.name') IS 'text' AND
      json_type(file, '$.size') IN ('integer', 'null') AND
      coalesce(file ->> 'size', 0) >= 0 AND
      coalesce(json_type(file, '$.ranges'), 'null')
        IN ('true', 'false', 'null') AND
      (json_type(file, '$.validator') IS 'null' OR
        file ->> '$.validator.kind' IN ('etag', 'modified') AND
        json_type(file, '$.validator.value') IS 'text') AND
      coalesce(json_type(file, '$.modified'), 'integer') = 'integer' AND
      coalesce(json_type(file, '$.mislabelled'), 'text') = 'text') AND
    downloaded BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER} AND
    added_at BETWEEN 0 AND ${LATEST_DATE} AND
    coalesce(finished_at, 0) BETWEEN 0 AND ${LATEST_DATE}
  ) IS NOT TRUE
  UNION ALL SELECT id FROM runs WHERE
    start < 0 OR end NOT BETWEEN start AND ${Number.MAX_SAFE_INTEGER} OR
    crc NOT BETWEEN 0 AND ${2 ** 32 - 1}
  LIMIT 1`;

/**
 * Refuses a state in which a row is damaged.
 *
 * @throws {Error} naming the download, or what SQLite says.
 */
export function refuseDamagedRows(db: DatabaseSync): void {
  db.function("is_url", (url) => URL.canParse(String(url)) ? 1 : 0);
  const damaged = db.prepare(DAMAGED).get();
  if (damaged) throw new Error(`download ${damaged.id} is damaged`);
}
