import { assert, assertEquals } from "@std/assert";
import { listen } from "../../support/aria2.ts";
import { startSluice } from "../../support/sluice.ts";

const ADDED_AT_ONCE = 10_000;
const DOWNLOADS = 100_000;
const CLIENTS = 10;
const ROUNDS = 4;
/** Pings before anybody asks for lists. */
const PINGS = 20;

/** Milliseconds of a tick, by default: so much longer may a ping take. */
const TICK = 500;

Deno.test("a hundred thousand, and ten clients that ask each second, hold up nobody", async () => {
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  for (let n = 0; n < DOWNLOADS; n += ADDED_AT_ONCE) {
    const urls = Array.from({ length: ADDED_AT_ONCE }, (_, k) => ({
      url: `http://127.0.0.1:1/${n + k}`,
      paused: true,
    }));
    const reply = await client.request({ urls });
    assert("data" in reply, JSON.stringify(reply));
  }
  const url = `${sluice.url.replace(/^ws/, "http")}jsonrpc`;
  const call = {
    method: "system.multicall",
    params: [[
      { methodName: "aria2.getGlobalStat" },
      { methodName: "aria2.tellActive" },
      { methodName: "aria2.tellWaiting", params: [0, 1000] },
      { methodName: "aria2.tellStopped", params: [-1, 1000] },
    ]],
  };
  const waits: number[] = [];
  const ping = async () => {
    const begun = performance.now();
    await client.request({ action: "ping" });
    waits.push(performance.now() - begun);
    await next(10);
  };
  for (let n = 0; n < PINGS; n++) await ping();
  // What other tests leave of the processors is no fault of the lists.
  const before = median(waits.splice(0));
  let asking = true;
  const pinging = (async () => {
    while (asking) await ping();
  })();
  try {
    await Promise.all(Array.from({ length: CLIENTS }, async () => {
      await using listener = await listen(url);
      for (let round = 0; round < ROUNDS; round++) {
        const second = next(1_000);
        listener.send(JSON.stringify({ id: round, ...call }));
        const { result } = await listener.message(({ id }) => id === round);
        const [[stat], [active], [waiting], [stopped]] = result as [
          [{ numWaiting: string }],
          [unknown[]],
          [unknown[]],
          [unknown[]],
        ];
        assert(Number(stat.numWaiting) >= DOWNLOADS);
        const lengths = [active, waiting, stopped].map(({ length }) => length);
        assertEquals(lengths, [0, 1_000, 0]);
        // Something changes, as it does in a queue that runs.
        const added = { url: "http://127.0.0.1:1/more", paused: true };
        const id = await client.add(added);
        await client.request({ action: "remove", id });
        await second;
      }
    }));
  } finally {
    asking = false;
    await pinging;
  }
  const during = median(waits);
  assert(during < before + TICK, `${during} ms, ${before} ms before`);
});

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Infinity;
}

function next(milliseconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, milliseconds);
  return promise;
}
