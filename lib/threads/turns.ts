/**
 * Turns at writing to a file, which workers give each other.
 *
 * The kernel lets one thread at a time write to a file, and the waiting ones keep
 * a core busy. That is quickest while writes are quick. Where the disk makes them
 * slow, workers had better sleep: 64 threads on a slow disk took two thirds of the CPU
 * time that way, and came no later.
 */

import { crc32 } from "./crc32.ts";

/** Files with the same number share turns: no harm, and seldom. */
const NUMBERS = 256;
/** Milliseconds. Some 400 KiB take 0.1 to 0.3, or 1 where the disk is slow. */
const SLOW = 0.3;
/** How much the latest write counts in what writes usually take. */
const WEIGHT = 1 / 16;
/** Nobody waits longer, in milliseconds: the other may be gone. */
const LONGEST = 1_000;

const FREE = 0;
const TAKEN = 1;

/** Of each number, whether somebody has the turn. */
export type SharedTurns = Int32Array<SharedArrayBuffer>;

/** Makes what is given to each worker. */
export function createSharedTurns(): SharedTurns {
  return new Int32Array(
    new SharedArrayBuffer(NUMBERS * Int32Array.BYTES_PER_ELEMENT),
  );
}

/** Writes to a file; where that has been slow, while no other worker does. */
export type InTurn = (write: () => void) => void;

/** The turns, as one worker takes them. */
export interface Turns {
  at(path: string): InTurn;
}

/** Makes a worker's view of the turns. */
export function createTurns(shared: SharedTurns): Turns {
  /** What a write to a file takes, in milliseconds, without the wait. */
  const usual = new Float64Array(NUMBERS);

  function wait(number: number): void {
    while (Atomics.exchange(shared, number, TAKEN) === TAKEN) {
      const ended = Atomics.wait(shared, number, TAKEN, LONGEST);
      if (ended === "timed-out") return;
    }
  }

  return {
    at(path) {
      const number = crc32(new TextEncoder().encode(path)) % NUMBERS;
      return (write) => {
        const before = usual[number] ?? 0;
        const alone = before > SLOW;
        if (alone) wait(number);
        const start = performance.now();
        try {
          write();
        } finally {
          if (alone) {
            Atomics.store(shared, number, FREE);
            Atomics.notify(shared, number, 1);
          }
          const took = performance.now() - start;
          usual[number] = before + (took - before) * WEIGHT;
        }
      };
    },
  };
}
