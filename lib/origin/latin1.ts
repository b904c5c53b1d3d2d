/** Text in the headers of HTTP. */

/**
 * The text of a header's value. RFC 9110 §5.5 leaves open what its bytes stand
 * for. They come to us as Latin-1, and often are UTF-8.
 */
export function fromLatin1(text: string): string {
  if (!/^[\0-\xff]*$/.test(text)) return text;
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return text;
  }
}
