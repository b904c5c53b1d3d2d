/** Buffers that the threads of a worker use one after another. */

/**
 * As much is read at once, and written at once. On loopback a read brings 240
 * to 380 KiB; in half as much, a GiB costs a tenth more CPU time.
 */
export const BUFFER_BYTES = 512 * 1024;

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
