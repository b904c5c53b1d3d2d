import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { type Run, union } from "../../lib/download/ranges.ts";
import type { ThreadEvent } from "../../lib/threads/messages.ts";
import { createPool, type Pool } from "../../lib/threads/pool.ts";
import {
  file,
  firstDifference,
  forever,
  startOrigin,
} from "../support/origin.ts";
import {
  type Client,
  collect,
  connect,
  projectPath,
  run,
  type Sluice,
  startSluice,
  taskArguments,
} from "../support/sluice.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

// Workers that fail

type Ended = Extract<ThreadEvent, { type: "ended" }>;

/** A pool of one worker of a test's own. */
interface Crew extends AsyncDisposable {
  readonly pool: Pool;
  readonly directory: string;
  /** Starts a thread; resolves when it has ended. */
  fetch(thread: number, url: string, part?: string): Promise<Ended>;
}

async function startCrew(module?: string): Promise<Crew> {
  const directory = await Deno.makeTempDir({ prefix: "sluice-" });
  const waiting = new Map<number, PromiseWithResolvers<Ended>>();
  const pool = createPool(
    {
      workers: 1,
      begin: "prepared",
      directory,
      caCerts: [],
      stallTimeout: 2_000,
      allowPrivate: true,
    },
    (event) => {
      if (event.type === "ended") waiting.get(event.thread)?.resolve(event);
    },
    module === undefined
      ? undefined
      : new URL(`./workers/${module}`, import.meta.url),
  );
  return {
    pool,
    directory,
    fetch(thread, url, part = `${directory}/${thread}`) {
      const ended = Promise.withResolvers<Ended>();
      waiting.set(thread, ended);
      pool.fetch({
        thread,
        url,
        part,
        headers: {},
        slice: { start: 0, end: 1000 },
        pinned: null,
      });
      return ended.promise;
    },
    async [Symbol.asyncDispose]() {
      pool.close();
      await Deno.remove(directory, { recursive: true });
    },
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

Deno.test("what a failed worker was to read again fails, and can be asked anew", async () => {
  await using crew = await startCrew("hangs.ts");
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
  const elsewhere = await Deno.makeTempDir({ prefix: "sluice-" });
  try {
    await using crew = await startCrew();
    const inside = await crew.fetch(1, url);
    assertEquals(inside.outcome, { kind: "done" });
    assertEquals(await firstDifference(`${crew.directory}/1`, whole), null);
    const outside = await crew.fetch(2, url, `${elsewhere}/a`);
    assert(outside.outcome.kind === "failed");
    const up = await crew.fetch(3, url, `${crew.directory}/../sluice-a`);
    assert(up.outcome.kind === "failed");
    assertEquals(await Array.fromAsync(Deno.readDir(elsewhere)), []);
    // Nor does it read there, though this process may.
    const path = `${elsewhere}/b`;
    await Deno.writeTextFile(path, "secret");
    const ranges = [{ start: 0, end: 6 }];
    const read = crew.pool.digest({ path, algorithm: "crc32", ranges });
    assertNotEquals(await read.then(() => null, String), null);
  } finally {
    await Deno.remove(elsewhere, { recursive: true });
  }
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
    await assertDownloaded(client, done, whole);
  }
});

async function assertDownloaded(
  client: Client,
  id: string,
  whole: ReturnType<typeof file>,
): Promise<void> {
  const { process_status, error, path_to_file } = await client.end(id);
  assertEquals([process_status, error], ["Downloaded", null]);
  assertEquals(await firstDifference(new URL(path_to_file ?? ""), whole), null);
}

// Signals

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} in the middle of writes loses nothing that was recorded`, async () => {
    await using origin = await startOrigin();
    const whole = file(32 * MiB);
    let rate: number | undefined = 4 * MiB;
    const url = origin.serve("/a", whole, () => rate ? { rate } : {});
    const directory = await Deno.makeTempDir({ prefix: "sluice-" });
    const environment = { BYTES_AMOUNT: "2MiB", BROADCAST_TIMEOUT: "20" };
    try {
      let id = "";
      {
        await using sluice = await startSluice({ directory, environment });
        await using client = await sluice.connect();
        id = await client.add({ url });
        await client.until(
          id,
          ({ downloaded, threads }) => downloaded > MiB && threads > 4,
        );
        sluice.kill(signal);
        assertEquals((await client.closed).code, 1001);
        assertEquals((await sluice.ended).code, 0);
      }
      const runs = recordedRuns(directory, id);
      const done = union(runs);
      assertGreater(done.reduce((n, { start, end }) => n + end - start, 0), 0);
      await assertWritten(`${directory}/.sluice/parts/${id}`, runs);
      const asked = origin.requests.length;
      rate = undefined;
      await using sluice = await startSluice({ directory, environment });
      await using client = await sluice.connect();
      await assertDownloaded(client, id, whole);
      for (const { range } of origin.requests.slice(asked)) {
        assert(range !== null);
        const { start, end } = range;
        assert(!done.some((run) => start < run.end && run.start < end));
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

function recordedRuns(directory: string, id: string): Run[] {
  const db = new DatabaseSync(`${directory}/.sluice/state.db`);
  try {
    return db.prepare("SELECT start, end, crc FROM runs WHERE id = ?")
      .all(id) as unknown as Run[];
  } finally {
    db.close();
  }
}

async function assertWritten(path: string, runs: readonly Run[]) {
  const bytes = await Deno.readFile(path);
  for (const { start, end, crc } of runs) {
    assertEquals(crc32(bytes.subarray(start, end)), crc);
  }
}

/** Has a server that stops wait for a while: a form that does not come. */
async function holdUp({ url }: Sluice): Promise<Deno.TcpConn> {
  const connection = await connectRaw(url);
  const { host } = new URL(url);
  // The answer to the first request says that the second one has come as well.
  const text = `GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n` +
    `POST /login HTTP/1.1\r\nHost: ${host}\r\n` +
    "Content-Length: 100\r\n\r\ntoken=";
  await connection.write(new TextEncoder().encode(text));
  await connection.read(new Uint8Array(1000));
  await (await fetch(url.replace("ws:", "http:") + "healthz")).text();
  return connection;
}

for (const [signal, code] of [["SIGTERM", 143], ["SIGINT", 130]] as const) {
  Deno.test(`a second ${signal} ends the server at once`, async () => {
    await using sluice = await startSluice();
    await using client = await sluice.connect();
    using _held = await holdUp(sluice);
    sluice.kill(signal);
    await client.closed;
    // Within 300 ms, two signals are one.
    const later = Promise.withResolvers<void>();
    setTimeout(later.resolve, 350);
    await later.promise;
    sluice.kill(signal);
    assertEquals((await sluice.ended).code, code);
  });
}

Deno.test("the same signal twice in a moment is one, and stops cleanly", async () => {
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  using _held = await holdUp(sluice);
  sluice.kill("SIGINT");
  sluice.kill("SIGINT");
  assertEquals((await client.closed).code, 1001);
  assertEquals((await sluice.ended).code, 0);
});

// A server that is started in another way

interface Started extends AsyncDisposable {
  readonly url: string;
  readonly child: Deno.ChildProcess;
  output(): string;
  /** Resolves when it has printed something. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
}

async function start(
  command: string,
  args: string[],
  env: Record<string, string>,
): Promise<Started> {
  const child = new Deno.Command(command, {
    args,
    cwd: projectPath("."),
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = collect(child);
  const [, url = ""] = await output.match(/listens on (ws:\S+)/);
  return {
    url,
    child,
    output: output.text,
    printed: output.match,
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await child.status;
      await output.ended;
    },
  };
}

Deno.test("SIGTERM through `deno task start` stops the server cleanly", async () => {
  // The task may use its own directory only: into this one go no files.
  await using started = await start(Deno.execPath(), [
    "task",
    "start",
    "--port",
    "0",
    "--content-directory",
    `downloads/test-${crypto.randomUUID()}`,
  ], {});
  const [, directory = ""] = await started.printed(/Files go to (\S+)\n/);
  try {
    await using client = await connect(started.url);
    started.child.kill("SIGTERM");
    assertEquals((await client.closed).code, 1001);
    await started.child.status;
    // The server itself has ended, too: nobody has the directory any more.
    const { code, stderr } = await run([
      ...["eval", "--no-lock"],
      "const lock = Deno.openSync(Deno.args[0], { write: true });" +
      "Deno.exit(await lock.tryLock(true) ? 0 : 1);",
      `${directory}/.sluice/lock`,
    ]);
    assertEquals(code, 0, stderr);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("two servers started at once on a directory: one serves, one says why not", async () => {
  const directory = await Deno.makeTempDir({ prefix: "sluice-" });
  try {
    const starts = await Promise.allSettled(
      [1, 2].map(() => startSluice({ directory })),
    );
    const running = starts.filter(({ status }) => status === "fulfilled");
    const refused = starts.filter(({ status }) => status === "rejected");
    try {
      assertEquals([running.length, refused.length], [1, 1]);
      assertMatch(
        String((refused[0] as PromiseRejectedResult).reason),
        /sluice: Another Sluice uses /,
      );
    } finally {
      for (const { value } of running as PromiseFulfilledResult<Sluice>[]) {
        await value[Symbol.asyncDispose]();
      }
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a server that may open few files only survives more clients and threads", async () => {
  await using origin = await startOrigin();
  const whole = file(8 * MiB);
  const gate = Promise.withResolvers<void>();
  const url = origin.serve("/a", whole, ({ n }) =>
    n === 0 ? {} : {
      gates: { 1000: () => gate.promise },
    });
  const directory = await Deno.makeTempDir({ prefix: "sluice-" });
  try {
    await using started = await start("bash", [
      "-c",
      'ulimit -n 64; exec "$@"',
      "bash",
      Deno.execPath(),
      ...taskArguments("start", directory),
    ], {
      CONTENT_DIRECTORY: directory,
      PORT: "0",
      WORKERS: "2",
      THREADS_AMOUNT: "48",
      THREADS_PER_HOST: "48",
      BYTES_AMOUNT: "128KiB",
      BROADCAST_TIMEOUT: "20",
      RETRY_WAIT: "20",
      ATTEMPTS: "1000",
    });
    await using client = await connect(started.url);
    const id = await client.add({ url });
    await client.until(id, ({ threads }) => threads > 0);
    // Those who come when no more files can be opened may be refused.
    const crowd = await Promise.allSettled(
      Array.from({ length: 100 }, () => connectRaw(started.url)),
    );
    await started.printed(/not listening|TOO_MANY_FILES/);
    for (const one of crowd) if ("value" in one) one.value.close();
    gate.resolve();
    await assertDownloaded(client, id, whole);
    // And it takes clients again.
    await using late = await connectPatiently(started.url);
    assertEquals((await late.end(id)).process_status, "Downloaded");
    assert(!started.output().includes("unexpected error"));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

function connectRaw(url: string): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(url);
  return Deno.connect({ hostname, port: Number(port) });
}

/** Connects to a server that may have to listen again first. */
async function connectPatiently(url: string): Promise<Client> {
  for (;;) {
    try {
      return await connect(url);
    } catch {
      const again = Promise.withResolvers<void>();
      setTimeout(again.resolve, 50);
      await again.promise;
    }
  }
}
