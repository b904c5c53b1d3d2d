/**
 * How long slices are to be, judged by what slices of each length have brought.
 *
 * Long ones cost fewer requests. Short ones are faster where an origin lets
 * the first bytes of each answer go before it slows a connection down, as
 * nginx does. Pure.
 */

/** The shortest slices that are tried. */
const SHORTEST = 1024 * 1024;
/** The ratio of each length to the next shorter one. */
const LONGER = 4;
/** A longer slice is as good as a shorter one at this share of its rate. */
const AS_GOOD = 3 / 4;
/** Slices after which a length that was too slow is tried again. */
const TRY_AGAIN = 32;
/** How much of a rate the latest slice is. */
const LATEST = 1 / 4;

/** What slices of each length have brought. */
export interface Pace {
  /** Bytes per second, the wait for the answer counted; by length. */
  readonly rates: readonly number[];
  /** Slices since a longer one was tried last. */
  readonly since: number;
}

/** Nothing has been brought yet. */
export const NO_PACE: Pace = { rates: [], since: 0 };

/**
 * The length of the next slice, in bytes.
 *
 * @param most No slice is longer.
 * @param longest The longest slice that is being fetched now, in bytes: only
 * one thread at a time tries a length that is not known to be good.
 */
export function nextLength(pace: Pace, most: number, longest: number): number {
  const { rates, since } = pace;
  const step = goodStep(pace);
  const further = lengthOf(step + 1, most);
  const isDue = rates[step] !== undefined &&
    (rates[step + 1] === undefined || since >= TRY_AGAIN);
  return isDue && longest < further ? further : lengthOf(step, most);
}

/**
 * What is known after one more slice.
 *
 * @param length Bytes. What is shorter than all that are tried counts nothing.
 * @param rate Bytes per second, the wait for the answer counted.
 */
export function paceAfter(pace: Pace, length: number, rate: number): Pace {
  if (length < SHORTEST) return pace;
  // The longest may be between two lengths: it stands for the next one.
  const step = Math.ceil(Math.log2(length / SHORTEST) / Math.log2(LONGER));
  const rates = [...pace.rates];
  const before = rates[step] ?? rate;
  rates[step] = before + (rate - before) * LATEST;
  const since = step > goodStep(pace) ? 0 : pace.since + 1;
  return { rates, since };
}

/** The longest of the lengths that are as good as the one before. */
function goodStep({ rates }: Pace): number {
  let step = 0;
  while ((rates[step + 1] ?? 0) >= (rates[step] ?? Infinity) * AS_GOOD) step++;
  return step;
}

function lengthOf(step: number, most: number): number {
  return Math.min(SHORTEST * LONGER ** step, most);
}
