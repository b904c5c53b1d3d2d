/** Text in whichever encoding of Unicode it comes. Pure. */

/**
 * The text of bytes in UTF-8 or UTF-16. What is not UTF-8 becomes U+FFFD.
 *
 * UTF-16 without a byte order mark is known by its first character, which is
 * ASCII in every list of URLs and in every document of XML.
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const isBig = first === 0xfe && second === 0xff || first === 0 && !!second;
  const isLittle = first === 0xff && second === 0xfe || !!first && second === 0;
  const encoding = isBig ? "utf-16be" : isLittle ? "utf-16le" : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}
