// @ts-check
/// <reference lib="dom" />
/** The list: only rows in sight are in the document. */

/** @import { Model, Query } from "./model.js" */
import { html } from "./dom.js";
import { createRow } from "./row.js";

/** Rows kept above and below what is in sight, for smooth scrolling. */
const OVERSCAN = 6;

/** @typedef {ReturnType<typeof createList>} List */

/**
 * @param {{
 *   model: Model,
 *   grid: HTMLElement,
 *   rows: HTMLElement,
 *   isSelected: (id: string) => boolean,
 *   opened: () => string | null,
 * }} parts `grid` scrolls, `rows` is in it and as high as all rows; `opened` is
 * the download whose details are seen.
 */
export function createList({ model, grid, rows, isSelected, opened }) {
  /** @type {Map<string, import("./row.js").Row>} */
  let shown = new Map();
  /** @type {string | null} The row that the keyboard is at. */
  let current = null;
  /** Where that was, for when the download is gone. */
  let currentIndex = 0;
  /** @type {number | null} The row to go to once it is known. */
  let sought = null;
  let rowHeight = 0;
  const marker = html("div", { class: "drop-line" });

  function measure() {
    rowHeight = parseFloat(getComputedStyle(grid).getPropertyValue("--row"));
  }

  /** Rows in sight, whether they are known or not. */
  function inSight() {
    const first = Math.floor(grid.scrollTop / rowHeight);
    const count = Math.ceil(grid.clientHeight / rowHeight) + 1;
    return { first, end: Math.min(model.length(), first + count) };
  }

  function draw() {
    const length = model.length();
    const { first, end } = inSight();
    const from = Math.max(0, first - OVERSCAN);
    const to = Math.min(length, end + OVERSCAN);
    rows.style.height = `${length * rowHeight}px`;
    grid.setAttribute("aria-rowcount", String(length + 1));
    const at = indexOfCurrent();
    const focused = at >= 0 ? at : first;
    const hadFocus = rows.contains(document.activeElement);
    const indexes = [];
    // The row with the focus stays, wherever it is: else the focus is lost.
    if (at >= 0 && at < from) indexes.push(at);
    for (let index = from; index < to; index++) indexes.push(index);
    if (at >= to) indexes.push(at);
    const goal = sought;
    place(indexes, focused);
    if (hadFocus && !rows.contains(document.activeElement)) {
      const row = shown.get(keyOf(focused));
      if (row) row.element.focus({ preventScroll: true });
      else grid.focus();
    }
    // Focus that is only put back is no new wish.
    sought = goal === null ? null : Math.min(goal, length - 1);
    if (sought !== null && model.at(sought) !== null) focus(sought);
  }

  /** Of the current download, or of the one that has come into its place. */
  function indexOfCurrent() {
    if (current === null) return -1;
    let at = model.indexOf(current);
    if (at < 0 && model.length() > 0) {
      at = Math.min(currentIndex, model.length() - 1);
      current = model.at(at)?.id ?? current;
    }
    currentIndex = Math.max(0, at);
    return at;
  }

  /** @param {number} index Of a row whose download may not be known yet. */
  function keyOf(index) {
    return model.at(index)?.id ?? `unknown ${index}`;
  }

  /**
   * @param {readonly number[]} indexes
   * @param {number} focused
   */
  function place(indexes, focused) {
    /** @type {typeof shown} */
    const next = new Map();
    /** @type {[string, number][]} */
    const wanted = indexes.map((index) => [keyOf(index), index]);
    const keys = new Set(wanted.map(([key]) => key));
    const free = [...shown].filter(([key]) => !keys.has(key));
    // The document's order is that of the list, and rows that stay are not
    // moved: one that has the focus would lose it.
    for (const [, { element }] of free) element.remove();
    let after = rows.firstElementChild;
    for (const [key, index] of wanted) {
      // While rows move, one download may be known at two places.
      if (next.has(key)) continue;
      const row = shown.get(key) ?? free.pop()?.[1] ?? createRow();
      next.set(key, row);
      row.update(model.at(index), {
        index,
        current: index === focused,
        selected: model.at(index) !== null && isSelected(key),
        opened: key === opened(),
      });
      if (row.element === after) after = after.nextElementSibling;
      else rows.insertBefore(row.element, after);
    }
    shown = next;
  }

  /** @param {number} index */
  function scrollTo(index) {
    const top = index * rowHeight;
    const header = rows.offsetTop;
    const room = grid.clientHeight - header - rowHeight;
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top > grid.scrollTop + room) grid.scrollTop = top - room;
  }

  /** @param {number} index */
  function focus(index) {
    const bounded = Math.max(0, Math.min(model.length() - 1, index));
    const status = model.at(bounded);
    sought = status === null ? bounded : null;
    if (status === null) return scrollTo(bounded);
    current = status.id;
    scrollTo(bounded);
    draw();
    shown.get(status.id)?.element.focus({ preventScroll: true });
  }

  measure();
  return {
    draw,
    measure,
    inSight,
    current: () => current,
    /** @param {string | null} id */
    setCurrent(id) {
      current = id;
      sought = null;
    },
    /** @param {string} id */
    focusId(id) {
      const index = model.indexOf(id);
      focus(index < 0 ? currentIndex : index);
    },
    /** The row that the keyboard was at, or what has come into its place. */
    focusCurrent() {
      if (model.length() === 0) grid.focus();
      else focus(Math.max(0, indexOfCurrent()));
    },
    /**
     * Moves the focus; tells to which row.
     *
     * @param {"next" | "previous" | "first" | "last"} where
     */
    move(where) {
      const known = current === null ? -1 : model.indexOf(current);
      const at = sought ?? known;
      const to = where === "first"
        ? 0
        : where === "last"
        ? model.length() - 1
        : at < 0
        ? inSight().first
        : at + (where === "next" ? 1 : -1);
      const bounded = Math.max(0, Math.min(model.length() - 1, to));
      focus(bounded);
      return bounded;
    },
    /**
     * The place of a download, or of the row that has come into it.
     *
     * @param {string} id
     */
    placeOf(id) {
      const index = model.indexOf(id);
      return index < 0 ? currentIndex : index;
    },
    /**
     * Which two rows a height of the window is nearest between, by the index of
     * the lower one.
     *
     * @param {number} y
     */
    boundaryAt(y) {
      const from = rows.getBoundingClientRect().top;
      const index = Math.round((y - from) / rowHeight);
      return Math.max(0, Math.min(model.length(), index));
    },
    /**
     * Shows where something would be dropped; null for nowhere.
     *
     * @param {number | null} boundary
     */
    mark(boundary) {
      marker.style.setProperty("--index", String(boundary ?? 0));
      if (boundary === null) marker.remove();
      else if (!marker.isConnected) rows.append(marker);
    },
    /** Back to the top, for another view. */
    reset() {
      current = null;
      sought = null;
      grid.scrollTop = 0;
    },
    /**
     * The download whose row holds an element.
     *
     * @param {EventTarget | null} target
     */
    idOf(target) {
      const element = target instanceof Element
        ? target.closest("[role=row]")
        : null;
      return element instanceof HTMLElement ? element.dataset.id ?? null : null;
    },
  };
}
