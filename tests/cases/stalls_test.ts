/** Origins that fall silent, or crawl. */

import {
  assert,
  assertEquals,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import net from "node:net";
import { filesIn, makeDirectory } from "../support/directory.ts";
import {
  type Behaviour,
  firstDifference,
  forever,
  literal,
  startOrigin,
} from "../support/origin.ts";
import { startGet } from "../support/process.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  askedWhole,
  endAlone,
  IMPATIENT,
  PATIENT,
  SLICE,
  startTrial,
  where,
  WHOLE,
} from "../support/trial.ts";

for (
  const [what, gates] of [
    ["before the headers", { head: forever }],
    ["after the headers", { 0: forever }],
    ["in the middle", { 1000: forever }],
  ] as [string, Behaviour["gates"] & object][]
) {
  Deno.test(`a stall ${what}, once for each thread, is got over`, async () => {
    await using trial = await startTrial({ ...IMPATIENT, ...PATIENT });
    const behave = where(({ n }) => n === 0 || (n > 4 && n < 8), { gates });
    const url = trial.origin.serve("/a", WHOLE, behave);
    await assertDownloaded(await trial.end(url), WHOLE, "a");
    assertEquals(askedWhole(trial.origin), []);
  });

  // Where each stall comes after some bytes, the download moves.
  if ("1000" in gates) continue;
  Deno.test(`a stall ${what}, each time, is an error`, async () => {
    await using trial = await startTrial(IMPATIENT);
    const url = trial.origin.serve("/a", WHOLE, { gates });
    assertFailed(await trial.end(url), "STALLED", /sent nothing.*retry/);
    assertEquals(filesIn(trial.downloads.directory), []);
  });
}

Deno.test("headers that come a byte at a time are not waited for", async () => {
  await using loris = await startLoris();
  await using trial = await startTrial(IMPATIENT);
  assertFailed(await trial.end(loris.url), "STALLED", /sent nothing.*retry/);
  assertEquals(loris.connections, 4);
});

/** An origin whose headers never end, and come a byte at a time. */
async function startLoris() {
  const head = "HTTP/1.1 200 OK\r\nX-Slow: ";
  const timers = new Set<ReturnType<typeof setInterval>>();
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((socket) => {
    connections++;
    sockets.add(socket);
    let at = 0;
    const timer = setInterval(() => socket.write(head[at++] ?? "a"), 10);
    timers.add(timer);
    socket.on("error", () => {});
    socket.on("data", () => {});
    socket.on("close", () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/a`,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const timer of timers) clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

Deno.test("a file at one byte a second comes, as long as that takes", async () => {
  await using trial = await startTrial();
  const whole = literal("abc", { etag: '"1"' });
  const url = trial.origin.serve("/a", whole, { rate: 1 });
  await assertDownloaded(await trial.end(url), whole, "a");
});

for (
  const [what, n, slow] of [
    ["the first connection", 0, { rate: 1 }],
    ["a later connection", 2, { rate: 1 }],
    ["the last connection", 9, { rate: 1 }],
    ["a connection that got half its slice", 3, {
      gates: { [SLICE / 2]: forever },
    }],
    ["a connection that got its headers only", 3, { gates: { 0: forever } }],
  ] as const
) {
  Deno.test(`${what}, slow among fast ones, is not waited for`, async () => {
    await using trial = await startTrial();
    const { origin } = trial;
    const behave = where((request) => request.n === n, slow);
    const status = await endAlone(trial, origin.serve("/a", WHOLE, behave));
    await assertDownloaded(status, WHOLE, "a");
    const crawling = origin.requests[n];
    assert(crawling);
    assertLessOrEqual(crawling.sent, SLICE / 2);
    assertEquals(await crawling.ended, "gone");
    // It was overtaken, not given up for being silent.
    const { log } = trial.downloads;
    assertEquals(log.filter(({ event }) => event === "setback"), []);
    // What the slow one had is asked for twice; on a busy machine, which makes
    // others slow, too, some of their slices are. The file is not begun anew.
    const asked = origin.requests.slice(1)
      .reduce(
        (sum, { range }) => sum + (range ? range.end - range.start : 0),
        0,
      );
    assertLess(asked, 2 * WHOLE.size);
    await trial.good();
  });
}

Deno.test({
  name: "what stood still itself goes on with the answer that it has",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using origin = await startOrigin();
    const goOn = Promise.withResolvers<void>();
    const url = origin.serve("/a", WHOLE, {
      ranges: "ignore",
      gates: { 1000: () => goOn.promise },
    });
    await using directory = await makeDirectory();
    const flags = ["--stall-timeout", "1000"];
    await using get = startGet(directory.path, [...flags, url]);
    await get.printed(/ 0%/);
    get.kill("SIGSTOP");
    goOn.resolve();
    // Longer than it waits for bytes: the time itself is what is tried.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    get.kill("SIGCONT");
    const { code, stderr } = await get.ended;
    assertEquals(code, 0, stderr);
    assertEquals(origin.requests.length, 1);
    assertEquals(await firstDifference(`${directory.path}/a`, WHOLE), null);
  },
});
