// @ts-check
/// <reference lib="dom" />
/**
 * What the browser keeps for the page. One that is to block cookies keeps
 * nothing, and throws when a page as much as names its storage.
 */

/** @typedef {"localStorage" | "sessionStorage"} Where */

/**
 * @param {Where} where
 * @param {string} key
 * @returns {string | null} Null if nothing is kept.
 */
export function recall(where, key) {
  try {
    return globalThis[where].getItem(key);
  } catch {
    return null;
  }
}

/**
 * @param {Where} where
 * @param {string} key
 * @param {string} text
 * @returns {boolean} Whether it is kept.
 */
export function keep(where, key, text) {
  try {
    globalThis[where].setItem(key, text);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {Where} where
 * @param {string} key
 */
export function forget(where, key) {
  try {
    globalThis[where].removeItem(key);
  } catch {
    // Nothing was kept.
  }
}
