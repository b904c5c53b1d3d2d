// @ts-check
/// <reference lib="dom" />
/** Dragging a waiting row to another place in the queue. */

/** @import { List } from "./list.js" */
/** @import { Model } from "./model.js" */
import { orderOf } from "./view.js";

/** How near to an edge the list scrolls, in pixels ... */
const EDGE = 40;
/** ... and how many pixels it scrolls at a time. */
const STEP = 12;
/** Between two steps of scrolling, in milliseconds. */
const SCROLL_EVERY = 30;

/**
 * Has rows be dragged by their grips.
 *
 * @param {{
 *   grid: HTMLElement,
 *   list: List,
 *   model: Model,
 *   idsWith: (id: string) => readonly string[],
 *   drop: (
 *     ids: readonly string[],
 *     where: { before: string } | { to: "top" | "bottom" },
 *   ) => void,
 * }} parts `idsWith` tells what is dragged together with a download.
 */
export function offerDragging({ grid, list, model, idsWith, drop }) {
  /** @type {string | null} What is dragged. */
  let dragged = null;
  let y = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let scrolling;

  function look() {
    const { top, bottom } = grid.getBoundingClientRect();
    const step = y > bottom - EDGE ? STEP : y < top + EDGE ? -STEP : 0;
    if (step !== 0) grid.scrollTop += step;
    list.mark(list.boundaryAt(y));
  }

  function end() {
    dragged = null;
    clearInterval(scrolling);
    list.mark(null);
    grid.classList.remove("dragging");
  }

  /** @param {number} index Of the row that it is dropped before. */
  function placeAt(index) {
    if (index >= model.size()) return { to: /** @type {const} */ ("bottom") };
    const next = model.at(index);
    if (next === null) return null;
    return next.process_status === "Downloading"
      ? { to: /** @type {const} */ ("top") }
      : { before: next.id };
  }

  grid.addEventListener("pointerdown", (event) => {
    const { target, pointerId, button, clientY } = event;
    const isGrip = target instanceof Element && target.matches(".grip");
    if (!isGrip || button !== 0 || orderOf(model.view()) !== "queue") return;
    dragged = list.idOf(target);
    if (dragged === null) return;
    event.preventDefault();
    // The row may be drawn anew, or scrolled away, while it is dragged.
    grid.setPointerCapture(pointerId);
    grid.classList.add("dragging");
    y = clientY;
    scrolling = setInterval(look, SCROLL_EVERY);
  });
  grid.addEventListener("pointermove", ({ clientY }) => {
    if (dragged === null) return;
    y = clientY;
    look();
  });
  grid.addEventListener("pointerup", ({ clientY }) => {
    if (dragged === null) return;
    const ids = idsWith(dragged);
    const where = placeAt(list.boundaryAt(clientY));
    end();
    if (where !== null) drop(ids, where);
  });
  grid.addEventListener("pointercancel", end);
  document.addEventListener("keydown", (event) => {
    if (dragged === null || event.key !== "Escape") return;
    event.stopPropagation();
    end();
  }, { capture: true });
}
