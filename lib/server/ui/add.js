// @ts-check
/// <reference lib="dom" />
/** The form that links are added with. */

/** @import { Status } from "../../status/status.ts" */
/** @import { Connection } from "./connection.js" */
/** @import { Notices } from "./notices.js" */
/** @import { OwnFields } from "./given.js" */
/** @import { Found } from "./urls.js" */
import {
  faultOfMirrors,
  labelOfFresh,
  wordsOfAdded,
  wordsOfFound,
  wordsOfKnown,
  wordsOfUnread,
} from "./add_words.js";
import { byId, html } from "./dom.js";
import { createEntry } from "./entry.js";
import { findFolders } from "./folders.js";
import { entryFor, readGiven } from "./given.js";
import { takeShared, whenDropped, whenPasted } from "./incoming.js";
import { findKnown } from "./known.js";
import { createOptions } from "./options.js";
import { findProxies } from "./proxies.js";
import { inBatches } from "./urls.js";
import { say } from "./words.js";

/** Well below what the server takes in one message. */
const BATCH = { count: 1_000, characters: 1_000_000 };
/** How long typing rests before it is looked at, in milliseconds. */
const TYPING = 200;
/** An answer that comes sooner needs no word before it, in milliseconds. */
const SOON = 500;

/**
 * What became of links. `kept`: nothing was done; `asked`: nor before somebody
 * says what is meant; `added`: all but what is `left`.
 *
 * @typedef {{ kind: "kept" | "asked" }
 *   | { kind: "added", left: string }} Outcome
 */

/**
 * @param {{
 *   form: HTMLFormElement,
 *   input: HTMLTextAreaElement,
 *   connection: Connection,
 *   notices: Notices,
 *   added: () => void,
 * }} parts
 */
export function createAdding({ form, input, connection, notices, added }) {
  const entry = createEntry(input);
  const note = createNote(byId("note", HTMLElement));
  const options = createOptions(
    () => findFolders(connection),
    () => findProxies(connection),
  );
  /** The text whose links are known already: given again, it is meant. */
  let asked = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;

  /**
   * @param {string} text
   * @returns {Promise<Outcome>}
   */
  async function add(text) {
    const given = readGiven(text);
    if (given.kind === "fault") {
      notices.say(given.text, "error");
      return { kind: "kept" };
    }
    const { found, own } = given;
    const { urls } = found;
    if (urls.length === 0) {
      notices.say(say("add.none"), "error");
      return { kind: "kept" };
    }
    const read = options.read(urls.length);
    if (read.kind === "fault") {
      options.point(read.field, { text: read.text, original: null });
      return { kind: "kept" };
    }
    if (text.trim() !== asked) {
      const looking = setTimeout(
        () => note.say(say("add.looking"), []),
        SOON,
      );
      const known = await findKnown(connection, urls);
      clearTimeout(looking);
      note.clear();
      if (known.size > 0) {
        ask(found, own, known);
        return { kind: "asked" };
      }
    }
    return await send(found, own, read.fields);
  }

  /**
   * Asks about links that the server has already.
   *
   * @param {Found} found
   * @param {ReadonlyMap<string, OwnFields>} own
   * @param {ReadonlyMap<string, Status>} known
   */
  function ask({ urls, rejected }, own, known) {
    const fresh = urls.filter((url) => !known.has(url));
    const all = { label: say("add.anyway"), act: () => form.requestSubmit() };
    const rest = {
      label: labelOfFresh(fresh.length),
      act() {
        entry.set(...fresh, ...rejected);
        form.requestSubmit();
      },
    };
    // Of curl commands, links alone would lack what the commands say of them.
    const choices = fresh.length > 0 && own.size === 0 ? [rest, all] : [all];
    note.say(wordsOfKnown(urls.length, known), choices);
  }

  /**
   * @param {Found} found
   * @param {ReadonlyMap<string, OwnFields>} own What curl commands say of each.
   * @param {Readonly<Record<string, unknown>>} fields What each is to have.
   * @returns {Promise<Outcome>}
   */
  async function send(found, own, fields) {
    const { urls, rejected } = found;
    const { length } = JSON.stringify([fields, ...own.values()]);
    const count = Math.ceil(Math.min(BATCH.count, BATCH.characters / length));
    let sent = 0;
    try {
      for (const batch of inBatches(urls, { ...BATCH, count })) {
        const entries = batch.map((url) =>
          entryFor(url, own.get(url) ?? {}, fields)
        );
        await connection.request({ urls: entries });
        sent += batch.length;
      }
    } catch (error) {
      const refused = faultOfMirrors(error, mirrorsIn(fields));
      if (refused !== null) options.point("mirrors", refused);
      else notices.fail(error);
      if (sent === 0) return { kind: "kept" };
      added();
      const left = [...urls.slice(sent), ...rejected].join("\n");
      return { kind: "added", left };
    }
    notices.say(wordsOfAdded(found));
    options.clear();
    added();
    return { kind: "added", left: rejected.join("\n") };
  }

  /**
   * @param {string} text
   * @param {"before" | "behind"} where What is left of it stands, beside what is
   * in the field by then.
   */
  async function take(text, where) {
    clearTimeout(typing);
    note.clear();
    const outcome = await add(text);
    asked = outcome.kind === "asked" ? text.trim() : "";
    const left = outcome.kind === "added" ? outcome.left : text;
    // Nobody's caret is moved for nothing.
    if (left === "") return;
    if (where === "before") entry.set(left, entry.text());
    else entry.set(entry.text(), left);
    if (outcome.kind !== "asked") preview();
  }

  /** Says what would be taken of what is in the field. */
  function preview() {
    clearTimeout(typing);
    const given = readGiven(entry.text());
    const held = entry.isHeld();
    const clear = {
      label: say("add.clear"),
      act() {
        entry.set();
        note.clear();
        input.focus();
      },
    };
    if (given.kind === "fault") return note.say(given.text, [clear]);
    const { found } = given;
    const choices = held || found.urls.length === 0 ? [clear] : [];
    note.say(wordsOfFound(found, { shown: !held }), choices);
  }

  /** While somebody types one line, it is no link yet. */
  function typed() {
    if (entry.text().trim().includes("\n")) preview();
    else note.clear();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    // Cleared at once: what is typed meanwhile is not lost by the answer.
    const text = entry.text();
    entry.set();
    if (text.trim() === "") input.focus();
    else void take(text, "before");
  });
  byId("download", HTMLButtonElement).addEventListener("click", (event) => {
    // The second half of a double click would answer what the first one asks.
    if (event.detail > 1) event.preventDefault();
  });
  input.addEventListener("input", () => {
    entry.fit();
    asked = "";
    clearTimeout(typing);
    typing = setTimeout(typed, TYPING);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!event.repeat) form.requestSubmit();
  });
  whenPasted(input, (text, where) => {
    if (where === "caret") entry.insert(text);
    else entry.set(entry.text(), text);
    input.focus();
    preview();
  });
  whenDropped((text, unread) => {
    if (unread.length > 0) notices.say(wordsOfUnread(unread), "error");
    if (unread.length === 0 || text.trim() !== "") return take(text, "behind");
  });

  const shared = takeShared();
  if (shared !== "") {
    entry.set(shared);
    input.focus();
    note.say(say("add.shared"), []);
  }
  /** What is typed and not yet added: to be kept, and put back. */
  return { text: entry.text, set: entry.set };
}

/**
 * @param {{ readonly mirrors?: unknown }} fields
 * @returns {readonly string[]}
 */
function mirrorsIn({ mirrors }) {
  return Array.isArray(mirrors) ? mirrors : [];
}

/**
 * What is said below the field.
 *
 * @param {HTMLElement} element
 */
function createNote(element) {
  function clear() {
    element.hidden = true;
    element.replaceChildren();
  }

  return {
    clear,
    /**
     * @param {string} text Empty for nothing.
     * @param {readonly { label: string, act: () => void }[]} choices
     */
    say(text, choices) {
      if (text === "") return clear();
      const buttons = choices.map(({ label, act }) => {
        const button = html("button", { type: "button", class: "link" }, label);
        button.onclick = act;
        return button;
      });
      element.replaceChildren(html("p", {}, text), ...buttons);
      element.hidden = false;
    },
  };
}
