/** What servers of a cluster tell each other of themselves, again and again. */

import type { LimitsSet } from "../commands/limits.ts";
import type { Here } from "../coordinator.ts";
import type { Common } from "../engine/common.ts";
import type { Disk, NodeStatus, Status } from "../status/schema.ts";
import { type Broker, MOST_BYTES } from "./broker.ts";
import type { Membership } from "./membership.ts";
import type { Replica } from "./replica.ts";
import type { Parts, Shares } from "./shares.ts";
import type { Whereabouts } from "./whereabouts.ts";

/** How long what another server told counts, in milliseconds. */
const FRESH = 5_000;
/** How often a server tells of itself when nothing changes, in milliseconds. */
const TELL_EVERY = 1_000;

/** What a server tells the others of itself. */
export interface Live {
  readonly session: string;
  readonly statuses: readonly Status[];
  /** What it takes of what all servers have together. */
  readonly parts: Parts;
  /** Limits that a client has set, here or elsewhere; null for none. */
  readonly limits: LimitsSet | null;
  readonly threads: number;
  /** Bytes per second. */
  readonly speed: number;
  readonly disk: Disk | null;
}

/** A status, and the session that told it. */
interface Shown extends Status {
  readonly from: string;
}

/** What live statuses are told with. */
export interface LiveStatusesTools {
  readonly broker: Pick<Broker, "isConnected" | "tell">;
  readonly membership: Pick<Membership, "session" | "sessions">;
  readonly replica: Pick<Replica, "owned"> & {
    readonly store: Pick<Replica["store"], "totals">;
  };
  readonly whereabouts: Pick<Whereabouts, "hasFile" | "nodeOf" | "ownerOf">;
  readonly shares: Pick<Shares, "divide" | "hear">;
}

/** How servers and their transfers stand, as they told last. */
export interface LiveStatuses {
  /** From now on, this server can tell of itself. */
  begin(here: Here): void;
  /** Tells the others how this server stands. */
  tell(): void;
  /** Takes in what another server tells. */
  hear(live: Live): void;
  /** How a download stands, given how it stands in the copy. */
  show(status: Status): Status;
  /** The ids of downloads that other servers fetch just now. */
  running(): string[];
  /** An entry stands otherwise: what was told of it may not hold any more. */
  changed(id: string): void;
  /** All servers that are alive, by name. */
  nodes(): NodeStatus[];
}

/** Makes live statuses: nothing was told yet. */
export function createLiveStatuses(tools: LiveStatusesTools): LiveStatuses {
  const { broker, membership, replica, whereabouts, shares } = tools;
  const told = new Map<string, Live & { readonly at: number }>();
  const statuses = new Map<string, Shown>();
  let here: Here | null = null;
  let toldAt = -Infinity;

  function isFresh(session: string): boolean {
    return performance.now() - (told.get(session)?.at ?? -Infinity) < FRESH;
  }

  /** How a download stands at the server that has it; undefined if not told. */
  function statusAt(id: string): Shown | undefined {
    const status = statuses.get(id);
    const isOwners = status?.from === whereabouts.ownerOf(id);
    return status && isOwners && isFresh(status.from) ? status : undefined;
  }

  function changed(id: string): void {
    const status = statuses.get(id);
    if (status !== undefined && status.from !== whereabouts.ownerOf(id)) {
      statuses.delete(id);
    }
  }

  /** Keeps what a session tells of a download, if it has the download now. */
  function take(status: Status, from: string): void {
    const { id } = status;
    // It was sent before the download came to rest, or before it is heard that it
    // was claimed: nothing would remove the one, and the other is told again.
    if (whereabouts.ownerOf(id) !== from) return changed(id);
    statuses.set(id, { ...status, from });
    here?.tell({ kind: "changed", id });
  }

  /** What this server wants: what waits in the queue, it would run, too. */
  function wanted({ wants, lets }: Here): ReadonlyMap<Common, number> {
    const wanted = wants();
    const { Queued } = replica.store.totals();
    const others = Iterator.from(replica.owned())
      .filter(([, { owner }]) => owner !== membership.session())
      .reduce((count) => count + 1, 0);
    const waits = Queued > others && lets(0);
    return waits && !wanted.has("downloads")
      ? new Map([...wanted, ["downloads", 0]])
      : wanted;
  }

  function figuresOf({ running, threads, disk }: Here) {
    const statuses = running();
    return {
      session: membership.session(),
      statuses,
      threads: threads(),
      speed: statuses.reduce((sum, { speed }) => sum + speed, 0),
      disk: disk() ?? null,
    };
  }

  return {
    begin: (now) => void (here = now),
    tell() {
      if (here === null || membership.session() === "") return;
      // What is not told is not taken.
      if (!broker.isConnected()) return;
      const parts = shares.divide(wanted(here));
      const limits = here.limitsSet();
      const live = { ...figuresOf(here), parts, limits };
      const now = performance.now();
      const isNothing = live.statuses.length === 0 &&
        Object.keys(parts).length === 0;
      if (isNothing && now - toldAt < TELL_EVERY) return;
      toldAt = now;
      for (const part of inMessages(live)) broker.tell("live", part);
    },
    hear(live) {
      if (live.session === membership.session()) return;
      told.set(live.session, { ...live, at: performance.now() });
      shares.hear(live.session, live.parts);
      if (live.limits !== null) here?.setLimits(live.limits);
      for (const status of live.statuses) take(status, live.session);
      for (const session of told.keys()) {
        if (!membership.sessions().has(session)) told.delete(session);
      }
    },
    show(status) {
      const { id } = status;
      const there = statusAt(id);
      const node = whereabouts.nodeOf(id);
      if (there !== undefined) {
        const { from: _, ...rest } = there;
        return { ...rest, node };
      }
      return whereabouts.hasFile(id)
        ? { ...status, node }
        : { ...status, node, path_to_file: null };
    },
    running: () =>
      [...statuses.keys()].filter((id) =>
        statusAt(id)?.process_status === "Downloading"
      ),
    changed,
    nodes: () =>
      [...membership.sessions()].map(([session, { lease }]) => {
        const isHere = session === membership.session();
        const live = isHere && here !== null
          ? figuresOf(here)
          : told.get(session);
        const state = lease.draining
          ? "draining" as const
          : isHere
          ? "here" as const
          : isFresh(session)
          ? "there" as const
          : "away" as const;
        const { threads = 0, speed = 0, disk = null } = live ?? {};
        const { node, url } = lease;
        return { node, url, state, threads, speed, room: disk?.room ?? null };
      }).sort((a, b) => a.node < b.node ? -1 : 1),
  };
}

/** What is told, in messages that brokers take. */
function inMessages(live: Live): Live[] {
  const parts: Status[][] = [[]];
  let bytes = 0;
  for (const status of live.statuses) {
    const length = JSON.stringify(status).length * 3;
    if (bytes + length > MOST_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    bytes += length;
    parts.at(-1)?.push(status);
  }
  return parts.map((statuses) => ({ ...live, statuses }));
}
