// @ts-check
/** What of the list is looked at, and how that is written in a URL. Pure. */

/** @import { Status } from "../../status/status.ts" */
/** @import { StatusPageRequest } from "../../status/lists.ts" */

/**
 * @typedef {"All" | "Active" | "Paused" | "Finished" | "Failed"} Tab
 *
 * @typedef {Exclude<StatusPageRequest["order"], "-queue">} Order
 *
 * @typedef {object} View
 * @property {Tab} tab
 * @property {string} search
 * @property {Order | null} order Null for the tab's own.
 */

/** @type {Readonly<Record<Tab, readonly Status["process_status"][]>>} */
export const TABS = {
  All: ["Queued", "Downloading", "Paused", "Downloaded", "Failed"],
  Active: ["Queued", "Downloading"],
  Paused: ["Paused"],
  Finished: ["Downloaded"],
  Failed: ["Failed"],
};

/** All orders. @type {readonly Order[]} */
export const ORDERS = [
  "latest",
  "oldest",
  "queue",
  "name",
  "-name",
  "-size",
  "size",
  "-progress",
  "progress",
  "-speed",
  "speed",
];

/** @type {View} */
export const FIRST_VIEW = { tab: "All", search: "", order: null };

/**
 * The order that a view has, chosen or not: what runs goes as the queue does.
 *
 * @param {View} view
 * @returns {Order}
 */
export function orderOf({ tab, order }) {
  return order ?? ownOrder(tab);
}

/** @param {Tab} tab */
function ownOrder(tab) {
  return tab === "Active" ? "queue" : "latest";
}

/**
 * The view with an order chosen.
 *
 * @param {View} view
 * @param {Order} order
 * @returns {View}
 */
export function withOrder(view, order) {
  return { ...view, order: order === ownOrder(view.tab) ? null : order };
}

/**
 * The order after a click on a column: its first one, then the reverse, then
 * the tab's own.
 *
 * @param {View} view
 * @param {Order} first
 * @returns {View}
 */
export function withNextOrder(view, first) {
  const reverse = reversed(first);
  const order = orderOf(view);
  if (order === first) return withOrder(view, reverse);
  return order === reverse ? { ...view, order: null } : withOrder(view, first);
}

/**
 * @param {Order} order
 * @returns {Order}
 */
export function reversed(order) {
  const other = order.startsWith("-") ? order.slice(1) : `-${order}`;
  return /** @type {Order} */ (other);
}

/**
 * The view that a page's URL names; what it does not name well is as at first.
 *
 * @param {string} href
 * @returns {View}
 */
export function readView(href) {
  const { searchParams: given } = new URL(href);
  const wanted = given.get("tab")?.toLowerCase();
  const tab = keysOf(TABS).find((name) => name.toLowerCase() === wanted) ??
    FIRST_VIEW.tab;
  const order = ORDERS.find((name) => name === given.get("sort"));
  const view = { tab, search: given.get("search") ?? "", order: null };
  return order === undefined ? view : withOrder(view, order);
}

/**
 * A page's URL with a view in it; all else that it holds stays.
 *
 * @param {string} href
 * @param {View} view
 */
export function hrefWith(href, { tab, search, order }) {
  const url = new URL(href);
  const named = {
    tab: tab === FIRST_VIEW.tab ? "" : tab.toLowerCase(),
    search,
    sort: order ?? "",
  };
  for (const [name, value] of Object.entries(named)) {
    if (value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url.href;
}

/**
 * @template {string} Key
 * @param {Readonly<Record<Key, unknown>>} record
 */
function keysOf(record) {
  return /** @type {Key[]} */ (Object.keys(record));
}
