/** How the characters of a URL are sent. Pure. */

/**
 * Tells which characters of a URL are sent otherwise than they were given, as
 * browsers do, too: an origin that has signed the URL may refuse it for that.
 * A query can hold secrets: each character of ASCII is told once, and those
 * beyond ASCII only together.
 *
 * @returns A sentence; null if the URL is sent as it was given.
 */
export function sentOtherwise(url: string): string | null {
  const [, path = "", query = ""] =
    url.match(/^https?:\/\/[^/?#]*([^?#]*)\??([^#]*)/i) ?? [];
  const changes = new Set([
    ...changesIn(path, (text) => new URL(`http://a/${text}`).pathname),
    ...changesIn(query, (text) => new URL(`http://a/?${text}`).search),
  ]);
  if (changes.size === 0) return null;
  return `In the URL, ${[...changes].join("; ")}.`;
}

/** @param send What an HTTP client makes of a part of a URL, with a mark before it. */
function changesIn(text: string, send: (text: string) => string): string[] {
  return [...new Set(text)].flatMap((char) => {
    // At an end of the URL, a space would not count.
    const sent = send(`x${char}x`).slice(2, -1);
    if (sent === char) return [];
    if (!/[\0-\x7f]/.test(char)) {
      return ["characters beyond ASCII were sent percent-encoded"];
    }
    const shown = char === " " ? "a space" : char;
    return [`${shown} was sent as ${sent}`];
  });
}
