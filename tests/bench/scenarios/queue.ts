/** A long queue: how fast it grows, what it takes, how soon it is back. */

import type { ServerMessage } from "../../../lib/server/protocol.ts";
import { connect, type Sluice, startSluice } from "../../support/sluice.ts";
import { delay } from "../delay.ts";
import { usageOf } from "../meter.ts";
import type { Scenario } from "../scenario.ts";

const URLS = 100_000;
/** URLs in one message. */
const BATCH = 1_000;
/** Messages before anything is measured. */
const WARM_UP = 20;

/** 100,000 URLs, added over one socket. */
export const queue: Scenario = {
  name: "queue",
  what: "100,000 URLs added over one socket, and a restart",
  async run({ directory, sizeFactor }) {
    const count = Math.ceil(URLS * sizeFactor / BATCH) * BATCH;
    // Nobody answers, so that the queue stays as long as it is.
    using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const origin = `http://127.0.0.1:${silent.addr.port}`;
    const before = await start(directory);
    // The first ones start workers, and have V8 take room for what the pace of
    // adding leaves behind: that costs the same in a queue of any length.
    await add(before.sluice, origin, WARM_UP * BATCH);
    await delay(2_000);
    const usage = await usageOf(before.sluice.pid);
    const seconds = await add(before.sluice, origin, count);
    await delay(2_000);
    const now = await usageOf(before.sluice.pid);
    before.sluice.kill("SIGKILL");
    await before.sluice[Symbol.asyncDispose]();
    const after = await start(directory);
    await after.sluice[Symbol.asyncDispose]();
    return {
      kind: "figures",
      figures: [
        {
          name: "adds",
          value: count / seconds,
          unit: "URLs/s",
          aim: "≥ 20,000",
        },
        {
          name: "memory of a queued URL",
          value: (now.resident - usage.resident) / count,
          unit: "bytes",
          aim: "≤ 1,024",
        },
        {
          name: "CPU while adding",
          value: now.cpu - usage.cpu,
          unit: "s",
          aim: "",
        },
        {
          name: "restart to serving",
          value: after.seconds,
          unit: "s",
          aim: "≤ 2",
        },
      ],
    };
  },
};

/** Starts the server; it serves once somebody has got a snapshot. */
async function start(
  directory: string,
): Promise<{ sluice: Sluice; seconds: number }> {
  const started = performance.now();
  const sluice = await startSluice({ directory });
  await using client = await connect(sluice.url);
  const isSnapshot = (message: ServerMessage) => "totals" in message;
  if (!client.messages.some(isSnapshot)) await client.message(isSnapshot);
  return { sluice, seconds: (performance.now() - started) / 1000 };
}

/** Sends batches, two at a time on their way; the seconds that it took. */
async function add(
  { url }: Sluice,
  origin: string,
  count: number,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = new WebSocket(url);
  let sent = 0;
  let added = 0;
  function send(): void {
    if (sent >= count) return;
    const urls = Array.from(
      { length: BATCH },
      (_, n) => `${origin}/files/file-${sent + n}.bin`,
    );
    sent += BATCH;
    socket.send(JSON.stringify({ urls }));
  }
  const started = performance.now();
  socket.onopen = () => {
    send();
    send();
  };
  socket.onerror = () => reject(new Error("Cannot connect to Sluice"));
  socket.onmessage = ({ data }) => {
    if (data.startsWith('{"error"')) return reject(new Error(data));
    // Only replies are parsed: reading all changes would be our own cost.
    if (!data.startsWith('{"data":{')) return;
    added += BATCH;
    send();
    if (added >= count) resolve();
  };
  await promise;
  socket.close();
  return (performance.now() - started) / 1000;
}
