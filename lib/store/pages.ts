/** Pages of downloads, read from the state's database. */

import type { DatabaseSync } from "node:sqlite";
import {
  type Filter,
  type Found,
  type Page,
  RECORD_ORDERS,
  type RecordOrder,
} from "./catalogue.ts";
import { folded } from "./search_text.ts";

/** A URL without its query, whose last segment names a download at first. */
const PATH = `substr(request ->> 'url', 1,
  instr(request ->> 'url' || '?', '?') - 1)`;

const NAME = `coalesce(file ->> 'name', request ->> 'filename',
  substr(${PATH}, length(rtrim(${PATH}, replace(${PATH}, '/', ''))) + 1)
) COLLATE NOCASE`;

const SIZE = "file ->> 'size'";

const PROGRESS = `CASE WHEN state = 'Downloaded' THEN 1.0
  ELSE downloaded * 1.0 / nullif(${SIZE}, 0) END`;

const SORTED: Readonly<Record<RecordOrder, string>> = {
  oldest: "seq",
  latest: "seq DESC",
  name: `${NAME}, seq DESC`,
  "-name": `${NAME} DESC, seq DESC`,
  size: `${SIZE} NULLS LAST, seq DESC`,
  "-size": `${SIZE} DESC NULLS LAST, seq DESC`,
  progress: `${PROGRESS} NULLS LAST, seq DESC`,
  "-progress": `${PROGRESS} DESC NULLS LAST, seq DESC`,
};

/** The downloads of a filter; {@linkcode valuesOf} fills its parameters in. */
const FILTERED = `FROM downloads
  WHERE state IN (SELECT value FROM json_each(?1)) AND (?2 = '' OR instr(search_text, ?2))
  AND (state <> 'Queued' OR ?3 IS NULL
    OR (id IN (SELECT value FROM json_each(?4))) = (?3 = 'only'))
  AND (?5 IS NULL
    OR request ->> 'url' IN (SELECT value FROM json_each(?5)))`;

/** Prepares to find the downloads of pages, each page at one moment. */
export function preparePages(db: DatabaseSync): (page: Page) => Found {
  const ids = new Map(RECORD_ORDERS.map((order) => [
    order,
    db.prepare(
      `SELECT id ${FILTERED} ORDER BY ${SORTED[order]} LIMIT ?6 OFFSET ?7`,
    ),
  ]));
  const count = db.prepare(`SELECT count(*) AS count ${FILTERED}`);
  return ({ offset, limit, order, ...filter }) => {
    const values = valuesOf(filter);
    // One transaction sees one state, so that the number fits the page.
    db.exec("BEGIN");
    try {
      const rows = ids.get(order)?.all(...values, limit, offset) ?? [];
      const total = Number(count.get(...values)?.count);
      return { ids: rows.map(({ id }) => String(id)), total };
    } finally {
      if (db.isTransaction) db.exec("COMMIT");
    }
  };
}

/** A filter, as the statements take it. */
function valuesOf(
  { states, search, urls, queued }: Filter,
): (string | null)[] {
  const { kind = null, ids = [] } = queued ?? {};
  return [
    JSON.stringify(states),
    folded(search),
    kind,
    JSON.stringify(ids),
    urls === undefined ? null : JSON.stringify(urls),
  ];
}
