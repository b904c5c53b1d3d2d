/** Files that are there before a `get` begins, and what becomes of them. */

import { basename } from "@std/path/basename";
import { join } from "@std/path/join";
import type { DownloadRequest, FileFacts } from "../download/download.ts";
import { findDirectory } from "../files/directories.ts";
import { filenameFor } from "../origin/filename.ts";
import type { WorkerSettings } from "../threads/messages.ts";
import { fileAt, type FinishedFile, openFinished } from "./finished.ts";
import { createVisitor } from "./revisit.ts";

/**
 * What a `get` does where a file is there: `number` the new one, `skip` the
 * download, or `renew` the file if it has changed at its origin.
 */
export type Existing = "number" | "skip" | "renew";

/** Why a file counts as downloaded without being fetched. */
export type Kept = "existing" | "unchanged";

/** Files that are there; disposing of it ends what is asked of origins. */
export interface ExistingFiles extends Disposable {
  /**
   * The file that a download need not be fetched for; null if it must be.
   *
   * @param key Tells the download from others.
   * @throws what the system says, or the reason of the interrupt.
   */
  find(
    request: DownloadRequest,
    key: string,
  ): Promise<{ readonly file: FinishedFile; readonly why: Kept } | null>;
  /**
   * Remembers a file that has just been finished. Under `renew`, it takes the
   * place of an earlier one, if that is as it was when it was finished.
   *
   * @returns Its path now.
   * @throws what the system says.
   */
  settle(key: string, path: string, facts: FileFacts | null): string;
}

/**
 * Looks after the files in a content directory.
 *
 * @param interrupt Ends what is asked of origins, and the reading of files.
 */
export function createExistingFiles(
  { contentDirectory, existing, ...settings }:
    & Omit<WorkerSettings, "turns">
    & {
      readonly contentDirectory: string;
      readonly existing: "skip" | "renew";
    },
  interrupt: AbortSignal,
): ExistingFiles {
  const finished = openFinished(contentDirectory);
  const visitor = createVisitor(settings, interrupt);
  /** The names in each directory before this process fetches anything to it. */
  const before = new Map<string, ReadonlySet<string>>();

  /** The names in a directory, as they were when it was first asked for. */
  function namesBefore(directory: string): ReadonlySet<string> {
    const names = before.get(directory) ?? namesIn(directory);
    before.set(directory, names);
    return names;
  }

  /** The file of a download, or one that has the name that it would get. */
  function fileOf(request: DownloadRequest, key: string): FinishedFile | null {
    const directory = findDirectory(contentDirectory, request.directory);
    if (directory === null) return null;
    // Also for a known file, which may be fetched anew to another name in it.
    const names = namesBefore(directory);
    const known = finished.find(key);
    if (known !== null) return known;
    const name = filenameFor(request.filename, null, request.url);
    const path = join(directory, name);
    const file = names.has(name) ? fileAt(path) : null;
    return file && { ...file, path, validator: null };
  }

  return {
    async find(request, key) {
      const file = fileOf(request, key);
      if (file === null) return null;
      if (request.checksum !== null) {
        return await fits(file, request.checksum, interrupt)
          ? { file, why: existing === "skip" ? "existing" : "unchanged" }
          : null;
      }
      if (existing === "skip") return { file, why: "existing" };
      const isUnchanged = await visitor.isUnchanged(request, file)
        .catch((error) => {
          // The download itself says what is wrong, and tries again.
          if (!interrupt.aborted) return false;
          throw error;
        });
      return isUnchanged ? { file, why: "unchanged" } : null;
    },
    settle(key, path, facts) {
      const old = existing === "renew" ? finished.find(key) : null;
      const replaces = old !== null && isAnother(path, old.path);
      if (replaces) Deno.renameSync(path, old.path);
      const final = replaces ? old.path : path;
      finished.remember(key, final, facts?.validator ?? null);
      return final;
    },
    [Symbol.dispose]: () => visitor[Symbol.dispose](),
  };
}

function namesIn(directory: string): ReadonlySet<string> {
  try {
    return new Set([...Deno.readDirSync(directory)].map(({ name }) => name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Set();
    throw error;
  }
}

async function fits(
  { path, size }: FinishedFile,
  { algorithm, digest: wanted }: NonNullable<DownloadRequest["checksum"]>,
  interrupt: AbortSignal,
): Promise<boolean> {
  const { digest } = await import("../threads/digest.ts");
  const ranges = [{ start: 0, end: size }];
  const [found] = await digest({ path, algorithm, ranges }, interrupt);
  return found === wanted;
}

/** Whether a file is called as another one is, but for the number. */
function isAnother(path: string, old: string): boolean {
  if (path === old) return false;
  const name = withoutNumber(basename(path));
  return [basename(old), withoutNumber(basename(old))].includes(name);
}

function withoutNumber(name: string): string {
  return name.replace(/ \(\d+\)(?=(\.[^ ]*)?$)/, "");
}
