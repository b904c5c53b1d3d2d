/** The servers that share a queue, as clients see them. */

import type { Cluster } from "../cluster/cluster.ts";

/**
 * All of them, with a sentence that says how many.
 *
 * @param cluster Null where the server shares its queue with no other.
 */
export function nodesOf(cluster: Pick<Cluster, "nodes"> | null) {
  const nodes = cluster?.nodes() ?? [];
  const message = cluster === null
    ? "The server has its queue for itself."
    : `Servers that share the queue: ${nodes.length}.`;
  return { message, nodes };
}
