/** The line of downloads that wait, read from the state's database. */

import type { DatabaseSync } from "node:sqlite";
import { merged, type Position, readAhead } from "./merged_lines.ts";

/**
 * With more hosts than these, the line is read in its order instead: most of its
 * first downloads wait at other hosts than the few that are full.
 */
const MOST_HOSTS = 200;
/** SQLite would rather look through all that waits, host by host. */
const LINE = "downloads INDEXED BY downloads_waiting";

/** A download in line. */
interface Waiting extends Position {
  readonly id: string;
}

/** Before all places. */
const START: Position = { place: 0, seq: 0 };

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
    `SELECT place, seq, id FROM ${LINE}
     WHERE state = 'Queued' AND host = ? AND (place, seq) > (?, ?)
     ORDER BY place, seq LIMIT ?`,
  );
  const ofAll = db.prepare(
    `SELECT id FROM downloads INDEXED BY downloads_in_line
     WHERE state IN ('Queued', 'Paused') AND state = 'Queued'
     AND host NOT IN (SELECT value FROM json_each(?))
     ORDER BY place, seq LIMIT ?`,
  );

  return (fullHosts, limit) => {
    const all = hosts.all().map(({ host }) => String(host));
    if (all.length > MOST_HOSTS) {
      return ofAll.all(JSON.stringify([...fullHosts]), limit)
        .map(({ id }) => String(id));
    }
    const lines = all.filter((host) => !fullHosts.has(host)).map((host) =>
      readAhead(
        START,
        ({ place, seq }, count) =>
          ofHost.all(host, place, seq, count) as unknown as Waiting[],
      )
    );
    return merged(lines, "onwards").map(({ id }) => id).take(limit).toArray();
  };
}
