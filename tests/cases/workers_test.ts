/** Workers that fail, and what workers may do. */

import {
  allowWrites,
  clocks,
  createWriteUntil,
  mayWrite,
} from "../../lib/base/write_until.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import { crc32 } from "node:zlib";
import type { ThreadEvent } from "../../lib/threads/messages.ts";
import {
  createPool,
  type Place,
  type Pool,
  type PoolOptions,
} from "../../lib/threads/pool.ts";
import { NO_PROXIES } from "../support/proxy.ts";
import { makeDirectory } from "../support/directory.ts";
import {
  file,
  firstDifference,
  forever,
  startOrigin,
} from "../support/origin.ts";
import { startSluice } from "../support/sluice.ts";
import { assertDownloaded } from "../support/status.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

type Ended = Extract<ThreadEvent, { type: "ended" }>;

/** A pool of a test's own. */
interface Crew extends AsyncDisposable {
  readonly pool: Pool;
  readonly directory: string;
  /** Starts a thread; resolves when it has ended. */
  fetch(
    thread: number,
    url: string,
    options?: { part?: string; place?: Place },
  ): Promise<Ended>;
}

async function startCrew(
  module?: string,
  options: Partial<PoolOptions> = {},
): Promise<Crew> {
  await using made = new AsyncDisposableStack();
  const { path: directory } = made.use(await makeDirectory());
  const waiting = new Map<number, PromiseWithResolvers<Ended>>();
  const pool = createPool(
    {
      workers: 1,
      begin: "prepared",
      directory,
      caCerts: [],
      clientCertificate: null,
      proxies: NO_PROXIES,
      connectTimeout: 2_000,
      answerTimeout: 2_000,
      stallTimeout: 2_000,
      allowPrivate: true,
      ...options,
    },
    (event) => {
      if (event.type === "ended") waiting.get(event.thread)?.resolve(event);
    },
    module === undefined
      ? undefined
      : new URL(`./workers/${module}`, import.meta.url),
  );
  made.defer(() => pool.close());
  const crew = made.move();
  return {
    pool,
    directory,
    fetch(thread, url, options = {}) {
      const { part = `${directory}/${thread}`, place = "anywhere" } = options;
      const ended = Promise.withResolvers<Ended>();
      waiting.set(thread, ended);
      pool.fetch({
        thread,
        url,
        part,
        headers: {},
        credentials: null,
        proxy: null,
        slice: { start: 0, end: 1000 },
        reach: Infinity,
        pinned: null,
        checked: false,
        metalink: "follow",
        size: null,
        limited: false,
      }, place);
      return ended.promise;
    },
    [Symbol.asyncDispose]: () => crew.disposeAsync(),
  };
}

for (
  const [what, module, message] of [
    ["throws", "throws.ts", /^A worker failed: .*out of order/],
    ["lets a promise fail", "rejects.ts", /^A worker failed: .*out of order/],
    ["ends itself", "closes.ts", /^A worker hung/],
    ["hangs", "hangs.ts", /^A worker hung/],
    [
      "runs out of memory",
      "hoards.ts",
      /^A worker failed: .*Array buffer allocation failed/,
    ],
  ] as const
) {
  Deno.test(`a worker that ${what} costs its slices a retry, and is replaced`, async () => {
    await using origin = await startOrigin();
    const whole = file(1000);
    const good = origin.serve("/good", whole);
    const slow = origin.serve("/slow", whole, { gates: { 500: forever } });
    await using crew = await startCrew(module);
    assertEquals((await crew.fetch(1, good)).outcome, { kind: "done" });
    // One that is in the middle of a slice, and one that brings the fault.
    const innocent = crew.fetch(2, slow);
    await origin.request(({ path }) => path === "/slow");
    const guilty = crew.fetch(3, origin.url("/bad"));
    for (const { outcome } of await Promise.all([innocent, guilty])) {
      assert(outcome.kind === "failed");
      assertEquals(outcome.error.code, "WORKER");
      assertMatch(outcome.error.message, message);
    }
    const [one, other] = await Promise.all([
      crew.fetch(4, good),
      crew.fetch(5, good),
    ]);
    assertEquals(one.outcome, { kind: "done" });
    assertEquals(other.outcome, { kind: "done" });
    for (const thread of [1, 4, 5]) {
      const path = `${crew.directory}/${thread}`;
      assertEquals(await firstDifference(path, whole), null);
    }
  });
}

Deno.test("a host that bears few threads has them on one worker's connections", async () => {
  await using origin = await startOrigin();
  const whole = file(1000);
  const both = Promise.withResolvers<void>();
  const held = () => {
    if (origin.requests.length === 2) both.resolve();
    return both.promise;
  };
  const url = origin.serve("/a", whole, { gates: { head: held } });
  await using crew = await startCrew(undefined, { workers: 2 });
  await Promise.all([crew.fetch(1, url), crew.fetch(2, url)]);
  assertEquals(origin.open, 2);
  for (let thread = 3; origin.open > 1 && thread < 100; thread++) {
    const { outcome } = await crew.fetch(thread, url, { place: "together" });
    assertEquals(outcome, { kind: "done" });
  }
  // The other worker's was closed, though it lay idle, and no new one was made.
  assertEquals(origin.open, 1);
  const used = new Set(origin.requests.slice(2).map((one) => one.connection));
  assertEquals(used.size, 1);
});

Deno.test("a stall is noticed once code is hot and garbage is collected", async () => {
  await using origin = await startOrigin();
  const whole = file(1000);
  const good = origin.serve("/good", whole);
  const gates: Record<number, () => unknown> = { 500: forever };
  const stalls = origin.serve("/stalls", whole, { gates });
  await using crew = await startCrew("litters.ts");
  // V8 keeps less alive of a function that it has optimised.
  for (let thread = 0; thread < 2_000; thread += 20) {
    const some = Array.from({ length: 20 }, (_, n) => thread + n);
    await Promise.all(some.map((thread) => crew.fetch(thread, good)));
  }
  const ends = [2_001, 2_002, 2_003]
    .map((thread) => crew.fetch(thread, stalls));
  for (const { outcome } of await Promise.all(ends)) {
    assert(outcome.kind === "failed");
    assertEquals(outcome.error.code, "STALLED");
  }
});

Deno.test("workers that cannot even start fail their slices", async () => {
  await using crew = await startCrew("stillborn.ts");
  for (const thread of [1, 2]) {
    const { outcome } = await crew.fetch(thread, "http://127.0.0.1:1/");
    assert(outcome.kind === "failed");
    assertEquals(outcome.error.code, "WORKER");
  }
});

Deno.test("the process carries threads itself until its one core is not enough", async () => {
  await using origin = await startOrigin();
  const whole = file(1000);
  const url = origin.serve("/a", whole);
  let share = 0.8;
  let spent = 0;
  let last = performance.now();
  let looked = Promise.withResolvers<void>();
  const look = () => {
    looked = Promise.withResolvers();
    return looked.promise;
  };
  await using crew = await startCrew("stillborn.ts", {
    begin: "immediate",
    cpuTime() {
      const now = performance.now();
      spent += share * (now - last);
      last = now;
      looked.resolve();
      return spent;
    },
  });
  for (let thread = 1; thread <= 3; thread++) {
    const { outcome } = await crew.fetch(thread, url);
    assertEquals(outcome, { kind: "done" });
    assertEquals(
      await firstDifference(`${crew.directory}/${thread}`, whole),
      null,
    );
    await look();
  }
  share = 1;
  await look();
  await new Promise((resolve) => setTimeout(resolve));
  // No worker of this crew can start: what fails so was given to one.
  const { outcome } = await crew.fetch(4, url);
  assert(outcome.kind === "failed");
  assertEquals(outcome.error.code, "WORKER");
});

Deno.test("what a failed worker was to read again fails, and can be asked anew", async () => {
  await using crew = await startCrew("hangs.ts", { startWithin: 5_000 });
  await Deno.writeTextFile(`${crew.directory}/a`, "abc");
  const job = {
    path: `${crew.directory}/a`,
    algorithm: "crc32",
    ranges: [{ start: 0, end: 3 }],
  } as const;
  const ended = crew.fetch(1, "http://127.0.0.1:1/bad");
  const failed = await crew.pool.digest(job).then(() => null, String);
  assertMatch(failed ?? "", /A worker hung/);
  await ended;
  assertEquals(await crew.pool.digest(job), [String(crc32("abc"))]);
});

Deno.test("a real worker writes nowhere but in the content directory", async () => {
  await using origin = await startOrigin();
  const whole = file(1000);
  const url = origin.serve("/a", whole);
  await using elsewhereDirectory = await makeDirectory();
  const elsewhere = elsewhereDirectory.path;
  await using crew = await startCrew();
  const inside = await crew.fetch(1, url);
  assertEquals(inside.outcome, { kind: "done" });
  assertEquals(await firstDifference(`${crew.directory}/1`, whole), null);
  const outside = await crew.fetch(2, url, { part: `${elsewhere}/a` });
  assert(outside.outcome.kind === "failed");
  const up = await crew.fetch(3, url, {
    part: `${crew.directory}/../sluice-a`,
  });
  assert(up.outcome.kind === "failed");
  assertEquals(elsewhereDirectory.names(), []);
  // Nor does it read there, though this process may.
  const path = `${elsewhere}/b`;
  await Deno.writeTextFile(path, "secret");
  const ranges = [{ start: 0, end: 6 }];
  const read = crew.pool.digest({ path, algorithm: "crc32", ranges });
  assertNotEquals(await read.then(() => null, String), null);
});

Deno.test("workers may not run programs, nor read the environment", async () => {
  // This process may all of it: what fails there fails by the pool's doing.
  assert(Deno.env.get("PATH"));
  assert((await new Deno.Command("true").output()).success);
  await using crew = await startCrew("curious.ts");
  const path = `${crew.directory}/a`;
  const job = { path, algorithm: "crc32", ranges: [] } as const;
  assertEquals(await crew.pool.digest(job), []);
});

Deno.test("a real server's worker that hangs in a system call is replaced", async () => {
  await using origin = await startOrigin();
  const whole = file(MiB);
  const gate = Promise.withResolvers<void>();
  const hold = { gates: { head: () => gate.promise } };
  const url = origin.serve("/a", whole, ({ n }) => n === 0 ? {} : hold);
  const other = origin.serve("/b", whole);
  await using sluice = await startSluice({
    environment: {
      WORKERS: "1",
      BYTES_AMOUNT: "128KiB",
      STALL_TIMEOUT: "800",
      RETRY_WAIT: "20",
      BROADCAST_TIMEOUT: "20",
      ATTEMPTS: "100",
    },
  });
  await using client = await sluice.connect();
  const id = await client.add({ url });
  await client.until(id, ({ downloaded }) => downloaded >= 128 * KiB);
  // Once all is recorded that is there, nobody but workers opens the part.
  await client.request({ action: "pause", id });
  const asked = origin.requests.length;
  await client.request({ action: "resume", id });
  await origin.request(({ n }) => n > asked);
  // Whoever opens a pipe that nobody reads waits, and cannot be interrupted.
  const part = `${sluice.directory}/.sluice/parts/${id}`;
  await Deno.rename(part, `${part}.kept`);
  await new Deno.Command("mkfifo", { args: [part] }).output();
  gate.resolve();
  await client.until(id, ({ error }) => error?.code === "WORKER");
  await Deno.remove(part);
  await Deno.rename(`${part}.kept`, part);
  for (const done of [await client.add({ url: other }), id]) {
    await assertDownloaded(await client.end(done), whole);
  }
});

Deno.test("once the time to write is over, nothing is written, and nothing fails", async () => {
  await using origin = await startOrigin();
  const url = origin.serve("/a", file(1000));
  const writeUntil = createWriteUntil();
  allowWrites(writeUntil, clocks(), 60_000);
  await using crew = await startCrew(undefined, { writeUntil });
  const first = await crew.fetch(1, url);
  assertEquals(first.outcome, { kind: "done" });
  allowWrites(writeUntil, clocks(), 0);
  const second = await crew.fetch(2, url);
  assertEquals(second.outcome, { kind: "stopped" });
  assertEquals(second.run, null);
  const part = {
    path: `${crew.directory}/1`,
    directory: undefined,
    name: "a",
    size: 1000,
    naming: "links" as const,
    verified: false,
    modified: null,
  };
  const task = {
    directory: crew.directory,
    sync: false,
    remoteTime: false,
    parts: [part],
  };
  assertEquals(await crew.pool.publish(task), [{ kind: "held" }]);
  allowWrites(writeUntil, clocks(), 60_000);
  const [published] = await crew.pool.publish(task);
  assertEquals(published?.kind, "named");
  // Of two clocks, the one that says that it is over is believed.
  const [steady, day] = clocks();
  allowWrites(writeUntil, [steady, day - 120_000], 60_000);
  assertEquals(mayWrite(writeUntil), false);
  allowWrites(writeUntil, [steady - 120_000, day], 60_000);
  assertEquals(mayWrite(writeUntil), false);
  assertEquals(mayWrite(undefined), true);
});
