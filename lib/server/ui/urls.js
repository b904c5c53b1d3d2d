// @ts-check
/** The links in what somebody pastes or drops. Pure. */

/**
 * Finds links in text: one a line, or among other words, each once.
 *
 * Lines of a dropped `text/uri-list` that begin with `#` are comments.
 *
 * @param {string} text
 * @returns {{ urls: string[], rejected: string[] }} `rejected` are lines that
 * hold no link.
 */
export function findUrls(text) {
  /** @type {Set<string>} */
  const urls = new Set();
  const rejected = [];
  for (const line of text.split(/[\r\n]+/)) {
    const words = line.trim();
    if (words === "" || words.startsWith("#")) continue;
    const found = linksIn(words);
    for (const url of found) urls.add(url);
    if (found.length === 0) rejected.push(words);
  }
  return { urls: [...urls], rejected };
}

/**
 * A link may hold another one, in its path or query: an archive's, a mirror's.
 *
 * @param {string} line
 */
function linksIn(line) {
  return line.split(/\s+|(?<![/=?&:#])(?=https?:\/\/)|[<>"]+/i)
    .filter((word) => /^https?:\/\/[^/]/i.test(word) && URL.canParse(word));
}

/**
 * Messages have a greatest length, so a long list goes in several.
 *
 * @param {readonly string[]} urls
 * @param {{ count: number, characters: number }} most In one batch.
 * @returns {string[][]}
 */
export function inBatches(urls, most) {
  /** @type {string[][]} */
  const batches = [];
  /** @type {string[]} */
  let batch = [];
  let characters = 0;
  for (const url of urls) {
    const full = batch.length >= most.count ||
      characters + url.length > most.characters;
    if (full && batch.length > 0) {
      batches.push(batch);
      batch = [];
      characters = 0;
    }
    batch.push(url);
    characters += url.length;
  }
  return batch.length > 0 ? [...batches, batch] : batches;
}
