/** Servers of a cluster as real processes. */

import { assert, assertEquals } from "@std/assert";
import { file, forever, type Origin } from "./origin.ts";
import {
  projectPath,
  run,
  type Sluice,
  startSluice,
  taskArguments,
} from "./sluice.ts";

/** A lease that tests wait for, in milliseconds. */
export const LEASE = 3_000;

/**
 * A lease that no busy machine lets lapse: what is fetched again then, or refused
 * without a lease, is no fault of what such a test is about.
 */
export const LONG_LEASE = { LEASE: "30000" };

/** How a server of a cluster is started. */
export interface NodeOptions {
  /** The broker's address. */
  readonly broker: string;
  readonly name: string;
  readonly directory: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What it is run with besides, such as leave to read a file of settings. */
  readonly deno?: readonly string[];
}

/**
 * Starts servers of one queue and one content directory, each by its name, with
 * {@linkcode LONG_LEASE} if not told otherwise.
 */
export function nodesOn(
  broker: { readonly address: string },
  directory: { readonly path: string },
  environment: Readonly<Record<string, string>> = {},
): (name: string) => Promise<Sluice> {
  return (name) =>
    startNode({
      broker: broker.address,
      name,
      directory: directory.path,
      environment: { ...LONG_LEASE, ...environment },
    });
}

/** Like {@linkcode nodesOn}, with a content directory for each below the given one. */
export function nodesApart(
  broker: { readonly address: string },
  directory: { readonly path: string },
  environment: Readonly<Record<string, string>> = {},
): (name: string) => Promise<Sluice> {
  return (name) =>
    nodesOn(broker, { path: `${directory.path}/${name}` }, environment)(name);
}

/** Starts a server of a cluster; resolves once it listens. */
export async function startNode(
  { broker, name, directory, environment = {}, deno = [] }: NodeOptions,
): Promise<Sluice> {
  return await startSluice({
    directory,
    // Only this lock file names what a server without a cluster does not need.
    deno: ["--lock=tests/deno.lock", ...deno],
    environment: {
      QUEUE: `nats://${broker}/test`,
      NODE_NAME: name,
      LEASE: String(LEASE),
      BROADCAST_TIMEOUT: "100",
      ...environment,
    },
  });
}

/**
 * Starts a server, and kills it as half of a file has come, whose part it leaves.
 *
 * @returns The download's id.
 */
export async function leavePart(
  start: (name: string) => Promise<Sluice>,
  origin: Origin,
): Promise<string> {
  await using server = await start("one");
  await using client = await server.connect();
  const id = await client.add({
    url: origin.serve("/a", file(1000), {
      ranges: "ignore",
      gates: { 500: forever },
    }),
  });
  await client.until(id, ({ downloaded }) => downloaded === 500);
  server.kill("SIGKILL");
  await server.ended;
  return id;
}

/** Starts a server of a cluster, and waits for nothing. */
export function launchNode(
  { broker, name, directory }: NodeOptions,
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--lock=tests/deno.lock",
      ...taskArguments("start", directory).slice(1),
    ],
    cwd: projectPath("."),
    env: {
      CONTENT_DIRECTORY: directory,
      PORT: "0",
      QUEUE: `nats://${broker}/test`,
      NODE_NAME: name,
      LEASE: String(LEASE),
    },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** How a server with such settings ends that cannot be started: its one line. */
export async function refusal(
  directory: string,
  environment: Record<string, string>,
): Promise<string> {
  const { code, stderr } = await run([
    "run",
    "--lock=tests/deno.lock",
    ...taskArguments("start", directory).slice(1),
  ], { CONTENT_DIRECTORY: directory, PORT: "0", ...environment });
  assert(code > 0, stderr);
  const lines = stderr.trim().split("\n")
    .filter((line) => line.startsWith("sluice: "));
  assertEquals(lines.length, 1, stderr);
  return lines[0] ?? "";
}
