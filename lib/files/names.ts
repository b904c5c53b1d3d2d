/** The names of finished files: never is one overwritten. */

import { join } from "@std/path/join";
import { DownloadError } from "../download/errors.ts";
import { numbered } from "../origin/filename.ts";

/** The name of a finished file, and its path. */
export interface Name {
  readonly name: string;
  readonly path: string;
}

/** A finished file that its part file still is a second link to. */
export interface Named extends Name {
  /** See {@linkcode identityOf}. */
  readonly identity: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * Gives a part file a name, `name (1)` and so on where that is taken. The part
 * file stays, as a second link.
 *
 * @throws what the system says.
 */
export function giveName(
  part: string,
  directory: string,
  wanted: string,
): Name {
  const path = (number: number) => join(directory, numbered(wanted, number));
  for (let number = 0;; number = freeNumber(number, path)) {
    try {
      // `link` fails where the name is taken, and never follows or overwrites.
      Deno.linkSync(part, path(number));
      return { name: numbered(wanted, number), path: path(number) };
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

/**
 * A number above `taken` whose path is free now. It is found by doubling steps,
 * then halving: where many downloads have one name, and a thousand numbers are
 * taken, twenty paths are looked at.
 */
function freeNumber(taken: number, path: (number: number) => string): number {
  const isTaken = (number: number) => lstatIfThere(path(number)) !== null;
  let step = 1;
  for (; isTaken(taken + step); step *= 2) taken += step;
  let free = taken + step;
  while (free - taken > 1) {
    const middle = Math.floor((taken + free) / 2);
    if (isTaken(middle)) taken = middle;
    else free = middle;
  }
  return free;
}

/**
 * The names in a directory that finished part files were given before a crash.
 * Without one, a part file is removed as soon as its name is recorded.
 */
export function findNames(
  directory: string,
  parts: readonly string[],
): ReadonlyMap<string, Named> {
  const wanted = new Map<string, string>();
  for (const part of parts) {
    const info = lstatIfThere(part);
    if (info !== null && hasName(info)) wanted.set(inodeOf(info), part);
  }
  const found = new Map<string, Named>();
  if (wanted.size === 0) return found;
  for (const { name } of Deno.readDirSync(directory)) {
    const path = join(directory, name);
    const info = lstatIfThere(path);
    const part = info && wanted.get(inodeOf(info));
    if (part) {
      const { size } = info;
      found.set(part, { name, path, size, identity: identityOf(info) });
    }
    if (found.size === wanted.size) break;
  }
  return found;
}

/** Whether a part file has been given a name: it is then the second link. */
export function hasName({ nlink }: Deno.FileInfo): boolean {
  return (nlink ?? 1) > 1;
}

/**
 * A text that tells a file from all others, whatever its name and content. An
 * inode number alone does not: a later file may get it.
 */
export function identityOf({ ino, birthtime }: Deno.FileInfo): string {
  return `${ino} ${birthtime?.getTime() ?? ""}`;
}

function inodeOf({ dev, ino }: Deno.FileInfo): string {
  return `${dev} ${ino}`;
}

/** The metadata of a path, without following a symlink; null if it is free. */
export function lstatIfThere(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Removes a file, if there is one.
 *
 * @throws what the system says.
 */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Makes sure that files in a directory can be given names: the user is told at
 * the start if not, rather than when the first file is whole.
 *
 * @param file An existing file on the directory's file system.
 * @throws {DownloadError} DISK if there are no hard links.
 */
export function refuseWithoutLinks(file: string, directory: string): void {
  const link = `${file}.link`;
  removeIfThere(link);
  try {
    Deno.linkSync(file, link);
  } catch (error) {
    throw new DownloadError(
      "DISK",
      `The file system of ${directory} has no hard links, without which a ` +
        "file could be overwritten: choose another --content-directory.",
      { cause: error },
    );
  }
  removeIfThere(link);
}
