// @ts-check
/** One row of the list. */

/** @import { Status } from "../../status/status.ts" */
import { actionsFor } from "./actions.js";
import { html, icon, setText } from "./dom.js";
import {
  formatAmount,
  formatBytes,
  formatDuration,
  formatFault,
  formatMoment,
  formatPercent,
  formatSpeed,
  halvesOf,
  hostOf,
  nameOf,
  sentenceOf,
  standingOf,
} from "./format.js";
import { createStrip, drawStrip, segmentsOf } from "./strip.js";
import { formatNumber, say } from "./words.js";

/** @typedef {ReturnType<typeof createRow>} Row */

/** As many as fit beside each other; all of them are in the details. */
const MOST_ACTIONS = 3;

/** Makes a row, without a download yet. */
export function createRow() {
  const pick = html("input", { type: "checkbox", tabindex: "-1" });
  const start = html("span", { class: "start" });
  const end = html("span", { class: "end" });
  const name = html("span", { class: "title", dir: "auto" }, start, end);
  const detail = html("span", { class: "sub" });
  const strip = createStrip("thin");
  const state = html("span", { class: "state" });
  const pace = html("span", { class: "pace" });
  const amount = html("span", { class: "amount" });
  const fault = html("div", { class: "fault" });
  const [size, speed, left, threads, actions] = [
    "size",
    "speed",
    "left",
    "threads",
    "actions",
  ].map((className) => html("div", { class: className, role: "gridcell" }));
  const grip = html("div", { class: "grip", "aria-hidden": "true" });
  const element = html(
    "div",
    { class: "row", role: "row" },
    grip,
    html("div", { class: "pick", role: "gridcell" }, pick),
    html("div", { class: "name", role: "gridcell" }, name, detail),
    html(
      "div",
      { class: "progress", role: "gridcell" },
      strip,
      html("div", { class: "words" }, state, pace, amount),
      fault,
    ),
  );
  const cells = { size, speed, left, threads };
  element.append(...Object.values({ ...cells, actions }).filter((e) => !!e));

  /** @param {Status} status */
  function drawCells(status) {
    const { process_status: kind, progress, error } = status;
    const running = kind === "Downloading";
    const texts = {
      size: status.size === null ? "" : formatBytes(status.size),
      speed: running ? formatSpeed(status.speed) : "",
      left: running && status.eta !== null ? formatDuration(status.eta) : "",
      threads: running ? formatNumber(status.threads) : "",
    };
    for (const [key, text] of Object.entries(texts)) {
      const cell = cells[/** @type {keyof typeof cells} */ (key)];
      if (cell) setText(cell, text);
    }
    drawName(nameOf(status));
    const wrong = error === null ? "" : formatFault(error);
    setText(
      detail,
      error && running ? say("again", { fault: wrong }) : wayOf(status),
    );
    detail.title = error && running ? error.message : "";
    const endedBadly = error !== null && !running && kind !== "Queued";
    element.classList.toggle("ended-badly", endedBadly);
    setText(fault, endedBadly ? wrong : "");
    fault.title = endedBadly ? error.message : "";
    // For narrow lists, which have no columns for them.
    setText(pace, [texts.speed, texts.left].filter(Boolean).join(" · "));
    setText(state, stateWords(status));
    setText(amount, formatAmount(status));
    // Where the size has a column, this is said there.
    const isSize = !running && kind !== "Paused";
    amount.classList.toggle("only-size", isSize);
    const showsStrip = progress !== null && (running || kind === "Paused");
    strip.classList.toggle("none", !showsStrip);
    drawStrip(strip, showsStrip ? segmentsOf(status) : []);
  }

  let shownName = "";

  /** @param {string} wanted */
  function drawName(wanted) {
    if (wanted === shownName) return;
    shownName = wanted;
    const halves = halvesOf(wanted);
    setText(start, halves.start);
    setText(end, halves.end);
    name.title = wanted;
    pick.ariaLabel = say("select", { name: wanted });
  }

  let shownActions = "";

  /** @param {Status} status */
  function drawActions(status) {
    const all = actionsFor(status).filter(({ name }) => name !== "source");
    // Removing is always in the same place: the last.
    const few = all.length > MOST_ACTIONS
      ? [...all.slice(0, MOST_ACTIONS - 1), ...all.slice(-1)]
      : all;
    const wanted = few.map((action) => action.name).join();
    if (wanted === shownActions) return;
    shownActions = wanted;
    actions?.replaceChildren(...few.map(({ name, label }) =>
      html("button", {
        type: "button",
        class: "quiet",
        "data-action": name,
        "aria-label": label,
        title: label,
        tabindex: element.tabIndex === 0 ? "0" : "-1",
      }, icon(name))
    ));
  }

  return {
    element,
    /**
     * @param {Status | null} status Null while it is not known yet.
     * @param {{
     *   index: number,
     *   current: boolean,
     *   selected: boolean,
     *   opened: boolean,
     * }} place
     */
    update(status, { index, current, selected, opened }) {
      element.style.setProperty("--index", String(index));
      element.setAttribute("aria-rowindex", String(index + 2));
      element.setAttribute("aria-selected", String(selected));
      if (opened) element.setAttribute("aria-current", "true");
      else element.removeAttribute("aria-current");
      pick.checked = selected;
      element.classList.toggle("unknown", status === null);
      const tab = current ? 0 : -1;
      if (element.tabIndex !== tab || !element.hasAttribute("tabindex")) {
        element.tabIndex = tab;
        for (const button of element.querySelectorAll("button")) {
          button.tabIndex = tab;
        }
      }
      if (status === null) {
        delete element.dataset.id;
        element.ariaLabel = null;
        return;
      }
      element.dataset.id = status.id;
      element.dataset.state = status.process_status;
      const sentence = sentenceOf(status, new Date());
      if (element.ariaLabel !== sentence) element.ariaLabel = sentence;
      drawCells(status);
      drawActions(status);
    },
  };
}

/**
 * Where a file comes from, and the folder that it goes to.
 *
 * @param {Status} status
 */
function wayOf(status) {
  const { directory } = status;
  const host = hostOf(status);
  return directory === null ? host : `${host} → ${directory}`;
}

/** @param {Status} status */
function stateWords(status) {
  const { process_status: state, progress, finished_at: finishedAt } = status;
  const words = standingOf(status, new Date());
  switch (state) {
    case "Downloading":
      return progress === null ? words : formatPercent(progress);
    case "Downloaded":
      return finishedAt === null ? words : say("state.since", {
        state: words,
        moment: formatMoment(finishedAt, new Date()),
      });
    default:
      return status.priority === "normal" || state === "Failed"
        ? words
        : say("state.priority", {
          state: words,
          priority: say(`priority.${status.priority}.long`),
        });
  }
}
