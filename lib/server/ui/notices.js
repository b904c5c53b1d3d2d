// @ts-check
/// <reference lib="dom" />
/** Short words about what has happened: seen, and read out. */

import { html, icon } from "./dom.js";

const SHOWN = { info: 5_000, error: 12_000 };
const MOST = 4;

/** @typedef {ReturnType<typeof createNotices>} Notices */

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
   */
  function say(text, kind = "info") {
    const close = html("button", {
      type: "button",
      class: "quiet",
      "aria-label": "Dismiss",
    }, icon("close"));
    const notice = html(
      "div",
      { class: `notice ${kind}`, role: kind === "error" ? "alert" : false },
      html("p", {}, text),
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
    say,
    /** @param {unknown} error */
    fail: (error) =>
      say(error instanceof Error ? error.message : String(error), "error"),
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
