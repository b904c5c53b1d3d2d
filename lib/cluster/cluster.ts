/** One server of a cluster: what its coordinator works with. */

import type { Log } from "../base/log.ts";
import { within } from "../base/timers.ts";
import { timeToWrite } from "../base/write_until.ts";
import type { Peers } from "../coordinator.ts";
import { createParts, type DownloadParts } from "../files/parts.ts";
import type { NodeStatus } from "../status/schema.ts";
import type { Catalogue, Deferred, Excerpt } from "../store/catalogue.ts";
import type { Changeable } from "../store/order.ts";
import type { PartRecords } from "../store/part_records.ts";
import { rankOfAdded } from "../store/places.ts";
import type { Queue } from "../store/queue.ts";
import { createClusterAdditions } from "./additions.ts";
import { createBroker } from "./broker.ts";
import type { Bucket, Change, Found } from "./bucket.ts";
import { createClaims } from "./claims.ts";
import { createCopyRepair } from "./copy_repair.ts";
import { createEntrance } from "./entrance.ts";
import type { Entry, Lease } from "./entry.ts";
import { checkHearing } from "./hearing.ts";
import { createLeftovers } from "./leftovers.ts";
import { createClusterQueue } from "./line.ts";
import type { Live } from "./live.ts";
import { createMembership } from "./membership.ts";
import { hasOwnQueue, migrateOwnQueue, settleOwnQueue } from "./migration.ts";
import { createMoveIn } from "./move_in.ts";
import { createPeers } from "./peers.ts";
import { openReplica, type Stored } from "./replica.ts";
import type { QueueAddress } from "./settings.ts";
import { openNodeStorage } from "./storage.ts";

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
  if (hasOwnQueue(options.contentDirectory)) {
    await settleOwnQueue(options.contentDirectory, options);
  }
  const storage = opened.use(
    await openNodeStorage({ ...options, queue: options.queue.name }),
  );
  const { contentDirectory: directory, node, lease } = options;
  const place = { storage: storage.id, node };
  const replica = opened.use(openReplica(storage.replicaPath, directory));
  const recent = new Map<string, Stored>();
  const entered = Promise.withResolvers<void>();
  // It may be that nobody waits for it any more.
  entered.promise.catch(() => {});
  /** What is on its way to the copy, by the downloads' ids. */
  const showing = new Map<string, Promise<void>>();
  let isReady = false;
  /** Whether all is heard that was in the bucket as it was opened. */
  let isCaughtUp = false;
  /** The last revision of the bucket as it was opened. */
  let last = 0;
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
    leftovers.heard(id, before?.part ?? null, entry);
    const shown = written.then(() => {
      additions.seen(id);
      if (isReady) peers.changed(id);
      if (isReady && isMoved) peers.reordered(id);
    }, copyRepair.failed)
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

  function onChange({ key, value, revision }: Change): void {
    if (key.startsWith("n.")) {
      membership.hear({ key, value, revision }, value as Lease | null);
    } else if (key.startsWith("d.")) {
      applied(key.slice(2), value as Entry | null, revision);
    }
    replica.reach(revision);
  }

  async function onBucket(bucket: Bucket): Promise<number> {
    entrance.shut();
    startedAt = performance.now();
    isCaughtUp = false;
    last = 0;
    const { created } = bucket;
    if (replica.bucket() !== created || replica.position() > bucket.last) {
      await beginAnew(created);
    }
    last = bucket.last;
    return replica.position() + 1;
  }

  /** Forgets what another bucket had: there is no lease of it any more, either. */
  async function beginAnew(bucket: string): Promise<void> {
    recent.clear();
    const gone = await replica.reset(bucket);
    for (const [session, { revision }] of [...membership.sessions()]) {
      const key = `n.${session}`;
      membership.hear({ key, value: null, revision: revision + 1 }, null);
    }
    if (isReady) gone.forEach(peers.changed);
  }

  function onReached(revision: number): void {
    replica.reach(revision);
    if (isCaughtUp) return;
    isCaughtUp = true;
    const ms = Math.round(performance.now() - startedAt);
    log("caught up", { entries: replica.count(), ms });
    entrance.open();
  }

  async function onEntered(): Promise<void> {
    await moveIn.begin();
    if (isReady) return queue.refill();
    isReady = true;
    entered.resolve();
    queue.refill();
    // The parts of entries that are not moved in yet look left behind.
    await moveIn.done;
    leftovers.removeAll();
  }

  const broker = await createBroker(options, log);
  const moveIn = opened.use(createMoveIn({
    contentDirectory: directory,
    log,
    migrate: () =>
      migrateOwnQueue({
        ...{ broker, replica, place, parts: storage.parts, log },
        ...{ contentDirectory: directory, sync: options.sync },
      }),
  }));
  const additions = createClusterAdditions(broker, applied);
  const membership = createMembership(lease, {
    broker,
    log,
    lease: () => ({ ...place, url, draining }),
    onLost: () => claims.loseAll(),
    onChange: () => isReady && queue.refill(),
  });
  const entrance = opened.use(createEntrance({
    ...{ broker, membership, place, lease, log },
    // A copy without its server would serve a name that another has.
    onRefused: entered.reject,
    onEntered: () => void onEntered(),
  }));
  opened.use(checkHearing({
    ...{ broker, log },
    position: replica.position,
    due: () => Math.max(last, membership.revision(), replica.latest()),
  }));
  const copyRepair = opened.use(
    createCopyRepair({ broker, replica, log, applied }),
  );
  const files = createParts(
    {
      directory,
      below: storage.parts,
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
    isWhole: entrance.isWhole,
  });
  const leftovers = opened.use(createLeftovers({
    ...{ claims, replica, place, directory, log },
    parts: storage.parts,
    naming: storage.naming,
    find: async (id) => await broker.find(`d.${id}`) as Found<Entry>,
  }));
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
    entrance[Symbol.dispose]();
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
    onReached,
    onMessage(subject, data, answer) {
      if (subject.endsWith(".live")) peers.hear(data as Live);
      else peers.obey(data, answer);
    },
  });
  if (broker.isConnected()) {
    await within(READY_WITHIN, entered.promise);
  }
  const held = opened.move();

  const { store } = replica;
  return {
    queue,
    catalogue: {
      add: additions.add,
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
