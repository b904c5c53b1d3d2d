/** A download that is stopped half-way, and ways to damage it meanwhile. */

import { type Run, total } from "../../lib/download/ranges.ts";
import type { Progress } from "../../lib/store/part_records.ts";
import { startDownloads } from "./downloads.ts";
import { type Behave, file, forever, type Origin } from "./origin.ts";

const KiB = 1024;
const SLICE = 64 * KiB;
/** A file of eight slices and some. */
export const KEPT = file(8 * SLICE + 123);
/** Bytes that the first run fetches. */
export const HALF = 4 * SLICE;

/**
 * An origin that gives the slices before the offset `end`, each to a thread of
 * its own: the first answer holds its slice's last byte until another is asked
 * for, since its thread could go on otherwise.
 */
export function inSlices(end: number): Behave {
  const another = Promise.withResolvers<void>();
  return ({ range }) => {
    const start = range?.start ?? Infinity;
    if (start > 0) another.resolve();
    if (start === 0) return { gates: { [SLICE - 1]: () => another.promise } };
    return start < end ? {} : { gates: { head: forever } };
  };
}

/** Fetches the first half of `/a`, records it, and stops. */
export async function fetchHalf(
  origin: Origin,
  directory: string,
): Promise<string> {
  const url = origin.serve("/a", KEPT, inSlices(HALF));
  await using downloads = await startDownloads({ directory });
  const id = await downloads.add({ url });
  await downloads.until(id, ({ downloaded }) => downloaded === HALF);
  await downloads.close();
  origin.serve("/a", KEPT);
  return id;
}

/** Bytes of a file. */
export function sizeOf(path: string): number {
  return Deno.statSync(path).size;
}

/** Flips one bit of a file. */
export function flip(path: string, at: number): void {
  const bytes = Deno.readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  Deno.writeFileSync(path, bytes);
}

/** Runs of which nothing is recorded yet. */
export function progress(runs: readonly Run[]): Progress {
  return { runs, fresh: runs, bytes: total(runs) };
}
