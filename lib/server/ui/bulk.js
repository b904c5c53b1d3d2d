// @ts-check
/** One command for all downloads in a state. */

/** @import { Status } from "../../status/status.ts" */
/** @import { Connection } from "./connection.js" */
import { isList } from "./connection.js";

const PAGE = 1_000;
/** Commands on their way at once. */
const AT_ONCE = 32;

/**
 * Sends a command for each download that is in one of these states now, and
 * whose URL or name holds what is searched for.
 *
 * All are listed before the first is touched: a command may move them.
 *
 * @param {Pick<Connection, "request">} connection
 * @param {"pause" | "resume" | "retry" | "remove"} action
 * @param {{
 *   states: readonly Status["process_status"][],
 *   search: string,
 * }} which
 * @param {(done: number, total: number) => void} progress
 * @returns {Promise<{ done: number, refused: number }>} `refused`: those that
 * were in another state by then.
 */
export async function commandAll(connection, action, which, progress) {
  /** @type {string[]} */
  const ids = [];
  for (let total = 1; ids.length < total;) {
    const page = await connection.request({
      action: "list",
      offset: ids.length,
      limit: PAGE,
      status: which.states,
      search: which.search,
      order: "oldest",
    });
    if (!isList(page) || page.data.length === 0) break;
    total = page.total ?? 0;
    ids.push(...page.data.map(({ id }) => id));
  }
  let next = 0;
  let done = 0;
  let refused = 0;

  async function work() {
    for (let id; (id = ids[next++]) !== undefined;) {
      try {
        await connection.request({ action, id });
      } catch (error) {
        const code = error instanceof Error && "code" in error && error.code;
        if (code !== "WRONG_STATE" && code !== "UNKNOWN_ID") throw error;
        refused++;
      }
      progress(++done, ids.length);
    }
  }

  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { done: done - refused, refused };
}
