/** Servers that are told to stop. */

import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { type Run, union } from "../../lib/download/ranges.ts";
import { makeDirectory } from "../support/directory.ts";
import { file, startOrigin } from "../support/origin.ts";
import { connectRaw, type Raw } from "../support/raw.ts";
import {
  collect,
  connect,
  projectPath,
  type Sluice,
  startSluice,
  taskArguments,
} from "../support/sluice.ts";
import { assertDownloaded } from "../support/status.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} in the middle of writes loses nothing that was recorded`, async () => {
    await using origin = await startOrigin();
    const whole = file(32 * MiB);
    let rate: number | undefined = 4 * MiB;
    const url = origin.serve("/a", whole, () => rate ? { rate } : {});
    await using temporary = await makeDirectory();
    const directory = temporary.path;
    const environment = { BYTES_AMOUNT: "2MiB", BROADCAST_TIMEOUT: "20" };
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
    await assertDownloaded(await client.end(id), whole);
    for (const { range } of origin.requests.slice(asked)) {
      assert(range !== null);
      const { start, end } = range;
      assert(!done.some((run) => start < run.end && run.start < end));
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
async function holdUp(sluice: Sluice): Promise<Raw> {
  const raw = await connectRaw(sluice);
  const { host } = new URL(sluice.url);
  // The answer to the first request says that the second one has come as well.
  const text = `GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n` +
    `POST /login HTTP/1.1\r\nHost: ${host}\r\n` +
    "Content-Length: 100\r\n\r\ntoken=";
  await raw.write(text);
  await raw.read();
  await (await fetch(sluice.url.replace("ws:", "http:") + "healthz")).text();
  return raw;
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

Deno.test("a server without a terminal, as under nohup, goes on after a hangup", async () => {
  await using origin = await startOrigin();
  const whole = file(1000);
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  sluice.kill("SIGHUP");
  await sluice.printed(/ hangup ignored=true\n/);
  const id = await client.add({ url: origin.serve("/a", whole) });
  await assertDownloaded(await client.end(id), whole);
  sluice.kill("SIGTERM");
  assertEquals((await sluice.ended).code, 0);
});

/** Runs a command with a terminal as its input, until a line comes or none is left. */
const IN_TERMINAL = `
import os, pty, sys
out, err = os.dup(1), os.dup(2)
child, terminal = pty.fork()
if child == 0:
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.execv(sys.argv[1], sys.argv[1:])
sys.stdin.readline()
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
`;

Deno.test("a server whose terminal goes stops cleanly", async () => {
  await using directory = await makeDirectory();
  const child = new Deno.Command("python3", {
    args: [
      ...["-c", IN_TERMINAL, Deno.execPath()],
      ...taskArguments("start", directory.path),
    ],
    cwd: projectPath("."),
    env: { CONTENT_DIRECTORY: directory.path, PORT: "0" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = collect(child);
  const [, url = ""] = await output.match(/listens on (ws:\S+)/);
  await using client = await connect(url);
  await child.stdin.close();
  assertEquals((await client.closed).code, 1001);
  assertEquals((await child.status).code, 0);
  await output.ended;
  assertMatch(output.text(), /Z stopping\n$/);
});
