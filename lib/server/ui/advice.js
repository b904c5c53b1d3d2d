// @ts-check
/** What a person can do about an error. Pure. */

/** @import { ErrorCode } from "../../download/errors.ts" */

/** @type {Readonly<Partial<Record<ErrorCode, string>>>} */
const ADVICE = {
  HOST_UNKNOWN: "Is the address spelled right, and this server online?",
  REFUSED: "The site may be down: try again later.",
  FORBIDDEN_ADDRESS:
    "This server was told to keep away from that address: use another link.",
  REDIRECT: "Open the link in a browser, and give the one that it ends at.",
  UNREADABLE: "The site answers wrongly: another mirror may do better.",
  BUSY: "The site asks for patience: try again in a while.",
  EXPIRED:
    "Links like this work only for a time, or only for whoever is signed in. " +
    "Copy a new one from the site and give it here: what is there is kept.",
  ORIGIN_STATUS: "Check the link in a browser: the file may have moved.",
  ORIGIN_FAULT: "The trouble is on the site's side: try again later.",
  WRONG_RANGE: "The site answers wrongly: another mirror may do better.",
  CHANGED: "The file became another one meanwhile: try again to fetch it anew.",
  ENCODED: "The site alters the file on its way: another mirror may do better.",
  WEB_PAGE:
    "The site may want you to sign in or to click through: copy the link " +
    "of the file itself.",
  CUT: "The connection broke: try again, it goes on where it stopped.",
  STALLED: "Nothing came for a while: try again, or use another mirror.",
  TOO_LONG: "The site answers wrongly: another mirror may do better.",
  WORKER: "That is a fault of this server: try again.",
  CHECKSUM: "Compare the checksum with the one on the site, then try again.",
  DISK_FULL: "Make room on the server's disk, then resume.",
  DISK: "Check that the server may write to its content directory.",
  PART_LOST: "Somebody removed the unfinished file: try again to begin anew.",
  TOO_MUCH: "Wait until some have finished, or send fewer at once.",
};

/**
 * What to do about it; null where the message says it all.
 *
 * @param {ErrorCode} code
 * @returns {string | null}
 */
export function adviceFor(code) {
  return ADVICE[code] ?? null;
}
