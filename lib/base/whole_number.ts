/** Whole numbers, as people write them. */

/**
 * The number that decimal digits stand for; undefined if there are other
 * characters, or the number is not one from `least` to `most`.
 */
export function parseWholeNumber(
  text: string,
  least: number,
  most: number,
): number | undefined {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  return value >= least && value <= most ? value : undefined;
}
