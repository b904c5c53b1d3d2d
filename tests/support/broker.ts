/** NATS's server, and what can happen to it and to the way there. */

import { makeDirectory } from "./directory.ts";
import { freePort } from "./free_port.ts";

const BINARY = "/usr/sbin/nats-server";

/** A running broker. Disposing of it stops it and deletes what it kept. */
export interface TestBroker extends AsyncDisposable {
  /** Where it listens: `127.0.0.1:…`. */
  readonly address: string;
  /** Its process, while it runs. */
  readonly pid: number;
  kill(signal: Deno.Signal): void;
  /** Ends it at once; resolves when it has ended. */
  crash(): Promise<void>;
  /** Ends it at once, and deletes what it kept. */
  empty(): Promise<void>;
  /** Starts it again with what it kept; resolves once it listens. */
  restart(): Promise<void>;
}

/** How a broker is started. */
export interface BrokerOptions {
  /** More lines for its configuration. */
  readonly rules?: string;
}

/** Starts a broker on a free port; resolves once it takes connections. */
export async function startBroker(
  { rules = "" }: BrokerOptions = {},
): Promise<TestBroker> {
  const broker = await prepareBroker(freePort(), rules);
  await broker.restart();
  return broker;
}

/** A broker that does not run yet: {@linkcode TestBroker.restart} starts it. */
async function prepareBroker(port: number, rules: string): Promise<TestBroker> {
  const directory = await makeDirectory();
  const config = `${directory.path}/nats.conf`;
  await Deno.writeTextFile(
    config,
    `listen: "127.0.0.1:${port}"\n` +
      `jetstream { store_dir: "${directory.path}/js" }\n${rules}\n`,
  );
  let child: Deno.ChildProcess | null = null;

  async function crash(): Promise<void> {
    try {
      child?.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await child?.status;
  }

  return {
    address: `127.0.0.1:${port}`,
    get pid() {
      return child?.pid ?? 0;
    },
    kill: (signal) => child?.kill(signal),
    crash,
    async empty() {
      await crash();
      await Deno.remove(`${directory.path}/js`, { recursive: true });
    },
    async restart() {
      child = await launch(config, port);
    },
    async [Symbol.asyncDispose]() {
      await crash();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** Brokers that keep a queue together. */
export interface TestBrokers extends AsyncDisposable {
  /** Where they listen, with commas between. */
  readonly address: string;
  readonly all: readonly TestBroker[];
  /** Which of them leads the queue that is called `test`. */
  leader(): Promise<TestBroker>;
  /**
   * The last revision of the queue that is called `test`, as each broker has it
   * itself; null for one that does not answer.
   */
  revisions(): Promise<(number | null)[]>;
}

/** Starts three brokers; resolves once they have found each other. */
export async function startBrokers(): Promise<TestBrokers> {
  await using starting = new AsyncDisposableStack();
  const numbers = [0, 1, 2];
  const routes = numbers.map(() => `127.0.0.1:${freePort()}`);
  const monitors = numbers.map(() => freePort());
  const all: TestBroker[] = [];
  for (const n of numbers) {
    const others = routes.filter((_, other) => other !== n)
      .map((route) => `"nats://${route}"`);
    const rules = `server_name: "${n}"\nhttp: "127.0.0.1:${monitors[n]}"\n` +
      `cluster { name: "test", listen: "${routes[n]}", ` +
      `routes: [${others.join(", ")}] }`;
    all.push(starting.use(await prepareBroker(freePort(), rules)));
  }
  await Promise.all(all.map((broker) => broker.restart()));

  /** What a broker tells of itself; null if it does not answer. */
  async function lookAt(monitor: number): Promise<Monitored | null> {
    const url = `http://127.0.0.1:${monitor}/jsz?accounts=true&streams=true`;
    const response = await fetch(url).catch(() => null);
    return response && await response.json();
  }

  /** What the first broker that answers knows of all. */
  async function look(): Promise<Monitored> {
    for (const monitor of monitors) {
      const told = await lookAt(monitor);
      if (told !== null) return told;
    }
    throw new Error("No broker answers.");
  }

  let size = 0;
  while (size < all.length) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { meta_cluster: meta } = await look();
    if (meta?.leader) size = meta.cluster_size;
  }
  const made = starting.move();
  return {
    address: all.map(({ address }) => address).join(","),
    all,
    async leader() {
      for (;;) {
        const leader = streamOf(await look())?.cluster.leader;
        const found = leader && all[Number(leader)];
        if (found) return found;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async revisions() {
      const told = await Promise.all(monitors.map(lookAt));
      return told.map((one) => one && (streamOf(one)?.state.last_seq ?? null));
    },
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

/** The queue that is called `test`, as a broker has it. */
function streamOf({ account_details: accounts = [] }: Monitored) {
  return accounts.flatMap(({ stream_detail }) => stream_detail)
    .find(({ name }) => name === "KV_sluice_test");
}

/** What nats-server tells of itself at /jsz. */
interface Monitored {
  readonly meta_cluster?: {
    readonly leader?: string;
    readonly cluster_size: number;
  };
  readonly account_details?: readonly {
    readonly stream_detail: readonly {
      readonly name: string;
      readonly cluster: { readonly leader?: string };
      readonly state: { readonly last_seq: number };
    }[];
  }[];
}

async function launch(
  config: string,
  port: number,
): Promise<Deno.ChildProcess> {
  const child = new Deno.Command(BINARY, {
    args: ["-c", config],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let hasEnded = false;
  child.status.then(() => hasEnded = true);
  const deadline = performance.now() + 10_000;
  while (!await takesConnections(port)) {
    if (hasEnded) throw new Error("nats-server has ended.");
    if (performance.now() < deadline) continue;
    child.kill("SIGKILL");
    throw new Error("nats-server does not listen.");
  }
  return child;
}

async function takesConnections(port: number): Promise<boolean> {
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    // It speaks first.
    return await connection.read(new Uint8Array(16)) !== null;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return false;
  }
}

/** A way to a broker that can be cut. */
export interface Cable extends AsyncDisposable {
  readonly address: string;
  /** Nothing gets through any more, and nobody is told. */
  cut(): void;
  /** New connections get through again; the old ones are reset. */
  mend(): void;
}

/** How a way to a broker is made. */
export interface CableOptions {
  /** Is told what is said to the broker, and waited for before that gets there. */
  readonly ahead?: Waited;
  /** Is told what the broker says, and waited for before that gets here. */
  readonly back?: Waited;
}

type Waited = (text: string) => Promise<void> | void;

/** Makes a way to an address. */
export function layCable(
  to: string,
  { ahead = () => {}, back = () => {} }: CableOptions = {},
): Cable {
  const [hostname = "", port = ""] = to.split(":");
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  let isCut = false;
  const accepting = (async () => {
    for await (const near of listener) {
      open.add(near);
      if (isCut) continue;
      try {
        const far = await Deno.connect({ hostname, port: Number(port) });
        open.add(far);
        carry(near, far, ahead);
        carry(far, near, back);
      } catch {
        close(near);
      }
    }
  })();

  function close(connection: Deno.Conn): void {
    if (!open.delete(connection)) return;
    try {
      connection.close();
    } catch {
      // It is closed.
    }
  }

  async function carry(
    from: Deno.Conn,
    to: Deno.Conn,
    before: Waited,
  ): Promise<void> {
    const bytes = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const length = await from.read(bytes);
        if (length === null) break;
        await before(new TextDecoder().decode(bytes.subarray(0, length)));
        if (isCut) continue;
        for (let done = 0; done < length;) {
          done += await to.write(bytes.subarray(done, length));
        }
      }
    } catch {
      // Closed on one side, and now on the other.
    }
    close(from);
    close(to);
  }

  return {
    address: `127.0.0.1:${listener.addr.port}`,
    cut: () => isCut = true,
    mend() {
      isCut = false;
      for (const connection of [...open]) close(connection);
    },
    async [Symbol.asyncDispose]() {
      for (const connection of [...open]) close(connection);
      listener.close();
      await accepting;
    },
  };
}
