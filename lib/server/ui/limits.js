// @ts-check
/// <reference lib="dom" />
/** What limits all downloads together: a button that tells of it, and a dialog. */

/** @import { LimitsStatus } from "../../status/status.ts" */
/** @import { Connection } from "./connection.js" */
/** @import { Notices } from "./notices.js" */
import { askLimits } from "./dialogs.js";
import { byId } from "./dom.js";
import { formatSpeed } from "./format.js";
import { faultOf } from "./notices.js";
import { readCount, readRate, writeRate } from "./options.js";
import { listed, say } from "./words.js";

/**
 * @param {{
 *   connection: Pick<Connection, "request">,
 *   notices: Notices,
 *   dialog: HTMLDialogElement,
 * }} parts
 */
export function createLimits({ connection, notices, dialog }) {
  const button = byId("limits", HTMLButtonElement);
  /** @type {LimitsStatus} */
  let limits = {
    limit_rate: null,
    limit_rate_per_host: null,
    max_downloads: null,
  };

  /** Asks again where the answer was of no use. */
  async function change() {
    const before = limits;
    let texts = await askLimits(dialog, {
      rate: writeRate(before.limit_rate),
      host: writeRate(before.limit_rate_per_host),
      downloads: String(before.max_downloads ?? ""),
    }, null);
    while (texts !== null) {
      const wanted = {
        limit_rate: readRate(texts.rate),
        limit_rate_per_host: readRate(texts.host),
        max_downloads: readCount(texts.downloads),
      };
      // What somebody else has set meanwhile, and is not changed here, stays.
      const changed = Object.entries(wanted).filter(([name, value]) =>
        value !== before[/** @type {keyof LimitsStatus} */ (name)]
      );
      if (changed.length === 0) return;
      try {
        const fields = Object.fromEntries(changed);
        await connection.request({ action: "limit", ...fields });
        return notices.say(say("done.limits"));
      } catch (error) {
        texts = await askLimits(dialog, texts, faultOf(error));
      }
    }
  }

  button.addEventListener("click", () => void change());
  return {
    /** @param {LimitsStatus} told */
    hear(told) {
      limits = told;
      const { limit_rate: rate, limit_rate_per_host: host } = limits;
      const { max_downloads: count } = limits;
      const set = listed([
        rate !== null && say("limits.rate", { speed: formatSpeed(rate) }),
        host !== null && say("limits.host", { speed: formatSpeed(host) }),
        count !== null && say("limits.downloads", { count }),
      ]);
      const words = set === "" ? say("limits") : say("limits.set", { set });
      button.hidden = false;
      button.classList.toggle("set", set !== "");
      button.ariaLabel = button.title = words;
    },
  };
}
