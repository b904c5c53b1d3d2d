/** What a server of a cluster keeps in its content directory and on its disk. */

import { join } from "@std/path/join";
import { errorMessage } from "../base/error_message.ts";
import { DownloadError } from "../download/errors.ts";
import { findNaming } from "../files/find_naming.ts";
import { lstatIfThere } from "../files/names.ts";
import type { Naming } from "../files/naming.ts";
import {
  makeOwnDirectory,
  makePrivateFile,
  ownDirectory,
  PRIVATE_DIRECTORY,
  PRIVATE_FILE,
} from "../files/own_directory.ts";
import { openLock, takeLock } from "./locks.ts";

/**
 * How long the directory's lock is tried, in milliseconds: a server that sets its
 * own queue right has it alone for as long, before it shares it.
 */
const SHARED_WITHIN = 5_000;

/** The directories of one server, which no other process uses as this server. */
export interface NodeStorage extends Disposable {
  /** The id of the storage, the same for all that have the content directory. */
  readonly id: string;
  /** Where part files are. */
  readonly parts: string;
  /** Where this server's copy of the queue is. */
  readonly replicaPath: string;
  readonly naming: Naming;
  /** Whether nobody but its owner may read what Sluice keeps in it. */
  readonly isPrivate: boolean;
}

/** Where a server keeps what. */
export interface NodeStorageOptions {
  readonly contentDirectory: string;
  /** The queue's name. */
  readonly queue: string;
  /** The server's name. */
  readonly node: string;
  /** Where its copy of the queue is; null for below the content directory. */
  readonly stateDirectory: string | null;
}

/**
 * Takes the directories of a server, and makes them if they are not there.
 *
 * @throws {DownloadError} DISK if another process has them, or they are of no use.
 */
export async function openNodeStorage(
  { contentDirectory, queue, node, stateDirectory }: NodeStorageOptions,
): Promise<NodeStorage> {
  const own = ownDirectory(contentDirectory);
  const shared = join(own, "cluster");
  const parts = join(shared, "parts");
  const state = stateDirectory ?? join(own, "nodes", node);
  try {
    const isPrivate = makeOwnDirectory(contentDirectory);
    for (const path of [parts, state]) {
      Deno.mkdirSync(path, { recursive: true, mode: PRIVATE_DIRECTORY });
    }
    // Servers of the cluster share it, and one without a cluster has it alone.
    using held = new DisposableStack();
    const common = held.use(await openLock(join(own, "lock")));
    const late = AbortSignal.timeout(SHARED_WITHIN);
    if (!await takeLock(common, "shared", late)) {
      throw inUse(contentDirectory, null);
    }
    const name = join(shared, `${node}.lock`);
    for (const path of [name, join(state, "lock")]) {
      const mine = held.use(await openLock(path));
      if (!await mine.tryLock(true)) throw inUse(contentDirectory, node);
    }
    const naming = findNaming(name);
    if (naming.kind !== "links") throw noLinks(contentDirectory);
    // A queue removes the parts that are of none of its downloads.
    if (readMade(join(shared, "queue"), queue) !== queue) {
      throw ofAnotherQueue(contentDirectory, join(shared, "queue"));
    }
    const replicaPath = join(state, "replica.db");
    makePrivateFile(replicaPath);
    const locks = held.move();
    return {
      id: readMade(join(shared, "storage"), crypto.randomUUID()),
      parts,
      replicaPath,
      naming,
      isPrivate,
      [Symbol.dispose]: () => locks.dispose(),
    };
  } catch (error) {
    if (error instanceof DownloadError) throw error;
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new DownloadError(
      "DISK",
      `Nothing can be written to ${contentDirectory} or ${state}: ` +
        `${errorMessage(error)}.`,
      { cause: error },
    );
  }
}

/** What a file says that the first server of a directory makes. */
function readMade(path: string, text: string): string {
  if (lstatIfThere(path) === null) {
    // Whole at once: another server may read it the moment it is there.
    const made = `${path}.${crypto.randomUUID()}`;
    Deno.writeTextFileSync(made, text, { mode: PRIVATE_FILE });
    try {
      Deno.linkSync(made, path);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    } finally {
      Deno.removeSync(made);
    }
  }
  return Deno.readTextFileSync(path).trim();
}

function ofAnotherQueue(directory: string, file: string): DownloadError {
  return new DownloadError(
    "DISK",
    `${directory} belongs to another queue: choose another directory with ` +
      `--content-directory, or delete ${file} if that queue is given up.`,
  );
}

function inUse(directory: string, node: string | null): DownloadError {
  return new DownloadError(
    "DISK",
    node === null
      ? `Another Sluice, without QUEUE, uses ${directory} already: stop it, or ` +
        "choose another directory with --content-directory."
      : `Another server is ${node} already: give this one another NODE_NAME ` +
        "or port.",
  );
}

function noLinks(directory: string): DownloadError {
  return new DownloadError(
    "DISK",
    `The file system of ${directory} has no hard links, which QUEUE needs: ` +
      "choose another --content-directory.",
  );
}
