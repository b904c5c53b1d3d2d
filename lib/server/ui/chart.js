// @ts-check
/** Speed over time, kept and drawn. The first half is pure. */

import { svg } from "./dom.js";

/**
 * @typedef {object} Sample
 * @property {number} at Milliseconds.
 * @property {number} speed Bytes per second.
 */

/** How far back a chart goes at most and at least, in milliseconds. */
const LONGEST_SPAN = 120_000;
const SHORTEST_SPAN = 15_000;

/**
 * Samples with one more, without those that are too old to be shown.
 *
 * @param {readonly Sample[]} samples
 * @param {Sample} sample
 * @returns {Sample[]}
 */
export function withSample(samples, sample) {
  const oldest = sample.at - LONGEST_SPAN;
  // The last of the old ones stays: the line comes in from the left edge.
  const first = samples.findLastIndex(({ at }) => at <= oldest);
  return [...samples.slice(Math.max(0, first)), sample];
}

/**
 * How far back a chart of these samples goes, in milliseconds.
 *
 * @param {readonly Sample[]} samples
 * @param {number} now
 */
export function spanOf(samples, now) {
  const age = now - (samples[0]?.at ?? now);
  return Math.min(LONGEST_SPAN, Math.max(SHORTEST_SPAN, age));
}

/**
 * The speed at the upper edge of a chart: a round number above all samples.
 *
 * @param {readonly Sample[]} samples
 */
export function scaleOf(samples) {
  const most = Math.max(1024, ...samples.map(({ speed }) => speed));
  const power = 1024 ** Math.floor(Math.log(most) / Math.log(1024));
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1024];
  const step = steps.find((step) => step * power >= most) ?? 1024;
  return step * power;
}

/**
 * The line of a chart `width` by `height`, and the area below it, as paths.
 *
 * @param {readonly Sample[]} samples
 * @param {{ now: number, width: number, height: number }} frame
 */
export function pathsOf(samples, { now, width, height }) {
  if (samples.length === 0) return { line: "", area: "" };
  const scale = scaleOf(samples);
  const span = spanOf(samples, now);
  const points = samples.map(({ at, speed }) => {
    const x = width * (1 - (now - at) / span);
    return { x, y: height * (1 - speed / scale) };
  });
  const line = points.map(({ x, y }, n) =>
    `${n === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`
  ).join("");
  const first = points[0]?.x.toFixed(1);
  const last = points.at(-1)?.x.toFixed(1);
  return { line, area: `${line}L${last} ${height}L${first} ${height}Z` };
}

/**
 * Makes a chart.
 *
 * @param {{ className: string, width: number, height: number }} options
 */
export function createChart({ className, width, height }) {
  const area = svg("path", { class: "area" });
  const line = svg("path", { class: "line" });
  const element = svg("svg", {
    class: `chart ${className}`,
    viewBox: `0 0 ${width} ${height}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  element.append(area, line);
  return {
    element,
    /**
     * @param {readonly Sample[]} samples
     * @param {number} now
     */
    draw(samples, now) {
      const paths = pathsOf(samples, { now, width, height });
      line.setAttribute("d", paths.line);
      area.setAttribute("d", paths.area);
    },
  };
}
