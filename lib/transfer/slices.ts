/** How a file is cut into slices, and how one slice is shared. Pure. */

import type { Range } from "../download/ranges.ts";

/**
 * Bytes. No thread is given less, neither of a gap nor of another's tail, unless
 * the gap itself or `BYTES_AMOUNT` is smaller.
 */
export const SMALLEST_SLICE = 128 * 1024;
/**
 * Bytes. A thread whose tail is taken keeps at least these, or nothing: bytes
 * come in bursts of this size, and a slow connection's next burst may be far off.
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
 * @param share Bytes that are taken at most, so that other idle threads find
 * some, too.
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
