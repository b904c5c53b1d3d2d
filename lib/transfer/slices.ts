/** How a file is cut into slices, and how one slice is shared. Pure. */

import type { Range } from "../download/ranges.ts";

/**
 * No share is cut finer, and no shorter tail is taken over. A gap may be shorter
 * by itself, and so may what `BYTES_AMOUNT` allows.
 */
export const SMALLEST_SLICE = 128 * 1024;
/**
 * A flight keeps no less, or nothing: bytes come in bursts of as many, and the
 * next one of a connection that crawls may be far away.
 */
const LEAST_KEPT = 32 * 1024;

/**
 * The next slice to fetch out of `gaps`: at most `most` bytes, and no more than
 * the `share` of all that is left that each thread has, so that all of them
 * end together.
 */
export function cut(
  gaps: readonly Range[],
  most: number,
  share: number,
): Range | null {
  const gap = gaps[0];
  if (gap === undefined) return null;
  const length = Math.min(most, Math.max(share, SMALLEST_SLICE));
  return { start: gap.start, end: Math.min(gap.end, gap.start + length) };
}

/** A slice on its way: what is not written of it yet, and how fast it comes. */
export interface Flight {
  readonly rest: Range;
  /** Bytes per second; 0 while nothing has come. */
  readonly rate: number;
}

/**
 * What an idle thread, hoping for `rate` bytes per second, takes over from a
 * flight: the tail that makes both end at the same time. A rest that is not
 * worth cutting is taken whole: both then fetch it, and the first one wins.
 *
 * @param share As many bytes leave something for other idle threads.
 */
export function steal(
  { rest, rate: theirs }: Flight,
  rate: number,
  share: number,
): Range {
  const length = rest.end - rest.start;
  if (length < 2 * SMALLEST_SLICE) return rest;
  const keep = theirs + rate > 0 ? theirs / (theirs + rate) : 1 / 2;
  const most = Math.min(Math.floor(length * (1 - keep)), share);
  const kept = length - Math.max(most, SMALLEST_SLICE);
  if (kept < LEAST_KEPT) return rest;
  return { start: rest.start + kept, end: rest.end };
}
