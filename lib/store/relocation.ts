/**
 * Moves finished files to other directories. Never is a file overwritten, and
 * after a crash at any instant it is there once, where it is recorded to be. In
 * this order:
 *
 * 1. The file becomes its download's part again. With hard links, it keeps its
 *    name meanwhile.
 * 2. The new directory is recorded.
 * 3. The part gets its name there, `name (1)` and so on where that is taken.
 * 4. The old name is removed, if it is there.
 * 5. The new path is recorded.
 * 6. What tells of the move is removed.
 *
 * What a crash before 3 leaves goes back to where it was.
 */

import { basename } from "@std/path/basename";
import { type Download, placedIn, type State } from "../download/download.ts";
import {
  fileGone,
  type Relocating,
  relocatingOf,
} from "../files/relocating.ts";
import type { Name } from "../files/names.ts";
import type { DownloadParts } from "../files/parts.ts";
import type { Catalogue } from "./catalogue.ts";

/** What files are moved with. */
export interface RelocationTools {
  readonly parts: DownloadParts;
  readonly catalogue: Pick<Catalogue, "get" | "reword" | "settle">;
}

/** A download that has its file. */
interface Finished extends Download {
  readonly state: State & { readonly kind: "Downloaded" };
}

/**
 * Moves the file of a finished download, which nobody else works on.
 *
 * @param directory Below the content directory, safe; empty for itself.
 * @throws {DownloadError} FILE_GONE if the file is not there any more; DISK if it
 * cannot be moved there. Then it stays where it is.
 */
export async function relocate(
  download: Download,
  directory: string,
  tools: RelocationTools,
): Promise<void> {
  await finishRelocation(download, tools);
  const now = tools.catalogue.get(download.id) ?? download;
  if (!isFinished(now)) return;
  const { id, state } = now;
  const { path, identity } = state;
  const moving = relocatingOf(tools.parts, id, path);
  const isThere = tools.parts.look(path, identity) === "there";
  if (!isThere || moving.from === null) throw fileGone(path);
  if (moving.from === directory) return;
  moving.prepare(directory);
  await moving.take();
  let name: Name;
  try {
    await tools.catalogue.reword(id, placedIn(directory));
    name = await moving.give(directory, basename(path));
  } catch (error) {
    // What fails here, too, the next move of it does, or the next start.
    await putBack(now, moving, tools, directory).catch(() => {});
    throw error;
  }
  await arrive(now, name, moving, tools);
}

/**
 * Ends what a crash, or a state that could not be written, has left of a move;
 * does nothing where nothing is left.
 *
 * @throws what the system says if the file cannot go back to where it was.
 */
export async function finishRelocation(
  download: Download,
  tools: RelocationTools,
): Promise<void> {
  if (!isFinished(download)) return;
  const { id, request: { directory = "" }, state } = download;
  const moving = relocatingOf(tools.parts, id, state.path);
  if (!moving.isBegun()) return;
  // Most are not on their way: they were named just before a crash.
  const isHome = moving.from === directory && moving.isAtPath();
  const named = isHome ? undefined : moving.find(directory);
  if (named !== undefined && named.path !== state.path) {
    return await arrive(download, named, moving, tools);
  }
  if (!isHome && named === undefined) {
    return await putBack(download, moving, tools, directory);
  }
  moving.forget();
}

function isFinished(download: Download): download is Finished {
  return download.state.kind === "Downloaded";
}

/** The file has its new name: its old one goes, and where it is, is recorded. */
async function arrive(
  { id, state, file, downloaded, finishedAt }: Finished,
  { name, path }: Name,
  moving: Relocating,
  { catalogue }: RelocationTools,
): Promise<void> {
  await moving.leave();
  await catalogue.settle(id, {
    state: { ...state, path },
    file: file && { ...file, name },
    downloaded,
    finishedAt,
  });
  moving.forget();
}

/**
 * The file has no new name: it gets the old one back, unless it still has it.
 *
 * @param wanted The directory that it was to go to.
 */
async function putBack(
  download: Finished,
  moving: Relocating,
  tools: RelocationTools,
  wanted: string,
): Promise<void> {
  moving.withdraw(wanted);
  const { id, state: { path } } = download;
  const directory = moving.from ?? "";
  await tools.catalogue.reword(id, placedIn(directory));
  if (moving.isAtPath()) return moving.forget();
  const name = await moving.give(directory, basename(path));
  await arrive(download, name, moving, tools);
}
