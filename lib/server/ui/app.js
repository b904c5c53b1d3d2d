// @ts-check
/// <reference lib="dom" />
/** Puts the parts of the page together. */

/** @import { ActionName } from "./actions.js" */
/** @import { Reason } from "./session.js" */
/** @import { Order, Tab, View } from "./view.js" */
/** @import { Status } from "../../status/status.ts" */
import { actionsFor, isInQueue, toggleFor } from "./actions.js";
import { createAdding } from "./add.js";
import { createCommands } from "./commands.js";
import { connect, isList } from "./connection.js";
import { createDetail } from "./detail.js";
import { showHelp } from "./dialogs.js";
import { byId } from "./dom.js";
import { createDoneNotice } from "./done.js";
import { offerDragging } from "./dragging.js";
import { quotedName } from "./format.js";
import { commandFor, focusOf } from "./keys.js";
import { offerLanguages, speakToReader } from "./language.js";
import { createLimits } from "./limits.js";
import { createList } from "./list.js";
import { createModel } from "./model.js";
import { createNodes } from "./nodes.js";
import { createNotices } from "./notices.js";
import { BULK, createOverview } from "./overview.js";
import { createSelecting } from "./selecting.js";
import { askForSession, keepDraft, takeDraft } from "./session.js";
import {
  hrefWith,
  orderOf,
  readView,
  TABS,
  withNextOrder,
  withOrder,
} from "./view.js";
import { createWebhook } from "./webhook.js";
import { say } from "./words.js";

/** How long typing rests before it is searched for, in milliseconds. */
const TYPING = 150;
/** Between two questions for the same rows, in milliseconds. */
const BREATH = 250;

await speakToReader();

const dialog = byId("dialog", HTMLDialogElement);
const grid = byId("grid", HTMLElement);
const main = byId("main", HTMLElement);
const panel = byId("detail", HTMLElement);
const bulk = byId("bulk", HTMLButtonElement);
const search = byId("search", HTMLInputElement);
const input = byId("urls", HTMLTextAreaElement);

const model = createModel();
const notices = createNotices({
  stack: byId("notices", HTMLElement),
  voice: byId("voice", HTMLElement),
});
const overview = createOverview(model);
const detail = createDetail(panel);
const doneNotice = createDoneNotice();
/** @type {string | null} The download that the panel shows. */
let opened = null;
const list = createList({
  model,
  grid,
  rows: byId("rows", HTMLElement),
  isSelected: (id) => selecting.has(id),
  opened: () => opened,
});

const connection = connect({
  url: socketUrl(),
  hear(frame) {
    announce(model.hear(frame, performance.now()));
    selecting.forget(model.takeLeft());
    commands.hear(frame);
    if (frame.disk) overview.drawRoom(frame.disk);
    if (frame.timetable) overview.drawTimetable(frame.timetable);
    if (frame.limits) limits.hear(frame.limits);
    doneNotice.hear(model.totals());
    overview.drawTitle(connection.state());
    drawSoon();
  },
  changed() {
    // The first change comes while `connect` has not returned yet.
    queueMicrotask(connectionChanged);
  },
  refused: () => void askWhy(),
});

function socketUrl() {
  const url = new URL("./", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

const nodes = createNodes({
  connection,
  dialog,
  button: byId("nodes", HTMLButtonElement),
});
const webhook = createWebhook(connection, dialog);
const limits = createLimits({ connection, notices, dialog });
const commands = createCommands({ connection, notices, dialog });
const { act, actOnMany, prioritize, drop } = commands;
const selecting = createSelecting({
  model,
  list,
  connection,
  notices,
  actOnMany,
  changed: drawSoon,
});
offerDragging({
  grid,
  list,
  model,
  idsWith: (id) => {
    const ids = selecting.has(id) ? selecting.ids() : null;
    return ids ?? [id];
  },
  drop: (ids, where) => void drop(ids, where),
});
let wasOpen = false;
/** @type {Reason | null} Why there is no connection, if that is known. */
let reason = null;
/** Attempts in a row that came to nothing though the server answers. */
let blocked = 0;

function connectionChanged() {
  const state = connection.state();
  if (state.kind === "open") {
    reason = null;
    blocked = 0;
  }
  overview.drawConnection(state, reason);
  overview.drawTitle(state);
  if (state.kind === "open") {
    if (!wasOpen) {
      drawSoon();
      nodes.connected();
      void webhook.look();
    }
    wasOpen = true;
  } else if (wasOpen) {
    wasOpen = false;
    notices.announce(say("connection.ended"));
  }
}

async function askWhy() {
  const session = await askForSession();
  if (connection.state().kind === "open") return;
  if (session.kind === "login") return logInAgain();
  blocked = session.kind === "open" ? blocked + 1 : 0;
  reason = session.kind === "refused"
    ? session.reason
    : blocked > 1
    ? { text: say("connection.upgrade"), lang: "" }
    : null;
  overview.drawConnection(connection.state(), reason);
}

/** Without a session, the server has the login in this page's place. */
function logInAgain() {
  keepDraft(adding.text());
  location.reload();
}

/** Offers what the session lets its user do, and to end it. */
async function offerWhatMayBe() {
  const session = await askForSession();
  byId("logout", HTMLFormElement).hidden = session.kind !== "open" ||
    !session.token;
  if (session.kind !== "open") return;
  // The style sheet hides what its scope does not reach.
  document.documentElement.dataset.scope = session.scope;
}

/** @param {readonly Status[]} ended */
function announce(ended) {
  const [first] = ended;
  if (first === undefined) return;
  const failed = ended.filter((s) => s.process_status === "Failed").length;
  const finished = ended.length - failed;
  const what = ended.length === 1
    ? say(failed ? "has.failed" : "has.finished", { name: quotedName(first) })
    : say("have.ended", {
      finished: say("finished", { count: finished }),
      failed: say("failed", { count: failed }),
    });
  notices.announce(what);
}

let drawing = false;

function drawSoon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

function draw() {
  overview.draw();
  list.draw();
  selecting.draw();
  drawDetail();
  void askForRows();
}

function drawDetail() {
  if (opened === null) return;
  const status = model.get(opened);
  if (status === null) closeDetail();
  else detail.draw(status, model.speedsOf(opened), performance.now());
}

let asking = false;

/** One question at a time, always for what is in sight by then. */
async function askForRows() {
  const { first, end } = list.inSight();
  const query = model.missing(first, Math.max(end, first + 30));
  if (asking || query === null || connection.state().kind !== "open") return;
  asking = true;
  try {
    const reply = await connection.request(query.message);
    if (isList(reply)) model.take(query, reply);
    drawSoon();
    await new Promise((resolve) => setTimeout(resolve, BREATH));
  } catch {
    // The connection is gone: a new one brings a snapshot, and this again.
  } finally {
    asking = false;
  }
  drawSoon();
}

/** On a narrow page, details are a page of their own, which Back leaves. */
const DETAIL = "detail";

/** @param {string} id */
function openDetail(id) {
  opened = id;
  model.watch(id);
  list.setCurrent(id);
  panel.hidden = false;
  document.body.classList.add("detailed");
  draw();
  main.inert = isNarrow();
  if (!main.inert) return;
  detail.focus();
  if (history.state !== DETAIL) history.pushState(DETAIL, "");
}

function closeDetail() {
  const id = opened;
  if (id === null) return;
  const hadFocus = panel.contains(document.activeElement) || main.inert;
  opened = null;
  model.watch(null);
  panel.hidden = true;
  main.inert = false;
  document.body.classList.remove("detailed");
  draw();
  if (hadFocus) list.focusId(id);
  if (history.state === DETAIL) history.back();
}

function isNarrow() {
  return getComputedStyle(panel).position === "fixed";
}

/**
 * Shows another view, with the search as it is typed by now, which Back leaves
 * again; letters that are typed one after another are one step.
 *
 * @param {Partial<Omit<View, "search">>} change
 */
function show(change) {
  const before = model.view();
  // What was typed last may not have been searched for yet.
  clearTimeout(typing);
  const view = { ...before, ...change, search: search.value.trim() };
  const href = hrefWith(location.href, view);
  const isTyping = view.tab === before.tab && view.search !== before.search &&
    view.search !== "" && before.search !== "";
  if (isTyping) history.replaceState(null, "", href);
  else if (href !== location.href) history.pushState(null, "", href);
  showView(view);
}

/** @param {View} view */
function showView(view) {
  const { tab, search: words } = model.view();
  model.show(view);
  // What is selected is of one tab and search, in whatever order.
  if (tab !== view.tab || words !== view.search) selecting.clear();
  if (search.value.trim() !== view.search) search.value = view.search;
  grid.classList.toggle("queue", orderOf(view) === "queue");
  list.reset();
  drawSoon();
}

/** What the tab offers to do with all that is in it. */
async function actOnAll() {
  const { tab, search } = model.view();
  const { action, states: status } = BULK[tab];
  const which = { status, search, except: [] };
  const asked = { count: model.size(), search, states: status, which };
  bulk.disabled = true;
  await actOnMany(action, asked);
  bulk.disabled = false;
  if (document.activeElement === document.body) list.focusCurrent();
}

/**
 * Whether a click selects, and nothing else.
 *
 * @param {MouseEvent} event
 * @param {string} id
 * @param {boolean} isBox
 */
function picked({ shiftKey, ctrlKey, metaKey }, id, isBox) {
  const status = model.get(id);
  if (status === null || !(isBox || shiftKey || ctrlKey || metaKey)) {
    return false;
  }
  list.setCurrent(id);
  if (shiftKey) void selecting.extendTo(list.placeOf(id));
  else selecting.toggle(status);
  return true;
}

/** @param {MouseEvent} event */
function clicked(event) {
  const { target } = event;
  // Of a double click, the second one would undo the first: what is under the
  // pointer by then is another button, or another row.
  if (!(target instanceof Element)) return;
  const pick = target.closest(".pick");
  if (event.detail > 1 && pick === null) return;
  const button = target.closest("[data-action]");
  const inPanel = panel.contains(target);
  const id = inPanel ? opened : list.idOf(target);
  if (id === null) return;
  if (!inPanel && button === null && picked(event, id, pick !== null)) return;
  const name = button instanceof HTMLElement ? button.dataset.action : null;
  if (name === "close") return closeDetail();
  const status = model.get(id);
  if (name && status) void act(/** @type {ActionName} */ (name), status);
  else if (!inPanel && !isSelectingText()) {
    opened === id ? closeDetail() : openDetail(id);
  }
}

/** Whether the pointer was drawn over text: pressed down, it selects none yet. */
function isSelectingText() {
  return getSelection()?.isCollapsed === false;
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (dialog.open) return;
  const focused = document.activeElement;
  const command = commandFor(event, focusOf(focused));
  if (command === null) return;
  const id = panel.contains(focused)
    ? opened
    : list.idOf(focused) ?? list.current();
  const status = id === null ? null : model.get(id);
  event.preventDefault();
  const goesOn = ["next", "previous", "up", "down"].includes(command);
  // A key that is held down would undo what it has done.
  if (event.repeat && !goesOn) return;
  switch (command) {
    case "add":
      return input.focus();
    case "search":
      return search.select();
    case "help":
      return void showHelp(dialog);
    case "close":
      return leave();
    case "tab":
      return show({
        tab: /** @type {Tab} */ (Object.keys(TABS)[Number(event.key) - 1]),
      });
    case "next":
    case "previous":
    case "first":
    case "last":
      if (event.shiftKey && id !== null && selecting.isEmpty()) {
        selecting.setAnchor(id);
      }
      {
        const index = list.move(command);
        if (event.shiftKey) return void selecting.extendTo(index);
      }
      if (opened !== null && !isNarrow()) {
        const at = list.current();
        if (at !== null) openDetail(at);
      }
      return;
    case "details":
      if (id !== null) opened === id ? closeDetail() : openDetail(id);
      return;
    case "select":
      if (status) selecting.toggle(status);
      return;
    case "all":
      return selecting.all();
    case "top":
    case "up":
    case "down":
    case "bottom":
      if (!selecting.isEmpty() && !panel.contains(focused)) {
        return void selecting.act(command);
      }
      if (status && isInQueue(status)) void act(command, status);
      return;
    default:
      if (!selecting.isEmpty() && !panel.contains(focused)) {
        return void selecting.act(command);
      }
      if (status) actIfAllowed(command, status);
  }
}

/**
 * @param {"toggle" | ActionName} command
 * @param {Status} status
 */
function actIfAllowed(command, status) {
  const name = command === "toggle" ? toggleFor(status) : command;
  if (name === null) return;
  if (actionsFor(status).some((action) => action.name === name)) {
    void act(name, status);
  }
}

/** One step back: from a field, or from the details. */
function leave() {
  const focused = document.activeElement;
  if (focused === search && search.value !== "") {
    search.value = "";
    show({});
  } else if (!selecting.isEmpty()) selecting.clear();
  else if (opened !== null) closeDetail();
  else if (focused instanceof HTMLElement) focused.blur();
}

const adding = createAdding({
  form: byId("add", HTMLFormElement),
  input,
  connection,
  notices,
  added() {
    model.doubt();
    drawSoon();
  },
});

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => show({}), TYPING);
});
byId("tabs", HTMLElement).addEventListener("click", ({ target }) => {
  const tab = target instanceof Element &&
    target.closest("button")?.dataset.tab;
  if (tab) show({ tab: /** @type {Tab} */ (tab) });
});
bulk.addEventListener("click", () => void actOnAll());
byId("sort", HTMLSelectElement).addEventListener("change", ({ target }) => {
  if (!(target instanceof HTMLSelectElement)) return;
  show(withOrder(model.view(), /** @type {Order} */ (target.value)));
});
byId("head", HTMLElement).addEventListener("click", ({ target }) => {
  const order = target instanceof Element &&
    target.closest("button")?.dataset.sort;
  if (!order) return;
  show(withNextOrder(model.view(), /** @type {Order} */ (order)));
});
addEventListener("popstate", () => {
  if (history.state !== DETAIL && main.inert) closeDetail();
  const view = readView(location.href);
  // Back from the details, the list is where it was.
  if (hrefWith(location.href, model.view()) !== location.href) showView(view);
});
// What the focus was on when a dialog was opened may be gone by now.
dialog.addEventListener("close", () => {
  if (document.activeElement !== document.body) return;
  if (opened !== null) detail.focus();
  else list.focusCurrent();
});
byId("help", HTMLElement).addEventListener(
  "click",
  () => void showHelp(dialog),
);
doneNotice.button.addEventListener("click", async () => {
  const answer = await doneNotice.toggle();
  if (answer === "on") {
    notices.say(say("tell.on"));
  } else if (answer === "denied") {
    notices.say(say("tell.denied"), "error");
  }
});
byId("reconnect", HTMLElement)
  .addEventListener("click", () => connection.reconnect());
grid.addEventListener("click", clicked);
grid.addEventListener("mousedown", (event) => {
  // Otherwise, the text between the two rows is selected as well.
  if (event.shiftKey) event.preventDefault();
});
panel.addEventListener("click", clicked);
panel.addEventListener("change", ({ target }) => {
  if (!(target instanceof HTMLSelectElement) || opened === null) return;
  void prioritize(opened, target.value);
});
grid.addEventListener("focusin", ({ target }) => {
  const id = list.idOf(target);
  if (id !== null) list.setCurrent(id);
});
grid.addEventListener("scroll", drawSoon, { passive: true });
document.addEventListener("keydown", pressed);
addEventListener("online", () => connection.reconnect());
new ResizeObserver(() => {
  main.inert = opened !== null && isNarrow();
  list.measure();
  drawSoon();
}).observe(grid);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  // A socket that died in a sleep is found out by asking something.
  connection.reconnect();
  model.doubt();
  drawSoon();
});
showView(readView(location.href));
setInterval(() => overview.drawConnection(connection.state(), reason), 500);
if (adding.text() === "") adding.set(takeDraft());
offerLanguages(
  byId("language", HTMLSelectElement),
  () => keepDraft(adding.text()),
);
void offerWhatMayBe();
