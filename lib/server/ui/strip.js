// @ts-check
/** A download's slices as parts of a strip. The first half is pure. */

/** @import { Status } from "../../status/status.ts" */
import { svg } from "./dom.js";

/**
 * What is done of a file, and where its threads are, in thousandths of its size.
 *
 * @typedef {{ kind: "done", start: number, width: number }
 *   | { kind: "thread", at: number }} Segment
 */

const WHOLE = 1000;

/**
 * What is done, and where each thread is; the rest is missing. What a thread has
 * yet to fetch is missing, too: a bar is read as how much there is.
 *
 * @param {Pick<Status, "size" | "downloaded" | "slices" | "fetching">} status
 * @returns {Segment[]}
 */
export function segmentsOf({ size, downloaded, slices, fetching }) {
  if (size === null || size === 0) return [];
  // A paused download's slices are not told, only how much there is.
  const known = slices.length > 0 || downloaded === 0;
  const done = known ? slices : [/** @type {const} */ ([0, downloaded])];
  return [
    ...done.map(([start, end]) => ({
      kind: /** @type {const} */ ("done"),
      start: start / size * WHOLE,
      width: (end - start) / size * WHOLE,
    })),
    ...fetching.map(([at]) => ({
      kind: /** @type {const} */ ("thread"),
      at: at / size * WHOLE,
    })),
  ];
}

/**
 * Makes a strip; it shows nothing until it is drawn.
 *
 * @param {string} className
 */
export function createStrip(className) {
  const element = svg("svg", {
    class: `strip ${className}`,
    viewBox: `0 0 ${WHOLE} 10`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  return element;
}

/**
 * Draws a download's slices, with the elements that are there already.
 *
 * @param {SVGSVGElement} strip
 * @param {readonly Segment[]} segments
 */
export function drawStrip(strip, segments) {
  const track = strip.firstElementChild ??
    strip.appendChild(svg("rect", { class: "track", width: `${WHOLE}` }));
  const { length } = segments;
  while (strip.childElementCount > length + 1) strip.lastChild?.remove();
  let before = track;
  for (const segment of segments) {
    let shape = before.nextElementSibling;
    if (shape?.getAttribute("class") !== segment.kind) {
      const made = svg(segment.kind === "done" ? "rect" : "line", {
        class: segment.kind,
        ...segment.kind === "thread" && { y1: "0", y2: "10" },
      });
      if (shape === null) strip.append(made);
      else shape.replaceWith(made);
      shape = made;
    }
    if (segment.kind === "done") {
      shape.setAttribute("x", segment.start.toFixed(1));
      shape.setAttribute("width", segment.width.toFixed(1));
    } else {
      shape.setAttribute("x1", segment.at.toFixed(1));
      shape.setAttribute("x2", segment.at.toFixed(1));
    }
    before = shape;
  }
}
