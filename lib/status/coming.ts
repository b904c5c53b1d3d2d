/** Files that may be read while they come. Pure. */

import type { Range } from "../download/ranges.ts";
import type { Transfer } from "../transfer/transfer.ts";

/** What there is to read of a file that comes from front to back. */
export type Coming =
  /** Nothing is known of it yet. */
  | { readonly kind: "expected" }
  /** Its origin does not tell how long it is. */
  | { readonly kind: "unsized" }
  | {
    readonly kind: "sized";
    /** Of its part file. */
    readonly path: string;
    readonly name: string;
    /** Bytes. */
    readonly size: number;
    /** What is there of it, merged. */
    readonly done: readonly Range[];
    /** Another one once the file is begun anew, in another part file. */
    readonly edition: symbol;
  };

/** What there is of a transfer's file, whose part is at `path`. */
export function comingOf(
  { file, done, edition }: Transfer,
  path: string,
): Coming {
  if (file === null) return { kind: "expected" };
  const { size, name } = file;
  return size === null
    ? { kind: "unsized" }
    : { kind: "sized", path, name, size, done, edition };
}

/** How far a file is there from `position` on, as an offset behind it. */
export function readableFrom(
  done: readonly Range[],
  position: number,
): number {
  const range = done.find(({ start, end }) =>
    start <= position && position < end
  );
  return range?.end ?? position;
}
