// @ts-check
/// <reference lib="dom" />
/** The field for links, and the text that is too long for it. */

const MOST_LINES = 8;
/** Characters in the field: browsers lay more of them out too slowly. */
const MOST_SHOWN = 100_000;

/** @param {HTMLTextAreaElement} input */
export function createEntry(input) {
  /** Stands before what is in the field. */
  let held = "";

  function fit() {
    input.rows = input.value.split("\n", MOST_LINES).length;
  }

  function text() {
    return held === "" ? input.value : `${held}\n${input.value}`;
  }

  /** @param {string[]} texts What it is to hold, together. */
  function set(...texts) {
    const all = texts.map((text) => text.trim()).filter((text) => text !== "")
      .join("\n");
    held = all.length > MOST_SHOWN ? all : "";
    input.value = held === "" ? all : "";
    fit();
  }

  return {
    fit,
    text,
    set,
    /** Whether there is more than the field shows. */
    isHeld: () => held !== "",
    /** @param {string} pasted What is put where the caret is. */
    insert(pasted) {
      if (pasted.length > MOST_SHOWN) return set(text(), pasted);
      const { selectionStart: start, selectionEnd: end } = input;
      input.setRangeText(pasted, start, end, "end");
      fit();
    },
  };
}
