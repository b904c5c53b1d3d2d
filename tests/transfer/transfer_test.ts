import { assert, assertEquals, assertLess } from "@std/assert";
import * as fc from "../support/fast_check.ts";
import type { ErrorCode, ErrorRecord } from "../../lib/download/errors.ts";
import { statusOfTransfer } from "../../lib/status/status.ts";
import {
  endOfFirst,
  idle,
  nextEnd,
  plan,
  straggler,
} from "../../lib/transfer/plan.ts";
import {
  askToStop,
  begin,
  beginAnew,
  bound,
  bringTo,
  createTransfer,
  end,
  finish,
  gotAnswer,
  isWhole,
  notFinished,
  restarted,
  rests,
  type Thread,
  type Transfer,
  verifyAgain,
  wrote,
} from "../../lib/transfer/transfer.ts";
import {
  answer,
  fail,
  freshTransfer,
  slicedTransfer,
} from "../support/transfers.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
const LIMITS = { bytesAmount: MiB, threads: 8 };
const PATIENCE = {
  random: 0,
  attempts: 5,
  retryWait: 100,
  hostServes: false,
  hostBears: false,
};

let lastNumber = 0;

function start(transfer: Transfer, now = 0): Thread {
  const planned = plan(transfer, LIMITS, now);
  assert(planned, "no thread could be started");
  return begin(transfer, planned, ++lastNumber, now);
}

function startAll(transfer: Transfer, now = 0): Thread[] {
  const threads: Thread[] = [];
  while (plan(transfer, LIMITS, now)) threads.push(start(transfer, now));
  return threads;
}

const NO_REDIRECT = { location: null, end: Infinity, validator: null };

/** A thread of the transfer is redirected, and leaves the rest to others. */
function redirect(transfer: Transfer): void {
  const thread = start(transfer);
  const location = "https://cdn.test/?signed";
  gotAnswer(
    transfer,
    thread,
    { location, end: thread.end, validator: null },
    0,
  );
  end(transfer, thread);
}

/** The thread writes `bytes` more. */
function write(transfer: Transfer, thread: Thread, bytes: number, now = 0) {
  const { start, end } = thread.run;
  wrote(transfer, thread, { start, end: end + bytes, crc: 0 }, now);
}

function errorOf(code: ErrorCode, retryAfter: number | null = null) {
  return { code, message: code, retryAfter } satisfies ErrorRecord;
}

/** The thread ends with an error. */
function failWith(
  transfer: Transfer,
  thread: Thread,
  error: ErrorRecord | ErrorCode,
  { now = 0, attempts = PATIENCE.attempts } = {},
) {
  end(transfer, thread);
  const record = typeof error === "string" ? errorOf(error) : error;
  const redirected = thread.source.location !== null;
  return fail(transfer, record, { ...PATIENCE, redirected, attempts, now });
}

// What a thread is to do

Deno.test("until a file is known, one thread asks for its first slice and on", () => {
  const transfer = freshTransfer();
  const { slice, reach } = start(transfer);
  assertEquals([slice, reach], [{ start: 0, end: MiB }, Infinity]);
  assertEquals(plan(transfer, LIMITS, 0), null);
});

Deno.test("an origin without slices is asked for the whole, by one thread", () => {
  const transfer = freshTransfer();
  beginAnew(transfer, "whole");
  assertEquals(plan(transfer, LIMITS, 0), { kind: "first", slice: null });
  const file = { size: 9 * MiB, ranges: false, validator: null, name: "f" };
  answer(transfer, start(transfer), file, 9 * MiB);
  assertEquals(plan(transfer, LIMITS, 0), null);
});

Deno.test("a download has no more threads than its client asked for", () => {
  const transfer = slicedTransfer(64 * MiB, { threads: 3 });
  assertEquals(startAll(transfer).length, 3);
});

Deno.test("nothing is fetched that an earlier run left, until it is verified", () => {
  const { download } = slicedTransfer(MiB);
  const runs = [{ start: 0, end: KiB, crc: 7 }];
  assertEquals(plan(createTransfer(download, runs, 0), LIMITS, 0), null);
});

Deno.test("what threads that have ended wrote is not fetched again", () => {
  const transfer = slicedTransfer(4 * MiB);
  const first = start(transfer);
  write(transfer, first, 10);
  end(transfer, first);
  assertEquals(start(transfer).slice.start, 10);
});

Deno.test("a slice is an even share of all that is left, in flight or not", () => {
  const limits = { bytesAmount: 16 * MiB, threads: 2 };
  const transfer = slicedTransfer(8 * MiB);
  const slices = [0, 2 * MiB].map((bytes) => {
    for (const thread of transfer.threads.values()) {
      write(transfer, thread, bytes);
    }
    const planned = plan(transfer, limits, 0);
    assert(planned);
    return begin(transfer, planned, ++lastNumber, 0).slice;
  });
  assertEquals(slices, [
    { start: 0, end: 4 * MiB },
    { start: 4 * MiB, end: 7 * MiB },
  ]);
});

Deno.test("the first slice leaves the other threads their share", () => {
  const whole = { bytesAmount: 16 * MiB, threads: 4 };
  const ends = [3 * MiB, 12 * MiB, 40 * MiB, 640 * MiB].map((size) => {
    const transfer = slicedTransfer(size);
    return endOfFirst(transfer, whole) / MiB;
  });
  assertEquals(ends, [2, 3, 10, 16]);
});

Deno.test("the first slice is as long as it may be where no other thread helps", () => {
  const limits = { bytesAmount: 16 * MiB, threads: 4 };
  const large = slicedTransfer(64 * MiB);
  assertEquals(endOfFirst(large, { ...limits, threads: 1 }), 16 * MiB);
  const alone = slicedTransfer(64 * MiB, { threads: 1 });
  assertEquals(endOfFirst(alone, limits), 16 * MiB);
  // Nothing would prove that a second answer is of the same file.
  assertEquals(endOfFirst(freshTransfer(), limits), Infinity);
});

Deno.test("a near origin's slices begin short, a far one's as long as they may be", () => {
  const limits = { bytesAmount: 16 * MiB, threads: 4 };
  for (const [wait, length] of [[5, MiB], [80, 16 * MiB]] as const) {
    const transfer = slicedTransfer(640 * MiB);
    gotAnswer(transfer, start(transfer), NO_REDIRECT, wait);
    const planned = plan(transfer, limits, wait);
    assert(planned?.kind === "slice");
    assertEquals(planned.slice.end - planned.slice.start, length);
    assertEquals(endOfFirst(transfer, limits), Math.max(length, 2 * MiB));
  }
});

Deno.test("a near origin's slices get longer when they come whole", () => {
  const limits = { bytesAmount: 16 * MiB, threads: 1 };
  const transfer = slicedTransfer(640 * MiB);
  const lengths: number[] = [];
  for (let now = 0; lengths.length < 5; now += 100) {
    const planned = plan(transfer, limits, now);
    assert(planned);
    const thread = begin(transfer, planned, ++lastNumber, now);
    gotAnswer(transfer, thread, NO_REDIRECT, now);
    const length = thread.end - thread.slice.start;
    write(transfer, thread, length, now + length / MiB);
    end(transfer, thread);
    lengths.push(length / MiB);
  }
  assertEquals(lengths, [16, 1, 4, 16, 16]);
});

Deno.test("a slow thread's tail is taken over, and its own slice shrinks", () => {
  const transfer = slicedTransfer(MiB, { threads: 2 });
  const slow = start(transfer);
  const quick = start(transfer);
  write(transfer, slow, 8 * KiB, 1000);
  write(transfer, quick, quick.end - quick.run.end, 1000);
  end(transfer, quick);
  const tail = start(transfer, 1000).slice;
  assertEquals(tail.start, slow.end);
  assertEquals(tail.end, slow.slice.end);
  assertLess(slow.run.end, slow.end);
});

Deno.test("of several tails, the one that would last longest is taken over", () => {
  const transfer = slicedTransfer(4 * MiB);
  const threads = startAll(transfer);
  for (const [n, thread] of threads.entries()) {
    write(transfer, thread, n === 3 ? 10 : 50 * KiB, 1000);
  }
  const planned = plan(transfer, LIMITS, 1000);
  assertEquals(planned?.kind === "steal" && planned.from, threads[3]);
});

Deno.test("no tail is taken over that comes before another answer would", () => {
  for (const [wait, kind] of [[300, "steal"], [40_000, undefined]] as const) {
    const transfer = slicedTransfer(MiB, { threads: 2 });
    const thread = start(transfer);
    gotAnswer(
      transfer,
      thread,
      { location: null, end: MiB, validator: null },
      wait,
    );
    bound(thread, MiB);
    // A tenth in a second: nine are left.
    write(transfer, thread, MiB / 10, 1000);
    assertEquals(plan(transfer, LIMITS, 1000)?.kind, kind);
  }
});

Deno.test("a thread that is about to end is left alone", () => {
  const transfer = slicedTransfer(MiB, { threads: 2 });
  const thread = start(transfer);
  bound(thread, MiB);
  write(transfer, thread, MiB - 300 * KiB, 1000);
  assertEquals(plan(transfer, LIMITS, 1000), null);
});

Deno.test("a tail is not taken over that lasts less than the wait for an answer", () => {
  const transfer = slicedTransfer(MiB, { threads: 2 });
  const thread = start(transfer);
  bound(thread, MiB);
  gotAnswer(transfer, thread, NO_REDIRECT, 40_000);
  assertEquals(plan(transfer, LIMITS, 40_000), null);
  // 10 kB/s: what is left of it lasts 98 s.
  write(transfer, thread, 64 * KiB, 40_001);
  assertEquals(plan(transfer, LIMITS, 40_001), null);
  assertEquals(plan(transfer, LIMITS, 46_500)?.kind, "steal");
});

Deno.test("an answer that takes long is not asked for twice before it is due", () => {
  const transfer = slicedTransfer(MiB / 2, { threads: 5 });
  const [first] = startAll(transfer);
  assert(first);
  gotAnswer(transfer, first, NO_REDIRECT, 2_000);
  end(transfer, first);
  start(transfer, 2_000);
  assertEquals(plan(transfer, LIMITS, 2_200), null);
  assertEquals(plan(transfer, LIMITS, 2_400)?.kind, "steal");
});

Deno.test("where answers take long, the first one is not cut short for others", () => {
  const limits = { bytesAmount: 16 * MiB, threads: 4 };
  const transfer = slicedTransfer(12 * MiB);
  gotAnswer(transfer, start(transfer), NO_REDIRECT, 2_000);
  assertEquals(endOfFirst(transfer, limits), 16 * MiB);
});

Deno.test("a thread is not doubled twice", () => {
  const transfer = slicedTransfer(100 * KiB);
  start(transfer);
  const second = start(transfer, 1000);
  assertEquals(second.slice, { start: 0, end: 100 * KiB });
  assertEquals(plan(transfer, LIMITS, 60_000), null);
});

Deno.test("of two threads on the same bytes, the slower one ends up idle", () => {
  const transfer = slicedTransfer(100 * KiB);
  const slow = start(transfer);
  const quick = start(transfer, 1000);
  assertEquals(idle(transfer), []);
  write(transfer, quick, 100 * KiB, 1100);
  end(transfer, quick);
  assertEquals(idle(transfer), [slow]);
  assert(isWhole(transfer));
});

Deno.test("a thread of an answer that does not tell its length is never idle", () => {
  const transfer = freshTransfer();
  beginAnew(transfer, "whole");
  const thread = start(transfer);
  write(transfer, thread, MiB);
  assertEquals(idle(transfer), []);
});

Deno.test("a file without bytes is whole as soon as it is known", () => {
  assert(!isWhole(freshTransfer()));
  assert(isWhole(slicedTransfer(0)));
});

Deno.test("a thread twenty times slower than its peers is a straggler, in time", () => {
  const transfer = slicedTransfer(64 * MiB);
  const threads = startAll(transfer);
  const [slow, ...peers] = threads;
  for (const peer of peers) write(transfer, peer, 500 * KiB, 4000);
  assertEquals(straggler(transfer, 4000), null);
  assertEquals(straggler(transfer, 5001), slow);
  if (slow) write(transfer, slow, 100 * KiB, 5001);
  assertEquals(straggler(transfer, 5001), null);
});

Deno.test("a thread that waits for a slow answer is no straggler", () => {
  for (const [wait, found] of [[100, true], [40_000, false]] as const) {
    const transfer = slicedTransfer(64 * MiB);
    const [waiting, ...peers] = startAll(transfer);
    for (const peer of peers) {
      gotAnswer(
        transfer,
        peer,
        { location: null, end: peer.end, validator: null },
        wait,
      );
      write(transfer, peer, 500 * KiB, wait + 1_000);
    }
    const slow = straggler(transfer, Math.max(6_000, wait + 2_000));
    assertEquals(slow, found ? waiting : null);
  }
});

Deno.test("where all are slow, none is a straggler", () => {
  const transfer = slicedTransfer(64 * MiB);
  startAll(transfer);
  assertEquals(straggler(transfer, 60_000), null);
});

// What a failure means

Deno.test("attempts in a row that bring nothing are counted, and waited between", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 12 }),
    fc.constantFrom<ErrorCode>("CUT", "STALLED", "BUSY", "HOST_UNKNOWN"),
    (attempts, code) => {
      const transfer = slicedTransfer(MiB);
      let now = 1;
      for (let n = 1; n < attempts; n++) {
        failWith(transfer, start(transfer, now), code, { now, attempts });
        assertEquals(plan(transfer, LIMITS, transfer.notBefore - 1), null);
        assertLess(now, transfer.notBefore);
        now = transfer.notBefore;
      }
      const error = errorOf(code);
      assertEquals(
        failWith(transfer, start(transfer, now), error, { now, attempts }),
        { kind: "stop", then: { kind: "settle", state: failed(error) } },
      );
    },
  ));
});

function failed(error: ErrorRecord) {
  return { kind: "Failed", error } as const;
}

Deno.test("a transfer that moves is never given up", () => {
  const transfer = slicedTransfer(MiB);
  for (let n = 0, now = 0; n < 1000; n++) {
    const thread = start(transfer, now);
    write(transfer, thread, 1, now);
    const verdict = failWith(transfer, thread, "CUT", { now, attempts: 2 });
    assertEquals(verdict, { kind: "continue" });
    now = transfer.notBefore;
  }
});

Deno.test("bytes that had come before are no progress", () => {
  const transfer = freshTransfer();
  beginAnew(transfer, "whole");
  let verdict;
  let now = 0;
  for (let n = 0; n < 3; n++) {
    const thread = start(transfer, now);
    const file = { size: MiB, ranges: false, validator: null, name: "f" };
    answer(transfer, thread, file, MiB);
    write(transfer, thread, 10, now);
    verdict = failWith(transfer, thread, "CUT", { now, attempts: 2 });
    if (n < 2) beginAnew(transfer, "whole");
    now = transfer.notBefore;
  }
  assertEquals(verdict?.kind === "stop" && verdict.then.kind, "settle");
});

Deno.test("what is too much for a host that serves others is no failure", () => {
  for (const [hostServes, failures] of [[true, 0], [false, 1]] as const) {
    const transfer = slicedTransfer(MiB);
    end(transfer, start(transfer, 0));
    fail(transfer, errorOf("BUSY"), {
      ...PATIENCE,
      hostServes,
      redirected: false,
      now: 0,
    });
    assertEquals(transfer.failures, failures);
    assertLess(0, transfer.notBefore);
  }
});

Deno.test("a host that turns one connection too many away with 403 gets fewer", () => {
  for (const hostBears of [true, false]) {
    const transfer = slicedTransfer(MiB);
    const thread = start(transfer, 0);
    write(transfer, thread, 10, 0);
    end(transfer, thread);
    const verdict = fail(transfer, errorOf("EXPIRED"), {
      ...PATIENCE,
      hostServes: true,
      hostBears,
      redirected: false,
      now: 0,
    });
    assertEquals(verdict, { kind: "fewer" });
  }
});

Deno.test("what a host refuses again and again, though it bears more, is a failure", () => {
  for (const [hostBears, failures] of [[true, 7], [false, 0]] as const) {
    const transfer = slicedTransfer(MiB);
    let verdict;
    for (let n = 0; n < 10; n++) {
      const now = transfer.notBefore;
      end(transfer, start(transfer, now));
      const circumstances = {
        ...PATIENCE,
        hostServes: true,
        hostBears,
        attempts: 20,
      };
      verdict = fail(transfer, errorOf("BUSY"), {
        ...circumstances,
        redirected: false,
        now,
      });
    }
    assertEquals(transfer.failures, failures);
    // Only where it may be one thread too many does its host get fewer.
    assertEquals(verdict, { kind: hostBears ? "continue" : "fewer" });
  }
});

Deno.test("failures that come together count once", () => {
  const transfer = slicedTransfer(64 * MiB);
  for (const thread of startAll(transfer)) {
    const verdict = failWith(transfer, thread, "BUSY", { now: 7, attempts: 2 });
    assertEquals(verdict, { kind: "fewer" });
  }
  assertEquals(transfer.failures, 1);
});

Deno.test("those that an origin serves do not wait for those that it refuses", () => {
  const transfer = slicedTransfer(64 * MiB);
  const [first] = startAll(transfer);
  assert(first);
  const verdict = failWith(transfer, first, errorOf("BUSY", 30_000));
  assertEquals(verdict, { kind: "fewer" });
  assert(plan(transfer, LIMITS, 0));
});

Deno.test("an origin is left alone for as long as it asks", () => {
  const transfer = slicedTransfer(MiB);
  failWith(transfer, start(transfer), errorOf("BUSY", 30_000));
  assertEquals(plan(transfer, LIMITS, 30_000), null);
  assert(plan(transfer, LIMITS, 30_000 + PATIENCE.retryWait));
});

Deno.test("what cannot get better ends the transfer at once, whoever else runs", () => {
  for (const code of ["TLS", "REDIRECT", "WEB_PAGE", "WRONG_RANGE"] as const) {
    const transfer = slicedTransfer(64 * MiB);
    const [thread] = startAll(transfer);
    const state = failed(errorOf(code));
    assertEquals(
      thread && failWith(transfer, thread, code),
      { kind: "stop", then: { kind: "settle", state } },
    );
  }
});

Deno.test("a full disk pauses the transfer", () => {
  const transfer = slicedTransfer(MiB);
  const error = errorOf("DISK_FULL");
  const state = { kind: "Paused", error } as const;
  assertEquals(
    failWith(transfer, start(transfer), error),
    { kind: "stop", then: { kind: "settle", state } },
  );
});

Deno.test("a file that changes is begun anew, three times", () => {
  const transfer = slicedTransfer(MiB);
  const verdicts = Array.from({ length: 4 }, () => {
    const verdict = failWith(transfer, start(transfer), "CHANGED");
    return verdict.kind === "stop" ? verdict.then.kind : verdict.kind;
  });
  assertEquals(verdicts, ["restart", "restart", "restart", "settle"]);
});

Deno.test("a slow thread is helped again once its double has gone", () => {
  const transfer = slicedTransfer(100 * KiB);
  const slow = start(transfer);
  const double = start(transfer, 1_000);
  assertEquals(double.end, slow.end);
  assertEquals(plan(transfer, LIMITS, 2_000), null);
  askToStop(double);
  end(transfer, double);
  write(transfer, slow, 10, 3_000);
  assertEquals(plan(transfer, LIMITS, 60_000)?.kind, "steal");
});

Deno.test("a thread beyond its end is not told to fetch anything", () => {
  const transfer = slicedTransfer(4 * MiB);
  const thread = start(transfer);
  write(transfer, thread, MiB / 2);
  bound(thread, MiB / 4);
  assertEquals(statusOfTransfer(transfer, 0, null).fetching, []);
});

Deno.test("a file that has changed is judged by its own progress", () => {
  const transfer = slicedTransfer(64 * MiB);
  const { file } = transfer;
  assert(file);
  const [first, second, ...others] = startAll(transfer);
  assert(first && second);
  write(transfer, first, MiB / 2);
  const { kind } = failWith(transfer, first, "CHANGED");
  assertEquals(kind, "stop");
  const then = { kind: "restart", ask: "slices" } as const;
  bringTo(transfer, then);
  write(transfer, second, MiB / 2);
  for (const thread of [second, ...others]) end(transfer, thread);
  restarted(transfer, "slices");
  let now = 1;
  for (let n = 0; n < 9; n++) {
    const thread = start(transfer, now);
    if (n === 0) answer(transfer, thread, file, thread.end);
    write(transfer, thread, 1, now);
    const verdict = failWith(transfer, thread, "CUT", { now, attempts: 2 });
    assertEquals(verdict, { kind: "continue" });
    now = transfer.notBefore;
  }
});

for (const code of ["NO_RANGES", "ENCODED"] as const) {
  Deno.test(`an origin that answers slices with ${code} is asked for the whole, once`, () => {
    const transfer = slicedTransfer(MiB);
    assertEquals(
      failWith(transfer, start(transfer), code),
      { kind: "stop", then: { kind: "restart", ask: "whole" } },
    );
    beginAnew(transfer, "whole");
    assertEquals(
      failWith(transfer, start(transfer), code),
      { kind: "stop", then: { kind: "settle", state: failed(errorOf(code)) } },
    );
  });
}

Deno.test("without a validator, no second answer is added to a first", () => {
  for (const size of [null, 3 * MiB]) {
    const transfer = freshTransfer();
    const thread = start(transfer);
    const ranges = size !== null;
    const file = { size, ranges, validator: null, name: "f" };
    answer(transfer, thread, file, thread.end);
    write(transfer, thread, KiB);
    assertEquals(
      failWith(transfer, thread, "CUT"),
      { kind: "stop", then: { kind: "restart", ask: "slices" } },
    );
    beginAnew(transfer, "slices");
    assertEquals(transfer.done, []);
    assertEquals(start(transfer, transfer.notBefore).slice.start, 0);
  }
});

Deno.test("where a redirect's target has expired, the original is asked again, once", () => {
  const transfer = slicedTransfer(MiB);
  redirect(transfer);
  const verdict = failWith(transfer, start(transfer), "EXPIRED");
  assertEquals(verdict, { kind: "continue" });
  assertEquals(transfer.source.location, null);
  const now = transfer.notBefore;
  const state = failed(errorOf("EXPIRED"));
  assertEquals(
    failWith(transfer, start(transfer, now), "EXPIRED", { now }),
    { kind: "stop", then: { kind: "settle", state } },
  );
});

Deno.test("where a redirect's target expires for all threads at once, the original is asked again", () => {
  const transfer = slicedTransfer(64 * MiB);
  redirect(transfer);
  for (const thread of startAll(transfer)) {
    const verdict = failWith(transfer, thread, "EXPIRED");
    assertEquals(verdict, { kind: "continue" });
  }
  assert(plan(transfer, LIMITS, transfer.notBefore));
});

Deno.test("a refusal is not the end while other threads get their slices", () => {
  const transfer = slicedTransfer(64 * MiB);
  const [refused, other] = startAll(transfer);
  assert(refused && other);
  const verdict = failWith(transfer, refused, "EXPIRED");
  assertEquals(verdict, { kind: "fewer" });
  write(transfer, other, KiB);
  assertEquals(transfer.lastError, null);
});

/** A transfer whose first thread has written its slice, and rests. */
function resting() {
  const transfer = freshTransfer();
  const first = start(transfer);
  const validator = { kind: "etag", value: '"1"' } as const;
  const size = 8 * MiB;
  answer(transfer, first, { size, ranges: true, validator, name: "f" }, size);
  const [second, third] = [start(transfer), start(transfer)];
  write(transfer, first, MiB);
  assert(rests(first));
  return { transfer, first, second, third };
}

Deno.test("the first thread goes on where the origin refuses others the rest", () => {
  const { transfer, first, second, third } = resting();
  failWith(transfer, third, "EXPIRED");
  assertEquals(nextEnd(transfer, first, LIMITS), null);
  assertEquals(idle(transfer), []);
  failWith(transfer, second, "EXPIRED");
  const next = nextEnd(transfer, first, LIMITS);
  assert(next !== null && next > MiB && next <= 2 * MiB);
  assertEquals(nextEnd(transfer, second, LIMITS), null);
});

Deno.test("a thread that rests is no straggler, however long it does", () => {
  const { transfer, first, second, third } = resting();
  for (const thread of [second, third]) {
    write(transfer, thread, 10, 597_000);
    write(transfer, thread, 10, 598_000);
    write(transfer, thread, 400 * KiB, 599_000);
  }
  assert(rests(first));
  assertEquals(straggler(transfer, 600_000), null);
});

Deno.test("the first thread stops once all are answered, and the one behind it gets its slice", () => {
  const { transfer, first, second, third } = resting();
  assertEquals(idle(transfer), []);
  const facts = { location: null, end: Infinity, validator: null };
  gotAnswer(transfer, second, facts, 100);
  write(transfer, second, 1);
  // A link that is good for two requests may still be refused to the third.
  assertEquals(idle(transfer), []);
  gotAnswer(transfer, third, facts, 100);
  assertEquals(idle(transfer), [first]);
});

Deno.test("answers from before a new beginning do not release the first thread", () => {
  const { transfer, first, second, third } = resting();
  const facts = { location: null, end: Infinity, validator: null };
  for (const thread of [second, third]) gotAnswer(transfer, thread, facts, 1);
  for (const thread of [first, second, third]) end(transfer, thread);
  restarted(transfer, "slices");
  const anew = start(transfer);
  const validator = { kind: "etag", value: '"2"' } as const;
  const size = 8 * MiB;
  answer(transfer, anew, { size, ranges: true, validator, name: "f" }, size);
  const [behind] = [start(transfer), start(transfer)];
  write(transfer, anew, MiB);
  assert(rests(anew));
  gotAnswer(transfer, behind, facts, 1);
  write(transfer, behind, 1);
  assertEquals(idle(transfer), []);
});

Deno.test("without a validator, the first thread takes all of its answer", () => {
  const transfer = freshTransfer();
  const first = start(transfer);
  const size = 8 * MiB;
  const file = { size, ranges: true, validator: null, name: "f" };
  answer(transfer, first, file, size);
  assertEquals(first.end, size);
});

Deno.test("a transfer whose claim is lost while it gets its name does not go on", () => {
  const transfer = slicedTransfer(1000);
  finish(transfer);
  bringTo(transfer, { kind: "lost" });
  const lost = transfer.phase;
  notFinished(transfer);
  assertEquals(transfer.phase, lost);
  verifyAgain(transfer);
  assertEquals(transfer.phase, lost);
});

Deno.test("a transfer whose file got no name goes on", () => {
  const transfer = slicedTransfer(1000);
  finish(transfer);
  notFinished(transfer);
  assertEquals(transfer.phase, { kind: "fetching" });
});
