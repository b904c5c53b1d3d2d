// @ts-check
/** What the page knows of the downloads, and what it has to ask for. Pure. */

/** @import { Disk, LimitsStatus, Status, TimetableStatus, Totals } from "../../status/status.ts" */
/** @import { Sample } from "./chart.js" */
/** @import { Tab, View } from "./view.js" */
import { withSample } from "./chart.js";
import { FIRST_VIEW, orderOf, TABS } from "./view.js";

/**
 * @typedef {object} Frame What the server tells by itself.
 * @property {readonly Status[]} data
 * @property {Totals} [totals]
 * @property {readonly string[]} [removed]
 * @property {true} [snapshot]
 * @property {boolean} [reordered]
 * @property {Disk} [disk]
 * @property {TimetableStatus} [timetable]
 * @property {LimitsStatus} [limits]
 *
 * @typedef {object} Query A part of the list that is to be asked for.
 * @property {View} view
 * @property {number} epoch
 * @property {object} message What the server is to be sent.
 *
 * @typedef {object} ListReply
 * @property {readonly Status[]} data
 * @property {number} [total]
 * @property {number} [offset]
 */

/** @type {Totals} */
const NONE = {
  Queued: 0,
  Downloading: 0,
  Paused: 0,
  Downloaded: 0,
  Failed: 0,
};

/** Rows asked for above and below those in sight. */
const MARGIN = 30;
/** How far from what is in sight rows are remembered. */
const KEPT = 1_000;
/** Browsers lay out no more than some ten million pixels of height. */
const MOST_ROWS = 300_000;
/** How long an order by what changes all the time holds, in milliseconds. */
const HOLDS = 2_000;

/**
 * How many downloads a tab has.
 *
 * @param {Tab} tab
 * @param {Totals} totals
 */
export function countIn(tab, totals) {
  return TABS[tab].reduce((sum, state) => sum + totals[state], 0);
}

/** @typedef {ReturnType<typeof createModel>} Model */

/** Makes a model that knows nothing yet. */
export function createModel() {
  /** @type {View} */
  let view = FIRST_VIEW;
  let totals = NONE;
  /** @type {number | null} Rows of the view; null before the first answer. */
  let length = null;
  /** Rises when what was asked before may not hold any more. */
  let epoch = 0;
  /** When the last answer came. */
  let takenAt = 0;
  /** @type {string[]} Those that have left the view since that was asked. */
  let left = [];
  /** @type {Map<number, { id: string, epoch: number }>} */
  const slots = new Map();
  /** @type {Map<string, Status>} */
  const entries = new Map();
  /** @type {Map<string, Status>} */
  const running = new Map();
  /** @type {Map<string, readonly Sample[]>} */
  const speeds = new Map();
  /** @type {readonly Sample[]} */
  let overall = [];
  /** @type {string | null} The one that is looked at closely. */
  let watched = null;

  function totalSpeed() {
    return running.values().reduce((sum, { speed }) => sum + speed, 0);
  }

  /**
   * @param {Status} status
   * @param {number} now
   */
  function keep(status, now) {
    const { id, process_status: state, speed } = status;
    if (entries.has(id) || id === watched) entries.set(id, status);
    if (state === "Downloading") {
      running.set(id, status);
      speeds.set(id, withSample(speeds.get(id) ?? [], { at: now, speed }));
    } else {
      running.delete(id);
      if (id !== watched) speeds.delete(id);
    }
  }

  /**
   * What is not in a snapshot of all there is, was removed meanwhile.
   *
   * @param {readonly Status[]} all
   */
  function keepOnly(all) {
    const ids = new Set(all.map(({ id }) => id));
    for (const id of entries.keys()) if (!ids.has(id)) forget(id);
  }

  /** @param {string} id */
  function forget(id) {
    entries.delete(id);
    running.delete(id);
    speeds.delete(id);
  }

  /**
   * Whether the rows of the view may be others from now on.
   *
   * @param {Frame} frame
   */
  function moves({ data, totals: after = totals, removed = [], ...frame }) {
    if (frame.snapshot || removed.length > 0) return true;
    if (frame.reordered && orderOf(view) === "queue") return true;
    if (countIn(view.tab, after) !== countIn(view.tab, totals)) return true;
    return data.some((status) => {
      const { id, process_status: state } = status;
      if (mayMove(status)) return true;
      // A name that is searched for may only have become known just now.
      if (!entries.has(id)) {
        const begins = orderOf(view) === "queue" && state === "Downloading";
        return (view.search !== "" || begins) && !running.has(id);
      }
      return !TABS[view.tab].includes(state);
    });
  }

  /**
   * Whether a row may be elsewhere in the view's order from now on.
   *
   * @param {Status} status
   */
  function mayMove({ id, filename, size, process_status: state }) {
    const before = entries.get(id);
    if (before === undefined) return false;
    switch (orderOf(view)) {
      case "name":
      case "-name":
        return filename !== before.filename;
      case "queue":
        return state !== before.process_status;
      case "size":
      case "-size":
        return size !== before.size;
      default:
        return false;
    }
  }

  function isLive() {
    return /progress|speed/.test(orderOf(view)) && running.size > 0;
  }

  /**
   * Takes rows out of the view, whose places those below them take.
   *
   * @param {ReadonlySet<string>} ids
   */
  function drop(ids) {
    const before = [...slots];
    const dropped = before.filter(([, { id }]) => ids.has(id))
      .map(([index]) => index);
    if (dropped.length === 0) return;
    slots.clear();
    for (const [index, slot] of before) {
      if (ids.has(slot.id)) continue;
      const above = dropped.filter((other) => other < index).length;
      slots.set(index - above, slot);
    }
    if (length !== null) length = Math.max(0, length - dropped.length);
  }

  /**
   * @param {number} offset
   * @param {number} limit
   */
  function messageFor(offset, limit) {
    return {
      action: "list",
      offset,
      limit,
      status: TABS[view.tab],
      search: view.search,
      order: orderOf(view),
    };
  }

  /**
   * @param {number} offset
   * @param {number} end
   */
  function forgetFarFrom(offset, end) {
    for (const index of slots.keys()) {
      if (index < offset - KEPT || index > end + KEPT) slots.delete(index);
    }
    const near = new Set(slots.values().map(({ id }) => id));
    for (const id of entries.keys()) {
      if (!near.has(id) && id !== watched) entries.delete(id);
    }
  }

  return {
    view: () => view,
    totals: () => totals,
    /** Whether the server has said how long the view is. */
    isLoaded: () => length !== null,
    length: () => Math.min(length ?? 0, MOST_ROWS),
    /** How many downloads the view has, also those that there are no rows of. */
    size: () => length ?? 0,
    /** @param {string} id */
    get: (id) => entries.get(id) ?? running.get(id) ?? null,
    /** @param {string} id */
    speedsOf: (id) => speeds.get(id) ?? [],
    overall: () => overall,
    speed: totalSpeed,
    running: () => [...running.values()],

    /** @param {number} index */
    at(index) {
      const slot = slots.get(index);
      return slot ? entries.get(slot.id) ?? null : null;
    },

    /** @param {string} id */
    indexOf(id) {
      for (const [index, slot] of slots) if (slot.id === id) return index;
      return -1;
    },

    /**
     * What to ask for, for rows that may not be known.
     *
     * @param {number} offset
     * @param {number} limit
     */
    messageFor,

    /** The downloads that have left the view since this was asked last. */
    takeLeft() {
      const ids = left;
      left = [];
      return ids;
    },

    /** @param {string | null} id */
    watch(id) {
      watched = id;
      const status = id !== null && running.get(id);
      if (status) entries.set(status.id, status);
    },

    /** @param {View} wanted */
    show(wanted) {
      view = wanted;
      epoch++;
      length = null;
      slots.clear();
    },

    /** What is known of the rows is to be asked anew. */
    doubt() {
      epoch++;
    },

    /**
     * Takes in what the server tells.
     *
     * @param {Frame} frame
     * @param {number} now
     * @returns {Status[]} Those that have just finished or failed.
     */
    hear(frame, now) {
      const { data, removed = [], snapshot } = frame;
      const ended = snapshot
        ? []
        : data.filter(({ id, process_status }) =>
          (process_status === "Downloaded" || process_status === "Failed") &&
          (running.has(id) || entries.get(id)?.process_status === "Queued")
        );
      if (moves(frame)) epoch++;
      else if (isLive() && now - takenAt > HOLDS) {
        epoch++;
        takenAt = now;
      }
      totals = frame.totals ?? totals;
      if (snapshot) running.clear();
      if (snapshot && data.length === countIn("All", totals)) keepOnly(data);
      for (const status of data) keep(status, now);
      for (const id of removed) forget(id);
      const gone = data.filter(({ process_status: state }) =>
        !TABS[view.tab].includes(state)
      ).map(({ id }) => id).concat(removed);
      drop(new Set(gone));
      left.push(...gone);
      overall = withSample(overall, { at: now, speed: totalSpeed() });
      return ended;
    },

    /**
     * What to ask for, so that these rows are known; null if they are.
     *
     * @param {number} first
     * @param {number} end
     * @returns {Query | null}
     */
    missing(first, end) {
      const last = Math.min(end, length ?? Infinity, MOST_ROWS);
      let known = length !== null;
      for (let index = first; known && index < last; index++) {
        known = slots.get(index)?.epoch === epoch;
      }
      // An empty view has no row that could tell that it is in doubt.
      if (known && (length !== 0 || slots.get(-1)?.epoch === epoch)) {
        return null;
      }
      const offset = Math.max(0, first - MARGIN);
      const limit = Math.min(1_000, end + MARGIN - offset);
      return { view, epoch, message: messageFor(offset, limit) };
    },

    /**
     * Takes in the answer to a query.
     *
     * @param {Query} query
     * @param {ListReply} reply
     */
    take(query, { data, total = 0, offset = 0 }) {
      if (query.view !== view) return;
      // All rows may have moved if there are more or fewer of them.
      if (total !== length && length !== null && query.epoch === epoch) {
        epoch++;
        query = { ...query, epoch };
      }
      length = total;
      for (const index of slots.keys()) {
        if (index >= total) slots.delete(index);
      }
      if (total === 0) slots.set(-1, { id: "", epoch: query.epoch });
      for (const [n, status] of data.entries()) {
        slots.set(offset + n, { id: status.id, epoch: query.epoch });
        entries.set(status.id, status);
      }
      forgetFarFrom(offset, offset + data.length);
    },
  };
}
