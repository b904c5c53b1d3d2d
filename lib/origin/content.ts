/** What a file's first bytes say of it. Pure. */

/** Bytes that are enough to tell. */
export const TELLING_BYTES = 512;

/** Content codings that exist and that clients meet (RFC 9110 §8.4.1). */
export type Coding = "gzip" | "compress" | "deflate" | "br" | "zstd";

const CODINGS: ReadonlyMap<string, Coding> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["compress", "compress"],
  ["x-compress", "compress"],
  ["deflate", "deflate"],
  ["br", "br"],
  ["zstd", "zstd"],
]);

/**
 * The outermost coding that a Content-Encoding names; null if it names none
 * that exists, such as `utf-8`, `binary` or the `aws-chunked` of an upload.
 */
export function codingIn(label: string | null): Coding | null {
  const names = (label ?? "").toLowerCase().split(",");
  return names.map((name) => CODINGS.get(name.trim()) ?? null)
    .findLast((coding) => coding !== null) ?? null;
}

/**
 * The media type that a Content-Type names, in lower case and without its
 * parameters; null if it names none (RFC 9110 §8.3.1).
 */
export function mediaTypeOf(headers: Headers): string | null {
  const [type = null] = headers.get("content-type")
    ?.match(/^[\w!#$&^.+-]{1,100}\/[\w!#$&^.+-]{1,100}(?=\s*(;|,|$))/) ?? [];
  return type?.toLowerCase() ?? null;
}

const MAGIC: Partial<Record<Coding, readonly number[]>> = {
  gzip: [0x1f, 0x8b],
  compress: [0x1f, 0x9d],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
};

/** What decodes the codings that have no mark of their own. */
const FORMATS: Partial<Record<Coding, readonly CompressionFormat[]>> = {
  // RFC 9110 §8.4.1.2: some servers leave the wrapper of zlib out.
  deflate: ["deflate", "deflate-raw"],
  br: ["brotli"],
};

/**
 * Whether a body that begins with `bytes` may be in a coding. Where a coding
 * has no mark of its own, it is not if no decoder takes the bytes; and if one
 * does, as one of Brotli takes one in thirteen files of random bytes, it may be
 * unless the bytes are a file as it is.
 */
export async function mayBeIn(
  coding: Coding,
  bytes: Uint8Array,
): Promise<boolean> {
  if (bytes.length === 0) return false;
  const magic = MAGIC[coding];
  if (magic !== undefined) return beginsWith(bytes, magic);
  if (coding === "deflate" && isZlib(bytes)) return true;
  if (isText(bytes) || SIGNATURES.some((one) => beginsWith(bytes, one))) {
    return false;
  }
  for (const format of FORMATS[coding] ?? []) {
    if (await isTaken(format, bytes)) return true;
  }
  return false;
}

/** Decoded bytes that are enough to tell that a decoder takes what it gets. */
const ENOUGH_DECODED = 64 * 1024;

/** Whether a decoder takes bytes as the beginning of what it decodes. */
async function isTaken(
  format: CompressionFormat,
  bytes: Uint8Array,
): Promise<boolean> {
  const decoder = new DecompressionStream(format);
  const ended = new AbortController();
  let decoded = 0;
  const reading = decoder.readable.pipeTo(
    new WritableStream({ write: ({ length }) => void (decoded += length) }),
    { signal: ended.signal },
  ).catch(() => {});
  const writer = decoder.writable.getWriter();
  // The rejection of a write is heard below.
  writer.closed.catch(() => {});
  try {
    // One by one, as a few bytes may become hundreds of megabytes.
    for (let n = 0; n < bytes.length && decoded < ENOUGH_DECODED; n++) {
      await writer.write(Uint8Array.of(bytes[n] ?? 0));
    }
    return true;
  } catch {
    return false;
  } finally {
    ended.abort();
    await reading;
  }
}

/** RFC 1950 §2.2: method 8, and a check over the first two bytes. */
function isZlib([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}

/** How files begin that are often downloaded. */
const SIGNATURES: readonly (readonly number[])[] = [
  [0x50, 0x4b, 0x03, 0x04], // ZIP, and all that is made of it
  [0x25, 0x50, 0x44, 0x46], // PDF
  [0x7f, 0x45, 0x4c, 0x46], // ELF
  [0x4d, 0x5a], // Windows programs
  [0x89, 0x50, 0x4e, 0x47], // PNG
  [0xff, 0xd8, 0xff], // JPEG
  [0x47, 0x49, 0x46, 0x38], // GIF
  [0x52, 0x49, 0x46, 0x46], // WebP, WAV, AVI
  [0x1f, 0x8b], // gzip
  [0x28, 0xb5, 0x2f, 0xfd], // Zstandard
  [0x42, 0x5a, 0x68], // bzip2
  [0xfd, 0x37, 0x7a, 0x58, 0x5a], // xz
  [0x37, 0x7a, 0xbc, 0xaf], // 7z
  [0x52, 0x61, 0x72, 0x21], // RAR
  [0x1a, 0x45, 0xdf, 0xa3], // Matroska, WebM
  [0x49, 0x44, 0x33], // MP3
  [0x4f, 0x67, 0x67, 0x53], // Ogg
  [0x66, 0x4c, 0x61, 0x43], // FLAC
];

function beginsWith(bytes: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, n) => bytes[n] === byte);
}

function isText(bytes: Uint8Array): boolean {
  return bytes.every((byte) =>
    byte === 9 || byte === 10 || byte === 13 ||
    byte >= 32 && byte < 127
  );
}

/** Whether a body that begins with `bytes` is a web page, as browsers tell. */
export function isWebPage(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes).trimStart().toLowerCase();
  return PAGE_BEGINS.some((begin) => text.startsWith(begin));
}

/** After "MIME Sniffing" of the WHATWG, §7.1. */
const PAGE_BEGINS = [
  "<!doctype html",
  "<html",
  "<head",
  "<body",
  "<title",
  "<script",
  "<style",
  "<iframe",
  "<meta",
  "<div",
  "<table",
  "<h1",
  "<p>",
  "<br",
  "<a ",
  "<b>",
  "<center",
  "<font",
  "<form",
  "<span",
  "<!--",
  "<?xml",
];
