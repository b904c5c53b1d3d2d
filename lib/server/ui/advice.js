// @ts-check
/** What a person can do about an error. Pure. */

/** @import { ErrorCode } from "../../download/errors.ts" */
import { isKey, say } from "./words.js";

/**
 * What to do about it; null where the message says it all.
 *
 * @param {ErrorCode} code
 * @returns {string | null}
 */
export function adviceFor(code) {
  const key = /** @type {const} */ (`advice.${code}`);
  return isKey(key) ? say(key) : null;
}
