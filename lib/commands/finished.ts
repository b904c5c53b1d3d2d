/** What clients ask of finished files: where they are, and whether they fit. */

import { createInOrder } from "../base/in_order.ts";
import type {
  Checksum,
  ChecksumAlgorithm,
  FoundChecksum,
  Verified,
} from "../download/checksum.ts";
import { checksumOf, type Download } from "../download/download.ts";
import { DownloadError, unknownId } from "../download/errors.ts";
import type { Engine } from "../engine/engine.ts";
import type { DownloadParts } from "../files/parts.ts";
import type { Catalogue } from "../store/catalogue.ts";
import type { Commands } from "./commands.ts";

/** The servers that may have a file. */
export interface Keepers {
  /** Whether the file of a finished download is in this content directory. */
  hasFile(id: string): boolean;
  /**
   * The digest of a finished file that only another content directory has.
   *
   * @throws {DownloadError} FILE_GONE if it is not there; STATE if nobody answers.
   */
  digest(id: string, algorithm: ChecksumAlgorithm): Promise<string>;
}

/** What finished files are found and read with. */
export interface FinishedTools {
  readonly catalogue: Pick<Catalogue, "get">;
  readonly parts: Pick<DownloadParts, "look">;
  readonly engine: Pick<Engine, "digest">;
  readonly commands: Pick<Commands, "settledFor">;
  /** Absent where no other server has the same queue. */
  readonly peers?: Keepers | undefined;
}

/** The finished files. */
export interface FinishedFiles {
  /** Where the file of a finished download is; null for any other. */
  pathOf(id: string): string | null;
  /** The same, also while the file is being moved: once it is where it goes to. */
  find(id: string): Promise<string | null>;
  /**
   * The digest of a finished file that is here. One is read at a time.
   *
   * @throws {DownloadError} FILE_GONE if it is not here.
   */
  digest(id: string, algorithm: ChecksumAlgorithm): Promise<string>;
  /**
   * Has a finished file be read again where it is, and compares it with a checksum:
   * the one that is given, or else the download's own.
   *
   * @throws {DownloadError} UNKNOWN_ID or WRONG_STATE; FILE_GONE if the file is
   * not there; BAD_REQUEST if there is no checksum; STATE if the server that has it
   * does not answer.
   */
  verify(id: string, given: Checksum | null): Promise<Verified>;
}

/** Makes access to the finished files. */
export function createFinishedFiles(
  { catalogue, parts, engine, commands, peers }: FinishedTools,
): FinishedFiles {
  const inOrder = createInOrder();

  function pathOf(id: string): string | null {
    const download = peers?.hasFile(id) === false ? null : catalogue.get(id);
    if (download?.state.kind !== "Downloaded") return null;
    const { path, identity } = download.state;
    return parts.look(path, identity) === "there" ? path : null;
  }

  async function find(id: string): Promise<string | null> {
    const path = pathOf(id);
    if (path !== null) return path;
    await commands.settledFor(id);
    return pathOf(id);
  }

  function digestHere(
    id: string,
    algorithm: ChecksumAlgorithm,
  ): Promise<string> {
    // Of several at a time, each would take as long as all of them.
    return inOrder.run("", async () => {
      for (;;) {
        const path = await find(id);
        if (path === null) throw fileGone();
        try {
          return await engine.digest(path, algorithm);
        } catch (error) {
          // It may have been moved, or removed, before it was opened.
          if (await find(id) === path) throw error;
        }
      }
    });
  }

  async function verify(id: string, given: Checksum | null): Promise<Verified> {
    const download = catalogue.get(id);
    if (download === null) throw unknownId();
    const checksum = checksumFor(download, given);
    const { algorithm } = checksum;
    const digest = peers?.hasFile(id) === false
      ? await peers.digest(id, algorithm)
      : await digestHere(id, algorithm);
    return { fits: digest === checksum.digest, checksum, digest };
  }

  return { pathOf, find, digest: digestHere, verify };
}

/**
 * What a finished file is to be compared with.
 *
 * @throws {DownloadError} WRONG_STATE or BAD_REQUEST.
 */
function checksumFor(
  { request, file, state }: Download,
  given: Checksum | null,
): FoundChecksum {
  if (state.kind !== "Downloaded") {
    throw new DownloadError(
      "WRONG_STATE",
      "Cannot verify: the download is not finished.",
    );
  }
  if (given !== null) return { ...given, from: "request" };
  const own = checksumOf(request, file) ?? null;
  if (own !== null) return own;
  throw new DownloadError(
    "BAD_REQUEST",
    "Cannot verify: no checksum is known of this download. Give one.",
  );
}

function fileGone(): DownloadError {
  return new DownloadError(
    "FILE_GONE",
    "The file is not here any more, or another one has its name.",
  );
}
