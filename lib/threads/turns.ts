/**
 * Turns at writing to a file, which workers give each other.
 *
 * The kernel lets one thread at a time write to a file, and the waiting ones keep
 * a core busy. That is quickest while writes are quick. Where the disk makes them
 * slow, workers had better sleep until their turn: 64 threads on a slow disk then
 * took two thirds of the CPU time, and finished no later.
 */

import { crc32 } from "./crc32.ts";

/**
 * How many turns there are. A hash of its path gives a file one of them: where
 * two files share one, which is seldom, their writes only wait for each other.
 */
const NUMBERS = 256;
/**
 * Writes that usually take longer wait for their turn, in milliseconds. 400 KiB
 * take 0.1 to 0.3, or 1 where the disk is slow.
 */
const SLOW = 0.3;
/** The weight of the latest write in the average of what writes take. */
const WEIGHT = 1 / 16;
/**
 * How long a worker waits for its turn at most, in milliseconds: the one that
 * has it may have been terminated.
 */
const LONGEST = 1_000;

const FREE = 0;
const TAKEN = 1;

/** For each turn, whether a worker has it: `TAKEN` or `FREE`. */
export type SharedTurns = Int32Array<SharedArrayBuffer>;

/** Makes the memory that all workers share. */
export function createSharedTurns(): SharedTurns {
  return new Int32Array(
    new SharedArrayBuffer(NUMBERS * Int32Array.BYTES_PER_ELEMENT),
  );
}

/** Writes to a file; where that has been slow, while no other worker does. */
export type InTurn = (write: () => void) => void;

/** The turns, as one worker takes them. */
export interface Turns {
  /** How the worker writes to the file at a path. */
  at(path: string): InTurn;
}

/** Makes a worker's view of the turns. */
export function createTurns(shared: SharedTurns): Turns {
  /** How long writes of each turn usually take, in milliseconds, once begun. */
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
