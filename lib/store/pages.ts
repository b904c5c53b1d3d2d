/** Pages of downloads, read from the state's database. */

import type { DatabaseSync } from "node:sqlite";
import {
  type Filter,
  type Found,
  type Page,
  RECORD_ORDERS,
  type RecordOrder,
} from "./catalogue.ts";
import { BLOCK_BITS, LINE_BLOCK_BITS } from "./migrations.ts";
import { folded } from "./search_text.ts";

/** A URL without its query, whose last segment names a download at first. */
const PATH = `substr(request ->> 'url', 1,
  instr(request ->> 'url' || '?', '?') - 1)`;

const NAME = `coalesce(file ->> 'name', request ->> 'filename',
  substr(${PATH}, length(rtrim(${PATH}, replace(${PATH}, '/', ''))) + 1)
) COLLATE NOCASE`;

const SIZE = "file ->> 'size'";

const PROGRESS = `CASE WHEN downloads.state = 'Downloaded' THEN 1.0
  ELSE downloaded * 1.0 / nullif(${SIZE}, 0) END`;

/** Those that are found in the order of adding, which needs no record. */
const ADDED = { oldest: "seq", latest: "seq DESC" } as const;

/** Those that are found in the queue's order. */
const QUEUED = {
  queue: "place, seq",
  "-queue": "place DESC, seq DESC",
} as const;

const SORTED: Readonly<
  Record<Exclude<RecordOrder, keyof typeof ADDED>, string>
> = {
  ...QUEUED,
  name: `${NAME}, seq DESC`,
  "-name": `${NAME} DESC, seq DESC`,
  size: `${SIZE} NULLS LAST, seq DESC`,
  "-size": `${SIZE} DESC NULLS LAST, seq DESC`,
  progress: `${PROGRESS} NULLS LAST, seq DESC`,
  "-progress": `${PROGRESS} DESC NULLS LAST, seq DESC`,
};

/** Those whose pages are found by counts of blocks. */
type InBlocks = keyof typeof ADDED | keyof typeof QUEUED;

/** Those in the states ?1, and of the queued only or all but those of ?3. */
const STANDING = `listed.state IN (SELECT value FROM json_each(?1))
  AND (listed.state <> 'Queued' OR ?2 IS NULL
    OR (listed.id IN (SELECT value FROM json_each(?3))) = (?2 = 'only'))`;

/** The same, of what is in line. */
const IN_LINE = `downloads.state IN ('Queued', 'Paused') AND ${
  STANDING.replaceAll("listed", "downloads")
}`;

const SEARCHED = `${STANDING} AND (?4 = '' OR instr(search_text, ?4))`;

/**
 * Those of the URLs ?4. What is listed is looked through first: it is shorter
 * than the records, and begins with the URL in one case.
 */
const OF_URLS = `${STANDING} AND
  substr(search_text, 1, instr(search_text || char(10), char(10)) - 1)
    IN (SELECT value FROM json_each(?5)) AND
  request ->> 'url' IN (SELECT value FROM json_each(?4))`;

const RECORDS = "listed CROSS JOIN downloads USING (seq)";

/** A filter's statements. */
interface Statements {
  readonly ids: ReadonlyMap<RecordOrder, Query>;
  readonly count: Query;
}

type Query = ReturnType<DatabaseSync["prepare"]>;

/** Prepares to find the downloads of pages, each page at one moment. */
export function preparePages(db: DatabaseSync): (page: Page) => Found {
  const searched = prepare(db, SEARCHED, 5);
  const ofUrls = prepare(db, OF_URLS, 6, RECORDS);
  const inBlocks = preparePagesInBlocks(db);

  function find(page: Page): Found {
    const { search, urls, order, offset, limit } = page;
    const isAll = search === "" && urls === undefined;
    if (isAll && isInBlocks(order)) return inBlocks.find(page, order);
    const statements = urls === undefined ? searched : ofUrls;
    const values = [
      ...standingOf(page),
      ...(urls === undefined
        ? [folded(search)]
        : [JSON.stringify(urls), JSON.stringify(urls.map(folded))]),
    ];
    const rows = statements.ids.get(order)?.all(...values, limit, offset) ?? [];
    const ids = rows.map(({ id }) => String(id));
    // A page that is not full ends with the last one.
    if (ids.length < limit && (ids.length > 0 || offset === 0)) {
      return { ids, total: offset + ids.length };
    }
    const total = isAll
      ? inBlocks.count(page)
      : Number(statements.count.get(...values)?.count);
    return { ids, total };
  }

  return (asked) => {
    const page = isQueued(asked.order) ? ofLine(asked) : asked;
    // One transaction sees one state, so that the number fits the page.
    db.exec("BEGIN");
    try {
      return find(page);
    } finally {
      if (db.isTransaction) db.exec("COMMIT");
    }
  };
}

/** @param next The number of the statements' first free parameter. */
function prepare(
  db: DatabaseSync,
  filter: string,
  next: number,
  inOrder = "listed",
): Statements {
  const page = `LIMIT ?${next} OFFSET ?${next + 1}`;
  const ids = new Map(RECORD_ORDERS.map((order) => {
    const [from, by] = isAdded(order)
      ? [inOrder, ADDED[order]]
      : [RECORDS, SORTED[order]];
    const query = `SELECT listed.id AS id FROM ${from} WHERE ${filter}
      ORDER BY ${by} ${page}`;
    return [order, db.prepare(query)];
  }));
  const count = db.prepare(
    `SELECT count(*) AS count FROM ${inOrder} WHERE ${filter}`,
  );
  return { ids, count };
}

function isInBlocks(order: RecordOrder): order is InBlocks {
  return isAdded(order) || isQueued(order);
}

function isAdded(order: RecordOrder): order is keyof typeof ADDED {
  return order in ADDED;
}

/** A page of what is in line, of which alone the queue has an order. */
function ofLine(page: Page): Page {
  const isInLine = (state: string) => state === "Queued" || state === "Paused";
  return { ...page, states: page.states.filter(isInLine) };
}

function isQueued(order: RecordOrder): order is keyof typeof QUEUED {
  return order in QUEUED;
}

/** The first parameters of a filter. */
function standingOf(
  { states, queued }: Pick<Filter, "states" | "queued">,
): (string | null)[] {
  const { kind = null, ids = [] } = queued ?? {};
  return [JSON.stringify(states), kind, JSON.stringify(ids)];
}

/** An order whose blocks are counted: of adding, or of the queue. */
interface Blocks {
  /** The table of their counts. */
  readonly counts: string;
  /** The block that a download is in, by its place in the order. */
  readonly key: string;
  readonly bits: number;
  readonly rows: string;
  readonly filter: string;
}

const BLOCKS: Readonly<Record<"added" | "queued", Blocks>> = {
  added: {
    counts: "blocks",
    key: "seq",
    bits: BLOCK_BITS,
    rows: "listed",
    filter: STANDING,
  },
  queued: {
    counts: "line_blocks",
    key: "place",
    bits: LINE_BLOCK_BITS,
    rows: "downloads INDEXED BY downloads_in_line",
    filter: IN_LINE,
  },
};

/**
 * Finds pages in the order of adding, or of the queue. How many downloads of each
 * state a block has is recorded: wherever a page is, what lies before its block
 * is not read.
 */
function preparePagesInBlocks(db: DatabaseSync) {
  const added = prepareBlocks(db, BLOCKS.added, ADDED);
  const queued = prepareBlocks(db, BLOCKS.queued, QUEUED);
  return {
    find: (page: Page, order: InBlocks): Found =>
      isQueued(order) ? queued.find(page, order) : added.find(page, order),
    count: added.count,
  };
}

/** @param orders What each order sorts by; those with `DESC` begin at the end. */
function prepareBlocks<Order extends string>(
  db: DatabaseSync,
  { counts: table, key, bits, rows, filter }: Blocks,
  orders: Readonly<Record<Order, string>>,
) {
  const blocks = db.prepare(
    `SELECT block, sum(count) AS count FROM ${table}
     WHERE state IN (SELECT value FROM json_each(?)) GROUP BY block`,
  );
  const places = db.prepare(
    `SELECT ${key} >> ${bits} AS block FROM downloads
     WHERE state = 'Queued' AND id IN (SELECT value FROM json_each(?))`,
  );
  const statements = new Map(
    Object.entries<string>(orders).map(([order, by]) => [
      order,
      {
        isBack: by.includes("DESC"),
        page: db.prepare(
          `SELECT id FROM ${rows} WHERE ${filter}
           AND ${key} >= ?4 << ${bits} AND ${key} < (?4 + 1) << ${bits}
           ORDER BY ${by} LIMIT ?5 OFFSET ?6`,
        ),
      },
    ]),
  );

  /** How many downloads of a filter each block has, in the blocks' order. */
  function countsOf({ states, queued }: Filter): [number, number][] {
    const kind = queued?.kind ?? null;
    const whole = kind === "only"
      ? states.filter((state) => state !== "Queued")
      : states;
    const counts = new Map(
      blocks.all(JSON.stringify(whole))
        .map(({ block, count }) => [Number(block), Number(count)]),
    );
    if (queued !== null && states.includes("Queued")) {
      const step = kind === "only" ? 1 : -1;
      for (const { block } of places.all(JSON.stringify(queued.ids))) {
        counts.set(Number(block), (counts.get(Number(block)) ?? 0) + step);
      }
    }
    return [...counts].sort(([a], [b]) => a - b);
  }

  function find(page: Page, order: Order): Found {
    const counts = countsOf(page);
    const { isBack = false, page: query } = statements.get(order) ?? {};
    const ids: string[] = [];
    let skipped = page.offset;
    for (const [block, count] of isBack ? counts.toReversed() : counts) {
      const left = page.limit - ids.length;
      if (left <= 0) break;
      if (skipped >= count) {
        skipped -= count;
        continue;
      }
      const rows = query?.all(...standingOf(page), block, left, skipped) ?? [];
      skipped = 0;
      for (const { id } of rows) ids.push(String(id));
    }
    return { ids, total: sum(counts) };
  }

  return { find, count: (filter: Filter) => sum(countsOf(filter)) };
}

function sum(counts: readonly [number, number][]): number {
  return counts.reduce((total, [, count]) => total + count, 0);
}
