// @ts-check
/// <reference lib="dom" />
/** What has become of telling a webhook; nothing of it is shown without one. */

/** @import { Delivery } from "../messages.ts" */
/** @import { Connection } from "./connection.js" */
import { showDeliveries } from "./dialogs.js";
import { byId } from "./dom.js";
import { say } from "./words.js";

/**
 * @param {Pick<Connection, "request">} connection
 * @param {HTMLDialogElement} dialog
 */
export function createWebhook(connection, dialog) {
  const button = byId("webhook", HTMLButtonElement);

  /** @returns {Promise<readonly Delivery[] | null>} Null without a webhook. */
  async function look() {
    try {
      const { data } = await connection.request({ action: "deliveries" });
      const deliveries = "deliveries" in data ? data.deliveries : null;
      const isFailing = deliveries?.[0]?.delivered === false;
      button.hidden = deliveries === null;
      button.classList.toggle("failing", isFailing);
      button.title = say(isFailing ? "webhook.failing" : "webhook");
      return deliveries;
    } catch {
      // The connection is gone: a new one brings it.
      return null;
    }
  }

  button.addEventListener("click", async () => {
    const deliveries = await look();
    if (deliveries !== null) await showDeliveries(dialog, deliveries);
  });
  return { look };
}
