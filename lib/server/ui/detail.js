// @ts-check
/// <reference lib="dom" />
/** One download, looked at closely. */

/** @import { SourceStatus, Status } from "../../status/status.ts" */
/** @import { Sample } from "./chart.js" */
import { action, actionsFor, isInQueue, MOVES } from "./actions.js";
import { adviceFor } from "./advice.js";
import { createChart, scaleOf, spanOf } from "./chart.js";
import { html, icon, setText } from "./dom.js";
import {
  formatAmount,
  formatBytes,
  formatDuration,
  formatLeft,
  formatMoment,
  formatPath,
  formatPercent,
  formatSize,
  formatSpeed,
  nameOf,
  standingOf,
} from "./format.js";
import { createStrip, drawStrip, segmentsOf } from "./strip.js";
import { faultFor, say } from "./words.js";

const PRIORITIES = /** @type {const} */ (["high", "normal", "low"]);
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
    "aria-label": say("detail.close"),
    title: say("detail.close.title"),
  }, icon("close"));
  const figure = html("strong", { class: "figure" });
  const pace = html("span", { class: "pace" });
  const error = html("div", { class: "error" });
  const errorText = html("p", { class: "message" });
  const advice = html("p", { class: "advice" });
  // The server's own words hold what no code says: numbers and names.
  const original = html("p", { class: "original", lang: "en" });
  error.append(icon("alert"), html("div", {}, errorText, advice, original));
  const actions = html("div", { class: "actions" });
  const strip = createStrip("thick");
  const slices = html(
    "section",
    { class: "slices" },
    html("h3", {}, say("detail.slices")),
    html("div", { role: "img" }, strip),
    html(
      "p",
      { class: "legend" },
      html("span", { class: "done" }, say("detail.done")),
      html("span", { class: "thread" }, say("detail.thread")),
      html("span", { class: "missing" }, say("detail.missing")),
    ),
  );
  const picture = slices.querySelector("[role=img]");
  const threadList = html("ol", { class: "threads" });
  const threads = html(
    "section",
    {},
    html(
      "h3",
      {},
      `${say("detail.threads")} `,
      html("span", {}, say("detail.threads.where")),
    ),
    threadList,
  );
  const sourceList = html("ol", { class: "sources" });
  const sourceSection = html(
    "section",
    {},
    html("h3", {}, say("detail.sources")),
    sourceList,
  );
  const chart = createChart(CHART);
  const peak = html("span", { class: "peak" });
  const span = html("span");
  const speed = html(
    "section",
    { class: "speeds" },
    html("h3", {}, `${say("detail.speed")} `, span, peak),
    html("div", { class: "frame" }, chart.element),
  );
  const factRows = {
    size: createFact(say("detail.size")),
    fetched: createFact(say("detail.fetched")),
    origin: createFact(say("detail.origin")),
    node: createFact(say("detail.node")),
    added: createFact(say("detail.added")),
    ended: createFact(say("detail.ended")),
    limit: createFact(say("detail.limit")),
    priority: createFact(say("priority")),
    queue: createFact(say("detail.queue")),
    folder: createFact(say("detail.folder")),
    checksum: createFact(say("detail.checksum")),
    file: createFact(say("detail.file")),
    url: createFact(say("detail.url")),
  };
  const facts = html("dl", { class: "facts" });
  for (const { term, value } of Object.values(factRows)) {
    facts.append(term, value);
  }
  const limit = html("span");
  const change = html(
    "button",
    { type: "button", class: "quiet", "data-action": "limit" },
    say("detail.limit.change"),
  );
  factRows.limit.value.append(limit, " ", change);
  const priority = html(
    "select",
    { "aria-label": say("priority") },
    ...PRIORITIES.map((name) =>
      html("option", { value: name }, say(`priority.${name}`))
    ),
  );
  factRows.priority.value.append(priority);
  factRows.queue.value.append(
    ...MOVES.map(action).map(({ name, label }) =>
      html("button", {
        type: "button",
        class: "quiet",
        "data-action": name,
        "aria-label": label,
        title: label,
      }, icon(name))
    ),
  );
  const file = html("span");
  const move = html(
    "button",
    { type: "button", class: "quiet", "data-action": "relocate" },
    say("detail.file.move"),
  );
  factRows.file.value.append(file, " ", move);
  panel.replaceChildren(
    html("header", {}, heading, close),
    html("p", { class: "now" }, figure, pace),
    error,
    actions,
    slices,
    speed,
    threads,
    sourceSection,
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
    const word = standingOf(status, new Date());
    setText(figure, unfinished ? formatPercent(progress) : word);
    setText(
      pace,
      [
        unfinished && !running && word,
        running && formatSpeed(status.speed),
        running && eta !== null && formatLeft(eta),
        running && say("threads", { count: threads }),
        !running && formatAmount(status),
      ].filter(Boolean).join(" · "),
    );
  }

  /** @param {Status} status */
  function drawError({ error: fault, process_status: state }) {
    error.hidden = fault === null;
    if (fault === null) return;
    const translated = faultFor(fault.code);
    const words = translated ?? fault.message;
    const again = state === "Downloading";
    setText(errorText, again ? say("again", { fault: words }) : words);
    setText(advice, adviceFor(fault.code) ?? "");
    setText(original, translated === null ? "" : fault.message);
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
      say("detail.picture", {
        percent: formatPercent(progress ?? 0),
        threads: say("threads", { count: fetching.length }),
      }),
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
        say("detail.thread.at", {
          at: formatBytes(at),
          rest: formatBytes(end - at),
        }),
      );
    }
  }

  /** @param {Status} status */
  function drawSources({ sources = [] }) {
    sourceSection.hidden = sources.length === 0;
    while (sourceList.childElementCount > sources.length) {
      sourceList.lastChild?.remove();
    }
    for (const [n, source] of sources.entries()) {
      const item = sourceList.children[n] ??
        sourceList.appendChild(html("li", {}, html("span"), html("small")));
      const [url, standing] = item.children;
      if (url) setText(url, source.url);
      if (standing) setText(standing, wordsOfSource(source));
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
    setText(
      peak,
      say("detail.speed.peak", { speed: formatSpeed(scaleOf(samples)) }),
    );
    const duration = formatDuration(spanOf(samples, now) / 1000);
    setText(span, say("detail.speed.span", { duration }));
  }

  /**
   * The rows stay, hidden or shown: somebody may be selecting the text of one
   * while another appears.
   *
   * @param {Status} status
   */
  function drawFacts(status) {
    const { size, downloaded, ranges } = status;
    const now = new Date();
    setFact(factRows.size, size === null ? null : formatSize(size));
    setFact(
      factRows.fetched,
      size === downloaded || downloaded === 0 ? null : formatBytes(downloaded),
    );
    setFact(
      factRows.origin,
      ranges === null
        ? null
        : ranges
        ? say("detail.ranges")
        : say("detail.no.ranges"),
    );
    setFact(factRows.node, status.node ?? null);
    setFact(factRows.added, formatMoment(status.added_at, now));
    setFact(
      factRows.ended,
      status.finished_at && formatMoment(status.finished_at, now),
    );
    drawLimit(status);
    drawPlace(status);
    const isFile = status.process_status === "Downloaded";
    setFact(factRows.folder, isFile ? null : status.directory);
    setFact(factRows.checksum, wordsOfChecksum(status));
    drawFile(status);
    const { url, sources = [] } = status;
    const isListed = sources.some((source) => source.url === url);
    setFact(factRows.url, isListed ? null : url);
  }

  /**
   * Another server's file has no path here: it is told as it is named there.
   *
   * @param {Status} status
   */
  function drawFile({ process_status, path_to_file: path, ...status }) {
    const { term, value } = factRows.file;
    term.hidden = value.hidden = process_status !== "Downloaded";
    const { directory, filename } = status;
    const there = [directory, filename].filter((part) => part !== null);
    setText(file, path === null ? there.join("/") : formatPath(path));
  }

  /** @param {Status} status */
  function drawPlace(status) {
    const { process_status: state, priority: now } = status;
    const { priority: one, queue } = factRows;
    one.term.hidden = one.value.hidden = state === "Downloaded";
    queue.term.hidden = queue.value.hidden = !isInQueue(status);
    if (priority.value !== now) priority.value = now;
  }

  /** @param {Status} status */
  function drawLimit({ process_status: state, limit_rate: rate, limited_by }) {
    const { term, value } = factRows.limit;
    term.hidden = value.hidden = state === "Downloaded";
    const own = rate === null ? say("detail.limit.none") : formatSpeed(rate);
    const isOther = limited_by !== null && limited_by !== "download";
    setText(limit, isOther ? say(`detail.limit.${limited_by}`, { own }) : own);
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
      drawSources(status);
      drawFacts(status);
    },
    focus: () => heading.focus(),
  };
}

/**
 * Where a download's checksum is from; null if none was asked for.
 *
 * @param {Status} status
 */
function wordsOfChecksum({ checksum, process_status: state }) {
  if (checksum === undefined) return null;
  if (checksum === null) {
    return state === "Downloaded" ? say("detail.checksum.none") : null;
  }
  const { algorithm, from } = checksum;
  const name = algorithm.toUpperCase().replace(/^SHA/, "SHA-");
  return from === "request"
    ? say("detail.checksum.given", { name })
    : say("detail.checksum.found", { name, from });
}

/** @param {SourceStatus} source */
function wordsOfSource({ standing, threads, error }) {
  if (threads > 0) return say("threads", { count: threads });
  if (error !== null) return faultFor(error.code) ?? error.message;
  return say(`detail.source.${standing}`);
}

/** @typedef {{ term: HTMLElement, value: HTMLElement }} Fact */

/**
 * @param {string} name
 * @returns {Fact}
 */
function createFact(name) {
  return { term: html("dt", {}, name), value: html("dd") };
}

/**
 * @param {Fact} fact
 * @param {string | null} text Null hides it.
 */
function setFact({ term, value }, text) {
  term.hidden = value.hidden = text === null;
  setText(value, text ?? "");
}
