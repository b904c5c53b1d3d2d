// @ts-check
/// <reference lib="dom" />
/** Notifies somebody who looks elsewhere that all is done. First half pure. */

/** @import { Totals } from "../../status/status.ts" */
import { byId } from "./dom.js";
import { forget, keep, recall } from "./kept.js";
import { language, listed, say } from "./words.js";

/**
 * @typedef {object} Done
 * @property {number} finished
 * @property {number} failed
 */

/**
 * Makes a function that hears all totals, and tells when nothing is left to do:
 * how many have finished and failed since that was so last. What was only
 * paused or removed is no news.
 *
 * @returns {(totals: Totals) => Done | null}
 */
export function watchForDone() {
  /** @type {Done | null} The least that there were since the last time. */
  let least = null;
  return ({ Queued, Downloading, Downloaded, Failed }) => {
    const { finished, failed } = least ??
      { finished: Downloaded, failed: Failed };
    least = {
      finished: Math.min(finished, Downloaded),
      failed: Math.min(failed, Failed),
    };
    if (Queued + Downloading > 0) return null;
    const done = {
      finished: Downloaded - least.finished,
      failed: Failed - least.failed,
    };
    least = { finished: Downloaded, failed: Failed };
    return done.finished + done.failed === 0 ? null : done;
  };
}

/** @param {Done} done */
export function wordsOf({ finished, failed }) {
  return listed([
    finished > 0 && say("finished", { count: finished }),
    failed > 0 && say("failed", { count: failed }),
  ]);
}

/** Where the wish to be told is kept, as long as the browser keeps it. */
const WISH = "sluice.notify";

/** The button that asks to be told, and what tells. */
export function createDoneNotice() {
  const button = byId("tell", HTMLButtonElement);
  const hear = watchForDone();
  // A page that came over plain HTTP, from elsewhere than this machine, may not.
  button.hidden = !("Notification" in globalThis) || !isSecureContext;

  function isWanted() {
    return !button.hidden && recall("localStorage", WISH) !== null &&
      Notification.permission === "granted";
  }

  function draw() {
    button.setAttribute("aria-pressed", String(isWanted()));
  }

  /** @returns {Promise<"on" | "off" | "denied">} */
  async function toggle() {
    const wanted = !isWanted();
    if (!wanted) forget("localStorage", WISH);
    const answer = wanted && keep("localStorage", WISH, "")
      ? await Notification.requestPermission()
      : null;
    draw();
    if (!wanted) return "off";
    return answer === "granted" ? "on" : "denied";
  }

  if (!button.hidden) draw();
  return {
    button,
    toggle,
    /** @param {Totals} totals */
    hear(totals) {
      const done = hear(totals);
      if (done === null || !isWanted() || !document.hidden) return;
      try {
        const notice = new Notification(say("tell.done"), {
          lang: language(),
          body: wordsOf(done),
          icon: "ui/icon-192.png",
          tag: "sluice",
        });
        notice.onclick = () => {
          globalThis.focus();
          notice.close();
        };
      } catch {
        // Browsers of phones want a service worker for it.
      }
    },
  };
}
