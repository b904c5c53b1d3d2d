/**
 * What servers of a cluster say to each other: how their transfers stand, which
 * hosts they want threads of, and what is to be done to a download.
 */

import type { LimitsSet } from "../commands/limits.ts";
import type { Here, Peers } from "../coordinator.ts";
import type { Command } from "../download/download.ts";
import {
  DownloadError,
  type ErrorRecord,
  fromRecord,
  toRecord,
  unknownId,
} from "../download/errors.ts";
import type { Common } from "../engine/common.ts";
import type { Disk, NodeStatus, Status } from "../status/schema.ts";
import { createAnswers, type Working } from "./answers.ts";
import { TAKEN } from "./claims.ts";
import { createDigests, type Question, type Told } from "./digests.ts";
import { type Answer, type Broker, CONFLICT, MOST_BYTES } from "./broker.ts";
import { type Entry, type Part, type Place, revoked } from "./entry.ts";
import type { ClusterQueue } from "./line.ts";
import type { Membership } from "./membership.ts";
import type { Replica } from "./replica.ts";
import { createShares, type Parts } from "./shares.ts";
import { away } from "./writes.ts";

/** How long another server has to carry out a command, in milliseconds. */
const ANSWER_WITHIN = 2_000;
/** How long it may say that it is about to do so, in milliseconds. */
const DONE_WITHIN = 30_000;
/** How often in turn a server that has begun a command may be silent. */
const MOST_SILENT = 3;
/** How long the copy may take to show what another server did, in milliseconds. */
const SHOWN_WITHIN = 2_000;
/** How often a command is sent on, as the download changes hands. */
const MOST_ROUNDS = 8;
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

/** A command for a download that another server works on. */
interface Order {
  /** The session that is meant. */
  readonly session: string;
  /** Tells the order from all others; servers of an older version lack it. */
  readonly ask?: string;
  readonly id: string;
  /** How often it was claimed then: an order that comes late is none any more. */
  readonly epoch: number;
  readonly command: Command;
}

/** What has come of an order: the entry's revision then, or what went wrong. */
type Report =
  | { readonly kind: "done"; readonly revision: number }
  | { readonly kind: "failed"; readonly error: ErrorRecord }
  /** It is not that session's any more. */
  | { readonly kind: "elsewhere" };

/** A status, and the session that told it. */
interface Shown extends Status {
  readonly from: string;
}

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
export interface ClusterPeers extends Peers {
  /** Takes in what another server tells. */
  hear(live: Live): void;
  /** Carries out what another server asks for. */
  obey(order: unknown, answer: Answer): void;
  /** An entry stands otherwise: what was told of it may not hold any more. */
  changed(id: string): void;
  /** An entry has another place in the queue. */
  reordered(id: string): void;
  nodes(): NodeStatus[];
  /** Where the server with a file, or its part, is reached; null if nowhere. */
  urlOf(id: string): string | null;
}

/** Makes peers. */
export function createPeers(tools: PeersTools): ClusterPeers {
  const { broker, membership, replica, queue, place } = tools;
  const told = new Map<string, Live & { readonly at: number }>();
  const statuses = new Map<string, Shown>();
  const shares = createShares(membership);
  const orders = createAnswers<Report>();
  let here: Here | null = null;
  let toldAt = -Infinity;

  function ownerOf(id: string): string | null {
    const owner = replica.known(id)?.owner ?? null;
    return owner !== null && owner !== membership.session() &&
        membership.sessions().has(owner)
      ? owner
      : null;
  }

  /** How a download stands at the server that has it; undefined if not told. */
  function statusAt(id: string): Shown | undefined {
    const status = statuses.get(id);
    if (status === undefined || status.from !== ownerOf(id)) return undefined;
    const at = told.get(status.from)?.at ?? -Infinity;
    return performance.now() - at < FRESH ? status : undefined;
  }

  /** A session that is alive and has a storage; the named server's if possible. */
  function keeperOf({ storage, node }: Place): string | null {
    const keepers = [...membership.sessions()]
      .filter(([, { lease }]) => lease.storage === storage);
    const [best] = keepers.toSorted(([, a], [, b]) =>
      Number(b.lease.node === node) - Number(a.lease.node === node)
    );
    return best?.[0] ?? null;
  }

  /** What another storage has of a finished file that a command changes, if any. */
  function partElsewhere(id: string, command: Command): Part | null {
    const known = replica.known(id);
    if (!needsFile(command) || known?.state !== "Downloaded") return null;
    return known.part?.storage === place.storage ? null : known.part;
  }

  /**
   * The session that is to carry out a command; null for this server. A finished
   * file is moved and deleted by a server that has the file, even while another
   * server has claimed the download.
   */
  function placeOf(id: string, command: Command): string | null {
    const isForFile = needsFile(command) &&
      replica.known(id)?.state === "Downloaded";
    if (!isForFile) return ownerOf(id);
    const part = partElsewhere(id, command);
    if (part === null) return null;
    return keeperOf(part) ?? refuseFileOf(
      part,
      command.kind === "remove"
        ? "remove the download without its file, or once that server is back."
        : "move it once that server is back.",
    );
  }

  const digests = createDigests({
    keeperOf(id) {
      if (!broker.isConnected()) throw away();
      const part = replica.known(id)?.part;
      if (!part) throw unknownId();
      return keeperOf(part) ??
        refuseFileOf(part, "verify it once that server is back.");
    },
    ask: async (question) =>
      await askOf(question.session, question) as Told | null,
    read: async (id, algorithm) => {
      if (here === null) throw away();
      return await here.digest(id, algorithm);
    },
  });

  /** What has come of an order; null if its session does not say so in time. */
  async function ask(session: string, order: Order): Promise<Report | null> {
    const until = performance.now() + DONE_WITHIN;
    let isBegun = false;
    for (let silent = 0; silent < (isBegun ? MOST_SILENT : 1);) {
      if (!membership.sessions().has(session)) {
        return isBegun ? null : { kind: "elsewhere" };
      }
      const report = await askOf(session, order) as Report | Working | null;
      if (report?.kind === "working") isBegun = true;
      else if (report !== null) return report;
      silent = report === null ? silent + 1 : 0;
      if (performance.now() > until) break;
    }
    return null;
  }

  /** What a server answers; null if it does not, or is not there. */
  async function askOf(session: string, question: unknown): Promise<unknown> {
    const node = membership.sessions().get(session)?.lease.node;
    if (node === undefined) return null;
    return await broker.ask(`to.${node}`, question, ANSWER_WITHIN);
  }

  /** Takes a download from an owner that does not answer, if it is there still. */
  async function revoke(
    id: string,
    session: string,
  ): Promise<"gone" | "there"> {
    for (;;) {
      const found = await broker.read(`d.${id}`);
      if (found === null) return "gone";
      const entry = found.value as Entry;
      if (entry.owner !== session) return "there";
      const next = revoked(entry);
      try {
        const written = await broker.write(`d.${id}`, next, found.revision);
        await tools.applied(id, next, written);
        return "there";
      } catch (error) {
        if (error !== CONFLICT) throw error;
      }
    }
  }

  /** Waits until the copy shows something, or for as long as that may take. */
  async function shown(isShown: () => boolean): Promise<void> {
    const until = performance.now() + SHOWN_WITHIN;
    while (!isShown() && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async function heardOf(id: string): Promise<void> {
    const isShown = () => replica.store.get(id) !== null;
    if (isShown() || !broker.isConnected()) return;
    const isKnown = replica.known(id) !== undefined ||
      await broker.read(`d.${id}`) !== null;
    if (isKnown) await shown(isShown);
  }

  async function carryOut(
    id: string,
    command: Command,
    obeyHere: () => Promise<void>,
  ): Promise<void> {
    if (!broker.isConnected() || membership.session() === "") throw away();
    await heardOf(id);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const session = placeOf(id, command);
      const { epoch = 0, revision: known = 0 } = replica.known(id) ?? {};
      const revisionNow = () => replica.known(id)?.revision ?? 0;
      const isElsewhere = () => revisionNow() !== known;
      if (session === null) {
        try {
          return await obeyHere();
        } catch (error) {
          if (error !== TAKEN) throw error;
          await shown(isElsewhere);
          continue;
        }
      }
      const number = crypto.randomUUID();
      const order = { session, ask: number, id, epoch, command };
      const report = await ask(session, order);
      if (report === null) {
        const isGone = await revoke(id, session) === "gone";
        // Its owner has removed it, and did not say so in time.
        if (isGone && command.kind === "remove") {
          return await shown(() => replica.known(id) === undefined);
        }
      } else if (report.kind === "elsewhere") await shown(isElsewhere);
      else if (report.kind === "failed") throw fromRecord(report.error);
      else {
        const { revision } = report;
        return await shown(() =>
          replica.position() >= revision || revisionNow() >= revision
        );
      }
    }
    throw new DownloadError(
      "STATE",
      "The download changes hands just now: try again.",
    );
  }

  async function report(given: Order): Promise<Report> {
    const { id, epoch, command } = given;
    if (here === null) return { kind: "elsewhere" };
    using order = queue.during(id, epoch);
    if (order === null) return { kind: "elsewhere" };
    try {
      await here.command(id, command);
      const revision = replica.known(id)?.revision ?? replica.position();
      return { kind: "done", revision };
    } catch (error) {
      return error === TAKEN
        ? { kind: "elsewhere" }
        : { kind: "failed", error: toRecord(error) };
    }
  }

  function nodeOf(id: string): string | null {
    const known = replica.known(id);
    const owner = known?.owner ?? null;
    const lease = owner === null
      ? undefined
      : membership.sessions().get(owner)?.lease;
    return lease?.node ?? known?.part?.node ?? null;
  }

  function hasFile(id: string): boolean {
    return replica.known(id)?.part?.storage === place.storage;
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
    writeUntil: membership.writeUntil,
    begin(now) {
      here = now;
      queue.begin(now.fill, now.lets);
    },
    carryOut,
    heardOf,
    refuseElsewhere(id, command) {
      if (partElsewhere(id, command) !== null) throw TAKEN;
    },
    hasFile,
    digest: digests.digestOf,
    relocate: tools.relocate,
    leave: tools.leave,
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
    partOf: shares.partOf,
    show(status) {
      const { id } = status;
      const there = statusAt(id);
      const node = nodeOf(id);
      if (there !== undefined) {
        const { from: _, ...rest } = there;
        return { ...rest, node };
      }
      return hasFile(id)
        ? { ...status, node }
        : { ...status, node, path_to_file: null };
    },
    running: () =>
      [...statuses.keys()].filter((id) =>
        statusAt(id)?.process_status === "Downloading"
      ),
    hear(live) {
      if (live.session === membership.session()) return;
      told.set(live.session, { ...live, at: performance.now() });
      shares.hear(live.session, live.parts);
      if (live.limits !== null) here?.setLimits(live.limits);
      for (const status of live.statuses) {
        statuses.set(status.id, { ...status, from: live.session });
        here?.tell({ kind: "changed", id: status.id });
      }
      for (const session of told.keys()) {
        if (!membership.sessions().has(session)) told.delete(session);
      }
    },
    obey(asked, answer) {
      const given = asked as Order | Question;
      // What was done in a session that is over is told all the same.
      const isBegun = given.ask !== undefined && orders.has(given.ask);
      if (given.session !== membership.session() && !isBegun) {
        return answer({ kind: "elsewhere" });
      }
      const answering = "algorithm" in given
        ? digests.answer(given)
        : given.ask === undefined
        ? report(given)
        : orders.answer(given.ask, () => report(given));
      answering.then(answer);
    },
    reordered: (id) => here?.tell({ kind: "reordered", id }),
    changed(id) {
      if (statuses.has(id) && ownerOf(id) !== statuses.get(id)?.from) {
        statuses.delete(id);
      }
      here?.tell({ kind: "changed", id });
    },
    nodes() {
      const now = performance.now();
      return [...membership.sessions()].map(([session, { lease }]) => {
        const isHere = session === membership.session();
        const live = isHere && here !== null
          ? figuresOf(here)
          : told.get(session);
        const isFresh = isHere ||
          now - (told.get(session)?.at ?? -Infinity) < FRESH;
        const state = lease.draining
          ? "draining" as const
          : isHere
          ? "here" as const
          : isFresh
          ? "there" as const
          : "away" as const;
        const { threads = 0, speed = 0, disk = null } = live ?? {};
        const { node, url } = lease;
        return { node, url, state, threads, speed, room: disk?.room ?? null };
      }).sort((a, b) => a.node < b.node ? -1 : 1);
    },
    urlOf(id) {
      const known = replica.known(id);
      // One that comes in order can be read where it is fetched.
      const session = known?.state !== "Downloaded"
        ? ownerOf(id)
        : known.part && keeperOf(known.part);
      return session === null
        ? null
        : membership.sessions().get(session)?.lease.url ?? null;
    },
  };
}

/** @throws {DownloadError} FILE_GONE: the server is away that has a file. */
function refuseFileOf({ node }: Place, advice: string): never {
  throw new DownloadError(
    "FILE_GONE",
    `The file is at ${node}, which is away: ${advice}`,
  );
}

/** Whether a command changes a finished file. */
function needsFile(command: Command): boolean {
  return command.kind === "relocate" ||
    command.kind === "remove" && command.deleteFile;
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
