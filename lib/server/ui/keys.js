// @ts-check
/// <reference lib="dom" />
/** The keyboard: which key means what, and the list of them. */

/**
 * @typedef {"add" | "search" | "details" | "toggle" | "retry" | "remove"
 *   | "refresh" | "open" | "save" | "copy" | "source" | "next" | "previous"
 *   | "first" | "last" | "select" | "all" | "tab" | "help" | "close"
 *   | "top" | "up" | "down" | "bottom"} KeyCommand
 *
 * @typedef {"field" | "button" | "page"} Focus
 *
 * @typedef {object} Shortcut
 * @property {KeyCommand} command
 * @property {readonly string[]} keys As in `KeyboardEvent.key`; `Shift+`,
 * `Ctrl+` and `Alt+` before it where they are needed.
 * @property {readonly string[]} shown As they are written on the keyboard.
 * @property {"anywhere" | "list"} where What it is for.
 */

/** @type {readonly Shortcut[]} */
export const SHORTCUTS = [
  shortcut("add", "anywhere", ["a"], ["A"]),
  shortcut("search", "anywhere", ["/"], ["/"]),
  shortcut(
    "tab",
    "anywhere",
    ["1", "2", "3", "4", "5"],
    ["1", "…", "5"],
  ),
  shortcut("help", "anywhere", ["?"], ["?"]),
  shortcut("close", "anywhere", ["Escape"], ["Esc"]),
  shortcut("next", "list", ["ArrowDown", "j"], ["↓", "J"]),
  shortcut(
    "previous",
    "list",
    ["ArrowUp", "k"],
    ["↑", "K"],
  ),
  shortcut("first", "list", ["Home"], ["Home"]),
  shortcut("last", "list", ["End"], ["End"]),
  shortcut("details", "list", ["Enter"], ["Enter"]),
  shortcut(
    "select",
    "list",
    ["Shift+ "],
    ["Shift", "Space"],
  ),
  shortcut("all", "list", ["Ctrl+a"], ["Ctrl", "A"]),
  shortcut("toggle", "list", [" "], ["Space"]),
  shortcut("retry", "list", ["r"], ["R"]),
  shortcut("refresh", "list", ["u"], ["U"]),
  shortcut("open", "list", ["o"], ["O"]),
  shortcut("save", "list", ["s"], ["S"]),
  shortcut("copy", "list", ["c"], ["C"]),
  shortcut("source", "list", ["y"], ["Y"]),
  shortcut("up", "list", ["Alt+ArrowUp"], ["Alt", "↑"]),
  shortcut("down", "list", ["Alt+ArrowDown"], ["Alt", "↓"]),
  shortcut("top", "list", ["Alt+Home"], ["Alt", "Home"]),
  shortcut("bottom", "list", ["Alt+End"], ["Alt", "End"]),
  shortcut("remove", "list", ["Delete", "x"], ["Del", "X"]),
];

/**
 * @param {KeyCommand} command
 * @param {Shortcut["where"]} where
 * @param {readonly string[]} keys
 * @param {readonly string[]} shown
 * @returns {Shortcut}
 */
function shortcut(command, where, keys, shown) {
  return { command, where, keys, shown };
}

/**
 * What a key means; null if it is somebody else's.
 *
 * @param {Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey"
 *   | "shiftKey" | "isComposing">} event
 * @param {Focus} focus
 * @returns {KeyCommand | null}
 */
export function commandFor(event, focus) {
  const { key, code, ctrlKey, metaKey, altKey, shiftKey, isComposing } = event;
  if (isComposing) return null;
  if (focus === "field" && (altKey || key !== "Escape")) return null;
  if (altKey) {
    const isAlone = !ctrlKey && !metaKey && !shiftKey;
    return isAlone ? commandOf(`Alt+${key}`) ?? null : null;
  }
  if (focus === "button" && (key === "Enter" || key === " ")) return null;
  const plain = latinOf(key, code);
  const command = ctrlKey || metaKey
    ? commandOf(`Ctrl+${plain}`)
    : shiftKey && commandOf(`Shift+${plain}`) || commandOf(plain);
  return command ?? null;
}

/**
 * What a key is called in the list: with a Cyrillic or Greek keyboard, the Latin
 * letter that it has as well.
 *
 * @param {string} key
 * @param {string} code Of where it is on the keyboard.
 */
function latinOf(key, code) {
  if (key.length !== 1) return key;
  // Dvorak's letters, and those of other Latin keyboards, are what they are.
  const isLatin = key <= "\u024f";
  const latin = isLatin ? undefined : code.match(/^Key([A-Z])$/)?.[1];
  return (latin ?? key).toLowerCase();
}

/** @param {string} key */
function commandOf(key) {
  return SHORTCUTS.find(({ keys }) => keys.includes(key))?.command;
}

/**
 * What the focus is on, as far as keys go: a field takes all of them, a button
 * those that press it.
 *
 * @param {Element | null} element
 * @returns {Focus}
 */
export function focusOf(element) {
  if (element?.matches("[type=checkbox], button, a, summary")) return "button";
  return element?.matches("input, textarea, select") ? "field" : "page";
}
