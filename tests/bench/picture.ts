/** A race as a picture: bars in SVG, for light pages and dark ones. Pure. */

import type { Row } from "./report.ts";

const WIDTH = 760;
const NAMES = 170;
const FIGURES = 190;
const LINE = 28;
const BAR = 16;
const HEAD = 44;

/** Sluice's bars stand out; all others are alike. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #3d444d }
  .title { font-weight: 600; font-size: 15px; fill: #1f2328 }
  .figure { font-variant-numeric: tabular-nums }
  .peer { fill: #b7bec6 }
  .own { fill: #1f7a4d }
  @media (prefers-color-scheme: dark) {
    text { fill: #c9d1d9 }
    .title { fill: #f0f6fc }
    .peer { fill: #57606a }
    .own { fill: #3fb27f }
  }
`;

/**
 * Draws a race, the fastest first. Bars are seconds; beside each stand its
 * seconds and its CPU seconds.
 *
 * @param title What was raced for.
 */
export function drawRace(title: string, rows: readonly Row[]): string {
  const drawn = rows.filter(({ longerThan, seconds }) =>
    longerThan === null && Number.isFinite(seconds.median)
  ).toSorted((a, b) => a.seconds.median - b.seconds.median);
  const longest = Math.max(...drawn.map(({ seconds }) => seconds.median));
  const room = WIDTH - NAMES - FIGURES;
  const bars = drawn.map(({ name, seconds: { median }, cpu }, at) => {
    const y = HEAD + at * LINE;
    const length = Math.max(1, median / longest * room).toFixed(1);
    const kind = name.startsWith("sluice") ? "own" : "peer";
    const baseline = y + BAR - 3;
    return `  <text x="${NAMES - 12}" y="${baseline}" text-anchor="end">` +
      `${escaped(name)}</text>
  <rect class="${kind}" x="${NAMES}" y="${y}" width="${length}" ` +
      `height="${BAR}" rx="3"/>
  <text class="figure" x="${NAMES + Number(length) + 10}" y="${baseline}">` +
      `${median.toFixed(2)} s · CPU ${cpu.toFixed(2)} s</text>`;
  });
  const height = HEAD + drawn.length * LINE + 8;
  const label = drawn.map(({ name, seconds }) =>
    `${name} ${seconds.median.toFixed(2)} s`
  ).join(", ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${
    escaped(`${title}: ${label}`)
  }">
  <style>${STYLE}  </style>
  <text class="title" x="12" y="24">${escaped(title)}</text>
${bars.join("\n")}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll('"', "&quot;");
}
