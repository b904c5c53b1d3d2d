/** A long queue: how fast it grows, what it takes, how soon it is back. */

import type { ServerMessage } from "../../../lib/server/messages.ts";
import {
  type Client,
  connect,
  type Sluice,
  startSluice,
} from "../../support/sluice.ts";
import { addUrls, BATCH } from "../add_urls.ts";
import { delay } from "../delay.ts";
import { usageOf } from "../meter.ts";
import type { Scenario } from "../scenario.ts";

const URLS = 1_000_000;
/** Messages before anything is measured. */
const WARM_UP = 20;
/** How often each kind of list is read. */
const READS = 9;
/** How far ticks are apart, in milliseconds. */
const TICK = 500;
/** Clients that list and search without pause. */
const RESTLESS = 20;
/** Threads at a host: the long queue's is full, and others have room. */
const ENVIRONMENT = { THREADS_PER_HOST: "4", QUEUE_LENGTH: "2000000" };

/** A million URLs, added over one socket, and what one does with them. */
export const queue: Scenario = {
  name: "queue",
  what: "1,000,000 URLs added over one socket, lists of them, and a restart",
  async run({ directory, sizeFactor }) {
    const count = Math.ceil(URLS * sizeFactor / BATCH) * BATCH;
    // Nobody answers, so that the queue stays as long as it is.
    using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const origin = `http://127.0.0.1:${silent.addr.port}`;
    const before = await start(directory);
    // The first ones start workers, and have V8 take room for what the pace of
    // adding leaves behind: that costs the same in a queue of any length.
    await addUrls(before.sluice, origin, WARM_UP * BATCH);
    await delay(2_000);
    const usage = await usageOf(before.sluice.pid);
    const seconds = await addUrls(before.sluice, origin, count);
    await delay(2_000);
    const now = await usageOf(before.sluice.pid);
    before.sluice.kill("SIGKILL");
    await before.sluice[Symbol.asyncDispose]();
    const after = await start(directory);
    await using sluice = after.sluice;
    await using client = await sluice.connect();
    const middle = Math.floor(count / 2);
    const pages = [];
    for (const order of ["oldest", "latest"]) {
      for (const offset of [0, middle, count - 50]) {
        pages.push(await timeOf(client, { order, offset, limit: 50 }));
      }
    }
    const counts = await timeOf(client, { limit: 1, status: ["Failed"] });
    const name = `file-${middle}.bin`;
    const found = await timeOf(client, { search: name, limit: 50 });
    const common = await timeOf(client, { search: "files", limit: 50 });
    const sorted = await timeOf(client, { order: "name", limit: 50 }, 1);
    const busy = await begin(sluice, client);
    const end = await usageOf(sluice.pid);
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
          name: "CPU while adding",
          value: now.cpu - usage.cpu,
          unit: "s",
          aim: "",
        },
        {
          name: "memory",
          value: now.resident / 1e6,
          unit: "MB",
          aim: "≤ 250",
        },
        {
          name: "restart to serving",
          value: after.seconds,
          unit: "s",
          aim: "≤ 1",
        },
        {
          name: "page at any place, at most",
          value: Math.max(...pages),
          unit: "ms",
          aim: "≤ 50",
        },
        { name: "count", value: counts, unit: "ms", aim: "≤ 5" },
        { name: "search for one", value: found, unit: "ms", aim: "≤ 500" },
        { name: "search for all", value: common, unit: "ms", aim: "≤ 500" },
        { name: "page by name", value: sorted, unit: "ms", aim: "" },
        {
          name: "beside 20 clients, an added file begins",
          value: busy.begins,
          unit: "ms",
          aim: "≤ 100",
        },
        {
          name: "beside 20 clients, ticks late at most",
          value: busy.late,
          unit: "ms",
          aim: "≤ 100",
        },
        {
          name: "memory then",
          value: end.resident / 1e6,
          unit: "MB",
          aim: "≤ 250",
        },
      ],
    };
  },
};

/** The median of what a list takes, in milliseconds. */
async function timeOf(
  client: Client,
  page: Record<string, unknown>,
  reads = READS,
): Promise<number> {
  const times = [];
  for (let n = 0; n < reads; n++) {
    const started = performance.now();
    await client.request({ action: "list", ...page });
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[Math.floor(reads / 2)] ?? NaN;
}

/** While clients list and search: how soon files begin, and how late ticks are. */
async function begin(
  sluice: Sluice,
  watcher: Client,
): Promise<{ begins: number; late: number }> {
  const restless = new AbortController();
  const clients = await Promise.all(
    Array.from({ length: RESTLESS }, () => sluice.connect()),
  );
  const ended = clients.map(async (client, n) => {
    for (let k = 0; !restless.signal.aborted; k++) {
      const search = k % 2 ? "" : `file-${n}${k}`;
      const page = { search, offset: 0, limit: 50, order: "latest" };
      await client.request({ action: "list", ...page });
    }
  });
  const times: number[] = [];
  const ticks: number[] = [];
  watcher.socket.addEventListener("message", ({ data }) => {
    if (data.includes('"totals"')) ticks.push(performance.now());
  });
  for (let n = 0; n < READS; n++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    await using origin = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
    }, () => {
      resolve();
      return new Response("a");
    });
    const started = performance.now();
    const url = `http://127.0.0.1:${origin.addr.port}/file`;
    await watcher.request({ url });
    await promise;
    times.push(performance.now() - started);
    await watcher.message((message) => "totals" in message);
  }
  restless.abort();
  await Promise.all(ended);
  for (const client of clients) await client[Symbol.asyncDispose]();
  const median = times.sort((a, b) => a - b)[Math.floor(READS / 2)] ?? NaN;
  const gaps = ticks.slice(1).map((tick, n) => tick - (ticks[n] ?? NaN));
  return { begins: median, late: Math.max(...gaps) - TICK };
}

/** Starts the server; it serves once somebody has got a snapshot. */
async function start(
  directory: string,
): Promise<{ sluice: Sluice; seconds: number }> {
  const started = performance.now();
  const sluice = await startSluice({
    directory,
    environment: ENVIRONMENT,
  });
  await using client = await connect(sluice.url);
  const isSnapshot = (message: ServerMessage) => "totals" in message;
  if (!client.messages.some(isSnapshot)) await client.message(isSnapshot);
  return { sluice, seconds: (performance.now() - started) / 1000 };
}
