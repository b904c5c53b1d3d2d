/** Bodies in chunks, RFC 9112 §7.1. Pure. */

/** What is known of a body in chunks, of which more and more comes. */
export interface Chunks {
  /**
   * The pieces of the content in the next bytes of the body: views of them.
   * What follows the body's end is left out.
   *
   * @throws if they are no chunks.
   */
  take(bytes: Uint8Array): Uint8Array[];
  /** Whether the body has come to its end. */
  isOver(): boolean;
}

/** Bytes that a size with its extensions, or all trailers, may have. */
const MOST_AROUND = 64 * 1024;

/**
 * A size of a number that is safe; spaces behind it are not allowed, and some
 * servers send them all the same. What an extension says is of no interest.
 */
const SIZE = /^([0-9a-f]{1,13})[ \t]*(?:;.*)?$/i;

/** A body in chunks, of which nothing has come. */
export function createChunks(): Chunks {
  /** Bytes of the chunk that are still to come. */
  let left = 0;
  let expected: "size" | "end of chunk" | "trailer" | "nothing" = "size";
  /** A line that has begun to come, in Latin-1. */
  let line = "";
  let around = 0;

  function takeLine(): void {
    // Elsewhere in HTTP a lone LF ends a line, too, but not here (errata 7633).
    if (!line.endsWith("\r\n")) throw invalid();
    const text = line.slice(0, -2);
    line = "";
    if (expected === "trailer") {
      if (text === "") expected = "nothing";
      return;
    }
    around = 0;
    if (expected === "end of chunk") {
      if (text !== "") throw invalid();
      expected = "size";
      return;
    }
    const [, size] = text.match(SIZE) ?? [];
    if (size === undefined) throw invalid();
    left = parseInt(size, 16);
    expected = left === 0 ? "trailer" : "end of chunk";
  }

  return {
    take(bytes) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length && expected !== "nothing";) {
        if (left > 0) {
          const piece = bytes.subarray(at, at + left);
          pieces.push(piece);
          left -= piece.length;
          at += piece.length;
          continue;
        }
        const end = bytes.indexOf(LF, at) + 1 || bytes.length;
        const part = bytes.subarray(at, end);
        around += part.length;
        if (around > MOST_AROUND) throw invalid();
        line += String.fromCharCode(...part);
        at = end;
        if (part.at(-1) === LF) takeLine();
      }
      return pieces;
    },
    isOver: () => expected === "nothing",
  };
}

const LF = 10;

function invalid(): Error {
  return new Error("A chunk is not as HTTP has it.");
}
