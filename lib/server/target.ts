/** Where a client has downloads moved to. */

import type { Lists } from "../status/lists.ts";
import type { Target } from "../store/moves.ts";

/**
 * A place among the downloads that wait, as the queue stands.
 *
 * @param to A place counts from 1.
 * @param ids The downloads that are moved there.
 */
export async function targetOf(
  lists: Pick<Lists, "waitingAt">,
  to: Target | number,
  ids: readonly string[],
): Promise<Target> {
  if (typeof to !== "number") return to;
  const before = await lists.waitingAt(to, ids);
  return before === null ? "bottom" : { before };
}
