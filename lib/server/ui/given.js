// @ts-check
/** What somebody gives to be added: links among words, or curl commands. Pure. */

/** @import { Found } from "./urls.js" */
import { isCurl, readCurl } from "./curl.js";
import { findUrls } from "./urls.js";
import { say } from "./words.js";

/**
 * @typedef {object} OwnFields What a curl command says of one of its URLs.
 * @property {string} [filename]
 * @property {Readonly<Record<string, string>>} [headers]
 *
 * @typedef {{
 *   kind: "links",
 *   found: Found,
 *   own: ReadonlyMap<string, OwnFields>,
 * } | { kind: "fault", text: string }} Given `own` is by URL.
 */

/**
 * @param {string} text
 * @returns {Given}
 */
export function readGiven(text) {
  if (!isCurl(text)) {
    return { kind: "links", found: findUrls(text), own: new Map() };
  }
  const read = readCurl(text, { files: false });
  if (read.kind === "fault") {
    return {
      kind: "fault",
      text: say(`curl.${read.why}`, { what: read.what }),
    };
  }
  const own = new Map(read.urls.map(({ url, filename, headers }) => [url, {
    ...(filename !== null && { filename }),
    ...(Object.keys(headers).length > 0 && { headers }),
  }]));
  const urls = [...own.keys()];
  const twice = read.urls.length - urls.length;
  return { kind: "links", found: { urls, rejected: [], twice }, own };
}

/**
 * What is asked for one link: its own fields, and those of the form, which count
 * before them. A link alone where there are none.
 *
 * @param {string} url
 * @param {OwnFields} own
 * @param {Readonly<Record<string, unknown>>} fields
 */
export function entryFor(url, own, fields) {
  const all = { ...own, ...fields };
  if (Object.keys(all).length === 0) return url;
  const headers = { ...own.headers, .../** @type {object} */ (fields.headers) };
  return { url, ...all, ...(Object.keys(headers).length > 0 && { headers }) };
}
