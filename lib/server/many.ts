/** One command for many downloads. */

import type { Coordinator } from "../coordinator.ts";
import type { Command } from "../download/download.ts";
import { toRecord } from "../download/errors.ts";
import type { ManyDone, Refusal } from "./messages.ts";

/**
 * Commands that are carried out side by side: they share transactions, and
 * between two such groups others get their turn.
 */
const AT_ONCE = 500;

/** Refusals that are told one by one; of the others there is only a number. */
const MOST_REFUSALS = 1_000;

/**
 * Does to many downloads what a client says; one that refuses holds up no other.
 *
 * @param stop Ends it before its next group.
 */
export async function commandMany(
  coordinator: Pick<Coordinator, "command">,
  ids: readonly string[],
  command: Command,
  stop: AbortSignal,
): Promise<ManyDone> {
  const refused: Refusal[] = [];
  let left = 0;

  async function one(id: string): Promise<void> {
    try {
      await coordinator.command(id, command);
    } catch (error) {
      const { code, message } = toRecord(error);
      if (++left <= MOST_REFUSALS) refused.push({ id, code, message });
    }
  }

  let at = 0;
  while (at < ids.length && !stop.aborted) {
    const group = ids.slice(at, at + AT_ONCE);
    await Promise.all(group.map(one));
    at += group.length;
  }
  return { done: at - left, left: ids.length - at + left, refused };
}
