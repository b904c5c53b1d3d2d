/** The line of downloads that wait, read from the state's database. */

import type { DatabaseSync } from "node:sqlite";

/**
 * With more hosts than these, the line is read in its order instead: most of its
 * first downloads wait at other hosts than the few that are full.
 */
const MOST_HOSTS = 200;
/** How many downloads of a host are read at first; then twice as many. */
const FIRST_READ = 8;

/** SQLite would rather look through all that waits, host by host. */
const LINE = "downloads INDEXED BY downloads_waiting";

/** A download in line: its place, and its id. */
interface Place {
  readonly seq: number;
  readonly id: string;
}

/**
 * Prepares to read the ids of the first downloads that wait at none of the full
 * hosts, in their order. What waits at the full ones is not read, however long
 * that part of the line is.
 */
export function prepareWaiting(
  db: DatabaseSync,
): (fullHosts: ReadonlySet<string>, limit: number) => string[] {
  const hosts = db.prepare(
    `WITH RECURSIVE hosts (host) AS (
       SELECT min(host) FROM ${LINE} WHERE state = 'Queued'
       UNION ALL
       SELECT (SELECT min(host) FROM ${LINE}
         WHERE state = 'Queued' AND host > hosts.host)
       FROM hosts WHERE hosts.host IS NOT NULL
     )
     SELECT host FROM hosts WHERE host IS NOT NULL LIMIT ${MOST_HOSTS + 1}`,
  );
  const ofHost = db.prepare(
    `SELECT seq, id FROM ${LINE}
     WHERE state = 'Queued' AND host = ? AND seq > ? ORDER BY seq LIMIT ?`,
  );
  const ofAll = db.prepare(
    `SELECT id FROM downloads WHERE state = 'Queued'
     AND host NOT IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT ?`,
  );

  return (fullHosts, limit) => {
    const all = hosts.all().map(({ host }) => String(host));
    if (all.length > MOST_HOSTS) {
      return ofAll.all(JSON.stringify([...fullHosts]), limit)
        .map(({ id }) => String(id));
    }
    const lines = all.filter((host) => !fullHosts.has(host)).map((host) =>
      readAhead((after, count) =>
        ofHost.all(host, after, count) as unknown as Place[]
      )
    );
    return merged(lines, limit).map(({ id }) => id);
  };
}

/** The places of one line, read as they are asked for. */
function* readAhead(
  read: (after: number, count: number) => Place[],
): Generator<Place, undefined> {
  let after = 0;
  for (let count = FIRST_READ;; count *= 2) {
    const places = read(after, count);
    yield* places;
    if (places.length < count) return;
    after = places.at(-1)?.seq ?? after;
  }
}

/** The first places of several lines, in their order. */
function merged(
  lines: readonly Generator<Place, undefined>[],
  limit: number,
): Place[] {
  const heads = lines.map((line) => ({ line, place: line.next().value }));
  const places: Place[] = [];
  while (places.length < limit) {
    let [first] = heads;
    for (const head of heads) {
      if ((head.place?.seq ?? Infinity) < (first?.place?.seq ?? Infinity)) {
        first = head;
      }
    }
    if (first?.place === undefined) break;
    places.push(first.place);
    first.place = first.line.next().value;
  }
  return places;
}
