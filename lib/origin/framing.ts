/** What a body is written in, and how long it is. */

import { DownloadError } from "../download/errors.ts";

/**
 * The transfer codings of a body, without `chunked` at the end, which the HTTP
 * client decodes, and `identity`, which RFC 9112 knows no more (§7).
 */
export function transferCodings(headers: Headers): string[] {
  const names = (headers.get("transfer-encoding") ?? "").toLowerCase()
    .split(",").map((name) => name.trim()).filter((name) => name !== "");
  if (names.at(-1) === "chunked") names.pop();
  return names.filter((name) => name !== "identity");
}

/** Transfer codings that a body can be decoded from. */
export const DECODABLE: ReadonlyMap<string, CompressionFormat> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
]);

export function refuseTransferCoding(headers: Headers): void {
  const unknown = transferCodings(headers).find((name) => !DECODABLE.has(name));
  if (unknown === undefined) return;
  throw new DownloadError(
    "ENCODED",
    `The origin sent the file in the transfer coding ${
      JSON.stringify(unknown.slice(0, 20))
    }, which nobody asked for: add another URL of the file.`,
  );
}

/**
 * How many bytes a body is announced to have; null if that is not said, or a
 * transfer coding overrules it (RFC 9112 §6.3).
 */
export function contentLength(headers: Headers): number | null {
  const coding = headers.get("transfer-encoding")?.trim().toLowerCase();
  if (coding !== undefined && coding !== "identity") return null;
  const value = headers.get("content-length");
  return value !== null && /^\d{1,16}$/.test(value) ? Number(value) : null;
}
