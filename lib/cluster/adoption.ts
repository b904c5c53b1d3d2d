/**
 * Part files of a shared storage, each named by the claim that it is written
 * for, with a record of what is good in it beside it.
 */

import { isObject } from "../base/json.ts";
import { writeAll } from "../base/write_all.ts";
import type { FileFacts } from "../download/download.ts";
import { type Run, total, union } from "../download/ranges.ts";
import { lstatIfThere, removeIfThere } from "../files/names.ts";
import { writePrivateFile } from "../files/own_directory.ts";
import { crc32 } from "../threads/crc32.ts";

const NOTE = ".move";
const ASIDE = ".old";

/** What is recorded of a part. */
export interface PartRecord {
  readonly file: FileFacts;
  readonly runs: readonly Run[];
}

/** The path of a part that is written for a claim. */
export function partPath(parts: string, id: string, epoch: number): string {
  return `${parts}/${id}.${epoch}`;
}

/** The path of a part's record. */
export function recordPath(part: string): string {
  return `${part}.json`;
}

/** The path of what tells of a finished file's move under a claim. */
export function notePath(part: string): string {
  return `${part}${NOTE}`;
}

/** The path of a finished file's old name while that is removed under a claim. */
export function asidePath(part: string): string {
  return `${part}${ASIDE}`;
}

/** Whether a file beside parts is of a finished file's move. */
export function isOfMove(name: string): boolean {
  return [NOTE, `${NOTE}.new`, ASIDE].some((ending) => name.endsWith(ending));
}

/** The download and the claim that a file beside parts belongs to. */
export function parsePartName(
  name: string,
): { readonly id: string; readonly epoch: number } | null {
  const [, id, epoch] =
    name.match(/^(.+?)\.(\d+)(?:\.json|\.move|\.old)?(?:\.new)?$/) ?? [];
  return id === undefined ? null : { id, epoch: Number(epoch) };
}

/** What is recorded of a part; null if that is nothing, or cannot be read. */
export function readRecord(part: string): PartRecord | null {
  try {
    const record: unknown = JSON.parse(
      Deno.readTextFileSync(recordPath(part)),
    );
    return isRecord(record) ? record : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function isRecord(record: unknown): record is PartRecord {
  return isObject(record) && isObject(record.file) &&
    typeof record.file.name === "string" && Array.isArray(record.runs) &&
    record.runs.every((run) =>
      isObject(run) &&
      [run.start, run.end, run.crc].every((value) => Number.isInteger(value))
    );
}

/**
 * Records what is in a part, whose bytes are synced by then.
 *
 * @param sync Whether the record is forced to disk, too.
 * @throws what the system says.
 */
export function writeRecord(
  part: string,
  record: PartRecord,
  { sync }: { sync: boolean },
): void {
  writePrivateFile(recordPath(part), JSON.stringify(record), { sync });
}

/** Removes a part and what is recorded of it, as far as they are there. */
export function removePart(part: string): void {
  removeIfThere(part);
  removeIfThere(recordPath(part));
}

/** What earlier claims have left of a part. */
export type Adopted =
  | { readonly kind: "nothing" }
  /** A file has its name already; only the record of that is missing. */
  | { readonly kind: "named"; readonly record: PartRecord | null }
  | {
    readonly kind: "left";
    readonly record: PartRecord;
    /** Bytes that were read and written again. */
    readonly copied: number;
  };

/**
 * Makes a claim's own what earlier claims left of a part, the latest first. Once
 * it is renamed, a writer of an earlier claim can give it no name any more.
 *
 * @param from The earliest claim that may have left something.
 */
export function takeOver(
  parts: string,
  id: string,
  { from, epoch }: { from: number; epoch: number },
): Adopted {
  const mine = partPath(parts, id, epoch);
  let found = epoch - 1;
  while (found >= from && !moveIfThere(partPath(parts, id, found), mine)) {
    found--;
  }
  if (found < from) return { kind: "nothing" };
  for (let earlier = found; earlier >= from; earlier--) {
    const record = recordPath(partPath(parts, id, earlier));
    if (moveIfThere(record, recordPath(mine))) break;
  }
  const record = readRecord(mine);
  if ((lstatIfThere(mine)?.nlink ?? 1) > 1) return { kind: "named", record };
  if (record === null || record.runs.length === 0) {
    removePart(mine);
    return { kind: "nothing" };
  }
  return { kind: "left", record, copied: 0 };
}

function moveIfThere(from: string, to: string): boolean {
  try {
    Deno.renameSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Bytes that are copied at a time. */
const PIECE = 1024 * 1024;

/**
 * Copies the runs of a part that are as they were recorded into another file,
 * which takes its place. A server that still has the part open writes to a file that
 * is nobody's from then on: a write that was begun before the claim was lost may
 * come at any time, and no check can be close enough to it.
 *
 * @throws what the system says.
 */
export async function copyAway(
  part: string,
  { file, runs }: PartRecord,
  options: { sync: boolean },
): Promise<Adopted> {
  const intact: Run[] = [];
  let copied = 0;
  {
    using source = await Deno.open(part, { read: true });
    using target = await Deno.open(`${part}.new`, {
      write: true,
      create: true,
      truncate: true,
    });
    const piece = new Uint8Array(PIECE);
    for (const run of runs) {
      await source.seek(run.start, Deno.SeekMode.Start);
      await target.seek(run.start, Deno.SeekMode.Start);
      let [at, crc] = [run.start, 0];
      while (at < run.end) {
        const wanted = piece.subarray(0, Math.min(PIECE, run.end - at));
        const length = await source.read(wanted);
        if (length === null) break;
        crc = crc32(piece.subarray(0, length), crc);
        await writeAll(target, piece.subarray(0, length));
        at += length;
      }
      copied += at - run.start;
      if (at === run.end && crc === run.crc) intact.push(run);
    }
    if (options.sync) await target.syncData();
  }
  Deno.renameSync(`${part}.new`, part);
  if (intact.length === 0) {
    removePart(part);
    return { kind: "nothing" };
  }
  const record = { file, runs: intact };
  writeRecord(part, record, options);
  return { kind: "left", record, copied };
}

/** How many bytes a record's runs hold together. */
export function bytesOf({ runs }: PartRecord): number {
  return total(union(runs));
}
