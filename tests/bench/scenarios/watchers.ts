/** Many clients, all of whom are told of many downloads. */

import { startNginx } from "../../nginx.ts";
import { connect, startSluice } from "../../sluice.ts";
import { delay } from "../delay.ts";
import { usageOf } from "../meter.ts";
import { spreadOf } from "../report.ts";
import type { Scenario } from "../scenario.ts";

const SOCKETS = 1_000;
const DOWNLOADS = 200;
/** How long they watch, in milliseconds. */
const WATCH = 10_000;
/** Messages further apart, in milliseconds, are of two ticks. */
const BETWEEN_TICKS = 200;

/** 1,000 sockets, 200 active downloads. */
export const watchers: Scenario = {
  name: "watchers",
  what: "1,000 sockets, 200 active downloads, a tick of 500 ms",
  async run({ directory, sizeFactor }) {
    const count = Math.ceil(SOCKETS * sizeFactor);
    const root = `${directory}/source`;
    await Deno.mkdir(root);
    using file = await Deno.open(`${root}/file.bin`, {
      write: true,
      create: true,
    });
    // So slow that all of them are on their way for as long as we look.
    await file.truncate(64 * 2 ** 20);
    await using nginx = await startNginx({ root, limitRate: 100_000 });
    await using sluice = await startSluice({
      directory: `${directory}/target`,
      environment: {
        THREADS_AMOUNT: String(DOWNLOADS),
        THREADS_PER_HOST: String(DOWNLOADS),
      },
    });
    await using client = await connect(sluice.url);
    const urls = Array.from(
      { length: DOWNLOADS },
      (_, n) => `${nginx.url}/file.bin?${n}`,
    );
    await client.request({ urls });
    await delay(3_000);
    const alone = await usageOf(sluice.pid);
    await delay(WATCH / 2);
    const before = await usageOf(sluice.pid);
    const arrivals: number[] = [];
    const sockets = await Promise.all(
      Array.from({ length: count }, () => watch(sluice.url, arrivals)),
    );
    await delay(1_000);
    arrivals.length = 0;
    const start = await usageOf(sluice.pid);
    const started = performance.now();
    await delay(WATCH);
    const seconds = (performance.now() - started) / 1000;
    const end = await usageOf(sluice.pid);
    for (const socket of sockets) socket.close();
    const late = lateness(arrivals);
    return {
      kind: "figures",
      figures: [
        {
          name: "main thread",
          value: (end.mainCpu - start.mainCpu) / seconds * 100,
          unit: "% of a core",
          aim: "≤ 10",
        },
        {
          name: "main thread without sockets",
          value: (before.mainCpu - alone.mainCpu) / (WATCH / 2000) * 100,
          unit: "% of a core",
          aim: "",
        },
        {
          name: "memory of a socket",
          value: (end.resident - before.resident) / count,
          unit: "bytes",
          aim: "≤ 30,720",
        },
        {
          name: "99 % of sockets are told within",
          value: late[Math.floor(late.length * 0.99)] ?? NaN,
          unit: "ms",
          aim: "≤ 50",
        },
        {
          name: "half of them within",
          value: spreadOf(late).median,
          unit: "ms",
          aim: "",
        },
      ],
    };
  },
};

/** Connects, and notes when messages come. */
async function watch(url: string, arrivals: number[]): Promise<WebSocket> {
  const socket = new WebSocket(url);
  const opening = Promise.withResolvers<void>();
  socket.onopen = () => opening.resolve();
  socket.onerror = () => opening.reject(new Error("Cannot connect"));
  socket.onmessage = () => void arrivals.push(performance.now());
  await opening.promise;
  return socket;
}

/** How long after its tick's first message each came, in milliseconds. */
function lateness(arrivals: readonly number[]): number[] {
  let first = -Infinity;
  let last = -Infinity;
  return arrivals.map((at) => {
    if (at - last > BETWEEN_TICKS) first = at;
    last = at;
    return at - first;
  }).sort((a, b) => a - b);
}
