/** Servers that are started in another way. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeDirectory } from "../support/directory.ts";
import { file, startOrigin } from "../support/origin.ts";
import { connectRaw } from "../support/raw.ts";
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
import { assertDownloaded } from "../support/status.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

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
  await using temporary = await makeDirectory();
  const directory = temporary.path;
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
});

Deno.test("a server that may open few files only survives more clients and threads", async () => {
  await using origin = await startOrigin();
  const whole = file(8 * MiB);
  const gate = Promise.withResolvers<void>();
  const url = origin.serve("/a", whole, ({ n }) =>
    n === 0 ? {} : {
      gates: { 1000: () => gate.promise },
    });
  await using temporary = await makeDirectory();
  const directory = temporary.path;
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
    Array.from({ length: 100 }, () => connectRaw(started)),
  );
  await started.printed(/not listening|TOO_MANY_FILES/);
  for (const one of crowd) if ("value" in one) one.value[Symbol.dispose]();
  gate.resolve();
  await assertDownloaded(await client.end(id), whole);
  // And it takes clients again.
  await using late = await connectPatiently(started.url);
  assertEquals((await late.end(id)).process_status, "Downloaded");
  assert(!started.output().includes("unexpected error"));
});

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

Deno.test("what cannot be removed from among the parts holds up no start", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const parts = `${directory.path}/.sluice/parts`;
  await Deno.mkdir(`${parts}/lost+found/a`, { recursive: true });
  await Deno.writeTextFile(`${parts}/orphan`, "Nothing is recorded of it.");
  await using server = await startSluice({ directory: directory.path });
  await server.printed(/ leftover id="lost\+found" code="DISK" /);
  await using client = await server.connect();
  const content = file(10_000);
  const url = origin.serve("/a", content);
  await assertDownloaded(await client.end(await client.add({ url })), content);
  const left = [...Deno.readDirSync(parts)].map(({ name }) => name);
  assertEquals(left, ["lost+found"]);
});
