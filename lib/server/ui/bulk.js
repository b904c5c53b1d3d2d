// @ts-check
/** One command for many downloads. */

/** @import { Refusal } from "../messages.ts" */
/** @import { Connection } from "./connection.js" */
/** @import { Frame } from "./model.js" */

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
 * Gathers downloads that come to a list while somebody is asked about all that
 * it has: they were not meant.
 *
 * @param {readonly string[]} states Of the list.
 * @param {string} newest When the newest download of the list was added.
 */
export function gatherNewcomers(states, newest) {
  // The server tells of a waiting or running download many times, and of a paused
  // or ended one only as it becomes so: then it has just come to the list.
  const isStill = !states.includes("Queued") && !states.includes("Downloading");
  /** @type {Set<string>} */
  const ids = new Set();
  let isSure = true;
  return {
    ids,
    /**
     * Whether these are all. A snapshot comes after a connection was lost, and does
     * not tell what came to the list meanwhile.
     */
    isSure: () => isSure,
    /** @param {Frame} frame */
    hear({ data, snapshot }) {
      if (snapshot) isSure = false;
      for (const { id, process_status: state, added_at: addedAt } of data) {
        const isNew = isStill || addedAt > newest;
        if (isNew && states.includes(state)) ids.add(id);
      }
    },
  };
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
