// @ts-check
/// <reference lib="dom" />
/** Questions that are asked before something is done. */

/** @import { Delivery } from "../messages.ts" */
/** @import { Fault } from "./notices.js" */
/** @import { Status } from "../../status/status.ts" */
import { html } from "./dom.js";
import { formatBytes, formatMoment, nameOf } from "./format.js";
import { SHORTCUTS } from "./keys.js";
import { shownFault } from "./notices.js";
import { readCount, readRate, writeRate } from "./options.js";
import { isKey, say, sentences } from "./words.js";

/**
 * @typedef {object} Choice
 * @property {string} value
 * @property {string} label
 * @property {"plain" | "strong" | "danger"} kind
 */

/**
 * Answers the question that was asked last; nobody hears of a second answer.
 *
 * @type {(answer: string) => void}
 */
let answerLast = () => {};

/**
 * Opens a dialog; the one that is open before it is the answer to itself.
 *
 * @param {HTMLDialogElement} dialog
 * @param {string} title
 * @param {readonly (Node | string)[]} content
 * @param {readonly Choice[]} choices The first one has the focus.
 * @returns {Promise<string>} The value of the choice; empty if it was closed.
 */
function open(dialog, title, content, choices) {
  const heading = html("h2", { id: "dialog-title" }, title);
  const buttons = choices.map(({ value, label, kind }) =>
    // One that only closes must not be what Enter in a field presses.
    html(
      "button",
      { class: kind, value, type: value ? "submit" : "button" },
      label,
    )
  );
  for (const button of buttons) {
    if (button.value === "") button.onclick = () => dialog.close("");
  }
  const form = html(
    "form",
    { method: "dialog" },
    heading,
    ...content,
    html("div", { class: "choices" }, ...buttons),
  );
  dialog.setAttribute("aria-labelledby", "dialog-title");
  dialog.replaceChildren(form);
  dialog.returnValue = "";
  dialog.showModal();
  const { promise, resolve } = Promise.withResolvers();
  answerLast("");
  answerLast = resolve;
  dialog.onclose = () => {
    // A dialog that was just closed is heard of when the next is open already.
    if (!dialog.open) answerLast(dialog.returnValue);
  };
  // A click outside: the form fills the dialog, so it is on the backdrop.
  dialog.onclick = ({ target }) => {
    if (target === dialog) dialog.close("");
  };
  return promise;
}

/**
 * Asks whether, and how, a download is to be removed.
 *
 * @param {HTMLDialogElement} dialog
 * @param {Status} status
 * @returns {Promise<"no" | "entry" | "file">}
 */
export async function askRemove(dialog, status) {
  const { process_status: state, downloaded } = status;
  const finished = state === "Downloaded";
  const text = finished
    ? say("remove.finished")
    : downloaded > 0
    ? say("remove.unfinished", { bytes: formatBytes(downloaded) })
    : state === "Queued"
    ? say("remove.queued")
    : say("remove.nothing", { state: say(`state.${state}`) });
  /** @type {Choice[]} */
  const yes = finished
    ? [
      { value: "entry", label: say("remove.entry"), kind: "strong" },
      { value: "file", label: say("remove.file"), kind: "danger" },
    ]
    : [{ value: "entry", label: say("action.remove"), kind: "danger" }];
  const answer = await open(
    dialog,
    say("remove"),
    [subjectOf(status), html("p", {}, text)],
    [{ value: "", label: say("remove.keep"), kind: "plain" }, ...yes],
  );
  return answer === "entry" || answer === "file" ? answer : "no";
}

/**
 * Asks for the new URL of a download whose old one does not work any more.
 *
 * @param {HTMLDialogElement} dialog
 * @param {Status} status
 * @param {{ url: string, fault: Fault | null }} before What was answered before,
 * and why that came to nothing.
 * @returns {Promise<string | null>}
 */
export async function askUrl(dialog, status, { url, fault }) {
  const input = html("input", {
    type: "url",
    required: true,
    value: url,
    // What is copied from a mail often has white space around it.
    pattern: "\\s*[hH][tT][tT][pP][sS]?://.+",
    title: say("refresh.format"),
    placeholder: "https://…",
    autocomplete: "off",
    spellcheck: "false",
    autofocus: true,
  });
  const answer = await open(
    dialog,
    say("refresh"),
    [
      subjectOf(status),
      html(
        "p",
        {},
        say("refresh.text"),
      ),
      html("label", {}, say("refresh.field"), input),
      ...fault === null ? [] : [
        html("div", { class: "fault", role: "alert" }, ...shownFault(fault)),
      ],
    ],
    [
      { value: "", label: say("cancel"), kind: "plain" },
      { value: "go", label: say("refresh.go"), kind: "strong" },
    ],
  );
  return answer === "go" ? input.value.trim() : null;
}

/**
 * Asks for the folder that a finished file is to be moved to.
 *
 * @param {HTMLDialogElement} dialog
 * @param {Status} status
 * @param {readonly string[]} folders To choose from.
 * @param {{ folder: string, fault: Fault | null }} before What was answered
 * before, and why that came to nothing.
 * @returns {Promise<string | null>} Empty for the server's own directory.
 */
export async function askFolder(dialog, status, folders, { folder, fault }) {
  const input = html("input", {
    type: "text",
    value: folder,
    list: "places",
    placeholder: say("options.folder.hint"),
    autocomplete: "off",
    spellcheck: "false",
    autofocus: true,
  });
  const places = html(
    "datalist",
    { id: "places" },
    ...folders.map((value) => html("option", { value })),
  );
  const answer = await open(
    dialog,
    say("relocate"),
    [
      subjectOf(status),
      html("label", {}, say("relocate.field"), input),
      places,
      ...fault === null ? [] : [
        html("div", { class: "fault", role: "alert" }, ...shownFault(fault)),
      ],
    ],
    [
      { value: "", label: say("cancel"), kind: "plain" },
      { value: "go", label: say("relocate.go"), kind: "strong" },
    ],
  );
  return answer === "go" ? input.value.trim() : null;
}

/**
 * Asks how fast a download may be.
 *
 * @param {HTMLDialogElement} dialog
 * @param {Status} status
 * @returns {Promise<number | null | undefined>} Bytes a second, or null for no
 * limit; undefined if nothing is to change.
 */
export async function askRate(dialog, status) {
  const input = rateInput(writeRate(status.limit_rate), { autofocus: true });
  const answer = await open(
    dialog,
    say("limit"),
    [subjectOf(status), html("label", {}, say("limit.field"), input)],
    [
      { value: "", label: say("cancel"), kind: "plain" },
      { value: "go", label: say("limit.go"), kind: "strong" },
    ],
  );
  return answer === "go" ? readRate(input.value) : undefined;
}

/**
 * A field for a rate, which holds up its form while it has none.
 *
 * @param {string} value
 * @param {{ autofocus?: boolean }} [more]
 */
function rateInput(value, more) {
  const attributes = { value, placeholder: say("options.rate.hint"), ...more };
  const wrong = say("options.rate.wrong");
  return checkedInput(
    attributes,
    (text) => readRate(text) !== undefined,
    wrong,
  );
}

/**
 * @param {Readonly<Record<string, string | boolean>>} attributes
 * @param {(text: string) => boolean} isRight
 * @param {string} wrong What is said of a text that is not.
 */
function checkedInput(attributes, isRight, wrong) {
  const input = html("input", {
    ...{ type: "text", autocomplete: "off", spellcheck: "false" },
    ...attributes,
  });
  input.oninput = () =>
    input.setCustomValidity(isRight(input.value) ? "" : wrong);
  return input;
}

/**
 * Asks what is to limit all downloads together.
 *
 * @typedef {object} LimitTexts
 * @property {string} rate
 * @property {string} host The rate from each host.
 * @property {string} downloads
 *
 * @param {HTMLDialogElement} dialog
 * @param {LimitTexts} texts
 * @param {Fault | null} fault Why what was answered before came to nothing.
 * @returns {Promise<LimitTexts | null>} All of them readable; null if nothing is
 * to change.
 */
export async function askLimits(dialog, texts, fault) {
  const rate = rateInput(texts.rate, { autofocus: true });
  const host = rateInput(texts.host);
  const downloads = checkedInput(
    {
      value: texts.downloads,
      placeholder: say("limits.downloads.hint"),
      inputmode: "numeric",
    },
    (text) => readCount(text) !== undefined,
    say("limits.downloads.wrong"),
  );
  const answer = await open(
    dialog,
    say("limits"),
    [
      html("label", {}, say("limits.rate.field"), rate),
      html("label", {}, say("limits.host.field"), host),
      html("label", {}, say("limits.downloads.field"), downloads),
      html("p", { class: "hint" }, say("limits.text")),
      ...fault === null ? [] : [
        html("div", { class: "fault", role: "alert" }, ...shownFault(fault)),
      ],
    ],
    [
      { value: "", label: say("cancel"), kind: "plain" },
      { value: "go", label: say("limits.go"), kind: "strong" },
    ],
  );
  return answer === "go"
    ? { rate: rate.value, host: host.value, downloads: downloads.value }
    : null;
}

/** @param {Status} status */
function subjectOf(status) {
  const name = html("bdi", {}, nameOf(status));
  return html("p", { class: "subject" }, name);
}

/**
 * Asks whether, and how, many are to be removed at once.
 *
 * @param {HTMLDialogElement} dialog
 * @param {{
 *   count: number,
 *   search: string,
 *   states: readonly Status["process_status"][],
 * }} which `states`: those that some of them may be in.
 * @returns {Promise<"no" | "entry" | "file">}
 */
export async function askRemoveMany(dialog, { count, search, states }) {
  const finished = states.includes("Downloaded");
  const unfinished = states.some((state) => state !== "Downloaded");
  const text = sentences([
    search !== "" && say("removal.found", { search: `\u2068${search}\u2069` }),
    unfinished && say("removal.unfinished"),
    finished && say("removal.finished"),
  ]);
  const title = say("removal", { count });
  const answer = await open(dialog, title, [html("p", {}, text)], [
    { value: "", label: say("removal.keep"), kind: "plain" },
    {
      value: "entry",
      label: say(finished ? "remove.entry" : "action.remove"),
      kind: finished ? "strong" : "danger",
    },
    ...finished
      ? [
        /** @type {Choice} */ ({
          value: "file",
          label: say("removal.files"),
          kind: "danger",
        }),
      ]
      : [],
  ]);
  return answer === "entry" || answer === "file" ? answer : "no";
}

/**
 * Shows what the keyboard can do.
 *
 * @param {HTMLDialogElement} dialog
 */
export async function showHelp(dialog) {
  const [general, list] = /** @type {const} */ (["anywhere", "list"]).map(
    (where) =>
      html(
        "dl",
        { class: "keys" },
        ...SHORTCUTS.filter((shortcut) => shortcut.where === where)
          .flatMap(({ command, shown }) => [
            html(
              "dt",
              {},
              ...shown.map((key) => html("kbd", {}, nameOfKey(key))),
            ),
            html("dd", {}, say(`key.${command}`)),
          ]),
      ),
  );
  const content = [
    html("h3", {}, say("keys.anywhere")),
    general ?? "",
    html("h3", {}, say("keys.list")),
    list ?? "",
    html(
      "p",
      { class: "hint" },
      say("keys.hint"),
    ),
  ];
  await open(dialog, say("keys"), content, [
    { value: "", label: say("close"), kind: "plain" },
  ]);
}

/**
 * Shows the servers that share the queue.
 *
 * @param {HTMLDialogElement} dialog
 * @param {HTMLTableElement} table
 */
export async function showNodes(dialog, table) {
  const content = [
    html("div", { class: "wide", tabindex: "0" }, table),
    html("p", { class: "hint" }, say("nodes.hint")),
  ];
  await open(dialog, say("nodes"), content, [
    { value: "", label: say("close"), kind: "plain" },
  ]);
}

/**
 * Shows what has become of telling a webhook.
 *
 * @param {HTMLDialogElement} dialog
 * @param {readonly Delivery[]} deliveries The latest first.
 */
export async function showDeliveries(dialog, deliveries) {
  const now = new Date();
  const lines = deliveries.flatMap((delivery) => [
    html("dt", {}, formatMoment(delivery.at, now)),
    html("dd", {}, wordsOfDelivery(delivery)),
  ]);
  const content = lines.length > 0
    ? html("dl", { class: "keys" }, ...lines)
    : html("p", {}, say("webhook.none"));
  await open(dialog, say("webhook"), [content], [
    { value: "", label: say("close"), kind: "plain" },
  ]);
}

/** @param {Delivery} delivery */
function wordsOfDelivery({ event, id, filename, delivered, status, code }) {
  const name = `\u2068${filename ?? id?.slice(0, 8) ?? ""}\u2069`;
  const outcome = delivered
    ? say("webhook.told")
    : status === null
    ? say("webhook.silent", { code: code ?? "" })
    : say("webhook.refused", { status });
  return say("webhook.line", {
    what: say(`webhook.${event}`, { name }),
    outcome,
  });
}

/** @param {string} key */
function nameOfKey(key) {
  const name = /** @type {const} */ (`keyname.${key}`);
  return isKey(name) ? say(name) : key;
}
