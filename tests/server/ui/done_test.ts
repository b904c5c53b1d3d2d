import { assertEquals } from "@std/assert";
import { watchForDone, wordsOf } from "../../../lib/server/ui/done.js";

const IDLE = {
  Queued: 0,
  Downloading: 0,
  Paused: 0,
  Downloaded: 5,
  Failed: 2,
};

Deno.test("when nothing is left to do, what was done meanwhile is told", () => {
  const hear = watchForDone();
  assertEquals(hear(IDLE), null);
  assertEquals(hear({ ...IDLE, Queued: 2, Downloading: 1 }), null);
  assertEquals(hear({ ...IDLE, Downloading: 1, Downloaded: 7 }), null);
  const done = { ...IDLE, Downloaded: 7, Failed: 3 };
  assertEquals(hear(done), { finished: 2, failed: 1 });
  assertEquals(hear(done), null);
  // So quick that it was never seen running.
  assertEquals(hear({ ...done, Downloaded: 8 }), { finished: 1, failed: 0 });
});

Deno.test("what is seen running at first is told when it is done", () => {
  const hear = watchForDone();
  assertEquals(hear({ ...IDLE, Downloading: 1 }), null);
  assertEquals(hear({ ...IDLE, Downloaded: 6 }), { finished: 1, failed: 0 });
});

Deno.test("what failed, and is tried again, and fails again, is news", () => {
  const hear = watchForDone();
  hear(IDLE);
  assertEquals(hear({ ...IDLE, Queued: 1, Failed: 1 }), null);
  assertEquals(hear(IDLE), { finished: 0, failed: 1 });
});

Deno.test("what was paused or removed is no news", () => {
  const hear = watchForDone();
  hear(IDLE);
  hear({ ...IDLE, Downloading: 2 });
  assertEquals(hear({ ...IDLE, Paused: 1 }), null);
  hear({ ...IDLE, Downloading: 1, Downloaded: 3 });
  assertEquals(hear({ ...IDLE, Downloaded: 3 }), null);
});

Deno.test("a notice says what there was", () => {
  assertEquals(wordsOf({ finished: 1_200, failed: 0 }), "1,200 finished");
  assertEquals(wordsOf({ finished: 0, failed: 1 }), "1 failed");
  assertEquals(wordsOf({ finished: 2, failed: 1 }), "2 finished, 1 failed");
});
