/** Reads a part file again, to compare it with its record or its checksum. */

import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Range } from "../download/ranges.ts";
import type { DigestTask } from "./messages.ts";

/** Bytes that are read at a time: an abort is seen after each. */
const READ_BYTES = 1024 * 1024;

/**
 * The digests of ranges of a file: CRC-32 as a decimal number, all others in
 * lower-case hexadecimal digits. A range that reaches beyond the file's end has
 * none: an empty text.
 *
 * @param signal Ends the reading early.
 * @throws what the system says, or the signal's reason.
 */
export async function digest(
  { path, algorithm, ranges }: DigestTask,
  signal?: AbortSignal,
): Promise<string[]> {
  using file = await Deno.open(path, { read: true });
  const digests: string[] = [];
  for (const range of ranges) {
    const hash = algorithm === "crc32" ? startCrc() : startHash(algorithm);
    let left = range.end - range.start;
    for await (const bytes of read(file, range)) {
      signal?.throwIfAborted();
      hash.update(bytes);
      left -= bytes.length;
    }
    digests.push(left === 0 ? hash.end() : "");
  }
  return digests;
}

interface Hash {
  update(bytes: Uint8Array): void;
  end(): string;
}

function startHash(algorithm: string): Hash {
  const hash = createHash(algorithm);
  return {
    update: (bytes) => void hash.update(bytes),
    end: () => hash.digest("hex"),
  };
}

function startCrc(): Hash {
  let crc = 0;
  return {
    update: (bytes) => void (crc = crc32(bytes, crc)),
    end: () => String(crc),
  };
}

async function* read(
  file: Deno.FsFile,
  { start, end }: Range,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(READ_BYTES);
  await file.seek(start, Deno.SeekMode.Start);
  for (let position = start; position < end;) {
    const most = Math.min(READ_BYTES, end - position);
    const length = await file.read(buffer.subarray(0, most));
    if (length === null) return;
    yield buffer.subarray(0, length);
    position += length;
  }
}
