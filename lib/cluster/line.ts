/**
 * The queue of a cluster, as one server takes from it: it claims a little ahead,
 * so that a thread that is free finds something to do.
 */

import type { Log } from "../base/log.ts";
import { every } from "../base/timers.ts";
import { hostOf } from "../download/download.ts";
import { toRecord } from "../download/errors.ts";
import type { Claim, Queue } from "../store/queue.ts";
import { type Claims, TAKEN } from "./claims.ts";
import { isFavourite, type Place } from "./entry.ts";
import type { Membership } from "./membership.ts";
import type { Known, Replica } from "./replica.ts";
import type { Holding } from "./writes.ts";

/** What was taken within this time is likely to be wanted again, in milliseconds. */
const LATELY = 250;
/** Who asks no more needs no more: idle threads ask twice as often, in ms. */
const LATELY_ASKED = 500;
/** How often the line is read again at most, in milliseconds. */
const READ_EVERY = 100;
/** How many are read at once. */
const READ_AHEAD = 400;
/** How long others leave a session its favourites, in milliseconds ... */
const FAVOUR = 500;
/** ... and a server what its own disk has a part of. */
const FAVOUR_PARTS = 10_000;
/** How long a claim waits for a thread before it is given up, in milliseconds. */
const UNUSED = 5_000;
/** How often claims are looked for that nobody works on, in milliseconds. */
const RECONCILE_EVERY = 2_000;

/** What a line works with. */
export interface LineTools {
  readonly claims: Claims;
  readonly replica: Replica;
  readonly membership: Membership;
  readonly place: Place;
  readonly log: Log;
  /** Whether the brokers can be reached. */
  isConnected(): boolean;
  /** How many threads there are. */
  readonly threadsAmount: number;
}

/** The queue, and what keeps it filled. */
export interface ClusterQueue extends Queue, Disposable {
  /** There may be something new to claim. */
  refill(): void;
  /** What waits begins in another order: what was claimed ahead is given back. */
  reorder(): void;
  /**
   * From now on, `fill` is called when there is something to take.
   *
   * @param lets Whether a download of that size, in bytes, may begin here.
   */
  begin(fill: () => void, lets: (bytes: number) => boolean): void;
  /**
   * Until it is disposed of, a download is only claimed for a command, and only if
   * nobody has claimed it since the given epoch.
   *
   * @returns Null if this server has claimed it for another epoch, and does not
   * give that up just now.
   */
  during(id: string, epoch: number): Disposable | null;
  /** Claims no more; gives up what is claimed and not taken. */
  stop(): Promise<void>;
}

interface Ready {
  readonly holding: Holding;
  readonly host: string;
  readonly at: number;
}

/** Makes a queue that has claimed nothing yet. */
export function createClusterQueue(tools: LineTools): ClusterQueue {
  const { claims, replica, membership, place, log } = tools;
  let ready: Ready[] = [];
  let taken: number[] = [];
  /** How many were wanted when last there was none, and when that was. */
  let asked = { count: 0, at: -Infinity };
  let full: readonly string[] = [];
  let candidates: string[] = [];
  let readAt = -Infinity;
  let stopped = false;
  let reordering = false;
  let fill: (() => void) | null = null;
  let lets = (_bytes: number) => true;
  /** When each that is another's favourite was first passed over. */
  let passed = new Map<string, number>();
  /** The epochs at which commands of others were given. */
  const ordered = new Map<string, number>();
  /** Claims that nobody worked on when they were looked at last. */
  let idle = new Set<string>();
  /** What is claimed for no command, until it is ready, or is not held here. */
  const begun = new Map<string, Promise<void>>();

  function claimOf(holding: Holding): Claim {
    return {
      download: holding.download,
      lost: holding.lost.signal,
      release: () => void claims.release(holding).then(refill),
    };
  }

  function takeReady(index: number): Claim {
    const [{ holding }] = ready.splice(index, 1) as [Ready];
    taken.push(performance.now());
    queueMicrotask(refill);
    return claimOf(holding);
  }

  function isLive(owner: string, revision: number): boolean {
    return replica.position() < revision || membership.sessions().has(owner);
  }

  /** Whether a download may be claimed here now. */
  function isFree(id: string): boolean {
    const known = replica.known(id);
    if (known === undefined || known.state !== "Queued") return false;
    if (claims.isBusy(id) || ordered.has(id)) return false;
    return known.owner === null || !isLive(known.owner, known.revision);
  }

  /** Whether a download is for this server first, or was left long enough. */
  function isDue(id: string, now: number): boolean {
    const sessions = membership.sessions();
    const part = replica.known(id)?.part ?? null;
    const keepers = part === null
      ? []
      : [...sessions.values()].filter(({ lease }) =>
        lease.storage === part.storage && !lease.draining
      );
    const isKept = keepers.length > 0;
    const isOurs = isKept
      ? part?.storage === place.storage
      : isFavourite(id, membership.session(), [...sessions.keys()]);
    if (isOurs) return true;
    const since = passed.get(id) ?? now;
    passed.set(id, since);
    return now - since >= (isKept ? FAVOUR_PARTS : FAVOUR);
  }

  function read(now: number): void {
    if (now - readAt < READ_EVERY) return;
    readAt = now;
    const owned = [...replica.owned()].length;
    const ids = replica.store.waiting(full, READ_AHEAD + owned);
    candidates = ids.filter((id) => isFree(id) && isDue(id, now));
    const waiting = new Set(ids);
    passed = new Map([...passed].filter(([id]) => waiting.has(id)));
  }

  /** The next download to claim; undefined if there is none now. */
  function next(now: number): string | undefined {
    if (candidates.length === 0) read(now);
    for (;;) {
      const id = candidates.shift();
      if (id === undefined || isFree(id) && fits(id)) return id;
    }
  }

  /** Whether a download may begin here, as far as its size is known. */
  function fits(id: string): boolean {
    const download = replica.store.get(id);
    if (download === null) return false;
    const { file, downloaded } = download;
    return lets(Math.max(0, (file?.size ?? 0) - downloaded));
  }

  function refill(): void {
    if (stopped || fill === null || membership.session() === "") return;
    if (!tools.isConnected()) return;
    const now = performance.now();
    taken = taken.filter((at) => now - at < LATELY);
    const inVain = now - asked.at < LATELY_ASKED ? asked.count : 0;
    const wanted = Math.min(tools.threadsAmount, inVain + taken.length);
    for (let n = ready.length + claims.claiming(); n < wanted; n++) {
      const id = next(now);
      if (id === undefined) return;
      note(id, claimAhead(id));
    }
  }

  function note(id: string, claiming: Promise<void>): void {
    begun.set(id, claiming.finally(() => void begun.delete(id)));
  }

  async function claimAhead(id: string): Promise<void> {
    try {
      const holding = await claims.claim(id, "work");
      if (typeof holding === "string") return;
      // It may be lost already: nobody would say so any more.
      if (stopped || holding.lost.signal.aborted) {
        return void await claims.release(holding);
      }
      holding.lost.signal.addEventListener("abort", () => drop(holding));
      const host = hostOf(holding.download.request);
      ready.push({ holding, host, at: performance.now() });
      ready.sort((a, b) => placeOf(a) - placeOf(b));
      asked = { count: 0, at: -Infinity };
      fill?.();
    } catch (error) {
      log("not claimed", { id, message: toRecord(error).message });
    }
  }

  function placeOf({ holding: { id } }: Ready): number {
    return replica.known(id)?.place ?? Infinity;
  }

  /** Once for all that is heard in one turn. */
  function reorder(): void {
    candidates = [];
    readAt = -Infinity;
    if (reordering || stopped) return;
    reordering = true;
    queueMicrotask(() => {
      reordering = false;
      for (const { holding } of ready.splice(0)) claims.release(holding);
      refill();
    });
  }

  /** A claim is lost that was not taken. */
  function drop(holding: Holding): void {
    const before = ready.length;
    ready = ready.filter((one) => one.holding !== holding);
    if (ready.length < before) claims.release(holding);
  }

  /** Gives up what was claimed ahead and is of no use here. */
  function giveBack(now: number): void {
    const unused = ready.filter(({ at }) => now - at >= UNUSED);
    ready = ready.filter((one) => !unused.includes(one));
    for (const { holding } of unused) claims.release(holding);
  }

  /** Whether a server has died that may have moved or removed a file here. */
  function isLeftFinished({ owner, state, part, revision }: Known): boolean {
    return state === "Downloaded" && part?.storage === place.storage &&
      owner !== null && !isLive(owner, revision);
  }

  /** A claim whose answer was lost is this server's, and nobody works on it. */
  function reconcile(): void {
    claims.withdraw();
    const session = membership.session();
    const found = new Set<string>();
    for (const [id, known] of replica.owned()) {
      const isOwn = known.owner === session && session !== "";
      if (isOwn || isLeftFinished(known)) found.add(id);
    }
    for (const id of claims.leftByMoves()) found.add(id);
    for (const id of found) if (claims.isBusy(id)) found.delete(id);
    for (const id of found) if (idle.has(id)) note(id, giveUpFound(id));
    idle = found;
  }

  async function giveUpFound(id: string): Promise<void> {
    try {
      const holding = await claims.claim(id, "command");
      if (typeof holding !== "string") await claims.release(holding);
    } catch {
      // It is found again.
    }
  }

  const refilling = every(LATELY, () => {
    giveBack(performance.now());
    refill();
  });
  const reconciling = every(RECONCILE_EVERY, reconcile);

  async function claim(id: string): Promise<Claim | null> {
    const index = ready.findIndex(({ holding }) => holding.id === id);
    if (index >= 0) {
      const { holding } = ready[index] as Ready;
      if (holding.epoch !== (ordered.get(id) ?? holding.epoch)) throw TAKEN;
      return takeReady(index);
    }
    await begun.get(id);
    await claims.settledDown(id);
    if (ready.some(({ holding }) => holding.id === id)) return await claim(id);
    if (claims.get(id) !== undefined) return null;
    const holding = await claims.claim(id, "command", ordered.get(id));
    if (holding === "gone") return null;
    if (holding === "taken") throw TAKEN;
    return claimOf(holding);
  }

  return {
    take(fullHosts) {
      full = fullHosts;
      const index = ready.findIndex(({ host }) => !fullHosts.includes(host));
      if (index >= 0) return takeReady(index);
      asked = { count: tools.threadsAmount, at: performance.now() };
      queueMicrotask(refill);
      return null;
    },
    claim,
    reset: refill,
    refill,
    reorder,
    begin(onReady, mayBegin) {
      fill = onReady;
      lets = mayBegin;
      refill();
    },
    during(id, epoch) {
      const held = claims.get(id);
      if (held !== undefined && !held.over && held.epoch !== epoch) return null;
      ordered.set(id, epoch);
      return {
        [Symbol.dispose]() {
          ordered.delete(id);
          refill();
        },
      };
    },
    async stop() {
      stopped = true;
      const unused = ready.splice(0);
      await Promise.all(unused.map(({ holding }) => claims.release(holding)));
    },
    [Symbol.dispose]() {
      stopped = true;
      refilling[Symbol.dispose]();
      reconciling[Symbol.dispose]();
    },
  };
}
