// @ts-check
/// <reference lib="dom" />
/** Carries out what somebody wants done with downloads, and says what came. */

/** @import { ActionName, MoveName } from "./actions.js" */
/** @import { ManyAction } from "./bulk.js" */
/** @import { Connection } from "./connection.js" */
/** @import { Frame } from "./model.js" */
/** @import { Notices } from "./notices.js" */
/** @import { Status } from "../../status/status.ts" */
import { fileHref, isMove } from "./actions.js";
import { commandMany, gatherNewcomers } from "./bulk.js";
import { isList } from "./connection.js";
import {
  askFolder,
  askRate,
  askRemove,
  askRemoveMany,
  askUrl,
} from "./dialogs.js";
import { html } from "./dom.js";
import { findFolders } from "./folders.js";
import { quotedName } from "./format.js";
import { faultOf } from "./notices.js";
import { say } from "./words.js";

/**
 * Many downloads: some by their ids, or all that a list would have.
 *
 * @typedef {object} Many
 * @property {number} count
 * @property {string} search What they were found by.
 * @property {readonly Status["process_status"][]} states Those that some of them
 * may be in.
 * @property {Parameters<typeof commandMany>[2]} which
 */

/**
 * @param {{
 *   connection: Connection,
 *   notices: Notices,
 *   dialog: HTMLDialogElement,
 * }} parts
 */
export function createCommands({ connection, notices, dialog }) {
  /**
   * Downloads of which the answer to a command is awaited; not those of which
   * somebody is asked: a dialog that was just closed is heard of a little later.
   */
  const busy = new Set();
  /**
   * What hears of downloads while somebody is asked about all of a list.
   *
   * @type {ReturnType<typeof gatherNewcomers> | null}
   */
  let newcomers = null;

  /**
   * @param {ActionName | "limit" | "relocate"} name
   * @param {Status} status
   */
  async function act(name, status) {
    const { id } = status;
    if (busy.has(id)) return;
    try {
      switch (name) {
        case "pause":
        case "resume":
        case "retry":
          busy.add(id);
          await connection.request({ action: name, id });
          return;
        case "top":
        case "up":
        case "down":
        case "bottom":
          busy.add(id);
          await connection.request({ action: "move", id, to: name });
          return;
        case "refresh":
          return await refresh(status);
        case "limit":
          return await limit(status);
        case "relocate":
          return await relocate(status);
        case "remove": {
          const answer = await askRemove(dialog, status);
          if (answer === "no") return;
          const file = answer === "file" ? { delete_file: true } : {};
          busy.add(id);
          await connection.request({ action: "remove", id, ...file });
          return notices.say(
            say("done.removed", { name: quotedName(status) }),
          );
        }
        case "open":
          globalThis.open(fileHref(id, "open"), "_blank", "noopener");
          return;
        case "save":
          html("a", { href: fileHref(id, "save"), download: "" }).click();
          return;
        case "copy":
          await copyText(status.path_to_file ?? "");
          return notices.say(say("copied.path"));
        case "source":
          await copyText(status.url);
          return notices.say(say("copied.urls", { count: 1 }));
      }
    } catch (error) {
      notices.fail(error);
    } finally {
      busy.delete(id);
    }
  }

  /**
   * Asks again where the answer was of no use: what was typed is not lost.
   *
   * @param {Status} status
   */
  async function refresh(status) {
    const { id } = status;
    let url = await askUrl(dialog, status, { url: "", fault: null });
    while (url !== null) {
      try {
        await connection.request({ action: "refresh", id, url });
        return notices.say(say("done.refreshed"));
      } catch (error) {
        url = await askUrl(dialog, status, { url, fault: faultOf(error) });
      }
    }
  }

  /** @param {Status} status */
  async function limit(status) {
    const { id } = status;
    const rate = await askRate(dialog, status);
    if (rate === undefined) return;
    await connection.request({ action: "limit", id, limit_rate: rate });
    notices.say(say("done.limited"));
  }

  /**
   * Asks again where the answer was of no use.
   *
   * @param {Status} status
   */
  async function relocate(status) {
    const { id } = status;
    const folders = await findFolders(connection);
    const before = { folder: status.directory ?? "", fault: null };
    let folder = await askFolder(dialog, status, folders, before);
    while (folder !== null) {
      try {
        const directory = folder || ".";
        await connection.request({ action: "relocate", id, directory });
        return notices.say(say("done.relocated"));
      } catch (error) {
        const fault = faultOf(error);
        folder = await askFolder(dialog, status, folders, { folder, fault });
      }
    }
  }

  /**
   * @param {Exclude<ManyAction, "move"> | MoveName} name
   * @param {Many} many
   * @returns {Promise<boolean>} Whether it was carried out.
   */
  async function actOnMany(name, many) {
    /** @type {ManyAction} */
    const action = isMove(name) ? "move" : name;
    try {
      const { answer, which } = action === "remove"
        ? await askAboutMany(many)
        : { answer: "entry", which: many.which };
      if (answer === "no") return false;
      const file = answer === "file" ? { delete_file: true } : {};
      const to = isMove(name) ? { to: name } : {};
      const command = { action, ...file, ...to };
      const outcome = await commandMany(connection, command, which);
      const { done, left, fault } = outcome;
      const what = say(`done.${action}`, { count: done });
      notices.say(
        left === 0
          ? say("done.all", { done: what })
          : say("done.some", { done: what, count: left }),
      );
      if (fault !== null) notices.fail(fault);
      return true;
    } catch (error) {
      notices.fail(error);
      return false;
    }
  }

  /**
   * Asks whether to remove downloads. Those that come to the list meanwhile are
   * not of them: nobody was asked about these. Where it cannot be told which came,
   * it asks again.
   *
   * @param {Many} many
   */
  async function askAboutMany(many) {
    const { which } = many;
    if ("ids" in which) {
      return { answer: await askRemoveMany(dialog, many), which };
    }
    const { status, search } = which;
    const latest = {
      action: "list",
      status,
      search,
      order: "latest",
      limit: 1,
    };
    try {
      for (;;) {
        const reply = await connection.request(latest);
        if (!isList(reply)) return { answer: "no", which };
        const { data: [newest], total = 0 } = reply;
        const gathered = gatherNewcomers(status, newest?.added_at ?? "");
        newcomers = gathered;
        const count = Math.max(0, total - which.except.length);
        const answer = await askRemoveMany(dialog, { ...many, count });
        if (answer !== "no" && !gathered.isSure()) continue;
        const except = [...new Set([...which.except, ...gathered.ids])];
        return { answer, which: { ...which, except } };
      }
    } finally {
      newcomers = null;
    }
  }

  /**
   * @param {string} id
   * @param {string} priority
   */
  async function prioritize(id, priority) {
    try {
      await connection.request({ action: "prioritize", id, priority });
    } catch (error) {
      notices.fail(error);
    }
  }

  /**
   * Moves downloads to where one of them was dropped.
   *
   * @param {readonly string[]} ids
   * @param {{ before: string } | { to: "top" | "bottom" }} where
   */
  async function drop(ids, where) {
    try {
      await connection.request({ action: "move", ids, ...where });
    } catch (error) {
      notices.fail(error);
    }
  }

  return {
    act,
    actOnMany,
    prioritize,
    drop,
    /** @param {Frame} frame */
    hear: (frame) => newcomers?.hear(frame),
  };
}

/**
 * The clipboard proper is only for pages that are secure; this one may be on
 * plain HTTP in somebody's own network.
 *
 * @param {string} text
 */
export async function copyText(text) {
  if (navigator.clipboard) return await navigator.clipboard.writeText(text);
  const field = html("textarea", { readonly: true, class: "unseen" });
  const focused = document.activeElement;
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  if (!copied) throw new Error(say("copied.not"));
}
