/** The part files of downloads, until they become finished files. */

import { hasName, identityOf, lstatIfThere } from "./names.ts";

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
  /** The identity of the file at a path (see names.ts); null if there is none. */
  identity(path: string): string | null;
  /** Removes a finished file, if it is still there. */
  removeFinished(path: string): Promise<void>;
}

/**
 * Makes access to part files that no other process uses.
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
      // node:fs takes 30 ms to load, in which a small file has come.
      const { statfs } = await import("node:fs/promises");
      const { bavail, bsize } = await statfs(directory);
      return bavail * bsize;
    },
    sync: (id) => syncFile(path(id)),
    isNamed: async (id) => hasName(await Deno.lstat(path(id))),
    remove: (id) => removeFile(path(id)),
    identity(path) {
      const info = lstatIfThere(path);
      return info && identityOf(info);
    },
    removeFinished: removeFile,
  };
}

/** Removes a file, if there is one. */
export async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
