// @ts-check
/** One command for many downloads. */

/** @import { Refusal } from "../messages.ts" */
/** @import { Connection } from "./connection.js" */

/** Ids in one message: the most that a server takes. */
const AT_ONCE = 1_000;

/**
 * @typedef {"pause" | "resume" | "retry" | "remove" | "move"} ManyAction
 *
 * @typedef {object} Outcome
 * @property {number} done
 * @property {number} left How many were left as they were.
 * @property {Refusal | null} fault Why one was left, if its state is not why.
 */

/**
 * Sends a command for downloads of some ids, or for all that a list would have.
 *
 * @param {Pick<Connection, "request">} connection
 * @param {{ action: ManyAction, delete_file?: boolean, to?: string }} command
 * @param {{ ids: readonly string[] } | {
 *   status: readonly string[],
 *   search: string,
 *   except: readonly string[],
 * }} which
 * @returns {Promise<Outcome>}
 */
export async function commandMany(connection, command, which) {
  if (!("ids" in which)) {
    return outcomeOf(
      await connection.request({ ...command, all: true, ...which }),
    );
  }
  /** @type {Outcome} */
  let sum = { done: 0, left: 0, fault: null };
  for (let at = 0; at < which.ids.length; at += AT_ONCE) {
    const ids = which.ids.slice(at, at + AT_ONCE);
    const { done, left, fault } = outcomeOf(
      await connection.request({ ...command, ids }),
    );
    sum = {
      done: sum.done + done,
      left: sum.left + left,
      fault: sum.fault ?? fault,
    };
  }
  return sum;
}

/**
 * @param {Awaited<ReturnType<Connection["request"]>>} reply
 * @returns {Outcome}
 */
function outcomeOf({ data }) {
  if (!("refused" in data)) return { done: 0, left: 0, fault: null };
  const { done, left, refused } = data;
  const fault = refused.find(({ code }) =>
    code !== "WRONG_STATE" && code !== "UNKNOWN_ID"
  );
  return { done, left, fault: fault ?? null };
}
