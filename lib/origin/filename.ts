/** File names, made of what clients and origins say: safe on every system. */

import { extensionOf, safeName } from "../download/safe_name.ts";
import { fromLatin1 } from "./latin1.ts";

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
  return safeName(chosen ?? "") || safeName(dispositionName(header) ?? "") ||
    safeName(lastSegment(pathname)) || safeName(hostname) || "download";
}

/**
 * The name in a Content-Disposition header, RFC 6266: `filename*` before
 * `filename`. As lenient as browsers are, since servers are careless.
 */
export function dispositionName(header: string | null): string | null {
  if (header === null) return null;
  const parameters = parametersOf(header);
  const extended = decodeExtended(unquote(parameters.get("filename*") ?? ""));
  if (extended) return extended;
  const continued = decodeContinued(parameters);
  if (continued) return continued;
  const plain = parameters.get("filename");
  return plain === undefined ? null : decodePlain(unquote(plain));
}

/** The parameters of a header; some servers put no `;` behind the type. */
function parametersOf(header: string): Map<string, string> {
  const parameters = new Map<string, string>();
  const pattern =
    /(?:^\s*(?:attachment|inline)[\s,]+|(?:^|;)\s*)([\w!#$&+.^`|~*-]+)\s*=\s*("(?:\\.|[^"\\])*"|[^;]*)/gi;
  for (const [, name = "", value = ""] of header.matchAll(pattern)) {
    const key = name.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, value.trim());
  }
  return parameters;
}

/** RFC 8187: `UTF-8'language'percent-encoded`. */
function decodeExtended(value: string): string | null {
  const [, charset, encoded] = value.match(/^([\w.:+-]+)'[^']*'(.*)$/) ?? [];
  if (charset === undefined || encoded === undefined) return null;
  return decodeBytes(charset, percentDecoded(encoded));
}

/** RFC 2231 §3 and §4: a value in pieces, `filename*0*`, `filename*1` etc. */
function decodeContinued(
  parameters: ReadonlyMap<string, string>,
): string | null {
  let joined = "";
  const isEncoded = parameters.has("filename*0*");
  for (let n = 0;; n++) {
    const encoded = parameters.get(`filename*${n}*`);
    const piece = encoded ?? parameters.get(`filename*${n}`);
    if (piece === undefined) break;
    // In a value that is encoded, a piece that is not stands for itself.
    const literal = isEncoded && encoded === undefined;
    const text = unquote(piece);
    joined += literal ? text.replaceAll("%", "%25") : text;
  }
  return isEncoded ? decodeExtended(joined) : fromLatin1(joined);
}

/** What servers write in `filename`, and browsers read. */
function decodePlain(latin1: string): string {
  const text = fromLatin1(latin1);
  const words = decodeWords(text);
  if (words !== text) return words;
  try {
    // A separator stays encoded: decoded, it would cut the name.
    return decodeURIComponent(text.replace(/%(2f|5c)/gi, "%25$1"));
  } catch {
    return text;
  }
}

/**
 * RFC 2047: encoded words, `=?charset?B?…?=` in Base64 or `?Q?` in a form of
 * quoted-printable. A character may begin in one and end in the next.
 */
function decodeWords(text: string): string {
  return text.replace(ENCODED_WORDS, (words) => {
    let charset = "", latin1 = "";
    for (const [, name = "", kind = "", value = ""] of words.matchAll(WORD)) {
      const bytes = /b/i.test(kind) ? fromBase64(value) : fromQ(value);
      const isOther = charset !== "" && charset !== name.toLowerCase();
      if (bytes === null || isOther) return words;
      charset = name.toLowerCase();
      latin1 += bytes;
    }
    return decodeBytes(charset, latin1) ?? words;
  });
}

const WORD = /=\?([\w.:+-]{1,40})(?:\*[\w-]{0,20})?\?([bq])\?([^?]*)\?=/gi;
/** Words that follow each other, whose spaces between them do not count. */
const ENCODED_WORDS = new RegExp(`${WORD.source}(?:\\s*${WORD.source})*`, "gi");

function fromBase64(text: string): string | null {
  try {
    return atob(text);
  } catch {
    return null;
  }
}

function fromQ(text: string): string {
  return text.replaceAll("_", " ").replace(
    /=([0-9a-f]{2})/gi,
    (_, hex) => String.fromCharCode(parseInt(hex, 16)),
  );
}

/** Text of bytes, given as Latin-1; null if they are none in the charset. */
function decodeBytes(charset: string, latin1: string): string | null {
  if (/[^\0-\xff]/.test(latin1)) return null;
  if (/^utf-?8$/i.test(charset)) return fromLatin1(latin1);
  try {
    const bytes = Uint8Array.from(latin1, (char) => char.charCodeAt(0));
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function percentDecoded(text: string): string {
  return text.replace(
    /%([0-9a-f]{2})/gi,
    (_, hex) => String.fromCharCode(parseInt(hex, 16)),
  );
}

function unquote(value: string): string {
  return value.startsWith('"')
    ? value.slice(1, value.endsWith('"') ? -1 : undefined)
      .replace(/\\(["\\])/g, "$1")
    : value;
}

/** The last segment of a path, decoded if it can be. */
export function lastSegment(pathname: string): string {
  const segment = pathname.split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** `name.ext`, `name (1).ext`, `name (2).ext` and so on. */
export function numbered(name: string, number: number): string {
  if (number === 0) return name;
  const extension = extensionOf(name);
  const stem = name.slice(0, name.length - extension.length);
  return `${stem} (${number})${extension}`;
}
