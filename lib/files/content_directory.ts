/** The content directory of a server, which no other server may use. */

import { ensureDir } from "@std/fs/ensure-dir";
import { basename } from "@std/path/basename";
import { join } from "@std/path/join";
import { errorMessage } from "../base/error_message.ts";
import { DownloadError } from "../download/errors.ts";
import { findNaming } from "./find_naming.ts";
import type { Named, Naming } from "./naming.ts";
import { createParts, type DownloadParts } from "./parts.ts";

/** A content directory that is this process's alone. */
export interface ContentDirectory extends DownloadParts, Disposable {
  /** The path of the database. */
  readonly statePath: string;
  /** The part files that have names already, by their downloads' ids. */
  named(): ReadonlyMap<string, Named>;
  /** Removes part files of no download that is known. */
  removeOrphans(isKnown: (id: string) => boolean): Promise<void>;
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
  const own = join(directory, ".sluice");
  const parts = join(own, "parts");
  const lock = await takeLock(parts, join(own, "lock"), directory);
  let naming: Naming;
  try {
    naming = findNaming(join(own, "lock"));
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
  const access = createParts({ directory, path, naming: () => naming }, {
    sync,
  });
  return {
    ...access,
    statePath: join(own, "state.db"),
    named() {
      const found = naming.find(directory, [...paths()]);
      return new Map(
        found.entries().map(([part, named]) => [basename(part), named]),
      );
    },
    async removeOrphans(isKnown) {
      for (const id of paths().values().map((part) => basename(part))) {
        if (!isKnown(id)) await access.remove(id);
      }
    },
    [Symbol.dispose]: () => lock.close(),
  };
}

async function takeLock(
  parts: string,
  path: string,
  directory: string,
): Promise<Deno.FsFile> {
  const lock = await openLock(parts, path, directory);
  if (await lock.tryLock(true)) return lock;
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
): Promise<Deno.FsFile> {
  try {
    await ensureDir(parts);
    return await Deno.open(path, { write: true, create: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw unusable(directory, error);
  }
}

function unusable(directory: string, error: unknown): DownloadError {
  return new DownloadError(
    "DISK",
    `Nothing can be written to ${directory}: make that possible, or choose ` +
      `another directory with --content-directory. (${errorMessage(error)})`,
    { cause: error },
  );
}
