// @ts-check
/// <reference lib="dom" />
/** The keyboard: which key means what, and the list of them. */

/**
 * @typedef {"add" | "search" | "details" | "toggle" | "retry" | "remove"
 *   | "refresh" | "open" | "save" | "copy" | "next" | "previous" | "first"
 *   | "last" | "tab" | "help" | "close"} KeyCommand
 *
 * @typedef {object} Shortcut
 * @property {KeyCommand} command
 * @property {readonly string[]} keys As in `KeyboardEvent.key`.
 * @property {readonly string[]} shown As they are written on the keyboard.
 * @property {string} meaning
 * @property {"anywhere" | "list"} where
 */

/** @type {readonly Shortcut[]} */
export const SHORTCUTS = [
  shortcut("add", "anywhere", ["a"], ["A"], "Add links"),
  shortcut("search", "anywhere", ["/"], ["/"], "Search"),
  shortcut(
    "tab",
    "anywhere",
    ["1", "2", "3", "4", "5"],
    ["1", "…", "5"],
    "All, active, paused, finished, failed",
  ),
  shortcut("help", "anywhere", ["?"], ["?"], "This list"),
  shortcut("close", "anywhere", ["Escape"], ["Esc"], "Close"),
  shortcut("next", "list", ["ArrowDown", "j"], ["↓", "J"], "Next download"),
  shortcut(
    "previous",
    "list",
    ["ArrowUp", "k"],
    ["↑", "K"],
    "Previous download",
  ),
  shortcut("first", "list", ["Home"], ["Home"], "First download"),
  shortcut("last", "list", ["End"], ["End"], "Last download"),
  shortcut("details", "list", ["Enter"], ["Enter"], "Open or close details"),
  shortcut("toggle", "list", [" "], ["Space"], "Pause, resume or try again"),
  shortcut("retry", "list", ["r"], ["R"], "Try again"),
  shortcut("refresh", "list", ["u"], ["U"], "Give a new URL"),
  shortcut("open", "list", ["o"], ["O"], "Open the file"),
  shortcut("save", "list", ["s"], ["S"], "Save the file"),
  shortcut("copy", "list", ["c"], ["C"], "Copy the file link"),
  shortcut("remove", "list", ["Delete", "x"], ["Del", "X"], "Remove"),
];

/**
 * @param {KeyCommand} command
 * @param {Shortcut["where"]} where
 * @param {readonly string[]} keys
 * @param {readonly string[]} shown
 * @param {string} meaning
 * @returns {Shortcut}
 */
function shortcut(command, where, keys, shown, meaning) {
  return { command, where, keys, shown, meaning };
}

/**
 * What a key means; null if it is somebody else's.
 *
 * @param {Pick<KeyboardEvent,
 *   "key" | "ctrlKey" | "metaKey" | "altKey" | "isComposing">} event
 * @param {"typing" | "button" | "list" | "elsewhere"} focus
 * @returns {KeyCommand | null}
 */
export function commandFor(event, focus) {
  const { key, ctrlKey, metaKey, altKey, isComposing } = event;
  if (ctrlKey || metaKey || altKey || isComposing) return null;
  if (focus === "typing" && key !== "Escape") return null;
  // A button, also one in a row, is pressed by these two.
  if (focus === "button" && (key === "Enter" || key === " ")) return null;
  const inList = focus === "list" || focus === "button";
  const wanted = key.length === 1 ? key.toLowerCase() : key;
  return SHORTCUTS.find(({ keys, where }) =>
    keys.includes(wanted) && (where === "anywhere" || inList)
  )?.command ?? null;
}

/**
 * Where the focus is, as far as keys go.
 *
 * @param {Element | null} element
 * @param {Element} list
 * @returns {"typing" | "button" | "list" | "elsewhere"}
 */
export function focusOf(element, list) {
  if (element?.matches("input, textarea, select")) return "typing";
  const inList = element !== null && list.contains(element);
  if (element?.matches("button, a, summary")) {
    return inList ? "button" : "elsewhere";
  }
  return inList ? "list" : "elsewhere";
}
