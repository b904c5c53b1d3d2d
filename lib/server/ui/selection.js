// @ts-check
/** Which downloads are selected. Pure. */

/** @import { Status } from "../../status/status.ts" */

/**
 * @typedef {Pick<Status, "id" | "url">} Picked
 *
 * @typedef {{ kind: "some", urls: ReadonlyMap<string, string> }
 *   | { kind: "all", except: ReadonlySet<string> }} Selection
 * Some, by their ids, with their URLs; or all of the view but for a few.
 */

/** @type {Selection} */
export const NONE = { kind: "some", urls: new Map() };

/** @type {Selection} */
export const ALL = { kind: "all", except: new Set() };

/**
 * @param {Selection} selection
 * @param {string} id
 */
export function isSelected(selection, id) {
  return selection.kind === "some"
    ? selection.urls.has(id)
    : !selection.except.has(id);
}

/**
 * How many are selected.
 *
 * @param {Selection} selection
 * @param {number} all How many the view has.
 */
export function countOf(selection, all) {
  return selection.kind === "some"
    ? selection.urls.size
    : Math.max(0, all - selection.except.size);
}

/**
 * @param {Selection} selection
 * @param {Picked} picked
 * @returns {Selection}
 */
export function toggled(selection, { id, url }) {
  if (selection.kind === "all") {
    const except = new Set(selection.except);
    if (!except.delete(id)) except.add(id);
    return { kind: "all", except };
  }
  const urls = new Map(selection.urls);
  if (!urls.delete(id)) urls.set(id, url);
  return { kind: "some", urls };
}

/**
 * @param {Selection} selection
 * @param {Iterable<Picked>} picked
 * @returns {Selection}
 */
export function withThese(selection, picked) {
  if (selection.kind === "all") {
    const except = new Set(selection.except);
    for (const { id } of picked) except.delete(id);
    return { kind: "all", except };
  }
  const urls = new Map(selection.urls);
  for (const { id, url } of picked) urls.set(id, url);
  return { kind: "some", urls };
}

/**
 * The selection without downloads that have left the view.
 *
 * @param {Selection} selection
 * @param {readonly string[]} gone
 * @returns {Selection}
 */
export function without(selection, gone) {
  if (selection.kind === "all") {
    if (!gone.some((id) => selection.except.has(id))) return selection;
    return { kind: "all", except: selection.except.difference(new Set(gone)) };
  }
  if (!gone.some((id) => selection.urls.has(id))) return selection;
  const urls = new Map(selection.urls);
  for (const id of gone) urls.delete(id);
  return { kind: "some", urls };
}
