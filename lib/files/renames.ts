/**
 * Names by renaming, where there are no hard links. A rename overwrites, so that
 * each name is taken by a placeholder first, whose creation fails where the name
 * is taken; and a part that is gone tells nothing, so that its intent is recorded
 * before. In this order:
 *
 * 1. `<part>.name` says which name the part is to have, and its size.
 * 2. A file of this name is created, and says in its content which part it is
 *    for. A crash between the two leaves an empty file.
 * 3. The part is renamed over the placeholder, if it still is the placeholder.
 * 4. When the name is recorded, `<part>.name` is removed.
 *
 * After a crash, a part that is still there has no name, and its placeholder is
 * removed; one that is gone has the name that its intent says. An empty file of the
 * name is taken for a placeholder if it is as old as the intent.
 *
 * What cannot be ruled out: that another program writes into the placeholder, or
 * puts a file of its own in its place, between the look at it and the rename; or
 * that it made an empty file of the name at the time of the crash.
 */

import { basename } from "@std/path/basename";
import { join } from "@std/path/join";
import { isObject } from "../base/json.ts";
import { writeAllSync } from "../base/write_all.ts";
import { lstatIfThere, removeIfThere, takeName } from "./names.ts";
import type { Named, Naming } from "./naming.ts";
import { PRIVATE_FILE } from "./own_directory.ts";
import { syncDirectory } from "./sync.ts";

/** Which name a part is to have. */
interface Intent {
  readonly name: string;
  /** The part's size, in bytes. */
  readonly size: number;
}

const ENDING = ".name";

/** FAT's times of files come in steps of this many milliseconds. */
const TIME_STEP = 2_000;

/** See the file's comment. */
export const renames: Naming = {
  kind: "renames",
  give(part, directory, wanted, { sync }) {
    withdraw(part, directory);
    const { size } = Deno.lstatSync(part);
    return takeName(directory, wanted, async ({ name, path }) => {
      // What is taken already is never intended, whatever its size.
      if (lstatIfThere(path) !== null) throw new Deno.errors.AlreadyExists();
      writeIntent(part, { name, size });
      const mark = markOf(part);
      hold(path, mark);
      try {
        if (sync) await syncIntent(part);
        if (!isHeld(path, mark)) throw new Deno.errors.AlreadyExists();
        Deno.renameSync(part, path);
      } catch (error) {
        letGo(path, mark);
        throw error;
      }
    });
  },
  take(path, part) {
    if (lstatIfThere(part) !== null) throw new Deno.errors.AlreadyExists();
    Deno.renameSync(path, part);
  },
  find(directory, parts) {
    const found = new Map<string, Named>();
    for (const part of parts) {
      const named = findNamed(part, directory);
      if (named !== null) found.set(part, named);
    }
    return found;
  },
  isNamed: () => false,
  isBegun: (part) =>
    lstatIfThere(part) !== null || lstatIfThere(part + ENDING) !== null,
  evidence: (part) => part + ENDING,
  partOf: (path) =>
    path.endsWith(ENDING) ? path.slice(0, -ENDING.length) : path,
  withdraw,
  identityOf,
  hasIdentity: (info, identity) => identityOf(info) === identity,
};

/**
 * Inode numbers there are of a mount only, and times of birth are not told. FAT
 * keeps every second second: the file system may have kept a finer time in memory
 * until it was unmounted.
 */
function identityOf({ size, mtime }: Deno.FileInfo): string {
  return `${size} bytes, ${Math.floor((mtime?.getTime() ?? 0) / TIME_STEP)}`;
}

function findNamed(part: string, directory: string): Named | null {
  const intent = readIntent(part);
  if (intent === null || lstatIfThere(part) !== null) return null;
  const { name, size } = intent;
  const path = join(directory, name);
  const info = lstatIfThere(path);
  if (!info?.isFile || info.size !== size || isHeld(path, markOf(part))) {
    return null;
  }
  return { name, path, size, identity: identityOf(info) };
}

/** Takes back an intent, and the placeholder if the part was not renamed. */
function withdraw(part: string, directory: string): void {
  const intent = readIntent(part);
  if (intent !== null && lstatIfThere(part) !== null) {
    const path = join(directory, intent.name);
    if (isUnmarked(path, part)) removeIfThere(path);
    else letGo(path, markOf(part));
  }
  removeIfThere(part + ENDING);
}

/** Whether a path is a placeholder whose maker was killed before it wrote to it. */
function isUnmarked(path: string, part: string): boolean {
  const [made, intended] = [path, part + ENDING].map(lstatIfThere);
  if (!made?.isFile || made.size > 0 || !made.mtime || !intended?.mtime) {
    return false;
  }
  const between = made.mtime.getTime() - intended.mtime.getTime();
  return Math.abs(between) <= TIME_STEP;
}

/** Null if there is none, or the crash came while it was written. */
function readIntent(part: string): Intent | null {
  try {
    const intent: unknown = JSON.parse(Deno.readTextFileSync(part + ENDING));
    if (!isObject(intent)) return null;
    const { name, size } = intent;
    // The file is one that anybody may have written to.
    return typeof name === "string" && basename(name) === name &&
        typeof size === "number"
      ? { name, size }
      : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function writeIntent(part: string, intent: Intent): void {
  using file = Deno.openSync(part + ENDING, {
    write: true,
    create: true,
    truncate: true,
    mode: PRIVATE_FILE,
  });
  writeAllSync(file, new TextEncoder().encode(JSON.stringify(intent)));
}

/**
 * Forces an intent to disk. Only the rename has to wait for it: a placeholder that
 * outlives its intent at a loss of power holds nobody's bytes.
 */
async function syncIntent(part: string): Promise<void> {
  using file = Deno.openSync(part + ENDING, { read: true });
  await file.syncData();
  await syncDirectory(join(part, ".."));
}

/** The content of a placeholder: no other part's, and no other program's. */
function markOf(part: string): string {
  return `Sluice is giving this file its content: ${basename(part)}\n`;
}

/** @throws AlreadyExists if the path is taken; what the system says. */
function hold(path: string, mark: string): void {
  using file = Deno.openSync(path, { write: true, createNew: true });
  try {
    writeAllSync(file, new TextEncoder().encode(mark));
  } catch (error) {
    // A full disk: it is empty, or has the mark's first bytes.
    removeIfThere(path);
    throw error;
  }
}

/** Whether a path is a placeholder that nobody has written to. */
function isHeld(path: string, mark: string): boolean {
  const info = lstatIfThere(path);
  return info !== null && info.isFile && info.size === mark.length &&
    Deno.readTextFileSync(path) === mark;
}

function letGo(path: string, mark: string): void {
  if (isHeld(path, mark)) removeIfThere(path);
}
