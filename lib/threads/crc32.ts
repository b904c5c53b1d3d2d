/** CRC-32, as zlib has it. */

/**
 * Bytes for which node:zlib is worth loading. That takes 25 ms, in which a small
 * file has come; the table needs less than half of that for this many bytes.
 */
const WORTH_LOADING = 1024 * 1024;

const TABLE = new Int32Array(256).map((_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) {
    crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return crc;
});

/** How many bytes have gone through the table. */
let seen = 0;
let fast: typeof crc32 | null = null;

/**
 * The CRC-32 of bytes.
 *
 * @param before The CRC-32 of the bytes before these.
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  if (fast !== null) return fast(bytes, before);
  if (seen <= WORTH_LOADING && seen + bytes.length > WORTH_LOADING) {
    import("node:zlib").then((zlib) => fast = zlib.crc32);
  }
  seen += bytes.length;
  let crc = ~before;
  // Counting is ten times as fast as `for of`.
  for (let n = 0; n < bytes.length; n++) {
    crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[n] ?? 0)) & 0xff] ?? 0);
  }
  return ~crc >>> 0;
}
