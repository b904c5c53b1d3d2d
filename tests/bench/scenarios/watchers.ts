/** Many clients, all of whom are told of many downloads. */

import { startNginx } from "../../support/nginx.ts";
import { collect, connect, startSluice } from "../../support/sluice.ts";
import { delay } from "../delay.ts";
import { usageOf } from "../meter.ts";
import { spreadOf } from "../report.ts";
import type { Scenario } from "../scenario.ts";

const SOCKETS = 1_000;
/** The program of clients that are cheap. */
const FLOCK = import.meta.resolve("../flock.ts");
/** How many of it there are: one alone is slower than the server. */
const FLOCKS = 2;
const DOWNLOADS = 200;
/** How long they watch, in milliseconds. */
const WATCH = 10_000;
/** How long memory is left to settle before it is looked at, in milliseconds. */
const SETTLE = 5_000;
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
    // By then all of them are on their way, and cost no more memory.
    await delay(SETTLE);
    const alone = await usageOf(sluice.pid);
    await delay(SETTLE);
    const before = await usageOf(sluice.pid);
    const port = new URL(sluice.url).port;
    const flocks = await Promise.all(
      Array.from({ length: FLOCKS }, () => startFlock(port, count / FLOCKS)),
    );
    await delay(SETTLE);
    const start = await usageOf(sluice.pid);
    const started = Date.now();
    await delay(WATCH);
    const ended = Date.now();
    const seconds = (ended - started) / 1000;
    const end = await usageOf(sluice.pid);
    await delay(SETTLE);
    const arrivals = flocks.flatMap((flock) => flock.arrivals())
      .filter((at) => at >= started && at <= ended);
    const late = lateness(arrivals);
    for (const flock of flocks) await flock[Symbol.asyncDispose]();
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
          value: (before.mainCpu - alone.mainCpu) / (SETTLE / 1000) * 100,
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

/** Many clients. Disposing of them ends them. */
interface Flock extends AsyncDisposable {
  /** When messages came, in milliseconds since the epoch. */
  arrivals(): number[];
}

/** Starts a process of its own for so many clients; resolves once all are in. */
async function startFlock(port: string, count: number): Promise<Flock> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", FLOCK, port, String(count)],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = collect(child);
  await output.match(/^connected$/m);
  return {
    arrivals: () => output.text().split("\n").map(Number),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await output.ended;
    },
  };
}

/** How long after its tick's first message each came, in milliseconds. */
function lateness(arrivals: readonly number[]): number[] {
  let first = -Infinity;
  let last = -Infinity;
  return arrivals.toSorted((a, b) => a - b).map((at) => {
    if (at - last > BETWEEN_TICKS) first = at;
    last = at;
    return at - first;
  }).sort((a, b) => a - b);
}
