/** The content directory of a server, which no other server may use. */

import { ensureDir } from "@std/fs/ensure-dir";
import { basename } from "@std/path/basename";
import { join } from "@std/path/join";
import { DownloadError } from "../download/errors.ts";
import { findDirectory, type Placed } from "./directories.ts";
import { findNaming } from "./find_naming.ts";
import type { Named, Naming } from "./naming.ts";
import {
  makeOwnDirectory,
  makePrivateFile,
  ownDirectory,
  PRIVATE_FILE,
  takeFileFromOthers,
  unusable,
} from "./own_directory.ts";
import { createParts, type DownloadParts } from "./parts.ts";

/** A content directory that is this process's alone. */
export interface ContentDirectory extends DownloadParts, Disposable {
  /** The path of the database. */
  readonly statePath: string;
  /** Whether nobody but its owner may read what Sluice keeps in it. */
  readonly isPrivate: boolean;
  /**
   * The part files that have names already, by their downloads' ids.
   *
   * @param place Tells which directory a download's file goes to.
   */
  named(place: (id: string) => Placed): ReadonlyMap<string, Named>;
  /** The ids of downloads that have a part file, or what tells of its name. */
  begun(): string[];
}

/**
 * Takes a content directory for this process, and makes it if there is none.
 *
 * @param sync Whether files are forced to disk before they count as there.
 * @throws {DownloadError} DISK if another server has it, or it cannot be used.
 */
export async function openContentDirectory(
  directory: string,
  { sync }: { sync: boolean },
): Promise<ContentDirectory> {
  const own = ownDirectory(directory);
  const parts = join(own, "parts");
  const statePath = join(own, "state.db");
  const { lock, isPrivate } = await takeLock(
    parts,
    join(own, "lock"),
    directory,
  );
  let naming: Naming;
  let isKept: boolean;
  try {
    naming = findNaming(join(own, "lock"));
    isKept = makePrivateState(statePath) && isPrivate;
  } catch (error) {
    lock.close();
    throw unusable(directory, error);
  }
  // Every system takes a slash, and `join` takes ten times as long.
  const path = (id: string) => `${parts}/${id}`;
  const paths = () =>
    new Set(
      [...Deno.readDirSync(parts)].map(({ name }) => naming.partOf(path(name))),
    );
  const access = createParts(
    { directory, below: parts, path, naming: () => naming },
    { sync },
  );
  return {
    ...access,
    statePath,
    isPrivate: isKept,
    named(place) {
      const all = Map.groupBy(
        paths(),
        (part) => place(basename(part)).request.directory,
      );
      const named = new Map<string, Named>();
      for (const [below, parts] of all) {
        const path = findDirectory(directory, below);
        if (path === null) continue;
        for (const [part, found] of naming.find(path, parts)) {
          named.set(basename(part), found);
        }
      }
      return named;
    },
    begun: () => [...paths()].map((part) => basename(part)),
    [Symbol.dispose]() {
      // A child that is being started has the file open, and so the lock, until
      // its program runs.
      lock.unlockSync();
      lock.close();
    },
  };
}

/**
 * Makes the state's files their owner's alone: SQLite gives those that it makes
 * beside the database the database's mode.
 *
 * @returns Whether all of them are.
 */
function makePrivateState(path: string): boolean {
  const made = makePrivateFile(path);
  const beside = [`${path}-wal`, `${path}-shm`].map(takeFileFromOthers);
  return made && beside.every(Boolean);
}

/** A lock that is held, and whether it is in a directory of its owner's alone. */
interface HeldLock {
  readonly lock: Deno.FsFile;
  readonly isPrivate: boolean;
}

async function takeLock(
  parts: string,
  path: string,
  directory: string,
): Promise<HeldLock> {
  const { lock, isPrivate } = await openLock(parts, path, directory);
  if (await lock.tryLock(true)) return { lock, isPrivate };
  lock.close();
  throw new DownloadError(
    "DISK",
    `Another Sluice uses ${directory} already: stop it, or choose another ` +
      "directory with --content-directory.",
  );
}

async function openLock(
  parts: string,
  path: string,
  directory: string,
): Promise<HeldLock> {
  try {
    const isPrivate = makeOwnDirectory(directory);
    await ensureDir(parts);
    const lock = await Deno.open(path, {
      write: true,
      create: true,
      mode: PRIVATE_FILE,
    });
    return { lock, isPrivate: takeFileFromOthers(path) && isPrivate };
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw unusable(directory, error);
  }
}
