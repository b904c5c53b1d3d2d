// @ts-check
/// <reference lib="dom" />
/** One download, looked at closely. */

/** @import { Status } from "../../status/status.ts" */
/** @import { Sample } from "./chart.js" */
import { actionsFor } from "./actions.js";
import { adviceFor } from "./advice.js";
import { createChart, scaleOf, spanOf } from "./chart.js";
import { html, icon, setText } from "./dom.js";
import {
  formatAmount,
  formatBytes,
  formatDuration,
  formatMoment,
  formatPath,
  formatPercent,
  formatSize,
  formatSpeed,
  nameOf,
  STATE_WORDS,
} from "./format.js";
import { createStrip, drawStrip, segmentsOf } from "./strip.js";

const CHART = { className: "speed", width: 360, height: 88 };

/** @typedef {ReturnType<typeof createDetail>} Detail */

/**
 * Makes the panel's content.
 *
 * @param {HTMLElement} panel
 */
export function createDetail(panel) {
  const heading = html("h2", {
    id: "detail-title",
    tabindex: "-1",
    dir: "auto",
  });
  const close = html("button", {
    type: "button",
    class: "quiet",
    "data-action": "close",
    "aria-label": "Close details",
    title: "Close (Esc)",
  }, icon("close"));
  const figure = html("strong", { class: "figure" });
  const pace = html("span", { class: "pace" });
  const error = html("div", { class: "error" });
  const errorText = html("p", { class: "message" });
  const advice = html("p", { class: "advice" });
  error.append(icon("alert"), html("div", {}, errorText, advice));
  const actions = html("div", { class: "actions" });
  const strip = createStrip("thick");
  const slices = html(
    "section",
    { class: "slices" },
    html("h3", {}, "Slices"),
    html("div", { role: "img" }, strip),
    html(
      "p",
      { class: "legend" },
      html("span", { class: "done" }, "done"),
      html("span", { class: "thread" }, "a thread"),
      html("span", { class: "missing" }, "missing"),
    ),
  );
  const picture = slices.querySelector("[role=img]");
  const threadList = html("ol", { class: "threads" });
  const threads = html(
    "section",
    {},
    html("h3", {}, "Threads ", html("span", {}, "where each is in the file")),
    threadList,
  );
  const chart = createChart(CHART);
  const peak = html("span", { class: "peak" });
  const span = html("span");
  const speed = html(
    "section",
    { class: "speeds" },
    html("h3", {}, "Speed ", span, peak),
    html("div", { class: "frame" }, chart.element),
  );
  const facts = html("dl", { class: "facts" });
  panel.replaceChildren(
    html("header", {}, heading, close),
    html("p", { class: "now" }, figure, pace),
    error,
    actions,
    slices,
    speed,
    threads,
    facts,
  );

  /** @param {Status} status */
  function drawNow(status) {
    const { process_status: state, progress, eta, threads } = status;
    panel.dataset.state = state;
    setText(heading, nameOf(status));
    const running = state === "Downloading";
    const unfinished = state !== "Downloaded" && progress !== null &&
      (running || progress > 0);
    setText(figure, unfinished ? formatPercent(progress) : STATE_WORDS[state]);
    setText(
      pace,
      [
        unfinished && !running && STATE_WORDS[state],
        running && formatSpeed(status.speed),
        running && eta !== null && `${formatDuration(eta)} left`,
        running && (threads === 1 ? "1 thread" : `${threads} threads`),
        !running && formatAmount(status),
      ].filter(Boolean).join(" · "),
    );
  }

  /** @param {Status} status */
  function drawError({ error: fault, process_status: state }) {
    error.hidden = fault === null;
    if (fault === null) return;
    const again = state === "Downloading" ? "Trying again: " : "";
    setText(errorText, again + fault.message);
    setText(advice, adviceFor(fault.code) ?? "");
  }

  let shownActions = "";

  /** @param {Status} status */
  function drawActions(status) {
    const wanted = actionsFor(status);
    const key = wanted.map(({ name }) => name).join();
    if (key === shownActions) return;
    shownActions = key;
    const focused = [...actions.children].findIndex((button) =>
      button === document.activeElement
    );
    actions.replaceChildren(
      ...wanted.map(({ name, label }, n) =>
        html(
          "button",
          {
            type: "button",
            class: n === 0 ? "strong" : "plain",
            "data-action": name,
          },
          icon(name),
          label,
        )
      ),
    );
    const button = actions.children[Math.min(focused, wanted.length - 1)];
    if (button instanceof HTMLElement) button.focus();
  }

  /** @param {Status} status */
  function drawSlices(status) {
    const { fetching, progress, process_status: state } = status;
    const segments = segmentsOf(status);
    slices.hidden = state === "Downloaded" || segments.length === 0;
    if (slices.hidden) return;
    drawStrip(strip, segments);
    picture?.setAttribute(
      "aria-label",
      `${formatPercent(progress ?? 0)} done, ` +
        (fetching.length === 1 ? "1 thread" : `${fetching.length} threads`),
    );
  }

  /** @param {Status} status */
  function drawThreads({ fetching }) {
    threads.hidden = fetching.length === 0;
    while (threadList.childElementCount > fetching.length) {
      threadList.lastChild?.remove();
    }
    for (const [n, [at, end]] of fetching.entries()) {
      const item = threadList.children[n] ??
        threadList.appendChild(html("li"));
      setText(
        item,
        `${formatBytes(at)}, ${formatBytes(end - at)} left`,
      );
    }
  }

  /**
   * @param {readonly Sample[]} samples
   * @param {number} now
   */
  function drawSpeed(samples, now) {
    speed.hidden = samples.length < 2;
    if (speed.hidden) return;
    chart.draw(samples, now);
    setText(peak, `up to ${formatSpeed(scaleOf(samples))}`);
    setText(span, `last ${formatDuration(spanOf(samples, now) / 1000)}`);
  }

  /** @type {string} */
  let shownFacts = "";

  /** @param {Status} status */
  function drawFacts(status) {
    const { size, downloaded, ranges, path_to_file: path } = status;
    const now = new Date();
    /** @type {[string, string | null][]} */
    const rows = [
      [
        "Size",
        size === null ? null : formatSize(size),
      ],
      [
        "Fetched",
        size === downloaded || downloaded === 0
          ? null
          : formatBytes(downloaded),
      ],
      [
        "Origin",
        ranges === null
          ? null
          : ranges
          ? "gives ranges: many threads at once"
          : "gives no ranges: one thread only",
      ],
      ["Added", formatMoment(status.added_at, now)],
      [
        "Ended",
        status.finished_at && formatMoment(status.finished_at, now),
      ],
      ["Folder", path === null ? status.directory : null],
      ["File", path && formatPath(path)],
      ["URL", status.url],
    ];
    const key = JSON.stringify(rows);
    if (key === shownFacts) return;
    shownFacts = key;
    facts.replaceChildren(
      ...rows.flatMap(([name, value]) =>
        value === null ? [] : [html("dt", {}, name), html("dd", {}, value)]
      ),
    );
  }

  return {
    /**
     * @param {Status} status
     * @param {readonly Sample[]} samples
     * @param {number} now
     */
    draw(status, samples, now) {
      drawNow(status);
      drawError(status);
      drawActions(status);
      drawSlices(status);
      drawSpeed(samples, now);
      drawThreads(status);
      drawFacts(status);
    },
    focus: () => heading.focus(),
  };
}
