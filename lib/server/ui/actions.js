// @ts-check
/** What can be done with a download, as it stands. Pure. */

/** @import { Status } from "../../status/status.ts" */
import { isInert } from "./media_types.js";
import { say } from "./words.js";

/**
 * @typedef {"pause" | "resume" | "retry" | "refresh" | "open" | "save"
 *   | "copy" | "source" | "remove" | MoveName} ActionName
 *
 * @typedef {typeof MOVES[number]} MoveName Where it goes in the queue.
 *
 * @typedef {Pick<
 *   Status,
 *   "process_status" | "path_to_file" | "error" | "filename" | "order"
 * >} Known What of a download decides it.
 *
 * @typedef {object} Action
 * @property {ActionName} name
 * @property {string} label
 */

/** The ways in the queue, from the top to the bottom. */
export const MOVES = /** @type {const} */ (["top", "up", "down", "bottom"]);

/**
 * @param {string} name
 * @returns {name is MoveName}
 */
export function isMove(name) {
  return MOVES.some((move) => move === name);
}

/**
 * Whether a download has a place in the queue; the others are over.
 *
 * @param {Pick<Status, "process_status">} status
 */
export function isInQueue({ process_status: state }) {
  return state !== "Downloaded" && state !== "Failed";
}

/**
 * @param {ActionName} name
 * @returns {Action}
 */
export function action(name) {
  return { name, label: say(`action.${name}`) };
}

/**
 * What makes sense, the likeliest first.
 *
 * @param {Known} status
 * @returns {Action[]}
 */
export function actionsFor(status) {
  return namesFor(status).map(action);
}

/**
 * @param {Known} status
 * @returns {ActionName[]}
 */
function namesFor(status) {
  const { process_status: state, path_to_file: path, error } = status;
  switch (state) {
    case "Queued":
      return ["pause", "source", "remove"];
    case "Downloading":
      return status.order === "sequential" && isInert(status.filename ?? "")
        ? ["pause", "open", "source", "remove"]
        : ["pause", "source", "remove"];
    case "Paused":
      return ["resume", "refresh", "source", "remove"];
    case "Failed":
      return error?.code === "EXPIRED"
        ? ["refresh", "retry", "source", "remove"]
        : ["retry", "refresh", "source", "remove"];
    case "Downloaded":
      return isInert(path ?? "")
        ? ["open", "save", "copy", "source", "remove"]
        : ["save", "copy", "source", "remove"];
  }
}

/**
 * What makes sense for one at least of many.
 *
 * @param {readonly Status["process_status"][]} states
 * @param {boolean} areNamed Whether each is known: others cannot be moved.
 * @returns {Action[]}
 */
export function actionsForMany(states, areNamed) {
  const areInQueue = states.some((state) =>
    isInQueue({ process_status: state })
  );
  const toggles = states.map((state) => toggleFor({ process_status: state }));
  return /** @type {const} */ (["pause", "resume", "retry"])
    .filter((name) => toggles.includes(name))
    .map(action)
    .concat(
      areNamed && areInQueue ? [action("top"), action("bottom")] : [],
      { name: "source", label: say("action.sources") },
      action("remove"),
    );
}

/**
 * What a space bar does: go on, or stop.
 *
 * @param {Pick<Status, "process_status">} status
 * @returns {"pause" | "resume" | "retry" | null}
 */
export function toggleFor({ process_status: state }) {
  switch (state) {
    case "Queued":
    case "Downloading":
      return "pause";
    case "Paused":
      return "resume";
    case "Failed":
      return "retry";
    case "Downloaded":
      return null;
  }
}

/**
 * Where the server gives a finished file.
 *
 * @param {string} id
 * @param {"open" | "save"} how
 */
export function fileHref(id, how) {
  return `files/${id}${how === "open" ? "?inline=1" : ""}`;
}
