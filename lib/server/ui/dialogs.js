// @ts-check
/// <reference lib="dom" />
/** Questions that are asked before something is done. */

/** @import { Status } from "../../status/status.ts" */
import { html } from "./dom.js";
import { formatBytes, formatCount, nameOf, STATE_WORDS } from "./format.js";
import { SHORTCUTS } from "./keys.js";

/**
 * @typedef {object} Choice
 * @property {string} value
 * @property {string} label
 * @property {"plain" | "strong" | "danger"} kind
 */

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
  dialog.addEventListener("close", () => resolve(dialog.returnValue), {
    once: true,
  });
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
    ? "Only take it off the list, or delete the file from the disk too? " +
      "A deleted file is gone for good."
    : downloaded > 0
    ? `It is not finished: the ${
      formatBytes(downloaded)
    } that are here will be deleted.`
    : state === "Queued"
    ? "It has not begun yet. It is taken off the list."
    : `${STATE_WORDS[state]}: nothing of it is here. It is taken off the list.`;
  /** @type {Choice[]} */
  const yes = finished
    ? [
      { value: "entry", label: "Take off the list", kind: "strong" },
      { value: "file", label: "Delete the file too", kind: "danger" },
    ]
    : [{ value: "entry", label: "Remove", kind: "danger" }];
  const answer = await open(
    dialog,
    "Remove this download?",
    [subjectOf(status), html("p", {}, text)],
    [{ value: "", label: "Keep it", kind: "plain" }, ...yes],
  );
  return answer === "entry" || answer === "file" ? answer : "no";
}

/**
 * Asks for the new URL of a download whose old one does not work any more.
 *
 * @param {HTMLDialogElement} dialog
 * @param {Status} status
 * @returns {Promise<string | null>}
 */
export async function askUrl(dialog, status) {
  const input = html("input", {
    type: "url",
    required: true,
    pattern: "[hH][tT][tT][pP][sS]?://.+",
    title: "A link that begins with http:// or https://",
    placeholder: "https://…",
    autocomplete: "off",
    spellcheck: "false",
    autofocus: true,
  });
  const answer = await open(
    dialog,
    "Give it a new URL",
    [
      subjectOf(status),
      html(
        "p",
        {},
        "If the old link has expired, copy a new one from the site. What is " +
          "here already is kept, if the file is still the same.",
      ),
      html("label", {}, "New URL", input),
    ],
    [
      { value: "", label: "Cancel", kind: "plain" },
      { value: "go", label: "Go on with it", kind: "strong" },
    ],
  );
  return answer === "go" ? input.value.trim() : null;
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
  const many = count === 1 ? "1 download" : `${formatCount(count)} downloads`;
  const finished = states.includes("Downloaded");
  const unfinished = states.some((state) => state !== "Downloaded");
  const text = [
    search !== "" && `They are those with “\u2068${search}\u2069”.`,
    unfinished && "What is here of unfinished ones will be deleted.",
    finished && "Finished files stay where they are, unless you delete them " +
      "too: then they are gone for good.",
  ].filter(Boolean).join(" ");
  const answer = await open(dialog, `Remove ${many}?`, [html("p", {}, text)], [
    { value: "", label: "Keep them", kind: "plain" },
    {
      value: "entry",
      label: finished ? "Take off the list" : "Remove",
      kind: finished ? "strong" : "danger",
    },
    ...finished
      ? [
        /** @type {Choice} */ ({
          value: "file",
          label: "Delete the files too",
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
          .flatMap(({ shown, meaning }) => [
            html("dt", {}, ...shown.map((key) => html("kbd", {}, key))),
            html("dd", {}, meaning),
          ]),
      ),
  );
  const content = [
    html("h3", {}, "Anywhere"),
    general ?? "",
    html("h3", {}, "In the list"),
    list ?? "",
    html(
      "p",
      { class: "hint" },
      "Links can be pasted or dropped anywhere on the page.",
    ),
  ];
  await open(dialog, "Keyboard", content, [
    { value: "", label: "Close", kind: "plain" },
  ]);
}
