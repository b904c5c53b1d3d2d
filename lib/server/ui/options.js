// @ts-check
/// <reference lib="dom" />
/** What can be said of links besides the links. The first half is pure. */

/** @import { Fault } from "./notices.js" */
import { wordsOfRest } from "./add_words.js";
import { byId, html } from "./dom.js";
import { shownFault } from "./notices.js";
import { findUrls } from "./urls.js";
import { say } from "./words.js";

/**
 * @typedef {object} Texts The fields as they are filled in.
 * @property {string} filename
 * @property {string} directory
 * @property {string} checksum
 * @property {string} mirrors One a line.
 * @property {string} headers One a line.
 * @property {string} threads
 * @property {string} rate
 * @property {string} proxy
 * @property {boolean} sequential
 * @property {string} priority
 * @property {string} start A day and time of the reader's, as browsers give it.
 * @property {boolean} paused
 *
 * @typedef {{ kind: "fields", fields: Readonly<Record<string, unknown>> }
 *   | { kind: "fault", field: keyof Texts, text: string }} Options
 */

/** @type {Readonly<Record<number, string>>} By how many digits each has. */
const ALGORITHMS = { 32: "md5", 40: "sha1", 64: "sha256", 128: "sha512" };

/**
 * The fields of each download, as the protocol has them.
 *
 * @param {Texts} texts
 * @param {number} count How many links they are for.
 * @param {Date} now
 * @returns {Options}
 */
export function readOptions(texts, count, now) {
  const [filename, checksum] = [texts.filename.trim(), texts.checksum.trim()];
  if (count > 1 && filename !== "") {
    return fault("filename", say("options.name.many", { count }));
  }
  if (count > 1 && checksum !== "" && !isAuto(checksum)) {
    return fault("checksum", say("options.checksum.many", { count }));
  }
  const sum = readChecksum(checksum);
  if (sum === null) {
    return fault("checksum", say("options.checksum.wrong"));
  }
  const { urls: mirrors, rejected } = findUrls(texts.mirrors);
  if (count > 1 && texts.mirrors.trim() !== "") {
    return fault("mirrors", say("options.mirrors.many", { count }));
  }
  if (rejected.length > 0) return fault("mirrors", wordsOfRest(rejected));
  const headers = readHeaders(texts.headers);
  if (headers === null) {
    return fault("headers", say("options.headers.wrong"));
  }
  const directory = texts.directory.trim();
  const threads = texts.threads.trim();
  if (!/^(?:0*[1-9]\d*)?$/.test(threads)) {
    return fault("threads", say("options.threads.wrong"));
  }
  const rate = readRate(texts.rate);
  if (rate === undefined) {
    return fault("rate", say("options.rate.wrong"));
  }
  const start = texts.start === "" ? null : new Date(texts.start);
  if (start !== null) {
    const wrong = faultInStart(start, texts.paused, now);
    if (wrong !== null) return fault("start", wrong);
  }
  return {
    kind: "fields",
    fields: {
      ...(filename !== "" && { filename }),
      ...(directory !== "" && { directory }),
      ...sum,
      ...(mirrors.length > 0 && { mirrors }),
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(threads !== "" && { threads: Number(threads) }),
      ...(rate !== null && { limit_rate: rate }),
      ...(texts.proxy !== "" && { proxy: texts.proxy }),
      ...(texts.sequential && { order: "sequential" }),
      ...(texts.priority !== "normal" && { priority: texts.priority }),
      ...(texts.paused && { paused: true }),
      ...(start !== null && { start_at: start.toISOString() }),
    },
  };
}

/** In milliseconds. The field has no seconds: it means any moment of its minute. */
const MINUTE = 60_000;

/**
 * What is wrong with a moment to begin at; null if nothing is.
 *
 * @param {Date} start Invalid for what is no moment.
 * @param {boolean} paused Whether it is not to begin by itself.
 * @param {Date} now
 */
function faultInStart(start, paused, now) {
  const time = start.getTime();
  if (Number.isNaN(time)) return say("options.start.wrong");
  if (paused) return say("options.start.paused");
  // The server would begin at once: nobody who names a day means that.
  return time + MINUTE <= now.getTime() ? say("options.start.past") : null;
}

/** @type {Readonly<Record<string, number>>} */
const UNITS = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };
/** What the server takes, in bytes a second. */
const SLOWEST = 1_000;

/**
 * Reads bytes a second, as curl takes them: `500k`, `2M`, or `2 MB/s`, which is of
 * a thousand each.
 *
 * @param {string} text
 * @returns {number | null | undefined} Null for no limit, undefined for what is
 * no rate.
 */
export function readRate(text) {
  if (text.trim() === "") return null;
  const [, number = "", unit = "", kind] =
    text.trim().match(/^(\d+(?:[.,]\d+)?)\s*([kmg]?)(i?b)?(?:\/s)?$/i) ?? [];
  const letter = unit.toLowerCase();
  const factor = kind?.toLowerCase() === "b"
    ? 1000 ** "kmg".indexOf(letter) * (letter === "" ? 1 : 1000)
    : UNITS[letter] ?? NaN;
  const rate = Math.round(Number(number.replace(",", ".")) * factor);
  return number !== "" && rate >= SLOWEST ? rate : undefined;
}

/**
 * The shortest text that a rate is read from, as people would write it.
 *
 * @param {number | null} rate In bytes a second; null for no limit.
 */
export function writeRate(rate) {
  if (rate === null) return "";
  const units = { k: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
  const metric = { " kB/s": 1e3, " MB/s": 1e6, " GB/s": 1e9 };
  const { count, unit } = Object.entries({ "": 1, ...units, ...metric })
    .map(([unit, factor]) => ({ count: rate / factor, unit }))
    .filter(({ count }) => Number.isInteger(count))
    .reduce((best, way) => way.count < best.count ? way : best);
  return `${count}${unit}`;
}

/** Downloads at a time that the server takes. */
const MOST_AT_A_TIME = 1_024;

/**
 * Reads how many downloads run at a time.
 *
 * @param {string} text
 * @returns {number | null | undefined} Null for one a thread, undefined for what
 * is no such number.
 */
export function readCount(text) {
  if (text.trim() === "") return null;
  const count = /^\s*\d+\s*$/.test(text) ? Number(text) : NaN;
  return count >= 1 && count <= MOST_AT_A_TIME ? count : undefined;
}

/**
 * @param {keyof Texts} field
 * @param {string} text
 * @returns {Options}
 */
function fault(field, text) {
  return { kind: "fault", field, text };
}

/** @param {string} checksum */
function isAuto(checksum) {
  return checksum.toLowerCase() === "auto";
}

/**
 * Reads digits alone, or with the algorithm before or the file's name behind
 * them, as sites and `sha256sum` write them; or where they are to be looked for.
 *
 * @param {string} text
 * @returns {Record<string, string> | null} Null if it is none.
 */
function readChecksum(text) {
  if (text === "") return {};
  if (isAuto(text)) return { checksum_from: "auto" };
  if (/^https?:\/\//i.test(text)) return { checksum_from: text };
  const [, digits = ""] =
    text.match(/^(?:sha-?\d+|md5)?[\s:=]*([\da-f]+)(?:\s.*)?$/is) ?? [];
  const algorithm = ALGORITHMS[digits.length];
  return algorithm === undefined ? null : { [algorithm]: digits };
}

/**
 * @param {string} text
 * @returns {Record<string, string> | null} Null if a line is none.
 */
function readHeaders(text) {
  /** @type {Map<string, string>} */
  const headers = new Map();
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const [, name, value] = line.match(/^\s*([^:\s]+):\s*(.*?)\s*$/) ?? [];
    const key = name?.toLowerCase();
    if (key === undefined || value === undefined || headers.has(key)) {
      return null;
    }
    headers.set(key, value);
  }
  return Object.fromEntries(headers);
}

/**
 * What is typed into a field for numbers or times. Of what makes none, such as a
 * day without a time, browsers give nothing: it must not pass for an empty field.
 *
 * @param {HTMLInputElement} field
 */
function typedIn({ validity, value }) {
  return validity.badInput ? "?" : value;
}

/**
 * The panel that the fields are in, and the button that opens it.
 *
 * @param {() => Promise<readonly string[]>} findFolders To choose from.
 * @param {() => Promise<readonly string[]>} findProxies To choose from.
 */
export function createOptions(findFolders, findProxies) {
  const toggle = byId("more", HTMLButtonElement);
  const panel = byId("options", HTMLElement);
  const fields = {
    filename: byId("filename", HTMLInputElement),
    directory: byId("directory", HTMLInputElement),
    checksum: byId("checksum", HTMLInputElement),
    mirrors: byId("mirrors", HTMLTextAreaElement),
    headers: byId("headers", HTMLTextAreaElement),
    threads: byId("threads", HTMLInputElement),
    rate: byId("rate", HTMLInputElement),
    proxy: byId("proxy", HTMLSelectElement),
    sequential: byId("sequential", HTMLInputElement),
    priority: byId("priority", HTMLSelectElement),
    start: byId("start", HTMLInputElement),
    paused: byId("paused", HTMLInputElement),
  };
  const folders = byId("folders", HTMLDataListElement);
  const bookmarklet = byId("bookmarklet", HTMLAnchorElement);
  const wrong = html("div", { id: "wrong", role: "alert" });
  for (const field of Object.values(fields)) {
    // What is wrong stands in a field's label, and is no part of its name.
    const name = field.parentElement?.querySelector("span");
    if (!name) continue;
    name.id = `${field.id}-name`;
    field.setAttribute("aria-labelledby", name.id);
  }

  function forgive() {
    wrong.remove();
    for (const field of Object.values(fields)) {
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    }
  }

  /** @param {boolean} shown */
  function show(shown) {
    panel.hidden = !shown;
    toggle.setAttribute("aria-expanded", String(shown));
  }

  async function offerFolders() {
    const found = await findFolders();
    folders.replaceChildren(
      ...found.map((folder) => html("option", { value: folder })),
    );
  }

  /** Where there are none, nothing is seen of them. */
  async function offerProxies() {
    const names = await findProxies();
    const { proxy } = fields;
    const { value } = proxy;
    proxy.closest("label")?.toggleAttribute("hidden", names.length === 0);
    proxy.replaceChildren(
      html("option", { value: "" }, say("options.proxy.usual")),
      ...names.map((name) =>
        html(
          "option",
          { value: name },
          name === "direct" ? say("options.proxy.direct") : name,
        )
      ),
    );
    proxy.value = names.includes(value) ? value : "";
  }

  toggle.addEventListener("click", () => {
    const shown = toggle.getAttribute("aria-expanded") !== "true";
    show(shown);
    if (!shown) return;
    fields.filename.focus();
    void offerFolders();
    void offerProxies();
  });
  panel.addEventListener("input", forgive);
  const here = new URL("./", location.href).href;
  bookmarklet.href = `javascript:void open(${JSON.stringify(here)}` +
    `+"?add="+encodeURIComponent(location.href))`;
  bookmarklet.addEventListener("click", (event) => event.preventDefault());

  return {
    /** @param {number} count How many links they are for. */
    read: (count) =>
      readOptions(
        {
          filename: fields.filename.value,
          directory: fields.directory.value,
          checksum: fields.checksum.value,
          mirrors: fields.mirrors.value,
          headers: fields.headers.value,
          threads: typedIn(fields.threads),
          rate: fields.rate.value,
          proxy: fields.proxy.value,
          sequential: fields.sequential.checked,
          priority: fields.priority.value,
          start: typedIn(fields.start),
          paused: fields.paused.checked,
        },
        count,
        new Date(),
      ),
    /**
     * Shows at a field what is wrong with it, until something is changed.
     *
     * @param {keyof Texts} name
     * @param {Fault} fault
     */
    point(name, fault) {
      const field = fields[name];
      forgive();
      show(true);
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", wrong.id);
      wrong.replaceChildren(...shownFault(fault));
      field.after(wrong);
      field.focus();
      wrong.scrollIntoView({ block: "nearest" });
    },
    /** They were for the links that were added, and for no others. */
    clear() {
      const { sequential, paused, priority, ...texts } = fields;
      for (const field of Object.values(texts)) field.value = "";
      sequential.checked = paused.checked = false;
      priority.value = "normal";
      forgive();
      show(false);
    },
  };
}
