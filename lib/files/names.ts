/** The names of finished files, and which of them are taken. */

import { join } from "@std/path/join";
import { numbered } from "../origin/filename.ts";

/** The name of a finished file, and its path. */
export interface Name {
  readonly name: string;
  readonly path: string;
}

/**
 * Takes a name in a directory: `wanted`, or `wanted (1)` and so on.
 *
 * @param take Takes a name; throws AlreadyExists if that is taken.
 * @throws what `take` throws.
 */
export async function takeName(
  directory: string,
  wanted: string,
  take: (name: Name) => void | Promise<void>,
): Promise<Name> {
  const path = (number: number) => join(directory, numbered(wanted, number));
  for (let number = 0;; number = freeNumber(number, path)) {
    const name = { name: numbered(wanted, number), path: path(number) };
    try {
      await take(name);
      return name;
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

/** The metadata of a path, without following a symlink; null if it is free. */
export function lstatIfThere(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Whether two paths are of one file; not if one is not there. */
export function isSameFile(path: string, other: string): boolean {
  const [one, same] = [lstatIfThere(path), lstatIfThere(other)];
  return one !== null && same !== null && one.ino === same.ino &&
    one.dev === same.dev;
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
