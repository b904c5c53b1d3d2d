/** Which server of a cluster has a download, its part or its file. */

import type { Command } from "../download/download.ts";
import { DownloadError, unknownId } from "../download/errors.ts";
import type { Part, Place } from "./entry.ts";
import type { Membership } from "./membership.ts";
import type { Replica } from "./replica.ts";

/** What whereabouts are told by. */
export interface WhereaboutsTools {
  readonly membership: Pick<Membership, "session" | "sessions">;
  readonly replica: Replica;
  /** Where this server is. */
  readonly place: Place;
}

/** Where downloads and their files are. */
export interface Whereabouts {
  /** The other session that has claimed a download; null for none. */
  ownerOf(id: string): string | null;
  /**
   * The session that is to carry out a command; null for this server. A finished
   * file is moved and deleted by a server that has the file, even while another
   * server has claimed the download.
   *
   * @throws {DownloadError} FILE_GONE if no server that is alive has the file.
   */
  placeOf(id: string, command: Command): string | null;
  /** Whether a command needs a finished file that another storage has. */
  isElsewhere(id: string, command: Command): boolean;
  /**
   * The session that is to read a finished file.
   *
   * @throws {DownloadError} UNKNOWN_ID; FILE_GONE if none that is alive has it.
   */
  readerOf(id: string): string;
  /** The name of the server that has a download or its part; null for none. */
  nodeOf(id: string): string | null;
  /** Whether this server's storage has the part or the file of a download. */
  hasFile(id: string): boolean;
  /** Where the server with a file, or its part, is reached; null if nowhere. */
  urlOf(id: string): string | null;
}

/** Makes whereabouts, which are told by the copy and by who is alive. */
export function createWhereabouts(
  { membership, replica, place }: WhereaboutsTools,
): Whereabouts {
  function ownerOf(id: string): string | null {
    const owner = replica.known(id)?.owner ?? null;
    return owner !== null && owner !== membership.session() &&
        membership.sessions().has(owner)
      ? owner
      : null;
  }

  /** A session that is alive and has a storage; the named server's if possible. */
  function keeperOf({ storage, node }: Place): string | null {
    const keepers = [...membership.sessions()]
      .filter(([, { lease }]) => lease.storage === storage);
    const [best] = keepers.toSorted(([, a], [, b]) =>
      Number(b.lease.node === node) - Number(a.lease.node === node)
    );
    return best?.[0] ?? null;
  }

  /** What another storage has of a finished file that a command changes, if any. */
  function partElsewhere(id: string, command: Command): Part | null {
    const known = replica.known(id);
    if (!needsFile(command) || known?.state !== "Downloaded") return null;
    return known.part?.storage === place.storage ? null : known.part;
  }

  return {
    ownerOf,
    placeOf(id, command) {
      const isForFile = needsFile(command) &&
        replica.known(id)?.state === "Downloaded";
      if (!isForFile) return ownerOf(id);
      const part = partElsewhere(id, command);
      if (part === null) return null;
      return keeperOf(part) ?? refuseFileOf(
        part,
        command.kind === "remove"
          ? "remove the download without its file, or once that server is back."
          : "move it once that server is back.",
      );
    },
    isElsewhere: (id, command) => partElsewhere(id, command) !== null,
    readerOf(id) {
      const part = replica.known(id)?.part;
      if (!part) throw unknownId();
      return keeperOf(part) ??
        refuseFileOf(part, "verify it once that server is back.");
    },
    nodeOf(id) {
      const known = replica.known(id);
      const owner = known?.owner ?? null;
      const lease = owner === null
        ? undefined
        : membership.sessions().get(owner)?.lease;
      return lease?.node ?? known?.part?.node ?? null;
    },
    hasFile: (id) => replica.known(id)?.part?.storage === place.storage,
    urlOf(id) {
      const known = replica.known(id);
      // One that comes in order can be read where it is fetched.
      const session = known?.state !== "Downloaded"
        ? ownerOf(id)
        : known.part && keeperOf(known.part);
      return session === null
        ? null
        : membership.sessions().get(session)?.lease.url ?? null;
    },
  };
}

/** @throws {DownloadError} FILE_GONE: the server is away that has a file. */
function refuseFileOf({ node }: Place, advice: string): never {
  throw new DownloadError(
    "FILE_GONE",
    `The file is at ${node}, which is away: ${advice}`,
  );
}

/** Whether a command changes a finished file. */
function needsFile(command: Command): boolean {
  return command.kind === "relocate" ||
    command.kind === "remove" && command.deleteFile;
}
