// @ts-check
/** What is said of links that are to be added. Pure. */

/** @import { Status } from "../../status/status.ts" */
/** @import { Found } from "./urls.js" */
import { formatCount, nameOf, STATE_WORDS } from "./format.js";

/** Characters of a line that are shown. */
const LONGEST_SHOWN = 40;

/**
 * What would be taken of a text; empty if that is plain.
 *
 * @param {Found} found
 * @param {{ shown: boolean }} field Whether all of the text is in sight.
 */
export function wordsOfFound({ urls, rejected, twice }, { shown }) {
  const plain = urls.length < 2 && rejected.length + twice === 0;
  if (plain && shown) return "";
  return [
    urls.length > 0 && sentence(urls.length, "One link.", "links."),
    !shown && "The text is too long to be shown here.",
    twice > 0 && wordsOfTwice(twice),
    rejected.length > 0 && wordsOfRest(rejected),
  ].filter(Boolean).join(" ");
}

/**
 * @param {Found} found What has been added.
 */
export function wordsOfAdded({ urls, twice }) {
  const what = urls.length === 1
    ? "Added one link."
    : `Added ${formatCount(urls.length)} links.`;
  return twice === 0 ? what : `${what} ${wordsOfTwice(twice)}`;
}

/**
 * What is asked about links that the server has already.
 *
 * @param {number} count How many links there are, those among them.
 * @param {ReadonlyMap<string, Status>} known
 */
export function wordsOfKnown(count, known) {
  const named = [...known.values()].slice(0, 2).map((status) => {
    const state = STATE_WORDS[status.process_status].toLowerCase();
    return `${nameOf(status)} (${state})`;
  }).join(", ");
  const what = count === 1 ? "This link is" : sentence(
    known.size,
    "One of these links is",
    "of these links are",
  );
  const which = known.size > 2 ? ", such as" : ":";
  return `${what} in the list already${which} ${named}.`;
}

/** @param {number} count How many links the server does not have. */
export function labelOfFresh(count) {
  return `Add the other ${sentence(count, "one", "").trim()}`;
}

/** @param {number} twice */
function wordsOfTwice(twice) {
  return sentence(twice, "One was there twice.", "were there twice.");
}

/** @param {readonly string[]} lines */
function wordsOfRest(lines) {
  const [first = ""] = lines;
  const long = first.length > LONGEST_SHOWN;
  const shown = long ? `${first.slice(0, LONGEST_SHOWN)}…` : first;
  return lines.length === 1
    ? `One line holds no link that can be fetched: “${shown}”.`
    : `${formatCount(lines.length)} lines hold no link that can be fetched, ` +
      `such as “${shown}”.`;
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many What stands behind the number.
 */
function sentence(count, one, many) {
  return count === 1 ? one : `${formatCount(count)} ${many}`;
}
