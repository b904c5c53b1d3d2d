/** File names, made of what clients and origins say: safe on every system. */

import { fromLatin1 } from "./latin1.ts";

/** Bytes; ext4, APFS, NTFS and most others take 255, and `name (1)` must fit. */
const LONGEST = 240;

/**
 * A safe file name for a download. The first of these that has safe characters
 * is used: the name the client chose, Content-Disposition, the URL's path, host.
 *
 * @param header The value of Content-Disposition, as Latin-1.
 * @param url The URL that gave the file, after redirects.
 */
export function filenameFor(
  chosen: string | null,
  header: string | null,
  url: string,
): string {
  const { pathname, hostname } = new URL(url);
  return safe(chosen ?? "") || safe(dispositionName(header) ?? "") ||
    safe(lastSegment(pathname)) || safe(hostname) || "download";
}

/**
 * The name in a Content-Disposition header, RFC 6266: `filename*` before
 * `filename`. As lenient as browsers are, since servers are careless.
 */
export function dispositionName(header: string | null): string | null {
  if (header === null) return null;
  const parameters = new Map<string, string>();
  const pattern =
    /(?:^|;)\s*([\w!#$&+.^`|~-]+\*?)\s*=\s*("(?:\\.|[^"\\])*"|[^;]*)/g;
  for (const [, name = "", value = ""] of header.matchAll(pattern)) {
    const key = name.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, value.trim());
  }
  const extended = decodeExtended(parameters.get("filename*") ?? "");
  if (extended) return extended;
  const plain = parameters.get("filename");
  return plain === undefined ? null : fromLatin1(unquote(plain));
}

/** RFC 8187: `UTF-8'language'percent-encoded`. */
function decodeExtended(value: string): string | null {
  const [, charset, encoded] = unquote(value).match(/^([\w-]+)'[^']*'(.*)$/) ??
    [];
  if (charset === undefined || encoded === undefined) return null;
  const latin1 = encoded.replace(
    /%([0-9a-f]{2})/gi,
    (_, hex) => String.fromCharCode(parseInt(hex, 16)),
  );
  return /^utf-?8$/i.test(charset) ? fromLatin1(latin1) : latin1;
}

function unquote(value: string): string {
  return value.startsWith('"')
    ? value.slice(1, value.endsWith('"') ? -1 : undefined)
      .replace(/\\(["\\])/g, "$1")
    : value;
}

function lastSegment(pathname: string): string {
  const segment = pathname.split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Characters that Windows forbids in names, and that hide or mislead anywhere. */
const UNSAFE =
  /[\p{Cc}<>:"|?*\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]/gu;
const RESERVED =
  /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?=\s*(?:\.|$))/i;
/**
 * Dots and spaces at the end. A match begins only at the first of them: else, a
 * long run in the middle would be tried from each of its characters.
 */
const TRAILING = /(?<![.\s])[.\s]+$/;

/** The last segment of a name, made safe; empty if nothing of it is left. */
function safe(name: string): string {
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

function extensionOf(name: string): string {
  return name.match(/(?:\.tar)?\.[^.]{1,16}$/)?.[0] ?? "";
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** `name.ext`, `name (1).ext`, `name (2).ext` and so on. */
export function numbered(name: string, number: number): string {
  if (number === 0) return name;
  const extension = extensionOf(name);
  const stem = name.slice(0, name.length - extension.length);
  return `${stem} (${number})${extension}`;
}
