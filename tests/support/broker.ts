/** NATS's server, and what can happen to it and to the way there. */

import { makeDirectory } from "./directory.ts";

const BINARY = "/usr/sbin/nats-server";

/** A running broker. Disposing of it stops it and deletes what it kept. */
export interface TestBroker extends AsyncDisposable {
  /** Where it listens: `127.0.0.1:…`. */
  readonly address: string;
  kill(signal: Deno.Signal): void;
  /** Ends it at once; resolves when it has ended. */
  crash(): Promise<void>;
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
  const directory = await makeDirectory();
  const port = freePort();
  const config = `${directory.path}/nats.conf`;
  await Deno.writeTextFile(
    config,
    `listen: "127.0.0.1:${port}"\n` +
      `jetstream { store_dir: "${directory.path}/js" }\n${rules}\n`,
  );
  let child = await launch(config, port);

  async function crash(): Promise<void> {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await child.status;
  }

  return {
    address: `127.0.0.1:${port}`,
    kill: (signal) => child.kill(signal),
    crash,
    async restart() {
      child = await launch(config, port);
    },
    async [Symbol.asyncDispose]() {
      await crash();
      await directory[Symbol.asyncDispose]();
    },
  };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
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
  const deadline = performance.now() + 10_000;
  while (!await takesConnections(port)) {
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

/** Makes a way to an address. */
export function layCable(to: string): Cable {
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
        carry(near, far);
        carry(far, near);
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

  async function carry(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const bytes = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const length = await from.read(bytes);
        if (length === null) break;
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
