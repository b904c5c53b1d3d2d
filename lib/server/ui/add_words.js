// @ts-check
/** What is said of links that are to be added. Pure. */

/** @import { Status } from "../../status/status.ts" */
/** @import { Fault } from "./notices.js" */
/** @import { Found } from "./urls.js" */
import { nameOf } from "./format.js";
import { faultOf } from "./notices.js";
import { language, listed, say, sentences } from "./words.js";

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
  return sentences([
    urls.length > 0 && say("add.found", { count: urls.length }),
    !shown && say("add.long"),
    twice > 0 && say("add.twice", { count: twice }),
    rejected.length > 0 && wordsOfRest(rejected),
  ]);
}

/**
 * @param {Found} found What has been added.
 */
export function wordsOfAdded({ urls, twice }) {
  return sentences([
    say("add.added", { count: urls.length }),
    twice > 0 && say("add.twice", { count: twice }),
  ]);
}

/**
 * What is asked about links that the server has already.
 *
 * @param {number} count How many links there are, those among them.
 * @param {ReadonlyMap<string, Status>} known
 */
export function wordsOfKnown(count, known) {
  const names = listed(
    [...known.values()].slice(0, 2).map((status) =>
      say("add.known.name", {
        name: nameOf(status),
        state: say(`state.${status.process_status}`)
          .toLocaleLowerCase(language()),
      })
    ),
  );
  if (count === 1) return say("add.known.only", { names });
  return known.size > 2
    ? say("add.known.many", { count: known.size, names })
    : say("add.known", { count: known.size, names });
}

/** @param {number} count How many links the server does not have. */
export function labelOfFresh(count) {
  return say("add.others", { count });
}

/** @param {readonly string[]} names Of files that are not read for links. */
export function wordsOfUnread(names) {
  const name = `\u2068${names[0]}\u2069`;
  return say("add.unread", { count: names.length, name });
}

/** @param {readonly string[]} lines That hold no link that can be fetched. */
export function wordsOfRest(lines) {
  const line = shortened(lines[0] ?? "");
  return say("add.rejected", { count: lines.length, line });
}

/**
 * What the server minds of mirrors; null if it is something else.
 *
 * @param {unknown} error
 * @param {readonly string[]} mirrors As they were sent.
 * @returns {Fault | null}
 */
export function faultOfMirrors(error, mirrors) {
  const { code, message } = Object(error);
  const [all, place, what = all] =
    String(message).match(/"mirrors"(?:\[(\d+)\]: (.*)| .*)$/s) ?? [];
  if (all === undefined) return null;
  const fault = faultOf({ code, message: what });
  const url = mirrors[Number(place)];
  if (url === undefined) return fault;
  const { text, original } = fault;
  const words = { url: shortened(url), fault: text };
  return { text: say("options.mirrors.refused", words), original };
}

/** @param {string} line */
function shortened(line) {
  const long = line.length > LONGEST_SHOWN;
  return long ? `${line.slice(0, LONGEST_SHOWN)}…` : line;
}
