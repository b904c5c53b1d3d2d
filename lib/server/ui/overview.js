// @ts-check
/// <reference lib="dom" />
/** What holds for all downloads: totals, speed, connection, the tab's title. */

/** @import { Disk, TimetableStatus } from "../../status/status.ts" */
/** @import { ConnectionState } from "./connection.js" */
/** @import { Model } from "./model.js" */
/** @import { Reason } from "./session.js" */
/** @import { Order, Tab } from "./view.js" */
import { createChart } from "./chart.js";
import { byId, html, setText } from "./dom.js";
import { formatBytes, formatMoment, formatSpeed, titleFor } from "./format.js";
import { countIn } from "./model.js";
import { orderOf, ORDERS, reversed, TABS } from "./view.js";
import { formatNumber, listed, say } from "./words.js";

const CHART = { className: "spark", width: 120, height: 28 };
/** Bytes: with less room for downloads, the disk is nearly full. */
const LITTLE_ROOM = 2 ** 30;
/** A connection that comes at once is no news. */
const GRACE = 700;

/** What each tab offers to do with all that is in it. */
export const BULK = /** @type {const} */ ({
  All: { action: "retry", states: ["Failed"] },
  Active: { action: "pause", states: TABS.Active },
  Paused: { action: "resume", states: TABS.Paused },
  Finished: { action: "remove", states: TABS.Finished },
  Failed: { action: "retry", states: TABS.Failed },
});

/** @param {Model} model */
export function createOverview(model) {
  const tabs = byId("tabs", HTMLElement);
  const speed = byId("speed", HTMLElement);
  const running = byId("running", HTMLElement);
  const room = byId("room", HTMLElement);
  const banner = byId("banner", HTMLElement);
  const bannerWhy = byId("banner-why", HTMLElement);
  const bannerWhat = byId("banner-what", HTMLElement);
  const bulk = byId("bulk", HTMLButtonElement);
  const empty = byId("empty", HTMLElement);
  const sort = byId("sort", HTMLSelectElement);
  const head = byId("head", HTMLElement);
  for (const order of ORDERS) {
    sort.append(html("option", { value: order }, say(`order.${order}`)));
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
      if (count) setText(count, number === 0 ? "" : formatNumber(number));
    }
    const { states } = BULK[tab];
    const all = states.reduce((sum, state) => sum + model.totals()[state], 0);
    bulk.hidden = all === 0;
    setText(bulk, say(`bulk.${tab}`));
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
        ? say("nothing")
        : search !== ""
        ? say("nothing.found")
        : say(`nothing.in.${tab}`),
    );
    setText(
      byId("empty-text", HTMLElement),
      nothing
        ? say("nothing.text")
        : search !== ""
        ? say("nothing.found.text", { search: `\u2068${search}\u2069` })
        : say("nothing.in.text"),
    );
  }

  return {
    draw() {
      const bytes = model.speed();
      const { Downloading: count, Queued: waiting } = model.totals();
      setText(speed, count === 0 ? "" : formatSpeed(bytes));
      setText(
        running,
        count + waiting === 0 ? say("idle") : listed([
          say("running", { count }),
          waiting > 0 && say("waiting", { count: waiting }),
        ]),
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
      const bytes = formatBytes(free);
      setText(room, say(left > 0 ? "room" : "room.full", { bytes }));
      room.title = say("room.why", { bytes: formatBytes(Math.max(0, left)) });
    },

    /** @param {TimetableStatus} status */
    drawTimetable({ holds, limit_rate: rate, until }) {
      const line = byId("timetable", HTMLElement);
      line.hidden = false;
      const what = say(`timetable.${holds}`, { speed: formatSpeed(rate ?? 0) });
      const moment = until && formatMoment(until, new Date());
      setText(line, moment ? say("timetable.until", { what, moment }) : what);
    },

    /**
     * @param {ConnectionState} state
     * @param {Reason | null} reason Why there is no connection, if it is known.
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
        ? say("connection.wait", { count: seconds })
        : say("connection.now");
      setText(bannerWhy, reason?.text ?? say("connection.old"));
      bannerWhy.lang = reason?.lang ?? "";
      setText(bannerWhat, what);
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
