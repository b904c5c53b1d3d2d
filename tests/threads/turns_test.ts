import { assert, assertEquals, assertThrows } from "@std/assert";
import { createSharedTurns, createTurns } from "../../lib/threads/turns.ts";
import type { Meeting } from "./turns_worker.ts";

const PART = "/downloads/.sluice/parts/1";

/** Writes that take long enough to be slow. */
function sleep(): void {
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(nobody, 0, 0, 2);
}

function taken(shared: ReturnType<typeof createSharedTurns>): number {
  return shared.reduce((sum, turn) => sum + turn, 0);
}

Deno.test("a write waits for nobody while none has been slow", () => {
  const shared = createSharedTurns().fill(1);
  let wrote = false;
  createTurns(shared).at(PART)(() => wrote = true);
  assert(wrote);
  // Whoever takes a turn gives it back.
  assertEquals(taken(shared), shared.length);
});

Deno.test("slow writes take turns, and give them back", () => {
  const shared = createSharedTurns();
  const inTurn = createTurns(shared).at(PART);
  assertEquals(taken(shared), 0);
  const during = Array.from({ length: 20 }, () => {
    let now = -1;
    inTurn(() => {
      sleep();
      now = taken(shared);
    });
    assertEquals(taken(shared), 0);
    return now;
  });
  assertEquals([during[0], during.at(-1)], [0, 1]);
  assertThrows(
    () => {
      inTurn(() => {
        throw new Error("The disk is full");
      });
    },
    Error,
    "The disk is full",
  );
  assertEquals(taken(shared), 0);
});

Deno.test("writes that have become quick wait for nobody again", () => {
  const shared = createSharedTurns();
  const inTurn = createTurns(shared).at(PART);
  for (let n = 0; n < 20; n++) inTurn(sleep);
  const alone = Array.from({ length: 200 }, () => {
    let now = -1;
    inTurn(() => now = taken(shared));
    return now;
  });
  assertEquals(alone[0], 1);
  assert(alone.includes(0));
});

Deno.test("one who is gone with its turn stops nobody", () => {
  const shared = createSharedTurns();
  const inTurn = createTurns(shared).at(PART);
  for (let n = 0; n < 20; n++) inTurn(sleep);
  shared.fill(1);
  let wrote = false;
  inTurn(() => wrote = true);
  assert(wrote);
  assertEquals(taken(shared), shared.length - 1);
});

Deno.test("workers whose writes are slow write one at a time", async () => {
  const meeting: Meeting = {
    turns: createSharedTurns(),
    writing: new Int32Array(new SharedArrayBuffer(8)),
  };
  const workers = Array.from(
    { length: 4 },
    () =>
      new Worker(import.meta.resolve("./turns_worker.ts"), { type: "module" }),
  );
  function all(message: unknown, answer: string): Promise<void[]> {
    return Promise.all(workers.map((worker) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      worker.onmessage = ({ data }) =>
        data === answer ? resolve() : reject(new Error(data));
      worker.onerror = reject;
      worker.postMessage(message);
      return promise;
    }));
  }
  try {
    await all(meeting, "slow");
    await all("write", "done");
  } finally {
    for (const worker of workers) worker.terminate();
  }
  assertEquals([...meeting.writing], [0, 1]);
});
