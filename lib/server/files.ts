/** Files: GET and HEAD, whole or one range of them. */

import { ifNoneMatch } from "@std/http/etag";
import { basename } from "@std/path/basename";
import { DownloadError } from "../download/errors.ts";
import type { Range } from "../download/ranges.ts";
import { isInert, mediaType } from "./ui/media_types.js";

/** Bytes that are read at a time. */
export const PIECE = 256 * 1024;

/** A file as it is sent. */
export interface Sent {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** An entity tag, and a date as HTTP writes it; null where they may change. */
  readonly validators:
    | { readonly etag: string; readonly modified: string }
    | null;
  /** The bytes from `start` to `end`. */
  open(start: number, end: number): Promise<Body>;
}

/** The bytes of a file, or of a range of it. */
export type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/**
 * Sends a finished file.
 *
 * @param find Tells where it is; null if there is none of what was asked for.
 */
export async function serveFile(
  request: Request,
  find: () => Promise<string | null>,
): Promise<Response> {
  let before: string | null = null;
  for (;;) {
    const path = await find();
    if (path === null || path === before) {
      return refuseToWrite(request) ??
        plain(404, "There is no such file: it may have been removed.");
    }
    const answer = await sendFinished(request, path);
    if (answer !== null) return answer;
    // It may have been moved since it was found.
    before = path;
  }
}

/** Null if there is no file at the path. */
async function sendFinished(
  request: Request,
  path: string,
): Promise<Response | null> {
  try {
    const info = await Deno.lstat(path);
    // A symlink that was planted in the file's place might lead anywhere.
    if (!info.isFile) return null;
    const { size, mtime } = info;
    return await send(request, {
      name: basename(path),
      size,
      validators: {
        etag: etagOf(info),
        modified: (mtime ?? new Date(0)).toUTCString(),
      },
      open: (start, end) => open(path, start, end),
    });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Why a request is not one to read a file; null if it is. */
export function refuseToWrite({ method }: Request): Response | null {
  return method === "GET" || method === "HEAD"
    ? null
    : plain(405, "A file can only be read.", { allow: "GET, HEAD" });
}

/** Sends a file, or the range of it that is asked for. */
export async function send(request: Request, file: Sent): Promise<Response> {
  const refusal = refuseToWrite(request);
  if (refusal !== null) return refusal;
  const { name, size, validators } = file;
  const headers = new Headers({
    "accept-ranges": "bytes",
    "cache-control": validators === null ? "no-store" : "private, no-cache",
    "content-disposition": disposition(request, name),
    "content-security-policy": "default-src 'none'; img-src 'self'; " +
      "media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "content-type": mediaType(name),
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
  });
  if (validators !== null) {
    const { etag, modified } = validators;
    headers.set("etag", etag);
    headers.set("last-modified", modified);
    if (!ifNoneMatch(request.headers.get("if-none-match"), etag)) {
      return new Response(null, { status: 304, headers });
    }
  }
  const wanted = isSame(request.headers.get("if-range"), validators)
    ? rangeOf(request.headers.get("range"), size)
    : "whole";
  if (wanted === "none") {
    headers.set("content-range", `bytes */${size}`);
    return plain(416, `The file has ${size} bytes.`, headers);
  }
  const { start, end } = wanted === "whole" ? { start: 0, end: size } : wanted;
  headers.set("content-length", String(end - start));
  if (wanted !== "whole") {
    headers.set("content-range", `bytes ${start}-${end - 1}/${size}`);
  }
  const body = request.method === "HEAD" ? null : await file.open(start, end);
  return new Response(body, {
    status: wanted === "whole" ? 200 : 206,
    headers,
  });
}

/** Strong, as ranges need it: a finished file is never written to again. */
function etagOf({ ino, size, mtime }: Deno.FileInfo): string {
  const parts = [ino ?? 0, size, mtime?.getTime() ?? 0];
  return `"${parts.map((part) => part.toString(16)).join("-")}"`;
}

/** RFC 9110, 13.1.5: a Range counts only if its If-Range is still true. */
function isSame(
  validator: string | null,
  known: Sent["validators"],
): boolean {
  return validator === null || validator === known?.etag ||
    validator === known?.modified;
}

/**
 * RFC 9110, 14.2: one range; several, or what cannot be read, are ignored.
 *
 * @returns `none` if not one byte of the file is in the range.
 */
export function rangeOf(
  header: string | null,
  size: number,
): Range | "whole" | "none" {
  const [, first, last] = header?.match(/^bytes=\s*(\d*)-(\d*)\s*$/i) ?? [];
  if (first === undefined || last === undefined) return "whole";
  if (first === "") {
    if (last === "") return "whole";
    const start = Math.max(0, size - Number(last));
    return start < size ? { start, end: size } : "none";
  }
  const start = Number(first);
  const end = last === "" ? size : Math.min(size, Number(last) + 1);
  if (last !== "" && Number(last) < start) return "whole";
  return start < size ? { start, end } : "none";
}

/** RFC 6266: shown only if asked for, and only what cannot run. */
function disposition(request: Request, name: string): string {
  const inline = new URL(request.url).searchParams.get("inline") === "1";
  const kind = inline && isInert(name) ? "inline" : "attachment";
  const plainName = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const encoded = encodeURIComponent(name.toWellFormed())
    .replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return `${kind}; filename="${plainName}"; filename*=UTF-8''${encoded}`;
}

/** The bytes from `start` to `end`; the end of the stream closes the file. */
async function open(
  path: string,
  start: number,
  end: number,
): Promise<Body> {
  const file = await Deno.open(path);
  let left = end - start;
  try {
    await file.seek(start, Deno.SeekMode.Start);
  } catch (error) {
    file.close();
    throw error;
  }
  return new ReadableStream({
    async pull(controller) {
      try {
        const piece = new Uint8Array(Math.min(PIECE, left));
        const length = left > 0 ? await file.read(piece) : null;
        if (length === null && left > 0) {
          throw new DownloadError(
            "FILE_GONE",
            "A reader was cut off, as the file has become shorter on the disk.",
          );
        }
        if (length !== null) controller.enqueue(piece.subarray(0, length));
        left -= length ?? 0;
        if (left > 0) return;
        file.close();
        controller.close();
      } catch (error) {
        file.close();
        throw error;
      }
    },
    cancel: () => file.close(),
  }, { highWaterMark: 0 });
}

/** An answer in words. */
export function plain(
  status: number,
  body: string,
  more: HeadersInit = {},
): Response {
  const headers = new Headers(more);
  headers.set("content-type", "text/plain; charset=utf-8");
  headers.delete("content-disposition");
  return new Response(`${body}\n`, { status, headers });
}
