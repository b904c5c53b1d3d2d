/**
 * Directories below the content directory that finished files go to. None is
 * reached through a symlink: it might lead out, now or a moment later.
 */

import { join } from "@std/path/join";
import { DownloadError } from "../download/errors.ts";
import { lstatIfThere } from "./names.ts";

/** What tells which directory a download's file goes to. */
export interface Placed {
  readonly id: string;
  readonly request: {
    /** See `DownloadRequest`. */
    readonly directory?: string;
  };
}

/**
 * The path of a directory, which is made if it is not there. To be called right
 * before a file gets its name in it.
 *
 * @param root The content directory, absolute.
 * @param directory Below it, safe; empty or undefined for itself.
 * @throws {DownloadError} DISK if something else is in its place.
 * @throws what the system says.
 */
export function makeDirectory(
  root: string,
  directory: string | undefined,
): string {
  const paths = pathsTo(root, directory);
  for (const path of paths) {
    const info = lstatIfThere(path) ?? make(path);
    if (!info.isDirectory) throw inTheWay(path, info);
  }
  return paths.at(-1) ?? root;
}

/**
 * The path of a directory; null if it is not there, or something else is.
 *
 * @throws what the system says.
 */
export function findDirectory(
  root: string,
  directory: string | undefined,
): string | null {
  const paths = pathsTo(root, directory);
  const isThere = paths.every((path) => lstatIfThere(path)?.isDirectory);
  return isThere ? paths.at(-1) ?? root : null;
}

/**
 * Refuses a directory that could not be made, as far as it can be told before.
 *
 * @throws {DownloadError} DISK if something else is in its place.
 * @throws what the system says.
 */
export function checkDirectory(
  root: string,
  directory: string | undefined,
): void {
  for (const path of pathsTo(root, directory)) {
    const info = lstatIfThere(path);
    if (info === null) return;
    if (!info.isDirectory) throw inTheWay(path, info);
  }
}

/** The directories on the way to one, from the content directory down. */
export function pathsTo(root: string, directory: string | undefined): string[] {
  let path = root;
  const parts = directory ? directory.split("/") : [];
  return parts.map((part) => path = join(path, part));
}

function make(path: string): Deno.FileInfo {
  try {
    Deno.mkdirSync(path);
  } catch (error) {
    // Another worker may have made it just now.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  return Deno.lstatSync(path);
}

function inTheWay(path: string, { isSymlink }: Deno.FileInfo): DownloadError {
  const what = isSymlink ? "a symlink, which is not followed," : "a file";
  return new DownloadError(
    "DISK",
    `There is ${what} at ${path}, where a directory is to be: move it away, ` +
      "and try the download again.",
  );
}
