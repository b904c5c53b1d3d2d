/** Servers that share a queue: what sharing costs, and how soon they help out. */

import {
  startBroker,
  startBrokers,
  type TestBroker,
} from "../../support/broker.ts";
import { startNode } from "../../support/cluster.ts";
import { type Nginx, startNginx } from "../../support/nginx.ts";
import { type Client, type Sluice, startSluice } from "../../support/sluice.ts";
import { addUrls, BATCH } from "../add_urls.ts";
import { delay } from "../delay.ts";
import { usageOf } from "../meter.ts";
import { type Figure, spreadOf } from "../report.ts";
import type { Scenario } from "../scenario.ts";

/** How many servers share a queue. */
const NODES = [1, 3, 10];
/** How many share a queue that three brokers keep. */
const WITH_BROKERS = [1, 3];
/** URLs that are added, and small files that are fetched. */
const ADDS = 10_000;
const SMALL = 2_000;
/** Bytes of a small file. */
const SIZE = 20_000;
/** Entries that a server begins with, and commands that are given. */
const ENTRIES = 100_000;
const COMMANDS = 50;
/** How often a server is killed, and told to stop. */
const DEATHS = 3;
/** How long a lease holds, in milliseconds. */
const LEASE = 5_000;
/** By when all copies have what was done, in milliseconds. */
const SETTLE = 1_000;
const ENVIRONMENT = {
  SYNC: "false",
  LEASE: String(LEASE),
  BROADCAST_TIMEOUT: "500",
};

/** Servers of a cluster, whose directory they share, and a client of each. */
interface Cluster extends AsyncDisposable {
  readonly nodes: readonly Sluice[];
  readonly clients: readonly Client[];
}

async function startCluster(
  broker: string,
  directory: string,
  count: number,
): Promise<Cluster> {
  await using made = new AsyncDisposableStack();
  const environment = {
    ...ENVIRONMENT,
    ...(broker.includes(",") && { QUEUE_REPLICAS: "3" }),
  };
  const nodes: Sluice[] = [];
  const clients: Client[] = [];
  for (let n = 0; n < count; n++) {
    const options = { broker, name: `n${n}`, directory, environment };
    const node = made.use(await startNode(options));
    nodes.push(node);
    clients.push(made.use(await node.connect()));
  }
  const kept = made.move();
  return { nodes, clients, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** What a queue costs that 1, 3 and 10 servers share, and how soon they help. */
export const cluster: Scenario = {
  name: "cluster",
  what: "1, 3 and 10 servers share a queue, all on this machine",
  async run({ directory, sizeFactor, note }) {
    const sized = (count: number) =>
      Math.max(BATCH, Math.ceil(count * sizeFactor / BATCH) * BATCH);
    const root = `${directory}/source`;
    await Deno.mkdir(root);
    const bytes = crypto.getRandomValues(new Uint8Array(SIZE));
    await Deno.writeFile(`${root}/small.bin`, bytes);
    await Deno.truncate(await emptyFile(`${root}/slow.bin`), 2 ** 30);
    await using nginx = await startNginx({
      root,
      rules: "location /files/ { rewrite ^ /small.bin break; } " +
        "location /slow.bin { limit_rate 500k; }",
    });
    const figures: Figure[] = [];
    const figure = (name: string, value: number, unit: string, aim = "") => {
      figures.push({ name, value, unit, aim });
      note(`${name}: ${value.toPrecision(3)} ${unit}`);
    };
    let alone = NaN;
    {
      await using sluice = await startSluice({
        directory: `${directory}/alone`,
        environment: ENVIRONMENT,
      });
      await using client = await sluice.connect();
      const small = sized(SMALL);
      const cost = await costOf([sluice], null, async () => {
        alone = small / await fetchAll(sluice, client, nginx, small);
      });
      figure("small files without a cluster", alone, "files/s");
      figure("… CPU a file", cost.servers / small * 1e6, "µs");
    }
    for (const count of NODES) {
      const servers = count === 1 ? "1 server" : `${count} servers`;
      await using broker = await startBroker();
      await using all = await startCluster(
        broker.address,
        `${directory}/${count}`,
        count,
      );
      const [first, client] = [all.nodes[0], all.clients[0]];
      if (first === undefined || client === undefined) continue;
      const { url } = nginx;
      const adds = sized(ADDS);
      let seconds = NaN;
      const adding = await costOf(all.nodes, broker, async () => {
        seconds = await addUrls(first, url, adds, { paused: true });
      });
      figure(`${servers}: adds`, adds / seconds, "URLs/s");
      const micro = (cpu: number, count: number) => cpu / count * 1e6;
      figure("… CPU an add, at its server", micro(adding.first, adds), "µs");
      if (count > 1) {
        const each = (adding.servers - adding.first) / (count - 1);
        figure("… at each other", micro(each, adds), "µs");
      }
      figure("… at the broker", micro(adding.broker, adds), "µs");
      const small = sized(SMALL);
      const fetching = await costOf(all.nodes, broker, async () => {
        seconds = await fetchAll(first, client, nginx, small);
      });
      const rate = small / seconds;
      figure(`${servers}: small files`, rate, "files/s");
      figure(
        "… CPU a file, of all servers",
        micro(fetching.servers, small),
        "µs",
      );
      figure("… at the broker", micro(fetching.broker, small), "µs");
      const aim = count === 1 ? "≥ 0.5" : "";
      figure(
        `${servers}: … to those without a cluster`,
        rate / alone,
        "×",
        aim,
      );
      const conflicts = await conflictsOf(all.nodes) / small;
      figure(`${servers}: conflicts a file`, conflicts, "");
    }
    for (const count of WITH_BROKERS) {
      const servers = count === 1 ? "1 server" : `${count} servers`;
      await using brokers = await startBrokers();
      await using all = await startCluster(
        brokers.address,
        `${directory}/${count}-with-brokers`,
        count,
      );
      const [first] = all.nodes;
      if (first === undefined) throw new Error("There is no server.");
      const adds = sized(ADDS);
      const fields = { paused: true };
      const seconds = await addUrls(first, nginx.url, adds, fields);
      const name = `${servers}, 3 brokers: adds`;
      figure(name, adds / seconds, "URLs/s", "≥ 4,000");
      if (count === 1) continue;
      const commands = await timeCommands(all, nginx);
      const { median } = spreadOf(commands);
      figure("command at another server, median", median, "ms");
      const p99 = commands[Math.floor(commands.length * .99)] ?? NaN;
      figure("… 99 % within", p99, "ms", "≤ 100");
    }
    for (
      const [signal, what, aim] of [
        ["SIGKILL", "killed: another goes on, after its lease", 1_000],
        ["SIGTERM", "told to stop: another goes on", 1_000],
      ] as const
    ) {
      const times: number[] = [];
      for (let n = 0; n < DEATHS; n++) {
        const to = `${directory}/${signal}${n}`;
        const took = await timeOfTakeover(to, nginx, signal);
        times.push(signal === "SIGKILL" ? took - LEASE : took);
      }
      figure(what, Math.max(...times), "ms at most", `≤ ${aim}`);
    }
    const [fresh, again] = await timeOfStart(
      `${directory}/long`,
      nginx,
      sized(ENTRIES),
    );
    const entries = sized(ENTRIES).toLocaleString("en");
    figure(`${entries} entries: caught up from nothing`, fresh, "s", "≤ 8");
    figure("… from its copy", again, "s", "≤ 1");
    return { kind: "figures", figures };
  },
};

/** CPU seconds of servers, of the first of them, and of their broker. */
interface ClusterCost {
  readonly servers: number;
  readonly first: number;
  readonly broker: number;
}

/** What an action costs; the copies of it at other servers, too. */
async function costOf(
  nodes: readonly Sluice[],
  broker: TestBroker | null,
  action: () => Promise<void>,
): Promise<ClusterCost> {
  const look = async () => {
    const pids = [
      ...nodes.map(({ pid }) => pid),
      ...broker ? [broker.pid] : [],
    ];
    return await Promise.all(
      pids.map(async (pid) => (await usageOf(pid)).cpu),
    );
  };
  const before = await look();
  await action();
  await delay(SETTLE);
  const spent = (await look()).map((cpu, n) => cpu - (before[n] ?? 0));
  const servers = spent.slice(0, nodes.length)
    .reduce((sum, cpu) => sum + cpu, 0);
  return {
    servers,
    first: spent[0] ?? 0,
    broker: spent[nodes.length] ?? 0,
  };
}

async function emptyFile(path: string): Promise<string> {
  await Deno.writeFile(path, new Uint8Array());
  return path;
}

/** Adds small files and waits until all are there; the seconds that it took. */
async function fetchAll(
  sluice: Sluice,
  client: Client,
  { url }: Nginx,
  count: number,
): Promise<number> {
  const started = performance.now();
  const done = client.message((message) =>
    "totals" in message && message.totals?.Downloaded === count
  );
  await addUrls(sluice, url, count);
  await done;
  return (performance.now() - started) / 1000;
}

async function conflictsOf(nodes: readonly Sluice[]): Promise<number> {
  let sum = 0;
  for (const { url } of nodes) {
    const response = await fetch(`${url.replace("ws:", "http:")}metrics`);
    const [, count] = (await response.text())
      .match(/sluice_cas_conflicts_total (\d+)/) ?? [];
    sum += Number(count);
  }
  return sum;
}

/** How long commands take at servers that do not work on the download, in ms. */
async function timeCommands(
  { clients }: Cluster,
  { url }: Nginx,
): Promise<number[]> {
  const [first] = clients;
  if (first === undefined) throw new Error("There is no server.");
  const id = await first.add({ url: `${url}/slow.bin` });
  const times: number[] = [];
  for (let n = 0; n < COMMANDS; n++) {
    const { node } = await first.until(
      id,
      ({ process_status: status }) => status === "Downloading",
    );
    const other = clients.find((_, k) => node !== `n${k}`);
    const started = performance.now();
    const paused = await other?.request({ action: "pause", id });
    if (paused && "data" in paused) times.push(performance.now() - started);
    await first.until(
      id,
      ({ process_status: status }) => status === "Paused",
    );
    await other?.request({ action: "resume", id });
  }
  return times.sort((a, b) => a - b);
}

/** How long a download stands still whose server ends, in milliseconds. */
async function timeOfTakeover(
  directory: string,
  { url }: Nginx,
  signal: Deno.Signal,
): Promise<number> {
  await using broker = await startBroker();
  await using all = await startCluster(broker.address, directory, 3);
  const [client] = all.clients;
  if (client === undefined) throw new Error("There is no server.");
  const id = await client.add({ url: `${url}/slow.bin` });
  const { node } = await client.until(
    id,
    ({ downloaded }) => downloaded > 2 * 2 ** 20,
  );
  const owner = all.nodes[Number(node?.slice(1))];
  const others = all.nodes.filter((one) => one !== owner);
  owner?.kill(signal);
  const started = performance.now();
  await Promise.any(others.map((one) => one.printed(/ adopted id=/)));
  return performance.now() - started;
}

/** How long a server takes to catch up, from nothing and from its copy, in s. */
async function timeOfStart(
  directory: string,
  { url }: Nginx,
  count: number,
): Promise<[fresh: number, again: number]> {
  await using broker = await startBroker();
  await using all = await startCluster(broker.address, directory, 1);
  const [first] = all.nodes;
  if (first === undefined) throw new Error("There is no server.");
  await addUrls(first, url, count, { paused: true });
  const times: number[] = [];
  for (let n = 0; n < 2; n++) {
    await using node = await startNode({
      broker: broker.address,
      name: "late",
      directory,
      environment: ENVIRONMENT,
    });
    const [, ms] = await node.printed(/ caught up .* ms=(\d+)/);
    times.push(Number(ms) / 1000);
    node.kill("SIGTERM");
    await node.ended;
  }
  const [fresh = NaN, again = NaN] = times;
  return [fresh, again];
}
