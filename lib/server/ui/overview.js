// @ts-check
/// <reference lib="dom" />
/** What holds for all downloads: totals, speed, connection, the tab's title. */

/** @import { Disk } from "../../status/status.ts" */
/** @import { ConnectionState } from "./connection.js" */
/** @import { Model } from "./model.js" */
/** @import { Order, Tab } from "./view.js" */
import { createChart } from "./chart.js";
import { byId, html, setText } from "./dom.js";
import { formatBytes, formatCount, formatSpeed, titleFor } from "./format.js";
import { countIn } from "./model.js";
import { orderOf, ORDERS, reversed, TABS } from "./view.js";

const CHART = { className: "spark", width: 120, height: 28 };
/** Bytes: with less room for downloads, the disk is nearly full. */
const LITTLE_ROOM = 2 ** 30;
/** A connection that comes at once is no news. */
const GRACE = 700;

/** What each tab offers to do with all that is in it. */
export const BULK = /** @type {const} */ ({
  All: { action: "retry", states: ["Failed"], label: "Try all failed again" },
  Active: { action: "pause", states: TABS.Active, label: "Pause all" },
  Paused: { action: "resume", states: TABS.Paused, label: "Resume all" },
  Finished: { action: "remove", states: TABS.Finished, label: "Clear list" },
  Failed: { action: "retry", states: TABS.Failed, label: "Try all again" },
});

/** @param {Model} model */
export function createOverview(model) {
  const tabs = byId("tabs", HTMLElement);
  const speed = byId("speed", HTMLElement);
  const running = byId("running", HTMLElement);
  const room = byId("room", HTMLElement);
  const banner = byId("banner", HTMLElement);
  const bannerText = byId("banner-text", HTMLElement);
  const bulk = byId("bulk", HTMLButtonElement);
  const empty = byId("empty", HTMLElement);
  const sort = byId("sort", HTMLSelectElement);
  const head = byId("head", HTMLElement);
  for (const [order, words] of Object.entries(ORDERS)) {
    sort.append(html("option", { value: order }, words));
  }
  const chart = createChart(CHART);
  byId("spark", HTMLElement).append(chart.element);
  let lostAt = performance.now();
  let everOpen = false;

  function drawTabs() {
    const { tab } = model.view();
    for (const button of tabs.querySelectorAll("button")) {
      const name = /** @type {Tab} */ (button.dataset.tab);
      button.setAttribute("aria-pressed", String(name === tab));
      const count = button.querySelector(".count");
      const number = countIn(name, model.totals());
      if (count) setText(count, number === 0 ? "" : formatCount(number));
    }
    const { states, label } = BULK[tab];
    const all = states.reduce((sum, state) => sum + model.totals()[state], 0);
    bulk.hidden = all === 0;
    setText(bulk, label);
  }

  function drawOrder() {
    const order = orderOf(model.view());
    if (sort.value !== order) sort.value = order;
    for (const button of head.querySelectorAll("button")) {
      const first = /** @type {Order} */ (button.dataset.sort);
      const goesDown = order === first || order === reversed(first)
        ? order.startsWith("-")
        : null;
      const sorted = goesDown === null
        ? "none"
        : goesDown
        ? "descending"
        : "ascending";
      button.parentElement?.setAttribute("aria-sort", sorted);
    }
  }

  function drawEmpty() {
    const { tab, search } = model.view();
    empty.hidden = !model.isLoaded() || model.length() > 0;
    if (empty.hidden) return;
    const nothing = countIn("All", model.totals()) === 0;
    empty.dataset.kind = nothing ? "nothing" : "no match";
    setText(
      byId("empty-title", HTMLElement),
      nothing
        ? "Nothing here yet"
        : search !== ""
        ? "Nothing matches"
        : NOTHING_IN[tab],
    );
    setText(
      byId("empty-text", HTMLElement),
      nothing
        ? "Paste a link above, or drop one anywhere on this page. Large files " +
          "come in slices, over many connections at once."
        : search !== ""
        ? `No download’s name or URL has “\u2068${search}\u2069” in it.`
        : "Downloads appear here when there are any.",
    );
  }

  return {
    draw() {
      const bytes = model.speed();
      const { Downloading: count, Queued: waiting } = model.totals();
      setText(speed, count === 0 ? "" : formatSpeed(bytes));
      setText(
        running,
        count + waiting === 0 ? "Idle" : `${formatCount(count)} running` +
          (waiting > 0 ? `, ${formatCount(waiting)} waiting` : ""),
      );
      chart.draw(model.overall(), performance.now());
      drawTabs();
      drawOrder();
      drawEmpty();
    },

    /** @param {Disk} disk */
    drawRoom({ free, room: left }) {
      room.hidden = false;
      room.classList.toggle("low", left < LITTLE_ROOM);
      const there = `${formatBytes(free)} free`;
      setText(room, left > 0 ? there : `Disk full: ${there}`);
      room.title = `On the server’s disk. Downloads may take ${
        formatBytes(Math.max(0, left))
      } of it; MIN_FREE_SPACE keeps the rest.`;
    },

    /**
     * @param {ConnectionState} state
     * @param {string | null} reason Why there is no connection, if it is known.
     */
    drawConnection(state, reason) {
      const open = state.kind === "open";
      if (open) {
        lostAt = 0;
        everOpen = true;
      } else if (lostAt === 0) lostAt = performance.now();
      const shown = !open && (everOpen || performance.now() - lostAt > GRACE);
      banner.hidden = !shown;
      document.body.classList.toggle("offline", shown);
      if (!shown) return;
      const seconds = state.kind === "waiting"
        ? Math.max(0, Math.ceil((state.until - performance.now()) / 1000))
        : 0;
      const what = seconds > 0
        ? `Trying again in ${seconds} s.`
        : "Trying again now.";
      const why = reason ??
        "Not connected to the server: what you see may be old.";
      setText(bannerText, `${why} ${what}`);
    },

    /** @param {ConnectionState} state */
    drawTitle(state) {
      const [only] = model.running();
      document.title = titleFor({
        connected: state.kind === "open" || !everOpen,
        totals: model.totals(),
        speed: model.speed(),
        progress: only?.progress ?? null,
      });
    },
  };
}

/** @type {Readonly<Record<Tab, string>>} */
const NOTHING_IN = {
  All: "Nothing here yet",
  Active: "Nothing is running",
  Paused: "Nothing is paused",
  Finished: "Nothing has finished",
  Failed: "Nothing has failed",
};
