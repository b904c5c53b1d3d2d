// @ts-check
/// <reference lib="dom" />
/** Ways in for links: the form, pasting anywhere, dropping anywhere. */

/** @import { Connection } from "./connection.js" */
/** @import { Notices } from "./notices.js" */
import { formatCount } from "./format.js";
import { findUrls, inBatches } from "./urls.js";

/** Well below what the server takes in one message. */
const BATCH = { count: 1_000, characters: 1_000_000 };
/** A dropped text file that is longer is no list of links. */
const LONGEST_FILE = 4 * 1024 * 1024;
const MOST_LINES = 8;

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
  /**
   * @param {string} text
   * @returns {Promise<string>} What was not added of it, for another try.
   */
  async function add(text) {
    const { urls, rejected } = findUrls(text);
    if (urls.length === 0) {
      notices.say(
        "There is no link in this: one begins with http:// or https://.",
        "error",
      );
      return text;
    }
    let sent = 0;
    try {
      for (const batch of inBatches(urls, BATCH)) {
        await connection.request({ urls: batch });
        sent += batch.length;
      }
    } catch (error) {
      notices.fail(error);
      if (sent === 0) return text;
      added();
      return urls.slice(sent).join("\n");
    }
    const what = urls.length === 1
      ? "Added one link."
      : `Added ${formatCount(urls.length)} links.`;
    const left = rejected.length === 0
      ? ""
      : ` Left out ${formatCount(rejected.length)} line${
        rejected.length === 1 ? "" : "s"
      } without a link, such as “${rejected[0]?.slice(0, 40)}”.`;
    notices.say(what + left);
    added();
    return "";
  }

  function fit() {
    const lines = input.value.split("\n").length;
    input.rows = Math.min(MOST_LINES, lines);
  }

  /** @param {string[]} texts What the field is to hold, together. */
  function putIn(...texts) {
    input.value = texts.map((text) => text.trim()).filter((text) => text !== "")
      .join("\n");
    fit();
  }

  async function submit() {
    // Cleared at once: what is typed meanwhile is not lost by the answer.
    const text = input.value;
    input.value = "";
    fit();
    const left = await add(text);
    // Nobody's caret is moved for nothing.
    if (left !== "") putIn(left, input.value);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
  input.addEventListener("input", fit);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });

  document.addEventListener("paste", (event) => {
    const { target, clipboardData } = event;
    if (target instanceof Element && target.matches("input, textarea")) return;
    const text = clipboardData?.getData("text/plain") ?? "";
    if (text.trim() === "" || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    putIn(input.value, text);
    input.focus();
  });

  whenDropped(async (text) => {
    const left = await add(text);
    if (left !== "") putIn(input.value, left);
  });
}

/** @param {(text: string) => Promise<void>} take */
function whenDropped(take) {
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
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    setDepth(0);
    const { dataTransfer } = event;
    const text = dataTransfer?.getData("text/uri-list") ||
      dataTransfer?.getData("text/plain") || "";
    const files = [...dataTransfer?.files ?? []]
      .filter(({ size }) => size <= LONGEST_FILE);
    const texts = await Promise.all(files.map((file) => file.text()));
    const all = [text, ...texts].join("\n");
    if (all.trim() !== "") await take(all);
  });
}
