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
/** Deno without Sluice, with as much to tell. */
const BARE = import.meta.resolve("../bare_telling.ts");
/** How many flocks there are: one alone is slower than the server. */
const FLOCKS = 2;
const DOWNLOADS = 200;
/** Milliseconds between two messages to a client. */
const TICK = 500;
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
    const lengths: number[] = [];
    client.socket.addEventListener("message", ({ data }) => {
      lengths.push(data.length);
    });
    const port = Number(new URL(sluice.url).port);
    const ours = await watch({ pid: sluice.pid, port }, count);
    const { median: length } = spreadOf(lengths);
    await using bare = await startBare(length);
    const theirs = await watch(bare, count);
    return {
      kind: "figures",
      figures: [
        { name: "a message", value: length, unit: "bytes", aim: "" },
        {
          name: "main thread",
          value: ours.busy,
          unit: "% of a core",
          aim: "≤ 8, or bare Deno's",
        },
        {
          name: "main thread without sockets",
          value: ours.busyAlone,
          unit: "% of a core",
          aim: "",
        },
        {
          name: "memory of a socket",
          value: ours.memory,
          unit: "bytes",
          aim: "≤ 30,720",
        },
        {
          name: "99 % of sockets are told within",
          value: ours.late,
          unit: "ms",
          aim: "≤ 50, or bare Deno's",
        },
        {
          name: "half of them within",
          value: ours.middle,
          unit: "ms",
          aim: "",
        },
        {
          name: "bare Deno: main thread",
          value: theirs.busy,
          unit: "% of a core",
          aim: "",
        },
        {
          name: "bare Deno: memory of a socket",
          value: theirs.memory,
          unit: "bytes",
          aim: "",
        },
        {
          name: "bare Deno: 99 % of sockets are told within",
          value: theirs.late,
          unit: "ms",
          aim: "",
        },
      ],
    };
  },
};

/** What many clients cost a server, and how soon they are told. */
interface Watched {
  /** Of the main thread, in percent of a core. */
  readonly busy: number;
  /** The same before there were clients. */
  readonly busyAlone: number;
  /** Bytes of one client. */
  readonly memory: number;
  /** Milliseconds within which 99 % of the clients are told. */
  readonly late: number;
  /** Milliseconds within which half of them are told. */
  readonly middle: number;
}

/** Connects clients to a server of this machine, and looks at both for a while. */
async function watch(
  { pid, port }: { readonly pid: number; readonly port: number },
  count: number,
): Promise<Watched> {
  const alone = await usageOf(pid);
  await delay(SETTLE);
  const before = await usageOf(pid);
  const flocks = await Promise.all(
    Array.from({ length: FLOCKS }, () => startFlock(port, count / FLOCKS)),
  );
  await delay(SETTLE);
  const start = await usageOf(pid);
  const started = Date.now();
  await delay(WATCH);
  const ended = Date.now();
  const seconds = (ended - started) / 1000;
  const end = await usageOf(pid);
  await delay(SETTLE);
  const arrivals = flocks.flatMap((flock) => flock.arrivals())
    .filter((at) => at >= started && at <= ended);
  for (const flock of flocks) await flock[Symbol.asyncDispose]();
  const late = lateness(arrivals);
  return {
    busy: (end.mainCpu - start.mainCpu) / seconds * 100,
    busyAlone: (before.mainCpu - alone.mainCpu) / (SETTLE / 1000) * 100,
    memory: (end.resident - before.resident) / count,
    late: late[Math.floor(late.length * 0.99)] ?? NaN,
    middle: spreadOf(late).median,
  };
}

/**
 * Starts bare Deno telling its clients as much.
 *
 * @param length Characters of each message.
 */
async function startBare(length: number) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", BARE, String(length), String(TICK)],
    env: { DENO_USE_WRITEV: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = collect(child);
  const [port] = await output.match(/^\d+$/m);
  return {
    pid: child.pid,
    port: Number(port),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await output.ended;
    },
  };
}

/** Many clients. Disposing of them ends them. */
interface Flock extends AsyncDisposable {
  /** When messages came, in milliseconds since the epoch. */
  arrivals(): number[];
}

/** Starts a process of its own for so many clients; resolves once all are in. */
async function startFlock(port: number, count: number): Promise<Flock> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", FLOCK, String(port), String(count)],
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
