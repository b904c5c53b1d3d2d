// @ts-check
/// <reference lib="dom" />
/** Carries out what somebody wants done with downloads, and says what came. */

/** @import { ActionName } from "./actions.js" */
/** @import { Connection } from "./connection.js" */
/** @import { Tab } from "./model.js" */
/** @import { Notices } from "./notices.js" */
/** @import { Status } from "../../status/status.ts" */
import { fileHref } from "./actions.js";
import { commandAll } from "./bulk.js";
import { askMany, askRemove, askUrl } from "./dialogs.js";
import { html } from "./dom.js";
import { formatCount, nameOf } from "./format.js";
import { BULK } from "./overview.js";

/**
 * @param {{
 *   connection: Connection,
 *   notices: Notices,
 *   dialog: HTMLDialogElement,
 *   bulk: HTMLButtonElement,
 * }} parts
 */
export function createCommands({ connection, notices, dialog, bulk }) {
  /**
   * @param {ActionName} name
   * @param {Status} status
   */
  async function act(name, status) {
    const { id } = status;
    try {
      switch (name) {
        case "pause":
        case "resume":
        case "retry":
          await connection.request({ action: name, id });
          return;
        case "refresh": {
          const url = await askUrl(dialog, status);
          if (url === null) return;
          await connection.request({ action: "refresh", id, url });
          return notices.say("It goes on with the new URL.");
        }
        case "remove": {
          const answer = await askRemove(dialog, status);
          if (answer === "no") return;
          const file = answer === "file" ? { delete_file: true } : {};
          await connection.request({ action: "remove", id, ...file });
          return notices.say(`Removed ${nameOf(status)}.`);
        }
        case "open":
          globalThis.open(fileHref(id, "open"), "_blank", "noopener");
          return;
        case "save":
          html("a", { href: fileHref(id, "save"), download: "" }).click();
          return;
        case "copy":
          await copyText(status.path_to_file ?? "");
          return notices.say("Copied the file link.");
      }
    } catch (error) {
      notices.fail(error);
    }
  }

  /**
   * What is on a tab, or of that what is searched for.
   *
   * @param {{ tab: Tab, search: string }} view
   */
  async function actOnAll({ tab, search }) {
    const { action, states, label } = BULK[tab];
    if (action === "remove") {
      const agreed = await askMany(
        dialog,
        search === ""
          ? "Clear the list of finished downloads?"
          : `Clear the list of finished downloads with “${search}”?`,
        "The files stay where they are; only the list forgets them.",
        "Clear list",
      );
      if (!agreed) return;
    }
    bulk.disabled = true;
    try {
      const result = await commandAll(
        connection,
        action,
        { states, search },
        (done, total) => bulk.dataset.progress = `${done} of ${total}`,
      );
      notices.say(`${label}: ${formatCount(result.done)} done.`);
    } catch (error) {
      notices.fail(error);
    } finally {
      bulk.disabled = false;
      delete bulk.dataset.progress;
    }
  }

  return { act, actOnAll };
}

/**
 * The clipboard proper is only for pages that are secure; this one may be on
 * plain HTTP in somebody's own network.
 *
 * @param {string} text
 */
async function copyText(text) {
  if (navigator.clipboard) return await navigator.clipboard.writeText(text);
  const field = html("textarea", { readonly: true, class: "unseen" });
  const focused = document.activeElement;
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  if (!copied) throw new Error("The browser does not let this page copy.");
}
