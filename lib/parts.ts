/** The content directory: part files, and how they become finished files. */

import { ensureDir } from "@std/fs/ensure-dir";
import { join } from "@std/path/join";
import { DownloadError } from "./errors.ts";
import { findNames, type Named } from "./names.ts";

/** The part files of a content directory that is ours alone. */
export interface Parts extends DownloadParts, Disposable {
  /** Where the state is kept. */
  readonly statePath: string;
  /** The part files that have names already, by their downloads' ids. */
  named(): ReadonlyMap<string, Named>;
  /** Removes part files of no download that is known. */
  removeOrphans(isKnown: (id: string) => boolean): Promise<void>;
}

/** The part files of downloads, and the directory that they go to. */
export interface DownloadParts {
  /** The content directory, absolute. */
  readonly directory: string;
  /** The path of a download's part file. */
  path(id: string): string;
  /** How many bytes the disk has room for. */
  free(): Promise<number>;
  /** Forces what is written in a part file to disk. */
  sync(id: string): Promise<void>;
  /** Whether a part file has its name already, as after a crash. */
  isNamed(id: string): Promise<boolean>;
  /** Removes a part file, if there is one. */
  remove(id: string): Promise<void>;
  /** Removes a finished file, if it is still there. */
  removeFinished(path: string): Promise<void>;
}

/**
 * Takes a content directory for this process, and makes it if there is none.
 *
 * @param sync Whether files are forced to disk before they count as there.
 * @throws {DownloadError} DISK if another server has it, or it cannot be used.
 */
export async function openParts(
  directory: string,
  { sync }: { sync: boolean },
): Promise<Parts> {
  const own = join(directory, ".sluice");
  const parts = join(own, "parts");
  await ensureDir(parts);
  const lock = await takeLock(join(own, "lock"), directory);
  try {
    await refuseWithoutLinks(join(own, "lock"), join(own, "link"), directory);
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

/**
 * Part files that are ours alone, wherever they are.
 *
 * @param sync Whether files are forced to disk before they count as there.
 */
export function createParts(
  { directory, path }: Pick<DownloadParts, "directory" | "path">,
  { sync }: { sync: boolean },
): DownloadParts {
  async function syncFile(path: string): Promise<void> {
    if (!sync) return;
    using file = await Deno.open(path, { read: true });
    await file.syncData();
  }

  return {
    directory,
    path,
    async free() {
      // It takes 30 ms to load, in which a small file has come.
      const { statfs } = await import("node:fs/promises");
      const { bavail, bsize } = await statfs(directory);
      return bavail * bsize;
    },
    sync: (id) => syncFile(path(id)),
    isNamed: async (id) => ((await Deno.lstat(path(id))).nlink ?? 1) > 1,
    remove: (id) => removeFile(path(id)),
    removeFinished: removeFile,
  };
}

async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function takeLock(
  path: string,
  directory: string,
): Promise<Deno.FsFile> {
  const lock = await Deno.open(path, { write: true, create: true });
  if (await lock.tryLock(true)) return lock;
  lock.close();
  throw new DownloadError(
    "DISK",
    `Another Sluice uses ${directory} already: stop it, or choose another ` +
      "directory with --content-directory.",
  );
}

/** Better to say so now than when the first file is whole. */
async function refuseWithoutLinks(
  file: string,
  link: string,
  directory: string,
): Promise<void> {
  await removeFile(link);
  try {
    await Deno.link(file, link);
  } catch (error) {
    throw new DownloadError(
      "DISK",
      `The file system of ${directory} has no hard links, without which a ` +
        "file could be overwritten: choose another --content-directory.",
      { cause: error },
    );
  }
  await removeFile(link);
}
