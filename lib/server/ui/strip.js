// @ts-check
/** A download's slices as parts of a strip. The first half is pure. */

/** @import { Status } from "../../status/status.ts" */
import { svg } from "./dom.js";

/**
 * A stretch of a file, in thousandths of its size.
 *
 * @typedef {object} Segment
 * @property {"done" | "fetching"} kind
 * @property {number} start
 * @property {number} width
 */

const WHOLE = 1000;
/** What is thinner could not be seen; one thread has to be. */
const THINNEST = 4;

/**
 * What is done and what is being fetched; the rest is missing.
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
    ...done.map(([start, end]) => segment("done", start, end, size, 0)),
    ...fetching.map(([start, end]) =>
      segment("fetching", start, end, size, THINNEST)
    ),
  ];
}

/**
 * @param {Segment["kind"]} kind
 * @param {number} start
 * @param {number} end
 * @param {number} size
 * @param {number} thinnest
 * @returns {Segment}
 */
function segment(kind, start, end, size, thinnest) {
  const from = Math.min(WHOLE - thinnest, start / size * WHOLE);
  const width = Math.max(thinnest, (end - start) / size * WHOLE);
  return { kind, start: from, width: Math.min(width, WHOLE - from) };
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
  while (strip.childElementCount > segments.length) strip.lastChild?.remove();
  for (const [n, { kind, start, width }] of segments.entries()) {
    const rect = strip.children[n] ??
      strip.appendChild(svg("rect", { y: "0", height: "10" }));
    rect.setAttribute("class", kind);
    rect.setAttribute("x", start.toFixed(1));
    rect.setAttribute("width", width.toFixed(1));
  }
}
