// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** Links that come from elsewhere: pasted, dropped, or in the page's own URL. */

import { forget, keep, recall } from "./kept.js";
import { findHrefs, findUrls } from "./urls.js";

/** Bytes: a dropped file that is longer is no list of links. */
const LONGEST_FILE = 4 * 1024 * 1024;
/**
 * Characters of a text that a browser pastes well. Chromium takes 0.2 s for 200
 * lines, ten for 2,000, and minutes for 12,000.
 */
const LONGEST_PASTE = 2_000;
/** Where the login page keeps the page's query until somebody has logged in. */
const KEPT = "sluice.query";
/** What a bookmarklet or another app's "share" sends. */
const SHARED = ["add", "url", "text", "title"];

/**
 * What rich text means: its words, or the links behind them if the words have
 * none.
 *
 * @param {DataTransfer | null} data
 */
function textOf(data) {
  const plain = data?.getData("text/plain") ?? "";
  const rich = data?.getData("text/html") ?? "";
  if (rich === "" || findUrls(plain).urls.length > 0) return plain;
  const hrefs = findHrefs(rich);
  return hrefs.length > 0 ? hrefs.join("\n") : plain;
}

/**
 * Has what is pasted anywhere taken, but for what the browser itself puts into
 * the field.
 *
 * @param {HTMLTextAreaElement} field
 * @param {(text: string, where: "caret" | "end") => void} take
 */
export function whenPasted(field, take) {
  document.addEventListener("paste", (event) => {
    const { target, clipboardData } = event;
    const text = textOf(clipboardData);
    if (target === field) {
      const plain = text === clipboardData?.getData("text/plain");
      if (plain && text.length <= LONGEST_PASTE) return;
      event.preventDefault();
      return take(text, "caret");
    }
    if (target instanceof Element && target.matches("input, textarea")) return;
    if (text.trim() === "" || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    take(text, "end");
  });
}

/**
 * The text that a dropped file holds. Pictures, archives and programs hold links,
 * too, such as the name of an XML schema: nobody means those.
 *
 * @param {File} file
 * @returns {Promise<string | null>} Null if it is no text, or too long a one.
 */
async function textIn(file) {
  if (file.size > LONGEST_FILE) return null;
  try {
    const bytes = await file.arrayBuffer();
    const [first, second] = new Uint8Array(bytes, 0, Math.min(2, file.size));
    // Windows' editor writes UTF-16 with such a mark.
    const encoding = first === 0xff && second === 0xfe
      ? "utf-16le"
      : first === 0xfe && second === 0xff
      ? "utf-16be"
      : "utf-8";
    const text = new TextDecoder(encoding).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    // It is a directory, or may not be read.
    return null;
  }
}

/**
 * Has what is dropped anywhere taken.
 *
 * @param {(text: string, unread: readonly string[]) => unknown} take `unread`
 * are the names of dropped files that are no text.
 */
export function whenDropped(take) {
  // Enter and leave also come for each element below.
  let depth = 0;

  /** @param {number} now */
  function setDepth(now) {
    depth = now;
    document.body.classList.toggle("dropping", depth > 0);
  }

  document.addEventListener("dragenter", () => setDepth(depth + 1));
  document.addEventListener(
    "dragleave",
    () => setDepth(Math.max(0, depth - 1)),
  );
  document.addEventListener("dragover", (event) => {
    if (!isField(event.target)) event.preventDefault();
  });
  document.addEventListener("drop", async (event) => {
    setDepth(0);
    if (isField(event.target)) return;
    event.preventDefault();
    if (document.querySelector("dialog[open]")) return;
    const { dataTransfer } = event;
    const text = dataTransfer?.getData("text/uri-list") || textOf(dataTransfer);
    // A picture that is dragged from a page is both a link and a file.
    const isLink = findUrls(text).urls.length > 0;
    const files = isLink ? [] : [...dataTransfer?.files ?? []];
    const texts = await Promise.all(files.map(textIn));
    const unread = files.filter((_, n) => texts[n] === null)
      .map(({ name }) => name);
    if (text === "" && files.length === 0) return;
    const all = [text, ...texts.filter((text) => text !== null)].join("\n");
    await take(all, unread);
  });
}

/**
 * Whether the browser itself puts what is dropped into a field: links that are
 * dropped on that of mirrors are no downloads of their own.
 *
 * @param {EventTarget | null} target
 */
function isField(target) {
  return target instanceof Element &&
    (target.id === "mirrors" || target.matches("dialog input"));
}

/** Keeps what the page's URL brings, past the login. */
export function keepShared() {
  if (sharedIn(location.search) === "") return;
  keep("sessionStorage", KEPT, location.search);
}

/**
 * Takes what the page's URL brings, once: nothing comes back with a reload.
 *
 * @returns {string} Empty if it brings nothing.
 */
export function takeShared() {
  const kept = recall("sessionStorage", KEPT) ?? "";
  forget("sessionStorage", KEPT);
  const text = sharedIn(location.search);
  if (text === "") return sharedIn(kept);
  const url = new URL(location.href);
  for (const name of SHARED) url.searchParams.delete(name);
  history.replaceState(history.state, "", url);
  return text;
}

/**
 * The links of a query, or its words if they hold none. Apps that share a link
 * put it into any of the fields, some into two.
 *
 * @param {string} query
 */
export function sharedIn(query) {
  const params = new URLSearchParams(query);
  const text = SHARED.flatMap((name) => params.getAll(name)).join("\n").trim();
  const { urls } = findUrls(text);
  return urls.length > 0 ? urls.join("\n") : text;
}
