// @ts-check
/** What can be done with a download, as it stands. Pure. */

/** @import { Status } from "../../status/status.ts" */
import { isInert } from "./media_types.js";

/**
 * @typedef {"pause" | "resume" | "retry" | "refresh" | "open" | "save"
 *   | "copy" | "remove"} ActionName
 *
 * @typedef {object} Action
 * @property {ActionName} name
 * @property {string} label
 */

/** @type {Readonly<Record<ActionName, Action>>} */
const ACTIONS = {
  pause: { name: "pause", label: "Pause" },
  resume: { name: "resume", label: "Resume" },
  retry: { name: "retry", label: "Try again" },
  refresh: { name: "refresh", label: "New URL" },
  open: { name: "open", label: "Open" },
  save: { name: "save", label: "Save" },
  copy: { name: "copy", label: "Copy file link" },
  remove: { name: "remove", label: "Remove" },
};

/**
 * What makes sense, the likeliest first.
 *
 * @param {Pick<Status, "process_status" | "path_to_file" | "error">} status
 * @returns {Action[]}
 */
export function actionsFor(status) {
  return namesFor(status).map((name) => ACTIONS[name]);
}

/**
 * @param {Pick<Status, "process_status" | "path_to_file" | "error">} status
 * @returns {ActionName[]}
 */
function namesFor({ process_status: state, path_to_file: path, error }) {
  switch (state) {
    case "Queued":
    case "Downloading":
      return ["pause", "remove"];
    case "Paused":
      return ["resume", "refresh", "remove"];
    case "Failed":
      return error?.code === "EXPIRED"
        ? ["refresh", "retry", "remove"]
        : ["retry", "refresh", "remove"];
    case "Downloaded":
      return isInert(path ?? "")
        ? ["open", "save", "copy", "remove"]
        : ["save", "copy", "remove"];
  }
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
