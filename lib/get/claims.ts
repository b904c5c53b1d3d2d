/**
 * What `get` keeps of a download in `.sluice/get/` until it is finished: the
 * part file `<id>`, the record `<id>.json` of what is in it, and the lock
 * `<id>.lock` of the process that fetches it. The server's own state is not touched, so
 * that any number of `get`s, and a server, may use one content directory.
 */

import { join } from "@std/path/join";
import { isObject } from "../base/json.ts";
import { writeAllSync } from "../base/write_all.ts";
import type { FileFacts } from "../download/download.ts";
import type { Run } from "../download/ranges.ts";
import { findDirectory } from "../files/directories.ts";
import { findNaming, probeOf } from "../files/find_naming.ts";
import { links } from "../files/links.ts";
import { lstatIfThere, removeIfThere } from "../files/names.ts";
import type { Named, Naming } from "../files/naming.ts";
import {
  makeOwnDirectory,
  ownDirectory,
  PRIVATE_DIRECTORY,
  PRIVATE_FILE,
  unusable,
} from "../files/own_directory.ts";

/** What is known to be in a part file. */
export interface PartRecord {
  readonly file: FileFacts;
  readonly runs: readonly Run[];
}

/** A download that is this process's, as long as it has not released it. */
export interface Claim {
  /** The path of the part file. */
  readonly part: string;
  /** The record that an earlier `get` left; null if there is none. */
  readonly left: PartRecord | null;
  /** The name that an earlier `get` gave the part just before it was killed. */
  readonly named: Named | null;
  /** Records what is in the part file; replaces an older record atomically. */
  write(record: PartRecord): Promise<void>;
  /** Removes the record. */
  forget(): void;
  /** Gives the download up, once; removes a part file without a record. */
  release(): void;
}

/**
 * The claims of a process. Disposing of them removes all but the parts, with
 * their records, that a later `get` goes on with.
 */
export interface Claims extends Disposable {
  /** The directory of part files and records. */
  readonly directory: string;
  /** How parts get their names; it is known when one has been taken. */
  naming(): Naming;
  /**
   * Takes a download for this process; null if another one has it.
   *
   * @param directory Where its file goes below the content directory.
   * @param checked Whether a checksum will prove its file: without one, a part
   * of a file without validator is of no use.
   * @throws {DownloadError} DISK if the content directory cannot be used.
   * @throws what else the system says.
   */
  take(id: string, request: Wanted): Claim | null;
  /** Whether a process has a download, or was killed when it had it. */
  isTaken(id: string): boolean;
  /**
   * The name that another process, which has a download, has given its file: the
   * file is whole. Null if it has given none, or that cannot be told.
   */
  named(id: string, directory: string | undefined): Named | null;
  /** Gives up the locks that were kept for downloads to come. */
  tidy(): void;
}

/** What a claim has to know of what is asked for. */
interface Wanted {
  readonly checked: boolean;
  readonly directory: string | undefined;
}

/** A lock that this process holds, and its path. */
interface Lock {
  readonly path: string;
  readonly file: Deno.FsFile;
}

/**
 * Makes the claims of a process.
 *
 * Files are touched synchronously wherever the disk need not be waited for:
 * that takes a tenth of the time, and the user of `get` waits for nothing else.
 *
 * @param sync Whether records are forced to disk.
 */
export function createClaims(
  contentDirectory: string,
  { sync }: { sync: boolean },
): Claims {
  const own = ownDirectory(contentDirectory);
  const directory = join(own, "get");
  /** Locks of downloads that are over, for downloads to come. */
  const free: Lock[] = [];
  let known: Naming | null = null;
  const lockOf = (id: string) => join(directory, `${id}.lock`);

  function take(id: string, wanted: Wanted): Claim | null {
    const lock = takeOver(free, lockOf(id)) ??
      takeLock(contentDirectory, lockOf(id));
    if (lock === null) return null;
    try {
      return claimOf(id, wanted, lock);
    } catch (error) {
      letGo(lock);
      throw error;
    }
  }

  function claimOf(
    id: string,
    { checked, directory: below }: Wanted,
    lock: Lock,
  ): Claim {
    const part = join(directory, id);
    const path = `${part}.json`;
    const fresh = `${path}.new`;
    const naming = known ??= findNaming(lock.path);
    // Without its part, a record is worthless; most downloads have neither.
    const begun = naming.isBegun(part);
    const found = begun ? readRecord(path) : null;
    const left = checked || found?.file.validator ? found : null;
    const place = findDirectory(contentDirectory, below);
    const names = begun && place !== null ? naming.find(place, [part]) : null;
    const named = names?.get(part) ?? null;
    let recorded = left !== null;
    let held = true;
    // A process that was killed may have been writing a record, or giving a name.
    if (begun) removeIfThere(fresh);
    if (begun && named === null) {
      naming.withdraw(part, place ?? contentDirectory);
    }
    if (begun && !recorded) {
      removeIfThere(path);
      removePart();
    }

    function removePart(): void {
      const place = findDirectory(contentDirectory, below);
      naming.withdraw(part, place ?? contentDirectory);
      removeIfThere(part);
    }

    async function writeFresh(text: string): Promise<void> {
      using file = Deno.openSync(fresh, {
        write: true,
        create: true,
        truncate: true,
        mode: PRIVATE_FILE,
      });
      writeAllSync(file, new TextEncoder().encode(text));
      if (sync) await file.syncData();
    }

    return {
      part,
      left,
      named,
      async write(record) {
        try {
          await writeFresh(JSON.stringify(record));
          Deno.renameSync(fresh, path);
        } catch (error) {
          // On a full disk, its room is needed, too.
          removeIfThere(fresh);
          throw error;
        }
        recorded = true;
      },
      forget() {
        if (recorded) removeIfThere(path);
        recorded = false;
      },
      release() {
        if (!held) return;
        held = false;
        if (!recorded) removePart();
        if (naming.kind === "links") free.push(lock);
        else letGo(lock);
      },
    };
  }

  function tidy(): void {
    for (const lock of free.splice(0)) letGo(lock);
  }

  return {
    directory,
    naming() {
      if (known !== null) return known;
      throw new Error("Cannot tell how files are named: none is taken");
    },
    take,
    isTaken: (id) => lstatIfThere(lockOf(id)) !== null,
    named(id, below) {
      const place = findDirectory(contentDirectory, below);
      const part = join(directory, id);
      const names = place === null ? null : links.find(place, [part]);
      return names?.get(part) ?? null;
    },
    tidy,
    [Symbol.dispose]() {
      tidy();
      removeEmpty([directory, own]);
    },
  };
}

/**
 * Removes a lock's file before it is closed: see {@linkcode takeLock}. One that
 * cannot be removed locks nothing once it is closed.
 */
function letGo({ path, file }: Lock): void {
  using _file = file;
  try {
    Deno.removeSync(path);
  } catch {
    // The directory has become read-only, or somebody else has removed it.
  }
}

/**
 * Removes those directories that are empty. A symlink in the place of one is its
 * user's, who keeps what is in it elsewhere.
 */
function removeEmpty(directories: readonly string[]): void {
  for (const path of directories) {
    try {
      if (Deno.lstatSync(path).isDirectory) Deno.removeSync(path);
    } catch {
      // It is not empty, or not there.
    }
  }
}

/**
 * Gives a free lock another path by a link: to make a file costs the file system more than
 * all else that a small download asks of it. Null if no lock is free, or another
 * process has the path.
 */
function takeOver(free: Lock[], path: string): Lock | null {
  const lock = free.pop();
  if (lock === undefined) return null;
  try {
    Deno.linkSync(lock.path, path);
  } catch (error) {
    free.push(lock);
    if (error instanceof Deno.errors.AlreadyExists) return null;
    throw error;
  }
  removeIfThere(lock.path);
  return { ...lock, path };
}

/**
 * How often a lock is tried again. Another process that ends removes the
 * directory once; where it is missing this often, it cannot be made.
 */
const TRIES = 100;

/**
 * Locks the file at a path; null if another process has locked it. The last owner
 * may have removed the file just before: that lock would keep nobody out.
 *
 * @throws {DownloadError} DISK if the content directory cannot be used.
 * @throws what else the system says.
 */
function takeLock(contentDirectory: string, path: string): Lock | null {
  for (let tries = 1;; tries++) {
    try {
      const file = openLock(contentDirectory, path);
      if (!file.tryLockSync(true)) {
        file.close();
        return null;
      }
      if (isStill(file, path)) {
        if (hasOnePath(file) || tries === TRIES) return { file, path };
        // A process was killed before it removed the file's former path, which is
        // another download's: one lock would hold both.
        for (const old of [path, probeOf(path)]) removeIfThere(old);
      }
      file.close();
    } catch (error) {
      const mayBeRemoved = error instanceof Deno.errors.NotFound;
      if (mayBeRemoved && tries < TRIES) continue;
      throw isInTheWay(error) ? unusable(contentDirectory, error) : error;
    }
  }
}

/** Whether a link or a file is where a directory of Sluice's own must be. */
function isInTheWay(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.AlreadyExists ||
    error instanceof Deno.errors.NotADirectory;
}

/** @throws what the system says: NotFound, too, if others remove the directory. */
function openLock(contentDirectory: string, path: string): Deno.FsFile {
  // Records hold no secrets: where it cannot be its owner's alone, it is used.
  makeOwnDirectory(contentDirectory);
  // Another process may have removed it again just now.
  Deno.mkdirSync(join(path, ".."), {
    recursive: true,
    mode: PRIVATE_DIRECTORY,
  });
  return Deno.openSync(path, {
    write: true,
    create: true,
    mode: PRIVATE_FILE,
  });
}

/** Whether a file has one path, as far as the file system counts them. */
function hasOnePath(file: Deno.FsFile): boolean {
  return (file.statSync().nlink ?? 1) <= 1;
}

/** Whether a file still is the one at its path. */
function isStill(file: Deno.FsFile, path: string): boolean {
  try {
    return file.statSync().ino === Deno.lstatSync(path).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Null if there is no valid record: the download then begins anew. */
function readRecord(path: string): PartRecord | null {
  try {
    const record: unknown = JSON.parse(Deno.readTextFileSync(path));
    return isRecord(record) ? record : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function isRecord(value: unknown): value is PartRecord {
  if (!isObject(value) || !isObject(value.file)) return false;
  const { file: { name, size, ranges, validator, sources = [] }, runs } = value;
  return typeof name === "string" && Number.isSafeInteger(size) &&
    ranges === true && (validator === null || isValidator(validator)) &&
    Array.isArray(sources) &&
    Array.isArray(runs) && runs.every((run) => isRun(run, Number(size)));
}

/** Whether a record holds a validator there. */
export function isValidator(value: unknown): boolean {
  return isObject(value) &&
    (value.kind === "etag" || value.kind === "modified") &&
    typeof value.value === "string";
}

function isRun(run: unknown, size: number): boolean {
  if (!isObject(run)) return false;
  const { start, end, crc } = run;
  return [start, end, crc].every(Number.isSafeInteger) && Number(start) >= 0 &&
    Number(start) < Number(end) && Number(end) <= size;
}
