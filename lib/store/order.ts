/** The queue's order, read from the state's database. */

import type { DatabaseSync } from "node:sqlite";
import { PRIORITIES } from "../download/priority.ts";
import { merged, type Position, readAhead } from "./merged_lines.ts";
import { endLike, placeOf, rankOf, rankOfAdded } from "./places.ts";

/** A download in line: it waits, runs or is paused. */
export interface InLine extends Position {
  readonly id: string;
  readonly state: "Queued" | "Paused";
}

/** The line of what is not finished, in its order. */
export interface Order {
  /** Where a download is in line; null if it is not. */
  find(id: string): InLine | null;
  /** Those behind a position, the nearest first. */
  after(position: Position): Iterable<InLine>;
  /** Those before a position, the nearest first. */
  before(position: Position): Iterable<InLine>;
  /** The highest rank so far: what is added comes behind it. */
  lastRank(): number;
}

/** An order that can be changed. */
export interface Changeable extends Order {
  /** Puts a download at a rank among those of its priority. */
  place(id: string, rank: number): Promise<void>;
}

/** Prepares to read the order of a state. */
export function prepareOrder(db: DatabaseSync): Order {
  const prepare = (beyond: ">" | "<", order: "ASC" | "DESC") =>
    db.prepare(
      `SELECT id, state, place, seq FROM downloads INDEXED BY downloads_in_line
       WHERE state IN ('Queued', 'Paused') AND state = ?
       AND (place, seq) ${beyond} (?, ?)
       ORDER BY place ${order}, seq ${order} LIMIT ?`,
    );
  const onwards = prepare(">", "ASC");
  const back = prepare("<", "DESC");
  const find = db.prepare(
    `SELECT id, state, place, seq FROM downloads
     WHERE id = ? AND state IN ('Queued', 'Paused')`,
  );
  const added = db.prepare(
    "SELECT seq FROM sqlite_sequence WHERE name = 'downloads'",
  );

  function linesFrom(position: Position, statement: typeof back) {
    return ["Queued", "Paused"].map((state) =>
      readAhead(
        position,
        ({ place, seq }, count) =>
          statement.all(state, place, seq, count) as unknown as InLine[],
      )
    );
  }

  const before = (position: Position) =>
    merged(linesFrom(position, back), "back");

  return {
    find: (id) => (find.get(id) ?? null) as InLine | null,
    after: (position) => merged(linesFrom(position, onwards), "onwards"),
    before,
    lastRank() {
      const highest = PRIORITIES.map((priority) => {
        const place = endLike(placeOf(0, priority));
        const last = before({ place, seq: 0 }).next().value;
        // The nearest one before may be of another priority.
        return last === undefined ? 0 : rankOf(last.place);
      });
      const count = Number(added.get()?.seq ?? 0);
      return Math.max(rankOfAdded(count), ...highest);
    },
  };
}
