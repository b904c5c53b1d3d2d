import {
  assert,
  assertEquals,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import * as fc from "../support/fast_check.ts";
import { hostOf } from "../../lib/download/download.ts";
import type { ErrorCode } from "../../lib/download/errors.ts";
import { hostSignOf } from "../../lib/download/remedies.ts";
import {
  choose,
  giveUp,
  hostsInFull,
  isAside,
  isWaiting,
  serves,
  surplus,
  type ThreadLimits,
  threadsByHost,
} from "../../lib/transfer/assignment.ts";
import {
  idle,
  nextEnd,
  plan,
  slowSource,
  straggler,
} from "../../lib/transfer/plan.ts";
import { judgeHelper } from "../../lib/transfer/verdict.ts";
import {
  askToStop,
  begin,
  bound,
  bringTo,
  end,
  finish,
  gotAnswer,
  helperFailed,
  isWhole,
  leaveAlone,
  restarted,
  rests,
  type Thread,
  type Transfer,
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

function transferOf(host: string, threads: number | null = null): Transfer {
  return freshTransfer({ url: `https://${host}/file`, threads });
}

/** A transfer of a file that is known already, with slices for all. */
function sliced(
  host: string,
  size = 64 * MiB,
  fields: Partial<Transfer> = {},
): Transfer {
  return slicedTransfer(size, { url: `https://${host}/file` }, fields);
}

function limitsOf(threads: number, perHost = threads): ThreadLimits {
  return {
    threads,
    downloads: Infinity,
    bytesAmount: MiB,
    perHost: () => perHost,
    standing: () => "answers",
    isHeld: () => false,
  };
}

/** Starts all the threads that may run. */
function fill(transfers: readonly Transfer[], limits: ThreadLimits, now = 0) {
  while (running(transfers) < limits.threads) {
    const choice = choose(transfers, limits, now);
    if (choice === null) return;
    begin(choice.transfer, choice.plan, ++lastNumber, now, choice.source);
  }
}

let lastNumber = 0;

function running(transfers: readonly Transfer[]): number {
  return transfers.reduce((sum, { threads }) => sum + threads.size, 0);
}

function sizes(transfers: readonly Transfer[]): number[] {
  return transfers.map(({ threads }) => threads.size);
}

/** Whom a thread belongs to. */
function ownerOf(transfers: readonly Transfer[], thread: Thread | null) {
  return transfers.find(({ threads }) =>
    thread !== null && threads.get(thread.number) === thread
  );
}

Deno.test("threads are shared evenly", () => {
  const transfers = [sliced("a.test"), sliced("b.test"), sliced("a.test")];
  fill(transfers, limitsOf(7));
  assertEquals(sizes(transfers), [3, 2, 2]);
});

Deno.test("a slice is no smaller for threads that others have", () => {
  const transfers = [1, 2, 3, 4].map((n) => sliced(`${n}.test`, MiB));
  fill(transfers, limitsOf(4));
  const [last] = transfers.at(-1)!.threads.values();
  assertEquals(last?.slice, { start: 0, end: MiB });
});

Deno.test("what one transfer has no use for, another gets", () => {
  const transfers = [transferOf("a.test"), sliced("b.test")];
  fill(transfers, limitsOf(6));
  assertEquals(sizes(transfers), [1, 5]);
});

Deno.test("a host has no more threads than it may, whoever they are for", () => {
  const transfers = [sliced("a.test"), sliced("a.test"), sliced("b.test")];
  fill(transfers, limitsOf(16, 3));
  assertEquals(sizes(transfers), [2, 1, 3]);
});

Deno.test("a host is one by name and port", () => {
  const transfers = [sliced("a.test"), sliced("a.test:444")];
  fill(transfers, limitsOf(16, 2));
  assertEquals(sizes(transfers), [2, 2]);
});

Deno.test("a slow thread is helped only when there is nothing else to do", () => {
  const slow = sliced("a.test", 256 * KiB);
  const other = sliced("b.test");
  const limits = limitsOf(16);
  const first = choose([slow], { ...limits, threads: 1 }, 0);
  assert(first);
  begin(slow, first.plan, 1, 0);
  assertEquals(choose([slow, other], limits, 9000)?.transfer, other);
  assertEquals(choose([slow], limits, 9000)?.plan.kind, "steal");
});

Deno.test("the transfer with the most gives up a thread for one that has none", () => {
  const transfers = [sliced("a.test"), sliced("b.test")];
  fill(transfers, limitsOf(5));
  transfers.push(sliced("c.test"));
  const thread = giveUp(transfers, limitsOf(5), 0);
  assertEquals(ownerOf(transfers, thread), transfers[0]);
});

Deno.test("one thread is given up for each transfer that has none, not more", () => {
  const rich = sliced("a.test");
  fill([rich], limitsOf(4));
  const transfers = [rich, sliced("b.test"), sliced("c.test")];
  const given: Thread[] = [];
  let thread = giveUp(transfers, limitsOf(4), 0);
  while (thread !== null) {
    askToStop(thread);
    given.push(thread);
    thread = giveUp(transfers, limitsOf(4), 0);
  }
  assertEquals(new Set(given).size, 2);
});

Deno.test("nobody gives up the last thread", () => {
  const first = sliced("a.test");
  const second = sliced("b.test");
  fill([first, second], limitsOf(5));
  const waiting = [1, 2, 3].map((n) => sliced(`${n}.test`));
  const transfers = [first, second, ...waiting];
  for (let n = 0; n < 5; n++) {
    const thread = giveUp(transfers, limitsOf(5), 0);
    if (thread) askToStop(thread);
  }
  for (const { threads } of [first, second]) {
    assertEquals(
      threads.values().filter((t) => t.state !== "stopping").toArray().length,
      1,
    );
  }
});

Deno.test("where a host is full, a transfer at it gives up the thread", () => {
  const transfers = [sliced("rich.test"), sliced("full.test")];
  fill(transfers, limitsOf(5, 3));
  transfers.push(sliced("full.test"));
  const thread = giveUp(transfers, limitsOf(5, 2), 0);
  assertEquals(ownerOf(transfers, thread), transfers[1]);
});

Deno.test("a transfer that its full host keeps waiting does not keep others waiting", () => {
  const rich = sliced("rich.test");
  const full = sliced("full.test");
  fill([rich], limitsOf(3));
  fill([full], limitsOf(1));
  const waiting = [sliced("full.test"), sliced("free.test")];
  const transfers = [rich, full, ...waiting];
  const perHost = (host: string) => host === "full.test" ? 1 : 9;
  const limits = { ...limitsOf(4), perHost };
  assertEquals(ownerOf(transfers, giveUp(transfers, limits, 0)), rich);
});

Deno.test("a transfer that waits to try again takes no thread from another", () => {
  const rich = sliced("a.test");
  fill([rich], limitsOf(4));
  const waiting = sliced("b.test", MiB, { notBefore: 1000 });
  assertEquals(giveUp([rich, waiting], limitsOf(4), 999), null);
  assert(giveUp([rich, waiting], limitsOf(4), 1000));
});

/** A transfer whose last attempt ended so. */
function failed(host: string, code: ErrorCode, notBefore = 0): Transfer {
  const lastError = { code, message: code, retryAfter: null };
  return sliced(host, 64 * MiB, { lastError, failures: 1, notBefore });
}

Deno.test("those that hear nothing have half of all threads at most", () => {
  const silent = Array.from(
    { length: 9 },
    (_, n) => failed(`${n}.test`, n % 2 ? "STALLED" : "HOST_UNKNOWN"),
  );
  fill(silent, limitsOf(8));
  assertEquals(running(silent), 4);
  const well = [sliced("a.test"), sliced("b.test")];
  fill([...silent, ...well], limitsOf(8));
  assertEquals(running(well), 4);
  // Nor is a thread given up for those that have none.
  assertEquals(giveUp([...silent, ...well], limitsOf(8), 0), null);
  const alone = failed("alone.test", "STALLED");
  fill([alone], limitsOf(1));
  assertEquals(alone.threads.size, 1);
});

Deno.test("those that hear nothing leave room in front of the queue", () => {
  assert(isWaiting(failed("a.test", "STALLED"), 0));
  assert(!isWaiting(failed("a.test", "CUT"), 0));
  assert(isWaiting(failed("a.test", "CUT", 1), 0));
});

/** Transfers at hosts that were asked and have not answered. */
function mutes(count: number): Transfer[] {
  return Array.from({ length: count }, (_, n) => transferOf(`${n}.mute`));
}

/** Hosts below .mute do not answer, those below .new were not asked. */
function withSilence(threads: number): ThreadLimits {
  return {
    ...limitsOf(threads),
    standing(host) {
      if (host.endsWith(".mute")) return "asked";
      return host.endsWith(".new") ? "new" : "answers";
    },
  };
}

Deno.test("hosts that never answered have all threads while nobody else wants them", () => {
  const silent = mutes(9);
  fill(silent, withSilence(8));
  assertEquals(running(silent), 8);
});

Deno.test("once they have half, those that answer come first, and then new ones", () => {
  const silent = mutes(6);
  fill(silent, withSilence(4));
  const [fresh, well] = [transferOf("b.new"), sliced("a.test")];
  const transfers = [...silent, fresh, well];
  fill(transfers, withSilence(6));
  assertEquals(well.threads.size, 2);
  begin(
    well,
    { kind: "slice", slice: { start: 60 * MiB, end: 61 * MiB } },
    9,
    0,
  );
  well.threads.values().forEach(askToStop);
  bringTo(well, { kind: "rest", bytes: "keep" });
  fill(transfers, withSilence(8));
  assertEquals([fresh.threads.size, running(silent)], [1, 4]);
});

Deno.test("the youngest of many that wait for long makes way, beyond half", () => {
  for (const host of ["a.test", "b.new"]) {
    const silent = mutes(6);
    for (const [now, transfer] of silent.entries()) {
      fill([transfer], limitsOf(1), now);
    }
    const transfers = [...silent, transferOf(host)];
    const limits = withSilence(6);
    assertEquals(giveUp(transfers, limits, 1_003), null);
    const given: (Transfer | undefined)[] = [];
    for (let n = 0; n < 4; n++) {
      const thread = giveUp(transfers, limits, 2_000);
      given.push(ownerOf(transfers, thread));
      if (thread) askToStop(thread);
      transfers.push(transferOf(host));
    }
    const [, , , fourth, fifth, sixth] = silent;
    assertEquals(given, [sixth, fifth, fourth, undefined]);
  }
});

Deno.test("nobody makes way for a host that was asked in vain", () => {
  const silent = mutes(7);
  fill(silent.slice(0, 6), withSilence(6));
  assertEquals(giveUp(silent, withSilence(6), 60_000), null);
  const rich = sliced("a.test");
  const half = mutes(3);
  fill(half.slice(0, 2), withSilence(2));
  fill([rich], limitsOf(2));
  const transfers = [...half, rich];
  assertEquals(giveUp(transfers, withSilence(4), 60_000), null);
});

Deno.test("one that asked in vain leaves room in front of the queue", () => {
  const [silent] = mutes(1);
  assert(silent && isAside(silent, withSilence(1), 0));
  assert(!isAside(transferOf("a.test"), withSilence(1), 0));
  assert(!isAside(transferOf("a.new"), withSilence(1), 0));
});

Deno.test("a host that answers is not full of what fails there", () => {
  for (const [code, full] of [["ORIGIN_FAULT", 256], ["BUSY", 16]] as const) {
    const waiting = Array.from(
      { length: full },
      () => failed("a.test", code, 1_000),
    );
    const few = waiting.slice(1);
    assertEquals(hostsInFull(few, limitsOf(8), 0), []);
    assertEquals(hostsInFull(waiting, limitsOf(8), 0), ["a.test"]);
  }
});

// A model of all that engine, pool and origins do, with a clock of its own.

interface File {
  readonly host: string;
  readonly size: number;
  /** What its origin gives: slices with or without a validator, or neither. */
  readonly origin: "good" | "no validator" | "no ranges";
  readonly threads: number | null;
}

interface World {
  readonly files: readonly File[];
  readonly limits: ThreadLimits;
  /** A number below the one given. */
  random(below: number): number;
  /** In so many of 100 steps, a thread fails. */
  readonly failing: number;
}

const FAILURES: readonly ErrorCode[] = [
  "CUT",
  "STALLED",
  "BUSY",
  "REFUSED",
  "ORIGIN_FAULT",
  "WORKER",
];

const world: fc.Arbitrary<World> = fc.record({
  files: fc.array(
    fc.record({
      host: fc.constantFrom("a.test", "b.test", "c.test"),
      size: fc.oneof(fc.constantFrom(0, 1, MiB), fc.nat(6 * MiB)),
      origin: fc.constantFrom("good", "good", "no validator", "no ranges"),
      threads: fc.option(fc.integer({ min: 1, max: 4 })),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  limits: fc.tuple(
    fc.integer({ min: 1, max: 8 }),
    fc.integer({ min: 1, max: 8 }),
  )
    .map(([threads, perHost]) => limitsOf(threads, perHost)),
  random: fc.noShrink(fc.integer()).map(randomOf),
  failing: fc.constantFrom(0, 1, 4),
});

/** Whether the last that a transfer had from its host was silence. */
function hearsNothing({ lastError }: Transfer): boolean {
  return lastError !== null && hostSignOf(lastError.code) === "silent";
}

/** Numbers from 0 up to the one given, the same each time (mulberry32). */
function randomOf(seed: number): World["random"] {
  return (below) => {
    seed = seed + 0x6d2b79f5 | 0;
    let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) % below;
  };
}

Deno.test("whatever fails on the way, all transfers end with every byte", () => {
  fc.assert(fc.property(world, simulate), { numRuns: 200 });
});

function simulate({ files, limits, random, failing }: World): void {
  const transfers = files.map(({ host, threads }) => transferOf(host, threads));
  const fileOf = (transfer: Transfer) => files[transfers.indexOf(transfer)]!;
  let number = 0;
  let now = 0;

  for (
    let step = 0;
    transfers.some((t) => t.phase.kind !== "finishing");
    step++
  ) {
    assertLess(step, 50_000, "it does not come to an end");
    startThreads();
    now += random(400);
    for (const transfer of transfers) {
      for (const thread of [...transfer.threads.values()]) {
        act(transfer, thread);
      }
      const slow = straggler(transfer, now);
      for (const thread of idle(transfer)) askToStop(thread);
      if (slow) askToStop(slow);
      settle(transfer);
    }
  }
  for (const transfer of transfers) {
    const { size } = fileOf(transfer);
    assertEquals(transfer.done, size === 0 ? [] : [{ start: 0, end: size }]);
  }

  function startThreads(): void {
    while (running(transfers) < limits.threads) {
      const choice = choose(transfers, limits, now);
      if (choice === null) break;
      if (choice.transfer.threads.size > 0) assertNoneStarves();
      begin(choice.transfer, choice.plan, ++number, now, choice.source);
      assertWithinLimits(choice.transfer);
    }
    if (running(transfers) < limits.threads) return;
    const given = giveUp(transfers, limits, now);
    if (given) askToStop(given);
  }

  /**
   * No transfer without a thread could have had the one that started, but for
   * those that hear nothing while such have half of all threads.
   */
  function assertNoneStarves(): void {
    const taken = threadsByHost(transfers);
    const silent = running(transfers.filter(hearsNothing));
    const hasShare = silent >= Math.max(1, Math.floor(limits.threads / 2));
    for (const transfer of transfers.filter((t) => t.threads.size === 0)) {
      if (hasShare && hearsNothing(transfer)) continue;
      const host = hostOf(transfer.download.request);
      const open = (taken.get(host) ?? 0) < limits.perHost(host);
      const most = { bytesAmount: limits.bytesAmount, threads: 1 };
      assert(!open || plan(transfer, most, now) === null, "it starves");
    }
  }

  function assertWithinLimits({ download, threads, file }: Transfer): void {
    const host = hostOf(download.request);
    const atHost = threadsByHost(transfers).get(host) ?? 0;
    assertLessOrEqual(running(transfers), limits.threads);
    assertLessOrEqual(atHost, limits.perHost(host));
    assertLessOrEqual(threads.size, download.request.threads ?? Infinity);
    if (!file?.ranges || !file.validator) assertLessOrEqual(threads.size, 1);
    for (const { slice } of threads.values()) {
      if (slice.end === Infinity) continue;
      assertLessOrEqual(slice.end - slice.start, limits.bytesAmount);
    }
  }

  /** What a thread does in one step. */
  function act(transfer: Transfer, thread: Thread): void {
    if (thread.state === "stopping") return end(transfer, thread);
    if (random(100) < failing) return breakOff(transfer, thread);
    if (random(4) === 0) return;
    if (transfer.file === null && !answerFirst(transfer, thread)) return;
    const { start, end: from } = thread.run;
    const to = Math.min(thread.end, from + random(512 * KiB));
    wrote(transfer, thread, { start, end: to, crc: 0 }, now);
    assertLessOrEqual(to, fileOf(transfer).size);
    if (!rests(thread)) {
      if (to === thread.end) end(transfer, thread);
      return;
    }
    const next = nextEnd(transfer, thread, { ...limits, threads: 1 });
    if (next !== null) bound(thread, next);
  }

  /** The first answer; false if it was not the end of the thread. */
  function answerFirst(transfer: Transfer, thread: Thread): boolean {
    const { size, origin } = fileOf(transfer);
    const validator = { kind: "etag", value: '"1"' } as const;
    const ranges = origin !== "no ranges" && transfer.ask === "slices";
    const file = {
      size,
      ranges,
      validator: origin === "no validator" ? null : validator,
      name: "file",
    };
    const last = ranges ? Math.min(thread.end, size) : size;
    answer(transfer, thread, file, last, now);
    if (!ranges || file.validator || last === size) return true;
    restart(transfer, "whole");
    return false;
  }

  function breakOff(transfer: Transfer, thread: Thread): void {
    end(transfer, thread);
    if (transfer.phase.kind !== "fetching" || isWhole(transfer)) return;
    const code = FAILURES[random(FAILURES.length)]!;
    const error = { code, message: code, retryAfter: null };
    const verdict = fail(transfer, error, {
      now,
      random: 0.5,
      redirected: thread.source.location !== null,
      hostBears: false,
      hostServes: serves(transfers, transfer.source.host),
      attempts: 1000,
      retryWait: 100,
    });
    if (verdict.kind !== "stop") return;
    assert(verdict.then.kind === "restart", "it was given up");
    restart(transfer, verdict.then.ask);
  }

  function restart(transfer: Transfer, ask: Transfer["ask"]): void {
    bringTo(transfer, { kind: "restart", ask });
    for (const thread of transfer.threads.values()) askToStop(thread);
  }

  /** What is due when no thread runs any more. */
  function settle(transfer: Transfer): void {
    const { phase, threads } = transfer;
    if (threads.size > 0) return;
    if (phase.kind === "stopping" && phase.then.kind === "restart") {
      restarted(transfer, phase.then.ask);
    } else if (isWhole(transfer)) finish(transfer);
  }
}

Deno.test("where others want their share of a host, the youngest threads go", () => {
  const transfer = slicedTransfer(1000);
  const threads = [0, 1, 2].map((n) =>
    begin(
      transfer,
      { kind: "slice", slice: { start: n * 100, end: n * 100 + 100 } },
      n,
      n,
    )
  );
  const numbersBeyond = (most: number) =>
    surplus([transfer], () => most).map(({ number }) => number);
  assertEquals(numbersBeyond(3), []);
  assertEquals(numbersBeyond(1), [1, 2]);
  const [, , last] = threads;
  if (last) askToStop(last);
  assertEquals(numbersBeyond(1), [1]);
});

/** A transfer of a file that is known, whose checksum lets mirrors help. */
function mirrored(...mirrors: string[]): Transfer {
  const checksum = { algorithm: "md5", digest: "0".repeat(32) } as const;
  return slicedTransfer(256 * MiB, {
    url: "https://a.test/f",
    mirrors: mirrors.map((host) => `https://${host}/f`),
    checksum,
  });
}

/** How many threads run at each host. */
function atHosts(transfers: readonly Transfer[]) {
  return Object.fromEntries(threadsByHost(transfers));
}

function answerAll(transfer: Transfer): void {
  for (const thread of transfer.threads.values()) {
    const facts = { location: null, end: thread.end, validator: null };
    gotAnswer(transfer, thread, facts, 10);
  }
}

Deno.test("of a source that has not answered, one answer is asked for", () => {
  const transfer = mirrored("b.test", "c.test");
  fill([transfer], limitsOf(16, 4));
  assertEquals(atHosts([transfer]), {
    "a.test": 4,
    "b.test": 1,
    "c.test": 1,
  });
  answerAll(transfer);
  fill([transfer], limitsOf(9, 4));
  assertEquals(atHosts([transfer]), {
    "a.test": 4,
    "b.test": 3,
    "c.test": 2,
  });
});

Deno.test("without a checksum, and after one that was wrong, no mirror helps", () => {
  const plain = slicedTransfer(64 * MiB, { mirrors: ["https://b.test/f"] });
  const wrong = { ...mirrored("b.test"), mixed: [plain.source] };
  for (const transfer of [plain, wrong]) {
    fill([transfer], limitsOf(4));
    assertEquals(threadsByHost([transfer]).size, 1);
  }
});

Deno.test("a source that is slower than another by far loses its threads for a time", () => {
  const transfer = mirrored("b.test");
  fill([transfer], limitsOf(8, 4));
  answerAll(transfer);
  fill([transfer], limitsOf(8, 4));
  const write = (now: number, slow: number, fast: number) => {
    for (const thread of transfer.threads.values()) {
      const { host } = thread.source;
      const bytes = host === "a.test" ? slow : fast;
      const { start, end } = thread.run;
      wrote(transfer, thread, { start, end: end + bytes, crc: 0 }, now);
    }
  };
  write(4_000, 10 * KiB, 100 * KiB);
  assertEquals(slowSource(transfer, 4_000), null);
  write(6_000, 20 * KiB, 60 * KiB);
  assertEquals(slowSource(transfer, 6_000), null);
  write(8_000, 1 * KiB, 100 * KiB);
  write(9_000, 1 * KiB, 100 * KiB);
  const slow = slowSource(transfer, 9_000);
  // It led: another one does now.
  assertEquals(slow?.host, "a.test");
  assert(slow);
  leaveAlone(transfer, slow, 60_000);
  assertEquals(transfer.source.host, "b.test");
  for (const thread of [...transfer.threads.values()]) {
    if (thread.source.key === slow.key) end(transfer, thread);
  }
  fill([transfer], limitsOf(8, 8), 59_999);
  assertEquals(atHosts([transfer]), { "a.test": 0, "b.test": 8 });
  for (const thread of [...transfer.threads.values()].slice(4)) {
    end(transfer, thread);
  }
  fill([transfer], limitsOf(8, 8), 60_000);
  assertEquals(atHosts([transfer]), { "a.test": 4, "b.test": 4 });
});

Deno.test("a mirror that fails is left alone, and lost after its attempts", () => {
  const transfer = mirrored("b.test");
  const patience = {
    random: 0,
    redirected: false,
    hostServes: false,
    hostBears: false,
    attempts: 3,
    retryWait: 100,
  };
  const error = { code: "CUT", message: "", retryAfter: null } as const;
  let now = 0;
  for (let n = 1; n <= 3; n++) {
    const [helper] = transfer.others;
    assert(helper);
    now = helper.notBefore;
    helperFailed(
      transfer,
      judgeHelper(transfer, helper, error, { ...patience, now }),
    );
    assertEquals(transfer.others[0]?.failures, n < 3 ? n : undefined);
  }
  assertEquals(transfer.lost.map(({ source }) => source.host), ["b.test"]);
  assertEquals([transfer.failures, transfer.notBefore], [0, 0]);
});
