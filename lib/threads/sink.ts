/** Writes a thread's bytes to the part file, one after another. */

import { refuseLateWrites, type WriteUntil } from "../base/write_until.ts";
import { writeAllSync } from "../base/write_all.ts";
import type { Run } from "../download/ranges.ts";
import { type Buffers, GATHERED_BYTES } from "./buffers.ts";
import { crc32 } from "./crc32.ts";
import type { Turns } from "./turns.ts";

/**
 * A thread's own handle on the part file: on a shared one, one thread could
 * seek between the seek and the write of another.
 */
export interface Sink extends Disposable {
  /** Where the next byte goes. */
  readonly position: number;
  /** Takes bytes; they are in the file after `flush`, if not before. */
  push(bytes: Uint8Array): void;
  /** Writes the gathered bytes; returns the run that is in the file by now. */
  flush(): Run;
  /** Begins a new run where the last one, which is flushed, has ended. */
  next(): void;
}

/** What sinks of a worker share. */
export interface Writing {
  /** A stock of buffers of {@linkcode GATHERED_BYTES}. */
  readonly gathering: Buffers;
  readonly turns: Turns;
  /** Until when may be written; absent for always. */
  readonly writeUntil?: WriteUntil | undefined;
}

/**
 * Opens a part file at an offset.
 *
 * Writes are synchronous: one takes a third of a millisecond, and no other code
 * of the worker can run between a write and the counting of its bytes.
 *
 * @param create Whether the file must not exist yet; otherwise, it must. A
 * file that was deleted meanwhile is thus never begun anew in the middle.
 * @throws what the system says, which `toRecord` takes for PART_LOST where it
 * is AlreadyExists or NotFound; HELD once the time to write is over.
 */
export function openSink(
  path: string,
  { start, create }: { start: number; create: boolean },
  { gathering, turns, writeUntil }: Writing,
): Sink {
  refuseLateWrites(writeUntil);
  const file = Deno.openSync(path, { write: true, createNew: create });
  const inTurn = turns.at(path);
  let gathered: Uint8Array<ArrayBuffer> | null = null;
  let waiting = 0;
  let written = start;
  let begin = start;
  let crc = 0;

  function write(bytes: Uint8Array): void {
    inTurn(() => {
      // Now, not before the turn was waited for.
      refuseLateWrites(writeUntil);
      writeAllSync(file, bytes);
    });
    crc = crc32(bytes, crc);
    written += bytes.length;
  }

  function flush(): Run {
    if (gathered !== null) {
      const bytes = gathered.subarray(0, waiting);
      waiting = 0;
      write(bytes);
      gathering.give(gathered.buffer);
      gathered = null;
    }
    return { start: begin, end: written, crc };
  }

  function push(bytes: Uint8Array): void {
    if (waiting + bytes.length > GATHERED_BYTES) flush();
    if (bytes.length >= GATHERED_BYTES) return write(bytes);
    gathered ??= new Uint8Array(gathering.take());
    gathered.set(bytes, waiting);
    waiting += bytes.length;
  }

  try {
    if (start > 0) file.seekSync(start, Deno.SeekMode.Start);
  } catch (error) {
    file.close();
    throw error;
  }
  return {
    get position() {
      return written + waiting;
    },
    push,
    flush,
    next() {
      begin = written;
      crc = 0;
    },
    [Symbol.dispose]: () => file.close(),
  };
}
