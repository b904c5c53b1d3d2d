/** The part files of downloads, until they become finished files. */

import type { ErrorRecord } from "../download/errors.ts";
import { findDirectory, type Placed } from "./directories.ts";
import { lstatIfThere } from "./names.ts";
import type { Naming, NamingKind } from "./naming.ts";
import { syncFile } from "./sync.ts";

/** The part files of downloads, and the directory that they go to. */
export interface DownloadParts {
  /** The content directory, absolute. */
  readonly directory: string;
  /** The path of a download's part file. */
  path(id: string): string;
  /** How many bytes the disk has room for. */
  free(): Promise<number>;
  /**
   * Whether the directory of the part files is not there any more, as when its
   * disk was taken out: then no part was changed by anybody. Never throws.
   */
  isGone(): boolean;
  /** How part files get their names here. */
  naming(): NamingKind;
  /**
   * Forces what is written in a part file to disk. Null once it is there; else why
   * the disk has refused some of it, which no later call tells again.
   *
   * @throws what the system says if there is no such file.
   */
  sync(id: string): Promise<ErrorRecord | null>;
  /** Whether a part file has its name already, as after a crash. */
  isNamed(id: string): boolean;
  /** The path of a part's whole content: under its name, if it has that. */
  whole(download: Placed): string;
  /** The path of what tells of a part's name until that is recorded. */
  evidence(id: string): string;
  /** Removes a part file, if there is one, and not the finished file. */
  remove(download: Placed): Promise<void>;
  /**
   * What is at the path of a finished file.
   *
   * @param identity The file's own (see naming.ts); undefined for any.
   */
  look(path: string, identity: string | undefined): FinishedFile;
  /** Removes a finished file, if it is still there. */
  removeFinished(path: string): Promise<void>;
}

/** Whether a finished file is where it was, and has not become another one. */
export type FinishedFile = "there" | "gone" | "another";

/**
 * Makes access to part files that no other process uses.
 *
 * @param below The directory of the part files; null for one that may come and go.
 * @param naming How they get their names; it may be found out later.
 * @param sync Whether files are forced to disk before they count as there.
 */
export function createParts(
  { directory, below, path, naming }:
    & Pick<DownloadParts, "directory" | "path">
    & { below: string | null; naming: () => Naming },
  { sync }: { sync: boolean },
): DownloadParts {
  return {
    directory,
    path,
    naming: () => naming().kind,
    async free() {
      // node:fs takes 30 ms to load, in which a small file has come.
      const { statfs } = await import("node:fs/promises");
      const { bavail, bsize } = await statfs(directory);
      return bavail * bsize;
    },
    isGone: () => below !== null && isGone(below),
    async sync(id) {
      if (!sync) return null;
      using file = await Deno.open(path(id), { read: true });
      return await syncFile(file);
    },
    isNamed: (id) => naming().isNamed(path(id)),
    whole({ id, request }) {
      const part = path(id);
      const place = findDirectory(directory, request.directory);
      const found = place === null ? null : naming().find(place, [part]);
      return found?.get(part)?.path ?? part;
    },
    evidence: (id) => naming().evidence(path(id)),
    async remove({ id, request }) {
      // Where its directory is not there, neither is what was made in it.
      const place = findDirectory(directory, request.directory) ?? directory;
      naming().withdraw(path(id), place);
      await removeFile(path(id));
    },
    look(path, identity) {
      const info = lstatIfThere(path);
      if (info === null) return "gone";
      const same = identity === undefined ||
        naming().hasIdentity(info, identity);
      return same ? "there" : "another";
    },
    removeFinished: removeFile,
  };
}

/** Not where the system cannot say: then each use of a part tells why. */
function isGone(directory: string): boolean {
  try {
    return lstatIfThere(directory) === null;
  } catch {
    return false;
  }
}

/** Removes a file, if there is one. */
async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
