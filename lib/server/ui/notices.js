// @ts-check
/// <reference lib="dom" />
/** Short words about what has happened: seen, and read out. */

import { html, icon } from "./dom.js";
import { faultFor, say } from "./words.js";

const SHOWN = { info: 5_000, error: 12_000 };
const MOST = 4;

/**
 * @typedef {ReturnType<typeof createNotices>} Notices
 *
 * @typedef {object} Fault
 * @property {string} text
 * @property {string | null} original The server's own words, which hold more.
 */

/**
 * What is said of an error.
 *
 * @param {unknown} error A sentence, or what has one and maybe a code.
 * @returns {Fault}
 */
export function faultOf(error) {
  const { code = "", message = String(error) } = Object(error);
  const translated = faultFor(code);
  return translated === null
    ? { text: message, original: null }
    : { text: translated, original: message };
}

/** @param {Fault} fault */
export function shownFault({ text, original }) {
  return [
    html("p", {}, text),
    ...original === null ? [] : [
      html("p", { class: "original", lang: "en" }, original),
    ],
  ];
}

/**
 * @param {{ stack: HTMLElement, voice: HTMLElement }} places `voice` is read
 * out but not seen.
 */
export function createNotices({ stack, voice }) {
  /**
   * Shows a notice for a while.
   *
   * @param {string} text
   * @param {"info" | "error"} kind
   * @param {string | null} original The server's own words, which hold more.
   */
  function show(text, kind = "info", original = null) {
    const close = html("button", {
      type: "button",
      class: "quiet",
      "aria-label": say("notices.dismiss"),
    }, icon("close"));
    const notice = html(
      "div",
      { class: `notice ${kind}`, role: kind === "error" ? "alert" : false },
      html("div", {}, ...shownFault({ text, original })),
      close,
    );
    const timer = setTimeout(() => notice.remove(), SHOWN[kind]);
    close.onclick = () => {
      clearTimeout(timer);
      notice.remove();
    };
    stack.append(notice);
    while (stack.childElementCount > MOST) stack.firstElementChild?.remove();
  }

  return {
    say: show,
    /** @param {unknown} error As `faultOf` takes it. */
    fail(error) {
      const { text, original } = faultOf(error);
      show(text, "error", original);
    },
    /**
     * Reads out what the list shows already.
     *
     * @param {string} text
     */
    announce(text) {
      voice.textContent = text;
    },
  };
}
