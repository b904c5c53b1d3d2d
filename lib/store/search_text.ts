/** What a search looks through: names and URLs, with all letters in one case. */

import type { DatabaseSync } from "node:sqlite";

/** Text that is in lower case once its capitals of A to Z are. */
// deno-lint-ignore no-control-regex
const ASCII = /^[\x00-\x7f]*$/;
/** Bytes of a URL that stand as `%E2%82%AC`. */
const ENCODED = /(?:%[0-9a-f]{2})+/gi;

/**
 * Text with all letters in one case, and each written in one way: what differs
 * in nothing else is equal. Letters of which another script or position has
 * more than one are all the same: `ß` and `SS`, `ς` and `σ`, Turkish `ı`, `İ`
 * and `i`.
 */
export function folded(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  // Only capitals have one form where small letters have two, and the other
  // way round.
  return text.toWellFormed().normalize("NFKC")
    .toLowerCase().toUpperCase().toLowerCase().normalize("NFKC")
    .replaceAll("ς", "σ")
    .replaceAll("i\u0307", "i");
}

/**
 * What a search finds a download by: its URL as it is given and as it is read,
 * and its name.
 */
export function searchText(url: string, name: string | null): string {
  const read = url.replaceAll(ENCODED, decoded);
  const known = [url, ...(read === url ? [] : [read]), name ?? ""];
  return folded(known.join("\n"));
}

/** What is not UTF-8 stays as it is. SQLite's texts end with a zero. */
function decoded(encoded: string): string {
  try {
    const text = decodeURIComponent(encoded);
    return text.includes("\0") ? encoded : text;
  } catch {
    return encoded;
  }
}

/** The text of a download in SQL, of what its request and its file are. */
export function searchTextSql(request: string, file: string): string {
  const name = `coalesce(${file} ->> 'name', ${request} ->> 'filename')`;
  return `search_text(${request} ->> 'url', ${name})`;
}

/** Lets a connection's statements work out {@linkcode searchTextSql}. */
export function defineSearchText(db: DatabaseSync): void {
  db.function(
    "search_text",
    { deterministic: true },
    (url, name) => searchText(String(url), name === null ? null : String(name)),
  );
}
