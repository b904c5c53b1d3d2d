// @ts-check
/// <reference lib="dom" />
/** Selecting downloads, and the bar with what can be done with those. */

/** @import { ActionName, MoveName } from "./actions.js" */
/** @import { ManyAction } from "./bulk.js" */
/** @import { Connection } from "./connection.js" */
/** @import { Many } from "./commands.js" */
/** @import { List } from "./list.js" */
/** @import { Model } from "./model.js" */
/** @import { Notices } from "./notices.js" */
/** @import { Picked, Selection } from "./selection.js" */
/** @import { Status } from "../../status/status.ts" */
import { actionsForMany } from "./actions.js";
import { copyText } from "./commands.js";
import { isList } from "./connection.js";
import { byId, html, icon, setText } from "./dom.js";
import {
  ALL,
  countOf,
  isSelected,
  NONE,
  toggled,
  without,
  withThese,
} from "./selection.js";
import { TABS } from "./view.js";
import { say } from "./words.js";

/** Rows asked for at once: the most that a server gives. */
const PAGE = 1_000;
/** Rows between two that are selected; the URLs of more are too many to copy. */
const MOST = 10_000;

/**
 * @param {{
 *   model: Model,
 *   list: List,
 *   connection: Pick<Connection, "request">,
 *   notices: Notices,
 *   actOnMany: (
 *     name: Exclude<ManyAction, "move"> | MoveName,
 *     many: Many,
 *   ) => Promise<boolean>,
 *   changed: () => void,
 * }} parts
 */
export function createSelecting(
  { model, list, connection, notices, actOnMany, changed },
) {
  const bar = byId("selection", HTMLElement);
  const text = byId("selected", HTMLElement);
  const more = byId("select-all", HTMLButtonElement);
  const actions = byId("selection-actions", HTMLElement);
  const pickAll = byId("pick-all", HTMLInputElement);
  /** @type {Selection} */
  let selection = NONE;
  /** Before the range that is being drawn out now. */
  let base = selection;
  /** @type {{ id: string, index: number } | null} Where such a range begins. */
  let anchor = null;
  /** Rises with each wish, so that a late answer to an old one is dropped. */
  let wish = 0;
  let busy = false;
  let shownActions = "";

  /** @param {Selection} next */
  function select(next) {
    wish++;
    selection = next;
    changed();
  }

  const count = () => countOf(selection, model.size());

  function clear() {
    base = NONE;
    anchor = null;
    select(NONE);
  }

  /**
   * @param {number} from
   * @param {number} to Not before `from`.
   * @returns {Promise<Picked[]>}
   */
  async function rowsOf(from, to) {
    const known = [];
    for (let index = from; index <= to; index++) {
      const status = model.at(index);
      if (status === null) break;
      known.push(status);
    }
    if (known.length === to - from + 1) return known;
    /** @type {Picked[]} */
    const picked = [];
    for (let at = from; at <= to; at += PAGE) {
      const limit = Math.min(PAGE, to + 1 - at);
      const reply = await connection.request(model.messageFor(at, limit));
      if (!isList(reply)) break;
      picked.push(...reply.data.map(({ id, url }) => ({ id, url })));
    }
    return picked;
  }

  /**
   * Does something with the rows from `from` to `to`; more than MOST are refused.
   *
   * @param {number} from
   * @param {number} to
   * @param {(rows: Picked[]) => unknown} use
   */
  async function withRows(from, to, use) {
    if (to - from >= MOST) {
      notices.fail(say("select.too.many", { count: MOST }));
      return;
    }
    const mine = ++wish;
    try {
      const rows = await rowsOf(from, to);
      if (mine === wish) await use(rows);
    } catch (error) {
      notices.fail(error);
    }
  }

  /** @returns {readonly Status["process_status"][]} */
  function states() {
    const all = TABS[model.view().tab]
      .filter((state) => model.totals()[state] > 0);
    if (selection.kind === "all") return all;
    const statuses = [...selection.urls.keys()].map(model.get);
    const known = statuses.filter((status) => status !== null);
    if (known.length < statuses.length) return all;
    return [...new Set(known.map((status) => status.process_status))];
  }

  function draw() {
    const number = count();
    const all = model.size();
    bar.hidden = number === 0;
    pickAll.checked = number > 0 && number >= all;
    pickAll.indeterminate = number > 0 && number < all;
    pickAll.disabled = all === 0;
    if (bar.hidden) return;
    bar.ariaBusy = String(busy);
    setText(text, say("select.count", { count: number }));
    more.hidden = number >= all;
    setText(more, say("select.these", { count: all }));
    const wanted = allowed();
    const key = wanted.map(({ name }) => name).join();
    if (key !== shownActions) {
      shownActions = key;
      actions.replaceChildren(...wanted.map(({ name, label }) =>
        html(
          "button",
          { type: "button", class: "flat", "data-many": name, title: label },
          icon(name),
          html("span", {}, label),
        )
      ));
    }
    for (const button of actions.querySelectorAll("button")) {
      button.disabled = busy;
    }
  }

  function allowed() {
    const areNamed = selection.kind === "some" && selection.urls.size <= PAGE;
    return actionsForMany(states(), areNamed);
  }

  /** @returns {Many["which"]} */
  function which() {
    if (selection.kind === "some") return { ids: [...selection.urls.keys()] };
    const { tab, search } = model.view();
    const except = [...selection.except];
    return { status: TABS[tab], search, except };
  }

  /** @param {ActionName | "toggle"} command */
  async function act(command) {
    // The first of them is what stops them, or lets them go on.
    const names = allowed().map(({ name }) => name);
    // Steps have keys alone: the bar has no room for them.
    if (names.includes("top")) names.push("up", "down");
    const name = command === "toggle" ? names[0] : command;
    if (busy || name === undefined || !names.includes(name)) return;
    if (name === "source") {
      if (command !== "toggle") await copyUrls();
      return;
    }
    const { search } = model.view();
    const some = selection.kind === "some";
    const asked = {
      count: count(),
      search: some ? "" : search,
      states: states(),
      which: which(),
    };
    busy = true;
    changed();
    const action = /** @type {Exclude<ManyAction, "move">} */ (name);
    const carriedOut = await actOnMany(action, narrowed(name, asked));
    busy = false;
    if (carriedOut && (name === "remove" || !some)) clear();
    else changed();
    list.focusCurrent();
  }

  async function copyUrls() {
    if (selection.kind === "some") return await copy(selection.urls.values());
    const { except } = selection;
    await withRows(
      0,
      model.size() - 1,
      (rows) =>
        copy(rows.filter(({ id }) => !except.has(id)).map(({ url }) => url)),
    );
  }

  /** @param {Iterable<string>} urls */
  async function copy(urls) {
    const lines = [...urls];
    try {
      await copyText(lines.join("\n"));
      notices.say(say("copied.urls", { count: lines.length }));
    } catch (error) {
      notices.fail(error);
    }
  }

  more.onclick = () => {
    select(ALL);
    list.focusCurrent();
  };
  byId("select-none", HTMLElement).onclick = () => {
    clear();
    list.focusCurrent();
  };
  pickAll.onclick = () => count() > 0 ? clear() : select(ALL);
  actions.onclick = ({ target }) => {
    const button = target instanceof Element && target.closest("button");
    const name = button instanceof HTMLElement && button.dataset.many;
    if (name) void act(/** @type {ActionName} */ (name));
  };

  return {
    draw,
    clear,
    act,
    isEmpty: () => count() === 0,
    /** Those that are selected one by one; null if that is no such one. */
    ids: () => selection.kind === "some" ? [...selection.urls.keys()] : null,
    /** @param {string} id */
    has: (id) => isSelected(selection, id),
    all: () => select(ALL),

    /** @param {Status} status */
    toggle(status) {
      anchor = { id: status.id, index: list.placeOf(status.id) };
      select(toggled(selection, status));
      base = selection;
    },

    /**
     * From the download that was clicked on last to that of a row.
     *
     * @param {number} index
     */
    async extendTo(index) {
      const known = anchor === null ? -1 : model.indexOf(anchor.id);
      const start = known < 0 ? anchor?.index ?? index : known;
      const [from, to] = [Math.min(start, index), Math.max(start, index)];
      await withRows(from, to, (rows) => select(withThese(base, rows)));
    },

    /**
     * Where the next range begins.
     *
     * @param {string} id
     */
    setAnchor(id) {
      anchor = { id, index: list.placeOf(id) };
      base = selection;
    },

    /**
     * Downloads that have left the view are not acted upon with it.
     *
     * @param {readonly string[]} gone
     */
    forget(gone) {
      selection = without(selection, gone);
      base = without(base, gone);
    },
  };
}

/**
 * Of all, only those that the action is for.
 *
 * @param {string} action
 * @param {Many} many
 * @returns {Many}
 */
function narrowed(action, many) {
  const { which } = many;
  if ("ids" in which) return many;
  const status = which.status.filter((state) =>
    actionsForMany([/** @type {Status["process_status"]} */ (state)], false)
      .some(({ name }) => name === action)
  );
  return { ...many, which: { ...which, status } };
}
