/** One command for one download. */

import type { Coordinator } from "../../coordinator.ts";
import type { Command } from "../../download/download.ts";
import { DownloadError } from "../../download/errors.ts";
import { refusalOf } from "./downloads.ts";
import { gidOf, type Known } from "./entries.ts";

/**
 * Carries out a command, whose refusal is told in aria2's words.
 *
 * @param words What is told where the download is in no state for it.
 * @returns The download's gid.
 * @throws {RpcError | DownloadError} if it is not carried out.
 */
export async function commandOne(
  coordinator: Pick<Coordinator, "command">,
  known: Known,
  command: Command,
  words: string,
): Promise<string> {
  try {
    await coordinator.command(known.status.id, command);
  } catch (error) {
    const refused = error instanceof DownloadError &&
      ["WRONG_STATE", "UNKNOWN_ID"].includes(error.code);
    throw refused ? refusalOf(known, words) : error;
  }
  return gidOf(known.status.id);
}
