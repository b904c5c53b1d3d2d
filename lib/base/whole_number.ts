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

const UNITS: Record<string, number | undefined> = {
  "": 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
};

/**
 * The bytes that digits and a unit stand for, such as `512KiB`, `2M` or `1GB`;
 * undefined if it is something else, or not from `least` to `most` bytes.
 */
export function parseBytes(
  text: string,
  least: number,
  most: number,
): number | undefined {
  const [, number, unit = ""] = text.match(/^(\d+)\s*([a-z]*)$/i) ?? [];
  const factor = UNITS[unit.toLowerCase()] ?? NaN;
  const value = Number(number) * factor;
  return value >= least && value <= most ? value : undefined;
}
