// @ts-check
/** What can be done with a download, as it stands. Pure. */

/** @import { Status } from "../../status/status.ts" */
import { isInert } from "./media_types.js";
import { say } from "./words.js";

/**
 * @typedef {"pause" | "resume" | "retry" | "refresh" | "open" | "save"
 *   | "copy" | "source" | "remove"} ActionName
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

/**
 * @param {ActionName} name
 * @returns {Action}
 */
function action(name) {
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
 * @returns {Action[]}
 */
export function actionsForMany(states) {
  const toggles = states.map((state) => toggleFor({ process_status: state }));
  return /** @type {const} */ (["pause", "resume", "retry"])
    .filter((name) => toggles.includes(name))
    .map(action)
    .concat(
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
