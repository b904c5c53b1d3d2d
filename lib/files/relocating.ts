/** Finished files on their way to another directory: what is done on the disk. */

import { join } from "@std/path/join";
import { DownloadError } from "../download/errors.ts";
import { findDirectory, makeDirectory, pathsTo } from "./directories.ts";
import { namingOf } from "./find_naming.ts";
import { isSameFile, type Name, removeIfThere } from "./names.ts";
import type { Named, Naming } from "./naming.ts";
import type { DownloadParts } from "./parts.ts";
import { syncDirectory } from "./sync.ts";

type Parts = Pick<DownloadParts, "directory" | "path" | "naming">;

/** A finished file that may be on its way. */
export interface Relocating {
  /** The directory that its path is in, as a request has it; null if outside. */
  readonly from: string | null;
  /** Whether it is a part again, or what tells of its new name is there. */
  isBegun(): boolean;
  /** Whether its path is a name of the part. */
  isAtPath(): boolean;
  /**
   * Makes sure that it can be moved to a directory, which is made.
   *
   * @throws {DownloadError} DISK if it is on another disk, or something else is
   * in its place.
   */
  prepare(directory: string): void;
  /**
   * Makes it a part again. With hard links, its path stays a name of it; without
   * them, it has no other name until {@linkcode give} is done.
   *
   * @throws what the system says.
   */
  take(): Promise<void>;
  /**
   * Gives the part a name in a directory, which is on disk when this resolves.
   *
   * @throws {DownloadError} DISK if it is on another disk.
   * @throws what the system says.
   */
  give(directory: string, wanted: string): Promise<Name>;
  /** The name that it was given in a directory; undefined for none. */
  find(directory: string | undefined): Named | undefined;
  /** Takes back what was made for a name that it has not been given. */
  withdraw(directory: string | undefined): void;
  /** Removes the name at its path, if that is one of the part. */
  leave(): Promise<void>;
  /** Removes what tells of the move: that is recorded. */
  forget(): void;
}

/**
 * Looks at the finished file of a download.
 *
 * @param path Where it is, or was before it was begun to be moved.
 */
export function relocatingOf(
  parts: Parts,
  id: string,
  path: string,
): Relocating {
  const part = parts.path(id);
  const naming: Naming = namingOf(parts.naming());
  const home = join(path, "..");
  const from = belowIn(parts.directory, home);

  const isAtPath = () => isSameFile(part, path);

  return {
    from,
    isBegun: () => naming.isBegun(part),
    isAtPath,
    prepare: (directory) =>
      void directoryOnDiskOf(path, parts.directory, directory),
    take: () => onOneDisk(() => naming.take(path, part)),
    async give(directory, wanted) {
      const place = makeDirectory(parts.directory, directory);
      const name = await onOneDisk(() =>
        naming.give(part, place, wanted, { sync: true })
      );
      await syncDirectories(parts.directory, directory);
      return name;
    },
    find(directory) {
      const place = findDirectory(parts.directory, directory);
      return place === null ? undefined : naming.find(place, [part]).get(part);
    },
    withdraw(directory) {
      const place = findDirectory(parts.directory, directory);
      if (place !== null) naming.withdraw(part, place);
    },
    async leave() {
      if (!isAtPath()) return;
      removeIfThere(path);
      await syncDirectory(home);
    },
    forget: () => removeIfThere(naming.evidence(part)),
  };
}

/**
 * The path of a directory that a file can be moved to, which is made.
 *
 * @param root The content directory.
 * @param directory Below it, safe; empty for itself.
 * @throws {DownloadError} DISK if it is on another disk, or something else is in
 * its place.
 */
export function directoryOnDiskOf(
  path: string,
  root: string,
  directory: string,
): string {
  const place = makeDirectory(root, directory);
  const [there, here] = [place, path].map((path) => Deno.lstatSync(path));
  if (there?.dev !== here?.dev) throw onAnotherDisk();
  return place;
}

/** A path as one below a directory, with `/`; null if it is not in it. */
export function belowIn(root: string, directory: string): string | null {
  if (directory === root) return "";
  const prefix = join(root, "x").slice(0, -1);
  return directory.startsWith(prefix)
    ? directory.slice(prefix.length).replaceAll("\\", "/")
    : null;
}

/**
 * Does what fails between disks. A directory that is mounted inside another may
 * have the same number of a device.
 *
 * @throws {DownloadError} DISK if that is why it failed.
 */
export async function onOneDisk<Value>(
  work: () => Value | Promise<Value>,
): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw isAcross(error) ? onAnotherDisk() : error;
  }
}

function isAcross(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EXDEV";
}

function onAnotherDisk(): DownloadError {
  return new DownloadError(
    "DISK",
    "That directory is on another disk: a file would have to be copied there, " +
      "which Sluice does not do. Choose a directory on the same disk.",
  );
}

/** What is said of a file that is not where it is recorded to be. */
export function fileGone(path: string): DownloadError {
  return new DownloadError(
    "FILE_GONE",
    `The file was not at ${path} any more, and was not moved.`,
  );
}

/**
 * Forces names in a directory below another to disk, and those that lead there.
 *
 * @throws what the system says.
 */
export async function syncDirectories(
  root: string,
  directory: string,
): Promise<void> {
  for (const path of [root, ...pathsTo(root, directory)]) {
    await syncDirectory(path);
  }
}
