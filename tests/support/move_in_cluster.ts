/** A finished file of a cluster, moved by a server that something happens to. */

import { assert } from "@std/assert";
import { type Cluster, openCluster } from "../../lib/cluster/cluster.ts";
import { count } from "./count_calls.ts";
import { start, type Started } from "./process.ts";

/** A lease that is waited for, in milliseconds. */
const LEASE = 3_000;

/** A server of a cluster in this process, and what it logs. */
export interface Member extends Disposable {
  readonly cluster: Cluster;
  /** Resolves once it logs that of a download. */
  logged(event: string, id: string): Promise<void>;
}

/** Opens a server of a cluster, with nothing that fetches. */
export async function join(
  { broker, queue, directory, node }: {
    /** The broker's address. */
    readonly broker: string;
    /** The queue's name. */
    readonly queue: string;
    readonly directory: string;
    readonly node: string;
  },
): Promise<Member> {
  const lines: { event: string; id: unknown }[] = [];
  const more = new EventTarget();
  const cluster = await openCluster({
    queue: { servers: [broker], tls: false, user: null, name: queue },
    ...{ credentials: null, replicas: 1, node, url: null, lease: LEASE },
    ...{ contentDirectory: directory, stateDirectory: null, sync: true },
    ...{ threadsAmount: 1, caCerts: [] },
  }, (event, { id } = {}) => {
    lines.push({ event, id });
    more.dispatchEvent(new Event("more"));
  });
  return {
    cluster,
    async logged(event, id) {
      while (!lines.some((line) => line.event === event && line.id === id)) {
        await new Promise((resolve) =>
          more.addEventListener("more", resolve, { once: true })
        );
      }
    },
    [Symbol.dispose]: () => cluster[Symbol.dispose](),
  };
}

/** Moves a finished file, as a command does. */
export async function moveBy(
  { queue, peers }: Pick<Cluster, "queue" | "peers">,
  id: string,
  to: string,
): Promise<void> {
  const claim = await queue.claim(id);
  assert(claim !== null);
  try {
    await peers.relocate(id, to);
  } finally {
    claim.release();
  }
}

/**
 * Starts a server, `a`, that moves a file, and kills or stops itself just before it
 * changes the disk for the n-th time, counted from 0. It prints `now` then, and
 * `over` once the move has come to any end.
 */
export function startMove(
  n: number,
  signal: "SIGKILL" | "SIGSTOP",
  { broker, queue, directory, id, to }: {
    readonly broker: string;
    readonly queue: string;
    readonly directory: string;
    readonly id: string;
    readonly to: string;
  },
): Started {
  return start([
    ...["run", "--no-prompt", "--no-check", "--lock=tests/deno.lock"],
    ...["--allow-run", "--allow-sys", "--allow-net", "--allow-env"],
    ...[`--allow-read=.,${directory}`, `--allow-write=${directory}`],
    "tests/support/move_in_cluster.ts",
    ...[String(n), signal, broker, queue, directory, id, to],
  ]);
}

if (import.meta.main) {
  const [n, signal = "", broker = "", queue = "", directory = "", ...rest] =
    Deno.args;
  const [id = "", to = ""] = rest;
  using member = await join({ broker, queue, directory, node: "a" });
  const { cluster } = member;
  let left = Number(n);
  const onChange = () => {
    if (left-- !== 0) return;
    console.log("now");
    Deno.kill(Deno.pid, signal as Deno.Signal);
  };
  const changes = ["mkdirSync", "renameSync", "linkSync", "removeSync"];
  // Directories are opened to be forced to disk.
  for (const key of [...changes, "open"]) count(Deno, key, onChange);
  const isWrite = (_: unknown, options: unknown) =>
    Object(options).write === true;
  count(Deno, "openSync", onChange, isWrite);
  await moveBy(cluster, id, to).catch(({ message }) => console.log(message));
  left = -1;
  console.log("over");
  // It goes on as a member until it is killed.
  await new Promise(() => {});
}
