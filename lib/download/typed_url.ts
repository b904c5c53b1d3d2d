/** Reads a URL as people type it. Pure. */

/** A host, with what may stand around it; none that begins with a dot. */
const BARE =
  /^(?!mailto:)(?:[^\s/?#\\@]*@)?(?:\[[\da-f:.]+\]|[\w%\u{80}-\u{10ffff}][\w.%~\u{80}-\u{10ffff}-]*)(?::\d+)?(?:[/?#]|$)/iu;

/** Words that are no host: more often, they are a mistake. */
const WORD = /^(?!localhost$)[^./:@[]*$/i;

/**
 * A URL as it was typed, with `http://` before it where it has no scheme, as
 * curl reads it: `example.org/x`, `localhost:8080`, `me@nas/x`, `[::1]/x`. What
 * is no host, or a mere word, stays as it is, and is refused as a URL.
 */
export function completeUrl(typed: string): string {
  const trimmed = typed.trim();
  const isBare = BARE.test(trimmed) && !WORD.test(trimmed);
  return isBare ? `http://${trimmed}` : trimmed;
}
