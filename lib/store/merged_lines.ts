/** Lines of downloads, read as far as they are asked for, and merged. */

/** Where a download is in line: of two at one place, the lower `seq` goes first. */
export interface Position {
  readonly place: number;
  readonly seq: number;
}

/** Which way a line is read. */
export type Direction = "onwards" | "back";

/** How many downloads of a line are read at first; then twice as many. */
const FIRST_READ = 8;

/**
 * The downloads of one line, read as they are asked for.
 *
 * @param read Reads the nearest ones beyond a position.
 */
export function* readAhead<Found extends Position>(
  from: Position,
  read: (beyond: Position, count: number) => Found[],
): Generator<Found, undefined> {
  let beyond = from;
  for (let count = FIRST_READ;; count *= 2) {
    const found = read(beyond, count);
    yield* found;
    if (found.length < count) return;
    beyond = found.at(-1) ?? beyond;
  }
}

/** The downloads of several lines, in their order. */
export function* merged<Found extends Position>(
  lines: readonly Generator<Found, undefined>[],
  direction: Direction,
): Generator<Found, undefined> {
  const heads = lines.map((line) => ({ line, found: line.next().value }));
  for (;;) {
    let [first] = heads;
    for (const head of heads) {
      if (isNearer(head.found, first?.found, direction)) first = head;
    }
    if (first?.found === undefined) return;
    yield first.found;
    first.found = first.line.next().value;
  }
}

function isNearer(
  one: Position | undefined,
  other: Position | undefined,
  direction: Direction,
): boolean {
  if (one === undefined || other === undefined) return one !== undefined;
  return direction === "onwards" ? isBefore(one, other) : isBefore(other, one);
}

/** Whether one goes before the other. */
export function isBefore(one: Position, other: Position): boolean {
  return one.place < other.place ||
    one.place === other.place && one.seq < other.seq;
}
