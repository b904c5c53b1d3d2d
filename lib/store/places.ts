/**
 * Places in the queue, as whole numbers: what has the lower one goes first. A
 * place is a priority and a rank within it; a download whose priority changes
 * keeps its rank. Pure.
 */

import { PRIORITIES, type Priority } from "../download/priority.ts";

/** How far apart new ranks are, as a power of two: it can be halved that often. */
export const GAP_BITS = 18;
/** How far apart new ranks are. */
export const GAP = 2 ** GAP_BITS;
/** Ranks of a priority: three times as many are numbers that JavaScript keeps. */
const RANKS = 2 ** 51;
/** The first rank that a download is added at; what is moved may go below it. */
const FIRST = 2 ** 50;

/**
 * The rank of the `count`th download that is added to a queue; it may be between
 * two of them.
 */
export function rankOfAdded(count: number): number {
  return FIRST + Math.round(count * GAP);
}

/** Where a rank is in the count of what is added: the reverse of the above. */
export function addedBefore(rank: number): number {
  return (rank - FIRST) / GAP;
}

/** The place of a rank among those of a priority; absent for a normal one. */
export function placeOf(rank: number, priority: Priority = "normal"): number {
  return rank + RANKS * PRIORITIES.indexOf(priority);
}

/** The rank that a place has among those of its priority. */
export function rankOf(place: number): number {
  return place % RANKS;
}

/** The place before which no other one of the same priority is. */
export function firstLike(place: number): number {
  return place - rankOf(place);
}

/** The place before which all of the same priority are. */
export function endLike(place: number): number {
  return firstLike(place) + RANKS;
}

/** The number of the priority that a place is of, in SQL. */
export function prioritySql(place: string): string {
  return `${place} / ${RANKS}`;
}

/** Changes a place, in SQL, to one of the priority with the number `priority`. */
export function reprioritizedSql(place: string, priority: string): string {
  return `${place} % ${RANKS} + ${priority} * ${RANKS}`;
}
