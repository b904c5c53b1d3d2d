/** Servers of a cluster as real processes. */

import { type Sluice, startSluice } from "./sluice.ts";

/** A lease that tests wait for, in milliseconds. */
export const LEASE = 3_000;

/** How a server of a cluster is started. */
export interface NodeOptions {
  /** The broker's address. */
  readonly broker: string;
  readonly name: string;
  readonly directory: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts a server of a cluster; resolves once it listens. */
export async function startNode(
  { broker, name, directory, environment = {} }: NodeOptions,
): Promise<Sluice> {
  return await startSluice({
    directory,
    // Only this lock file names what a server without a cluster does not need.
    deno: ["--lock=tests/deno.lock"],
    environment: {
      QUEUE: `nats://${broker}/test`,
      NODE_NAME: name,
      LEASE: String(LEASE),
      BROADCAST_TIMEOUT: "100",
      ...environment,
    },
  });
}
