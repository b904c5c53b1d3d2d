/** Buffers that the threads of a worker use one after another. */

/**
 * Bytes that one read may bring: the HTTP client never has more ready, and on
 * loopback seldom less. With 256 KiB, a GiB costs a tenth more CPU time.
 */
export const READ_BYTES = 408 * 1024;

/** Bytes of smaller reads that are gathered, to be written in one call. */
export const GATHERED_BYTES = 128 * 1024;

/** A stock of buffers of one size. */
export interface Buffers {
  take(): ArrayBuffer;
  /** Puts a buffer back. For one that a failed read has kept, another is made. */
  give(buffer: ArrayBuffer): void;
}

/**
 * Makes an empty stock. Without one, each slice would leave its buffers to the
 * garbage collector, which frees them only once they have piled up.
 *
 * @param bytes The size of each buffer.
 */
export function createBuffers(bytes: number): Buffers {
  const idle: ArrayBuffer[] = [];
  return {
    take: () => idle.pop() ?? new ArrayBuffer(bytes),
    give: (buffer) => void idle.push(buffer),
  };
}
