/** Half-open ranges of bytes, and their algebra. Pure. */

/** The bytes from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A range that one thread has written without a gap, and its CRC-32. */
export interface Run extends Range {
  readonly crc: number;
}

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

/** The ranges of a file of `size` bytes that a sorted, disjoint list lacks. */
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
