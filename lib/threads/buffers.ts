/** Buffers that the threads of a worker use one after another. */

/**
 * As much is read at once, and written at once. More would not stay in a
 * core's cache from the read to the write: with 64 threads, 512 KiB took twice
 * as long as 256 KiB. With less, there are more reads and writes.
 */
export const BUFFER_BYTES = 256 * 1024;

/** A stock of buffers of {@linkcode BUFFER_BYTES}. */
export interface Buffers {
  take(): ArrayBuffer;
  /** Puts a buffer back. One that is not, as it went with a read, is no loss. */
  give(buffer: ArrayBuffer): void;
}

/**
 * Makes a stock, empty at first. Without it, each slice would leave buffers for
 * the garbage collector, which looks for them only once there are many.
 */
export function createBuffers(): Buffers {
  const idle: ArrayBuffer[] = [];
  return {
    take: () => idle.pop() ?? new ArrayBuffer(BUFFER_BYTES),
    give: (buffer) => void idle.push(buffer),
  };
}
