/** One server of a cluster: what its coordinator works with. */

import { errorMessage } from "../base/error_message.ts";
import type { Log } from "../base/log.ts";
import { every, within } from "../base/timers.ts";
import { timeToWrite } from "../base/write_until.ts";
import type { Peers } from "../coordinator.ts";
import type { Download } from "../download/download.ts";
import { DownloadError, toRecord } from "../download/errors.ts";
import { findDirectory } from "../files/directories.ts";
import { createParts, type DownloadParts } from "../files/parts.ts";
import type { Catalogue, Deferred, Excerpt } from "../store/catalogue.ts";
import type { Changeable } from "../store/order.ts";
import type { PartRecords } from "../store/part_records.ts";
import { rankOfAdded } from "../store/places.ts";
import type { Queue } from "../store/queue.ts";
import { type Change, CONFLICT, createBroker, type Value } from "./broker.ts";
import { createClaims } from "./claims.ts";
import { type Entry, type Lease, newEntry, type Part } from "./entry.ts";
import { createClusterQueue } from "./line.ts";
import { createMembership } from "./membership.ts";
import { hasOwnQueue, migrateOwnQueue, settleOwnQueue } from "./migration.ts";
import type { NodeStatus } from "../status/schema.ts";
import { createPeers, type Live } from "./peers.ts";
import { openReplica, type Stored } from "./replica.ts";
import type { QueueAddress } from "./settings.ts";
import { openNodeStorage } from "./storage.ts";
import { removeLeftovers, removeLeftoversOf } from "./leftovers.ts";
import { away } from "./writes.ts";

/** How often parts are removed that were still written to, in milliseconds. */
const LEFT_EVERY = 2_000;
/** How long an added download may take to be seen in the copy, in milliseconds. */
const SEEN_WITHIN = 2_000;
/** Adds that are on their way to the broker at a time. */
const ADDING = 256;
/** Entries that are kept in memory as the broker has them. */
const RECENT = 4_096;
/** How long a close waits for claims to be given up, in milliseconds. */
const LEAVE_WITHIN = 1_000;
/** How long a start waits to have caught up before it serves, in milliseconds. */
const READY_WITHIN = 30_000;

/** Settings of a server of a cluster. */
export interface ClusterOptions {
  readonly queue: QueueAddress;
  /** The content of a .creds or nkey seed file; null for none. */
  readonly credentials: string | null;
  /** How many brokers keep the queue. */
  readonly replicas: number;
  /** This server's name. */
  readonly node: string;
  /** Where the others reach it, `/` at its end; null for localhost and the port. */
  readonly url: string | null;
  /** How long a lease holds, in milliseconds. */
  readonly lease: number;
  readonly contentDirectory: string;
  readonly stateDirectory: string | null;
  readonly sync: boolean;
  readonly threadsAmount: number;
  /** Authorities in PEM. */
  readonly caCerts: readonly string[];
}

/** A server of a cluster. */
export interface Cluster extends Disposable {
  readonly queue: Queue;
  readonly catalogue: Catalogue & Deferred;
  readonly excerpt: Excerpt;
  readonly records: PartRecords;
  readonly order: Changeable;
  readonly parts: DownloadParts;
  readonly peers: Peers;
  /** The copy's path: it can be read beside this process. */
  readonly statePath: string;
  readonly isPrivate: boolean;
  /** Whether all of the copy was checked as it was opened. */
  readonly isChecked: boolean;
  /** Writes to the copy, and changes nothing. */
  touch(): Promise<void>;
  /** It listens by now: the others are told so. */
  listens(port: number): void;
  nodes(): NodeStatus[];
  /** Where the server that has a finished file is reached; null if nowhere. */
  urlOf(id: string): string | null;
  measures(): {
    readonly nodes: number;
    readonly lease: number;
    readonly conflicts: number;
    readonly connected: boolean;
  };
}

/**
 * Opens a server of a cluster. Where no broker can be reached, it has what its
 * copy says, and goes on by itself once one is there.
 *
 * @throws {DownloadError} DISK or STATE if the settings or the disk are of no use.
 */
export async function openCluster(
  options: ClusterOptions,
  log: Log,
): Promise<Cluster> {
  using opened = new DisposableStack();
  const migrates = hasOwnQueue(options.contentDirectory);
  if (migrates) await settleOwnQueue(options.contentDirectory, options);
  const storage = opened.use(
    await openNodeStorage({ ...options, queue: options.queue.name }),
  );
  const { contentDirectory: directory, node } = options;
  const place = { storage: storage.id, node };
  const replica = opened.use(openReplica(storage.replicaPath, directory));
  const recent = new Map<string, Stored>();
  const caughtUp = Promise.withResolvers<void>();
  // It may be that nobody waits for it any more.
  caughtUp.promise.catch(({ message }) => log("not joined", { message }));
  /** Downloads whose parts here may be of no use any more. */
  const leaving = new Set<string>();
  /** What is on its way to the copy, by the downloads' ids. */
  const showing = new Map<string, Promise<void>>();
  /** Those that wait for a revision to be known. */
  const waiting = new Map<string, () => void>();
  let isReady = false;
  let draining = false;
  let url = options.url ?? "";
  let startedAt = performance.now();

  function remember(id: string, stored: Stored | null): void {
    recent.delete(id);
    if (stored === null) return;
    recent.set(id, stored);
    const [oldest] = recent.keys();
    if (recent.size > RECENT && oldest !== undefined) recent.delete(oldest);
  }

  /** Takes in how an entry stands; resolves once the copy shows it. */
  function applied(
    id: string,
    entry: Entry | null,
    revision: number,
  ): Promise<void> {
    const before = replica.known(id);
    const written = replica.apply(id, entry, revision);
    if (written === null) return showing.get(id) ?? Promise.resolve();
    remember(id, entry && { entry, revision });
    const isMoved = before !== undefined && entry !== null &&
      replica.known(id)?.place !== before.place;
    if (isMoved) queue.reorder();
    claims.hear(id, entry);
    if (isReady) news(id, entry);
    if (isLeft(before?.part ?? null, entry)) leaving.add(id);
    if (entry === null) leaveNothing();
    const shown = written.then(() => {
      waiting.get(id)?.();
      if (isReady) peers.changed(id);
      if (isReady && isMoved) peers.reordered(id);
    }, (error) => log("copy lags", { message: error.message }))
      .finally(() => showing.get(id) === shown && showing.delete(id));
    showing.set(id, shown);
    return shown;
  }

  function news(id: string, entry: Entry | null): void {
    peers.changed(id);
    if (entry?.owner === null && entry.download.state.kind === "Queued") {
      queue.refill();
    }
  }

  /** Whether nobody goes on from the part that this server has written. */
  function isLeft(part: Part | null, entry: Entry | null): boolean {
    if (part?.node !== node || part.storage !== place.storage) return false;
    return entry === null ||
      entry.part !== null && entry.part.storage !== place.storage;
  }

  /** Removes such parts once this server does not work on them any more. */
  function leaveNothing(): void {
    const ids = new Set([...leaving].filter((id) => !claims.isBusy(id)));
    if (ids.size === 0) return;
    try {
      removeLeftoversOf(ids, storage.parts, place.storage, replica.known);
      for (const id of ids) leaving.delete(id);
    } catch (error) {
      log("leftovers", { message: errorMessage(error) });
    }
  }

  function onChange({ key, value, revision }: Change): void {
    if (key.startsWith("n.")) {
      membership.hear({ key, value, revision }, value as Lease | null);
    } else if (key.startsWith("d.")) {
      applied(key.slice(2), value as Entry | null, revision);
    }
    replica.reach(revision);
  }

  async function onBucket(bucket: string, last: number): Promise<number> {
    startedAt = performance.now();
    if (replica.bucket() !== bucket || replica.position() > last) {
      recent.clear();
      await replica.reset(bucket);
    }
    return replica.position() + 1;
  }

  async function onCaughtUp(): Promise<void> {
    const ms = Math.round(performance.now() - startedAt);
    log("caught up", { entries: replica.count(), ms });
    try {
      // Of sessions that began before what was heard just now, too.
      for (const change of await broker.list("n")) {
        membership.hear(change, change.value as Lease | null);
      }
      await endFormerSessions();
    } catch (error) {
      if (isReady) return;
      // A copy without its server would serve a name that another has.
      return void caughtUp.reject(error);
    }
    await membership.join();
    if (isReady) return queue.refill();
    await migrate();
    isReady = true;
    caughtUp.resolve();
    queue.refill();
    await removeLeftovers(
      storage.parts,
      storage.id,
      async (id) => (await broker.read(`d.${id}`))?.value as Entry ?? null,
      { named: watchNamed, moved: claims.moveWasLeft },
    ).catch(({ message }) => log("leftovers", { message }));
  }

  function watchNamed({ download }: Entry, part: string): void {
    const place = findDirectory(directory, download.request.directory);
    if (place === null || !storage.naming.isNamed(part)) return;
    const named = storage.naming.find(place, [part]).get(part);
    if (named === undefined) return;
    const { path, identity } = named;
    claims.named(download.id, { kind: "Downloaded", path, identity });
  }

  async function migrate(): Promise<void> {
    if (!migrates) return;
    try {
      await migrateOwnQueue({
        ...{ broker, replica, place, parts: storage.parts, log },
        ...{ contentDirectory: directory, sync: options.sync },
      });
    } catch (error) {
      log("not migrated", { message: toRecord(error).message });
    }
  }

  /**
   * This process has the lock of its name at its storage: what else is alive of
   * both is what it was before. The same name at another storage is another's.
   */
  async function endFormerSessions(): Promise<void> {
    for (const [session, { lease, revision }] of membership.sessions()) {
      if (session === membership.session() || lease.node !== node) continue;
      if (lease.storage !== place.storage) {
        await refuseIfAlive(session);
        continue;
      }
      await broker.write(`n.${session}`, null, revision, SEEN_WITHIN)
        .then((written) =>
          membership.hear({
            key: `n.${session}`,
            value: null,
            revision: written,
          }, null)
        ).catch(() => {});
    }
  }

  /** @throws {DownloadError} STATE if a session of this name renews its lease. */
  async function refuseIfAlive(session: string): Promise<void> {
    const before = membership.sessions().get(session)?.revision;
    const until = performance.now() + options.lease;
    while (performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const now = membership.sessions().get(session)?.revision;
      if (now === undefined) return;
      if (now === before) continue;
      throw new DownloadError(
        "STATE",
        `Another server of the cluster is ${node} already: give this one ` +
          "another NODE_NAME.",
      );
    }
  }

  const broker = await createBroker(options, log);
  const membership = createMembership(options.lease, {
    broker,
    log,
    lease: () => ({ ...place, url, draining }),
    onLost: () => claims.loseAll(),
    onChange: () => isReady && queue.refill(),
  });
  /** A renewal that was acknowledged, and is to be heard by the next look. */
  let due = 0;
  opened.use(every(options.lease, () => {
    if (due > replica.position() && broker.isConnected()) {
      log("queue unheard", { revision: due });
      broker.reconnect();
    }
    due = membership.revision();
  }));
  opened.use(every(LEFT_EVERY, leaveNothing));
  const files = createParts(
    {
      directory,
      path: (id) => claims.partOf(id),
      naming: () => storage.naming,
    },
    options,
  );
  const claims = createClaims({
    broker,
    membership,
    replica,
    place,
    directory,
    parts: storage.parts,
    naming: storage.naming,
    sync: options.sync,
    files,
    log,
    applied,
    recent: (id) => recent.get(id) ?? null,
  });
  const queue = opened.use(createClusterQueue({
    claims,
    replica,
    membership,
    place,
    log,
    isConnected: broker.isConnected,
    threadsAmount: options.threadsAmount,
  }));

  async function leave(): Promise<void> {
    draining = true;
    await within(
      LEAVE_WITHIN,
      (async () => {
        await queue.stop();
        await Promise.all(
          [...claims.all()].map(({ id }) => claims.settledDown(id)),
        );
        await membership.leave();
      })(),
    );
    await within(LEAVE_WITHIN, broker.close());
  }

  const peers = createPeers({
    broker,
    membership,
    replica,
    queue,
    place,
    applied,
    relocate: claims.relocate,
    leave,
  });

  await broker.start({
    onBucket,
    onChange,
    onCaughtUp: () => void onCaughtUp(),
    onMessage(subject, data, answer) {
      if (subject.endsWith(".live")) peers.hear(data as Live);
      else peers.obey(data, answer);
    },
  });
  if (broker.isConnected()) {
    await within(READY_WITHIN, caughtUp.promise);
  }
  const held = opened.move();

  async function add(downloads: readonly Download[]): Promise<void> {
    if (!broker.isConnected()) throw away();
    const rest = [...downloads];
    while (rest.length > 0) {
      const some = rest.splice(0, ADDING);
      await Promise.all(some.map(addOne)).catch((error) => {
        throw new DownloadError(
          "STATE",
          "The queue's broker does not answer: it may have been added. Look " +
            "once it answers, before you add it again.",
          { cause: error },
        );
      });
    }
  }

  async function addOne(download: Download): Promise<void> {
    const { id } = download;
    const seen = Promise.withResolvers<void>();
    waiting.set(id, seen.resolve);
    try {
      await broker.write(`d.${id}`, newEntry(download) as Value, 0)
        .catch((error) => {
          // An id that is there was made of the same key and the same request.
          if (error !== CONFLICT) throw error;
        });
      // The copies of all servers have all in one order: that of the bucket.
      await within(SEEN_WITHIN, seen.promise);
    } finally {
      waiting.delete(id);
    }
  }

  const { store } = replica;
  return {
    queue,
    catalogue: {
      add,
      get: store.get,
      settle: claims.settle,
      renew: claims.renew,
      reword: claims.reword,
      remove: claims.remove,
      totals: store.totals,
      waitingForRoom: (room) =>
        broker.isConnected() ? store.waitingForRoom(room) : [],
      due: (time, limit) => broker.isConnected() ? store.due(time, limit) : [],
    },
    excerpt: store,
    order: {
      ...store.order,
      lastRank: () =>
        Math.max(store.order.lastRank(), rankOfAdded(replica.position())),
      place: claims.place,
    },
    records: {
      runs: (id) => claims.get(id)?.runs ?? [],
      checkpoint: claims.checkpoint,
      forget: claims.forget,
    },
    parts: files,
    peers,
    statePath: storage.replicaPath,
    isPrivate: storage.isPrivate,
    isChecked: store.isChecked,
    touch: store.touch,
    listens(port) {
      url = options.url ?? `http://localhost:${port}/`;
      membership.refresh();
    },
    nodes: peers.nodes,
    urlOf: peers.urlOf,
    measures: () => ({
      nodes: membership.sessions().size,
      lease: timeToWrite(membership.writeUntil) / 1000,
      conflicts: broker.conflicts(),
      connected: broker.isConnected(),
    }),
    [Symbol.dispose]: () => held.dispose(),
  };
}
