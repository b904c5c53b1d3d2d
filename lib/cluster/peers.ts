/** The other servers of a cluster, as this one's coordinator works with them. */

import type { Here, Peers } from "../coordinator.ts";
import { TAKEN } from "./claims.ts";
import { createDigests, type Question, type Told } from "./digests.ts";
import type { Answer, Broker } from "./broker.ts";
import type { Entry, Place } from "./entry.ts";
import type { ClusterQueue } from "./line.ts";
import { createLiveStatuses, type LiveStatuses } from "./live.ts";
import type { Membership } from "./membership.ts";
import { createOrders, type Order } from "./orders.ts";
import type { Replica } from "./replica.ts";
import { createShares } from "./shares.ts";
import { createWhereabouts, type Whereabouts } from "./whereabouts.ts";
import { away } from "./writes.ts";

/** How long another server has to answer, in milliseconds. */
const ANSWER_WITHIN = 2_000;

/** What peers work with. */
export interface PeersTools {
  readonly broker: Broker;
  readonly membership: Membership;
  readonly replica: Replica;
  readonly queue: ClusterQueue;
  readonly place: Place;
  /** Takes in an entry that was written here. */
  applied(id: string, entry: Entry | null, revision: number): Promise<void>;
  /** Moves the file of a finished download that is claimed here. */
  relocate(id: string, directory: string): Promise<void>;
  /** Ends all that this server has in the cluster. */
  leave(): Promise<void>;
}

/** The peers, and what is heard of them. */
export interface ClusterPeers
  extends
    Peers,
    Pick<LiveStatuses, "changed" | "hear" | "nodes">,
    Pick<Whereabouts, "urlOf"> {
  /** Carries out what another server asks for. */
  obey(order: unknown, answer: Answer): void;
  /** An entry has another place in the queue. */
  reordered(id: string): void;
}

/** Makes peers. */
export function createPeers(tools: PeersTools): ClusterPeers {
  const { broker, membership, queue } = tools;
  let here: Here | null = null;
  const whereabouts = createWhereabouts(tools);
  const shares = createShares(membership);
  const live = createLiveStatuses({ ...tools, whereabouts, shares });
  const orders = createOrders({ ...tools, whereabouts, ask });
  const digests = createDigests({
    keeperOf(id) {
      if (!broker.isConnected()) throw away();
      return whereabouts.readerOf(id);
    },
    ask: async (question) =>
      await ask(question.session, question) as Told | null,
    read: async (id, algorithm) => {
      if (here === null) throw away();
      return await here.digest(id, algorithm);
    },
  });

  /** What a server answers; null if it does not, or is not there. */
  async function ask(session: string, question: unknown): Promise<unknown> {
    const node = membership.sessions().get(session)?.lease.node;
    if (node === undefined) return null;
    return await broker.ask(`to.${node}`, question, ANSWER_WITHIN);
  }

  return {
    writeUntil: membership.writeUntil,
    begin(now) {
      here = now;
      live.begin(now);
      orders.begin(now);
      queue.begin(now.fill, now.lets);
    },
    carryOut: orders.carryOut,
    heardOf: orders.heardOf,
    refuseElsewhere(id, command) {
      if (whereabouts.isElsewhere(id, command)) throw TAKEN;
    },
    hasFile: whereabouts.hasFile,
    digest: digests.digestOf,
    relocate: tools.relocate,
    leave: tools.leave,
    tell: live.tell,
    partOf: shares.partOf,
    show: live.show,
    running: live.running,
    hear: live.hear,
    obey(asked, answer) {
      const given = asked as Order | Question;
      // What was done in a session that is over is told all the same.
      const isBegun = given.ask !== undefined && orders.isBegun(given.ask);
      if (given.session !== membership.session() && !isBegun) {
        return answer({ kind: "elsewhere" });
      }
      const answering = "algorithm" in given
        ? digests.answer(given)
        : orders.answer(given);
      answering.then(answer);
    },
    reordered: (id) => here?.tell({ kind: "reordered", id }),
    changed(id) {
      live.changed(id);
      here?.tell({ kind: "changed", id });
    },
    nodes: live.nodes,
    urlOf: whereabouts.urlOf,
  };
}
