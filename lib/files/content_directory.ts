/** The content directory of a server, which no other server may use. */

import { ensureDir } from "@std/fs/ensure-dir";
import { join } from "@std/path/join";
import { errorMessage } from "../base/error_message.ts";
import { DownloadError } from "../download/errors.ts";
import { findNames, type Named, refuseWithoutLinks } from "./names.ts";
import { createParts, type DownloadParts, removeFile } from "./parts.ts";

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
  try {
    refuseWithoutLinks(join(own, "lock"), directory);
  } catch (error) {
    lock.close();
    throw error;
  }
  // Every system takes a slash, and `join` takes ten times as long.
  const path = (id: string) => `${parts}/${id}`;
  return {
    ...createParts({ directory, path }, { sync }),
    statePath: join(own, "state.db"),
    named() {
      const ids = [...Deno.readDirSync(parts)].map(({ name }) => name);
      const found = findNames(directory, ids.map(path));
      return new Map(
        ids.flatMap((id) => {
          const named = found.get(path(id));
          return named ? [[id, named] as const] : [];
        }),
      );
    },
    async removeOrphans(isKnown) {
      for await (const { name } of Deno.readDir(parts)) {
        if (!isKnown(name)) await removeFile(path(name));
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
    const reason = errorMessage(error);
    throw new DownloadError(
      "DISK",
      `Nothing can be written to ${directory}: make that possible, or choose ` +
        `another directory with --content-directory. (${reason})`,
      { cause: error },
    );
  }
}
