/** Names of files and directories that are safe on every system. Pure. */

/** Bytes; ext4, APFS, NTFS and most others take 255, and `name (1)` must fit. */
const LONGEST = 240;

/**
 * Characters that Windows forbids in names, and that hide or mislead anywhere.
 * Joiners (U+200C, U+200D) stay behind letters beyond ASCII, and emoji: Persian
 * and Hindi are not spelt right without them.
 */
const UNSAFE =
  /(?<![^\0-\x7f])[\u200c\u200d]|[\p{Cc}<>:"|?*\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]/gu;
const RESERVED =
  /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?=\s*(?:\.|$))/i;
/**
 * Dots and spaces at the end. A match begins only at the first of them: else, a
 * long run in the middle would be tried from each of its characters.
 */
const TRAILING = /(?<![.\s])[.\s]+$/;

/** The last segment of a name, made safe; empty if nothing of it is left. */
export function safeName(name: string): string {
  if (name === "") return "";
  const last = name.toWellFormed().normalize("NFC").split(/[/\\]/).at(-1) ?? "";
  const clean = last
    .replace(/%2f|%5c/gi, "_")
    .replace(UNSAFE, "_")
    .replace(/^[.\s]+/, "")
    .replace(TRAILING, "")
    .replace(RESERVED, "_$1");
  return /^_*$/.test(clean) ? "" : shorten(clean);
}

/** Cuts a name to `LONGEST` bytes of UTF-8, and keeps its extension. */
function shorten(name: string): string {
  if (bytes(name) <= LONGEST) return name;
  const extension = extensionOf(name);
  const stem = [...name.slice(0, name.length - extension.length)]
    .slice(0, LONGEST);
  while (bytes(stem.join("") + extension) > LONGEST) stem.pop();
  return (stem.join("") + extension).replace(TRAILING, "");
}

/** The extension of a name, with its dot; empty if it has none. */
export function extensionOf(name: string): string {
  return name.match(/(?:\.tar)?\.[^.]{1,16}$/)?.[0] ?? "";
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
