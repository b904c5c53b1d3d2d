/** Half-open ranges of bytes, and how a file is cut into slices. */

/** The bytes from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Bytes that one thread has written in one go, and the CRC-32 of them. */
export interface Run extends Range {
  readonly crc: number;
}

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

/** How many bytes the ranges hold. They must be disjoint. */
export function total(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** The union of a sorted, disjoint list with one more range, merged. */
export function insert(ranges: readonly Range[], added: Range): Range[] {
  if (added.end <= added.start) return [...ranges];
  const before = ranges.filter((range) => range.end < added.start);
  const after = ranges.filter((range) => range.start > added.end);
  const touching = ranges.slice(before.length, ranges.length - after.length);
  const start = Math.min(added.start, touching[0]?.start ?? added.start);
  const end = Math.max(added.end, touching.at(-1)?.end ?? added.end);
  return [...before, { start, end }, ...after];
}

/** The union of any ranges: sorted, disjoint, merged where they touch. */
export function union(ranges: Iterable<Range>): Range[] {
  const merged: Range[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (end <= start) continue;
    if (last === undefined || start > last.end) merged.push({ start, end });
    else if (end > last.end) merged[merged.length - 1] = { ...last, end };
  }
  return merged;
}

/** What a file of `size` bytes lacks of a sorted, disjoint list. */
export function missing(size: number, ranges: readonly Range[]): Range[] {
  const gaps: Range[] = [];
  let start = 0;
  for (const range of ranges) {
    if (range.start > start) gaps.push({ start, end: range.start });
    start = range.end;
  }
  if (start < size) gaps.push({ start, end: size });
  return gaps;
}

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
