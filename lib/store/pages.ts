/** Pages of downloads, read from the state's database. */

import type { DatabaseSync } from "node:sqlite";
import type { Filter, Found, Page } from "./catalogue.ts";

/** The downloads of a filter; {@linkcode valuesOf} fills its parameters in. */
const FILTERED = `FROM downloads
  WHERE state IN (SELECT value FROM json_each(?1)) AND (?2 = '' OR instr(
    lower(request ->> 'url' || ' ' || coalesce(file ->> 'name', '')),
    lower(?2)
  ) OR instr(lower(request ->> 'url'), lower(?3)))
  AND (state <> 'Queued' OR ?4 IS NULL
    OR (id IN (SELECT value FROM json_each(?5))) = (?4 = 'only'))
  AND (?6 IS NULL
    OR request ->> 'url' IN (SELECT value FROM json_each(?6)))`;

/** Prepares to find the downloads of pages, each page at one moment. */
export function preparePages(db: DatabaseSync): (page: Page) => Found {
  const inOrder = (order: "ASC" | "DESC") =>
    db.prepare(
      `SELECT id ${FILTERED} ORDER BY seq ${order} LIMIT ?7 OFFSET ?8`,
    );
  const ids = { oldest: inOrder("ASC"), latest: inOrder("DESC") };
  const count = db.prepare(`SELECT count(*) AS count ${FILTERED}`);
  return ({ offset, limit, order, ...filter }) => {
    const values = valuesOf(filter);
    // One transaction sees one state, so that the number fits the page.
    db.exec("BEGIN");
    try {
      const rows = ids[order].all(...values, limit, offset);
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
  // People search for what they see, and a URL holds "%20" for a space.
  const encoded = encodeURI(search.toWellFormed());
  return [
    JSON.stringify(states),
    search,
    encoded,
    kind,
    JSON.stringify(ids),
    urls === undefined ? null : JSON.stringify(urls),
  ];
}
