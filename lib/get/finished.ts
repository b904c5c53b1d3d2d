/**
 * What `get` remembers of files that it has finished, in `.sluice/finished/`:
 * one record for each download, where that is asked for.
 */

import { join } from "@std/path/join";
import { relative } from "@std/path/relative";
import { isObject } from "../base/json.ts";
import type { Validator } from "../download/download.ts";
import { lstatIfThere, removeIfThere } from "../files/names.ts";
import { isValidator } from "./claims.ts";

/** A file, as it was when it was finished. */
export interface FinishedFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** When it was written, in milliseconds since the epoch. */
  readonly modified: number;
  readonly validator: Validator | null;
}

/** The files that were finished in a directory. */
export interface Finished {
  /**
   * The file of a download; null if none is known, or it has been changed or
   * moved since.
   *
   * @throws what the system says.
   */
  find(key: string): FinishedFile | null;
  /**
   * Remembers the file of a download, in place of an earlier one.
   *
   * @throws what the system says.
   */
  remember(key: string, path: string, validator: Validator | null): void;
}

/** Opens the records of a content directory, which need not exist. */
export function openFinished(contentDirectory: string): Finished {
  const directory = join(contentDirectory, ".sluice", "finished");
  const recordOf = (key: string) => join(directory, `${key}.json`);
  return {
    find(key) {
      const record = readRecord(recordOf(key));
      if (record === null) return null;
      const { name, ...known } = record;
      const path = join(contentDirectory, name);
      const file = fileAt(path);
      return file?.size === known.size && file.modified === known.modified
        ? { ...known, path }
        : null;
    },
    remember(key, path, validator) {
      const file = fileAt(path);
      if (file === null) return;
      const name = relative(contentDirectory, path);
      const record = { name, ...file, validator };
      Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
      // In its place: what a kill cuts off is no record, and the file that it is of
      // is known by its claim until it is written.
      try {
        Deno.writeTextFileSync(recordOf(key), JSON.stringify(record));
      } catch (error) {
        removeIfThere(recordOf(key));
        throw error;
      }
    },
  };
}

/**
 * The size and time of a file; null if there is none. A symlink that leads to none,
 * as one to itself, is no file.
 *
 * @throws what the system says.
 */
export function fileAt(
  path: string,
): Pick<FinishedFile, "size" | "modified"> | null {
  try {
    const { isFile, size, mtime } = Deno.statSync(path);
    return isFile ? { size, modified: mtime?.getTime() ?? 0 } : null;
  } catch (error) {
    if (lstatIfThere(path)?.isSymlink ?? true) return null;
    throw error;
  }
}

interface FinishedRecord extends Omit<FinishedFile, "path"> {
  /** From the content directory. */
  readonly name: string;
}

/** Null if there is no valid record. */
function readRecord(path: string): FinishedRecord | null {
  try {
    const record: unknown = JSON.parse(Deno.readTextFileSync(path));
    return isRecord(record) ? record : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The record is a file that anybody may have written to. */
function isRecord(value: unknown): value is FinishedRecord {
  if (!isObject(value)) return false;
  const { name, size, modified, validator } = value;
  return typeof name === "string" && isBelow(name) &&
    Number.isSafeInteger(size) &&
    Number.isSafeInteger(modified) &&
    (validator === null || isValidator(validator));
}

function isBelow(path: string): boolean {
  return path.split(/[/\\]/).every((part) => !/^\.{0,2}$/.test(part));
}
