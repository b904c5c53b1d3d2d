/** Buffers that the threads of a worker use one after another. */

/**
 * As much is read at once: the HTTP client never has more, and on loopback
 * seldom less. With 256 KiB, a GiB costs a tenth more CPU time.
 */
export const READ_BYTES = 408 * 1024;

/** As much of what comes in smaller pieces is gathered, to be written at once. */
export const GATHERED_BYTES = 128 * 1024;

/** A stock of buffers of one size. */
export interface Buffers {
  take(): ArrayBuffer;
  /** Puts a buffer back. One that is not, as it went with a read, is no loss. */
  give(buffer: ArrayBuffer): void;
}

/**
 * Makes a stock, empty at first. Without it, each slice would leave buffers for
 * the garbage collector, which looks for them only once there are many.
 *
 * @param bytes What a buffer has room for.
 */
export function createBuffers(bytes: number): Buffers {
  const idle: ArrayBuffer[] = [];
  return {
    take: () => idle.pop() ?? new ArrayBuffer(bytes),
    give: (buffer) => void idle.push(buffer),
  };
}
