/** Writes slowly to one file, with others who do the same. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { createTurns, type SharedTurns } from "../../lib/threads/turns.ts";

/** What the writers share besides their turns. */
export interface Meeting {
  readonly turns: SharedTurns;
  /** How many write right now, and how many have at once at most. */
  readonly writing: Int32Array<SharedArrayBuffer>;
}

/** Enough for writes to count as slow. */
const WARM_UP = 10;
const WRITES = 20;

self.onmessage = ({ data }: MessageEvent<Meeting>) => {
  const inTurn = createTurns(data.turns).at("part");
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  const sleep = () => void Atomics.wait(sleeper, 0, 0, 2);
  for (let n = 0; n < WARM_UP; n++) inTurn(sleep);
  self.postMessage("slow");
  self.onmessage = () => {
    for (let n = 0; n < WRITES; n++) {
      inTurn(() => {
        const now = Atomics.add(data.writing, 0, 1) + 1;
        if (now > Atomics.load(data.writing, 1)) {
          Atomics.store(data.writing, 1, now);
        }
        sleep();
        Atomics.sub(data.writing, 0, 1);
      });
    }
    self.postMessage("done");
  };
};
