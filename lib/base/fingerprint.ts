/**
 * What tells a short text from a few others where the text itself may not be
 * written down. It is no cryptographic digest.
 */
export function fingerprint(text: string): string {
  return [FIRST, 0x9e3779b9].map((seed) =>
    hash(text, seed).toString(16).padStart(8, "0")
  ).join("");
}

/** What FNV-1a begins with in 32 bits. */
const FIRST = 0x811c9dc5;

/**
 * A number of 32 bits for a text: FNV-1a, whose bits are mixed once more, as its
 * low ones alone are no better than the last character's.
 *
 * @param seed Another one gives other numbers.
 */
export function hash(text: string, seed = FIRST): number {
  let value = seed;
  for (let n = 0; n < text.length; n++) {
    value = Math.imul(value ^ text.charCodeAt(n), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (value ^ (value >>> 13)) >>> 0;
}
