/** What a server holds, as its system counts it. */

import { printed } from "./health.ts";
import type { Sluice } from "./sluice.ts";

/** Memory and handles of a process. */
export interface Held {
  /** Resident memory, in MiB. */
  readonly rss: number;
  /** Open file descriptors: connections, and all others. */
  readonly sockets: number;
  readonly others: number;
  /** Files of the content directory among them. */
  readonly files: readonly string[];
}

/** Looks at a server from outside: Deno reads `/proc` only with all permissions. */
export async function heldBy(
  { pid, directory }: Pick<Sluice, "pid" | "directory">,
): Promise<Held> {
  const rss = await printed("ps", "-o", "rss=", "-p", String(pid));
  const fds = await printed("find", `/proc/${pid}/fd`, "-printf", "%l\\n");
  const targets = fds.split("\n").filter((target) => target !== "");
  const isSocket = (target: string) => target.startsWith("socket:");
  return {
    rss: Math.round(Number(rss) / 1024),
    sockets: targets.filter(isSocket).length,
    others: targets.filter((target) => !isSocket(target)).length,
    files: targets.filter((target) => target.startsWith(directory))
      .map((target) => target.slice(directory.length + 1)).sort(),
  };
}
