/** What moving downloads in the queue comes to. Pure, but for its reading. */

import { isBefore } from "./merged_lines.ts";
import type { InLine, Order } from "./order.ts";
import { firstLike, GAP, rankOf } from "./places.ts";

/**
 * Where downloads are to go among those of their own priority: before or behind
 * all, one step up or down among those that wait, or before another one.
 */
export type Target =
  | "top"
  | "up"
  | "down"
  | "bottom"
  | { readonly before: string };

/** A download that gets another rank. */
export interface Moved {
  readonly id: string;
  readonly rank: number;
}

/** What a move comes to. */
export interface Plan {
  /**
   * `spread`: no number is left between two ranks. The order stays as it is, but
   * has room then; the move is to be planned again.
   */
  readonly kind: "move" | "spread";
  readonly moved: readonly Moved[];
}

/** What is known of the queue: where downloads are, and what runs. */
export interface Moving {
  readonly order: Order;
  /** Steps pass over what runs. */
  isRunning(id: string): boolean;
}

/** How far apart ranks are at least that are spread anew. */
const LEAST_STEP = 1_024;

/**
 * Plans a move. What is moved keeps the order that it has among itself; what
 * stays is not touched.
 */
export function planMove(
  ids: readonly string[],
  to: Target,
  { order, isRunning }: Moving,
): Plan {
  const all = ids.map(order.find).filter((one) => one !== null)
    .sort((a, b) => isBefore(a, b) ? -1 : 1);
  const byPriority = Map.groupBy(all, ({ place }) => firstLike(place));
  const gaps = [...byPriority.values()].flatMap((block) => {
    switch (to) {
      case "top":
      case "bottom":
        return atEnd(block, to, order);
      case "up":
      case "down":
        return steps(block, to, { order, isRunning });
      default:
        return beforeAnother(block, to.before, order);
    }
  });
  const tight = gaps.find((gap) => ranksIn(gap) === null);
  return tight === undefined
    ? { kind: "move", moved: gaps.flatMap((gap) => ranksIn(gap) ?? []) }
    : { kind: "spread", moved: spreadBehind(tight.last, order) };
}

/** Downloads of one priority, in their order. */
type Block = readonly InLine[];

/** What is to be between two that stay; null where there is none of these. */
interface Gap {
  readonly block: Block;
  readonly last: Pick<InLine, "place"> | null;
  readonly next: InLine | null;
}

/** The ranks in a gap; null if there are not enough numbers. */
function ranksIn({ block, last, next }: Gap): Moved[] | null {
  const count = block.length;
  const start = last === null
    ? next === null ? null : rankOf(next.place) - GAP * (count + 1)
    : rankOf(last.place);
  if (start === null) return [];
  const step = last === null || next === null
    ? GAP
    : Math.floor((rankOf(next.place) - start) / (count + 1));
  if (step < 1) return null;
  return block.map(({ id }, n) => ({ id, rank: start + step * (n + 1) }));
}

/** Those behind one, as many as it takes to have room between them. */
function spreadBehind(last: Gap["last"], order: Order): Moved[] {
  if (last === null) return [];
  const start = rankOf(last.place);
  const behind: InLine[] = [];
  const position = { seq: 0, ...last };
  for (const one of order.after(position)) {
    const room = rankOf(one.place) - start;
    const isOther = firstLike(one.place) !== firstLike(last.place);
    if (isOther || room >= LEAST_STEP * (behind.length + 1)) {
      const step = isOther ? GAP : Math.floor(room / (behind.length + 1));
      return behind.map(({ id }, n) => ({ id, rank: start + step * (n + 1) }));
    }
    behind.push(one);
  }
  return behind.map(({ id }, n) => ({ id, rank: start + GAP * (n + 1) }));
}

function atEnd(block: Block, end: "top" | "bottom", order: Order): Gap[] {
  const [first] = block;
  if (first === undefined) return [];
  const start = firstLike(first.place);
  if (end === "bottom") {
    const last = { place: start + order.lastRank() };
    return [{ block, last, next: null }];
  }
  const next = nearest(order.after({ place: start, seq: 0 }), block, first);
  return [{ block, last: null, next }];
}

function beforeAnother(block: Block, id: string, order: Order): Gap[] {
  const [first] = block;
  const target = order.find(id);
  if (first === undefined || target === null) return [];
  const own = firstLike(first.place);
  const other = firstLike(target.place);
  if (other !== own) return atEnd(block, other < own ? "top" : "bottom", order);
  const next = isOf(block, target)
    ? nearest(order.after(target), block, first)
    : target;
  if (next === null) return atEnd(block, "bottom", order);
  const last = nearest(order.before(next), block, first);
  return [{ block, last, next }];
}

/**
 * One step for each of some: those that are beside each other go together, past
 * the next one that waits. What has nowhere to go stays.
 */
function steps(
  block: Block,
  to: "up" | "down",
  { order, isRunning }: Moving,
): Gap[] {
  const onwards = to === "up" ? order.before : order.after;
  const waits = ({ id, state }: InLine) => state === "Queued" && !isRunning(id);
  const going: { readonly past: InLine; readonly block: InLine[] }[] = [];
  const staying = new Set<string>();
  for (const one of to === "up" ? block : block.toReversed()) {
    const past = Iterator.from(onwards(one))
      .find((other) => isOf(block, other) || waits(other));
    const isEnd = past === undefined ||
      firstLike(past.place) !== firstLike(one.place);
    if (isEnd || staying.has(past.id)) staying.add(one.id);
    // What it is beside goes, as the last one of those that do.
    else if (isOf(block, past)) going.at(-1)?.block.push(one);
    else going.push({ past, block: [one] });
  }
  const leaving = block.filter(({ id }) => !staying.has(id));
  return going.map(({ past, block }) => {
    const beyond = nearest(onwards(past), leaving, past);
    return to === "up"
      ? { block, last: beyond, next: past }
      : { block: block.toReversed(), last: past, next: beyond };
  });
}

/** The nearest one that is not of a block, if it has the priority of `like`. */
function nearest(
  line: Iterable<InLine>,
  block: Block,
  like: InLine,
): InLine | null {
  const found = Iterator.from(line).find((one) => !isOf(block, one));
  if (found === undefined) return null;
  return firstLike(found.place) === firstLike(like.place) ? found : null;
}

function isOf(block: Block, { id }: InLine): boolean {
  return block.some((one) => one.id === id);
}
