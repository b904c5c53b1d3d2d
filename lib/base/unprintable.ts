/** Characters that are never shown as they are. */

/** Characters that a terminal would obey, or that hide or turn text. */
export const UNPRINTABLE =
  /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]/gu;
