/** Who gets the next thread. Pure: transfers and limits in, a choice out. */

import { hostSignOf } from "../download/remedies.ts";
import { plan, type PlanLimits } from "./plan.ts";
import type { Source } from "./source.ts";
import {
  isAtLead,
  pinnedOf,
  sourcesInUse,
  threadsAt,
  waitsUntil,
} from "./sources.ts";
import type { Plan, Thread, Transfer } from "./transfer.ts";

/** Transfers that may wait for a host that is silent or busy. */
const MOST_WAITING_AT_HOST = 16;
/** Transfers that may wait for a host that answers, but refuses them. */
const MOST_FAILING_AT_HOST = 256;
/** A thread that waits for its first answer for longer may wait in vain, in ms. */
const LONG_WAIT = 1_000;

/**
 * What is known of a host: that it answers; that it was asked and has not
 * answered, or not lately; or nothing, as nobody has asked it.
 */
export type Standing = "answers" | "asked" | "new";

/** How many threads there may be. */
export interface ThreadLimits {
  /** In the whole server. */
  readonly threads: number;
  /** How many transfers have threads at a time; Infinity for no limit. */
  readonly downloads: number;
  /** Bytes a slice has at most. */
  readonly bytesAmount: number;
  /** At an origin host, right now. */
  perHost(host: string): number;
  /** Whether an origin host answers. */
  standing(host: string): Standing;
  /** Whether a limit of rates holds a transfer: its threads are not slow. */
  isHeld(transfer: Transfer): boolean;
}

/** A thread that could be started. */
export interface Choice {
  readonly transfer: Transfer;
  readonly plan: Plan;
  /** What the thread is to ask. */
  readonly source: Source;
}

/** How many threads run at each host that may have some. */
export function threadsByHost(
  transfers: Iterable<Transfer>,
): Map<string, number> {
  const running = new Map<string, number>();
  for (const transfer of transfers) {
    for (const host of hostsOf(transfer)) {
      running.set(host, running.get(host) ?? 0);
    }
    for (const { source: { host } } of transfer.threads.values()) {
      running.set(host, (running.get(host) ?? 0) + 1);
    }
  }
  return running;
}

/** Whether a host serves a transfer: nothing has failed since its last bytes. */
export function serves(transfers: Iterable<Transfer>, host: string): boolean {
  return Iterator.from(transfers).some((transfer) =>
    transfer.threads.values().some(({ source }) => source.host === host) &&
    transfer.done.length > 0 && transfer.failures === 0
  );
}

/** How many threads' requests a host has answered, and sends bytes for. */
export function answeredAt(
  transfers: Iterable<Transfer>,
  host: string,
): number {
  return Iterator.from(transfers)
    .flatMap(({ threads }) => threads.values())
    .filter(({ source, answered }) => source.host === host && answered)
    .reduce((sum) => sum + 1, 0);
}

/** The hosts that a transfer may have threads at. */
export function hostsOf(transfer: Transfer): string[] {
  return [...new Set(sourcesInUse(transfer).map(({ host }) => host))];
}

/**
 * Whether a transfer has failed, and needs no thread until its wait is over, or
 * until it is its turn among those whose hosts are silent.
 */
export function isWaiting(transfer: Transfer, now: number): boolean {
  const { threads, notBefore } = transfer;
  return threads.size === 0 && (notBefore > now || hearsNothing(transfer));
}

/** Whether the last that a transfer had from its host was silence. */
function hearsNothing({ lastError }: Transfer): boolean {
  return lastError !== null && hostSignOf(lastError.code) === "silent";
}

/**
 * The transfers that may have a thread more: none gets its first one while as
 * many run as may. Those that hear nothing have no more than half of all: they
 * hold a thread for long, and may do so in vain.
 */
function admitted(
  all: readonly Transfer[],
  { threads, downloads }: ThreadLimits,
): readonly Transfer[] {
  const running = all.filter(({ threads }) => threads.size > 0);
  const transfers = running.length < downloads ? all : running;
  const silent = transfers.filter(hearsNothing)
    .reduce((sum, transfer) => sum + transfer.threads.size, 0);
  return silent * 2 < threads
    ? transfers
    : transfers.filter((transfer) => !hearsNothing(transfer));
}

/** What is known of a transfer's host, the transfer's own last attempt included. */
function standingOf(
  transfer: Transfer,
  { standing }: Pick<ThreadLimits, "standing">,
): Standing {
  return hearsNothing(transfer) ? "asked" : standing(transfer.source.host);
}

/** What is known of the host that a transfer's thread asks. */
function standingAt(
  transfer: Transfer,
  thread: Thread,
  limits: Pick<ThreadLimits, "standing">,
): Standing {
  return isAtLead(transfer, thread)
    ? standingOf(transfer, limits)
    : limits.standing(thread.source.host);
}

/** Who comes first where hosts that were asked in vain have their share. */
const RANKS: Readonly<Record<Standing, number>> = {
  answers: 0,
  new: 1,
  asked: 2,
};

/**
 * Whether others are taken up beside a transfer as if it were not there: it
 * waits, or has asked a host that may never answer.
 */
export function isAside(
  transfer: Transfer,
  { standing }: Pick<ThreadLimits, "standing">,
  now: number,
): boolean {
  return isWaiting(transfer, now) ||
    standing(transfer.source.host) === "asked";
}

/** The threads that hosts have which nothing was heard from, the oldest first. */
function unheardThreads(
  transfers: readonly Transfer[],
  limits: ThreadLimits,
): Thread[] {
  return transfers
    .flatMap((transfer) =>
      [...transfer.threads.values()].filter((thread) =>
        thread.state !== "stopping" &&
        standingAt(transfer, thread, limits) !== "answers"
      )
    )
    .sort((a, b) => a.startedAt - b.startedAt);
}

/**
 * How many threads such hosts may have while others want them: half of all. The
 * others always have room then, and what answers late comes to its answer.
 */
function shareOfUnheard({ threads }: ThreadLimits): number {
  return Math.max(1, Math.floor(threads / 2));
}

/**
 * The hosts of which no more transfers are taken up: each thread that may run
 * there has one of its own, or there are many already that failed and wait. A
 * host that is down thus holds up nobody's downloads from others.
 */
export function hostsInFull(
  transfers: readonly Transfer[],
  { perHost }: ThreadLimits,
  now: number,
): string[] {
  const byHost = Map.groupBy(transfers, ({ source }) => source.host);
  return [...byHost]
    .filter(([host, transfers]) => {
      const waiting = transfers.filter((one) => isWaiting(one, now));
      const inVain = waiting.filter(({ lastError }) =>
        lastError === null || hostSignOf(lastError.code) !== "answers"
      );
      return inVain.length >= MOST_WAITING_AT_HOST ||
        waiting.length >= MOST_FAILING_AT_HOST ||
        transfers.length - waiting.length >= perHost(host);
    })
    .map(([host]) => host);
}

/**
 * The thread to start next: one for a transfer that has none, then one for the
 * transfer that has the fewest, then help for a slow thread. Hosts that nothing
 * was heard from come last once they have their share.
 */
export function choose(
  transfers: readonly Transfer[],
  limits: ThreadLimits,
  now: number,
): Choice | null {
  const running = threadsByHost(transfers);
  const limitsOf = planLimits(limits, running);
  const isCrowded =
    unheardThreads(transfers, limits).length >= shareOfUnheard(limits);
  const rankOf = (one: Transfer) =>
    isCrowded ? RANKS[standingOf(one, limits)] : 0;
  const open = admitted(transfers, limits)
    .map((transfer) => ({
      transfer,
      source: nextSource(
        transfer,
        (host) => (running.get(host) ?? 0) < limits.perHost(host),
        now,
      ),
    }))
    .filter((one): one is typeof one & { source: Source } =>
      one.source !== null
    )
    .sort(({ transfer: a }, { transfer: b }) =>
      rankOf(a) - rankOf(b) || a.threads.size - b.threads.size
    );
  let help: Choice | null = null;
  for (const { transfer, source } of open) {
    const planned = plan(transfer, limitsOf(transfer), now, source);
    if (planned === null) continue;
    if (planned.kind !== "steal") return { transfer, plan: planned, source };
    help ??= { transfer, plan: planned, source };
  }
  return help;
}

/**
 * The source that a transfer's next thread is to ask: of those that may have one,
 * the one that has the fewest. Null if none may.
 *
 * @param hasRoom Whether a host may have one more thread.
 */
function nextSource(
  transfer: Transfer,
  hasRoom: (host: string) => boolean,
  now: number,
): Source | null {
  const { source: lead } = transfer;
  const sources = sourcesInUse(transfer);
  // What becomes of one that has to wait is the plan's to say.
  if (sources.length === 1) return hasRoom(lead.host) ? lead : null;
  return sources
    .filter((source) =>
      hasRoom(source.host) && waitsUntil(transfer, source) <= now
    )
    .map((source) => ({ source, threads: threadsAt(transfer, source) }))
    .filter(({ source, threads }) => threads === 0 || isKnown(transfer, source))
    .reduce<{ source: Source; threads: number } | null>(
      (a, b) => a === null || b.threads < a.threads ? b : a,
      null,
    )?.source ?? null;
}

/** Whether further answers of a source have a first one to be compared with. */
function isKnown(transfer: Transfer, source: Source): boolean {
  return Number.isFinite(source.answersIn) ||
    pinnedOf(transfer, source)?.validator !== null;
}

/** A transfer may count on the threads that it has, and on all that are free. */
function planLimits(
  { threads, bytesAmount, perHost, isHeld }: ThreadLimits,
  running: ReadonlyMap<string, number>,
): (transfer: Transfer) => PlanLimits {
  const free = threads - running.values().reduce((sum, n) => sum + n, 0);
  return (transfer) => {
    const { threads: own } = transfer;
    const freeAtHosts = hostsOf(transfer)
      .reduce((sum, host) => sum + perHost(host) - (running.get(host) ?? 0), 0);
    const more = Math.max(1, Math.min(free, freeAtHosts));
    const held = isHeld(transfer);
    return { threads: own.size + more, bytesAmount, held };
  };
}

/**
 * The thread to stop where every one is taken and a transfer has none: one that
 * waits long for a host that nothing was heard from, beyond what such hosts may
 * have; or one of the transfer with the most, at the same host if it is that
 * which is full.
 */
export function giveUp(
  transfers: readonly Transfer[],
  limits: ThreadLimits,
  now: number,
): Thread | null {
  const running = threadsByHost(transfers);
  const limitsOf = planLimits(limits, running);
  const unheard = unheardThreads(transfers, limits);
  const isCrowded = unheard.length >= shareOfUnheard(limits);
  const starving = admitted(transfers, limits).filter((transfer) =>
    transfer.threads.size === 0 &&
    !(isCrowded && standingOf(transfer, limits) === "asked") &&
    plan(transfer, limitsOf(transfer), now) !== null
  );
  if (starving.length === 0) return null;
  const [spare] = unheard.slice(shareOfUnheard(limits))
    .filter(({ startedAt }) => now - startedAt > LONG_WAIT)
    .reverse();
  const givers = transfers
    .filter(({ phase }) => phase.kind === "fetching")
    .map(({ threads }) =>
      [...threads.values()].filter(({ state }) => state !== "stopping")
    )
    .filter((alive) => alive.length > 1)
    .sort((a, b) => b.length - a.length);
  const due = starving
    .map((transfer) => {
      const hosts = hostsOf(transfer);
      const allFull = hosts.every((host) =>
        (running.get(host) ?? 0) >= limits.perHost(host)
      );
      if (!allFull && spare !== undefined) return spare;
      const at = (alive: readonly Thread[]) =>
        allFull
          ? alive.filter(({ source: { host } }) => hosts.includes(host))
          : alive;
      return givers.map(at).map(longest)
        .find((thread) => thread !== undefined);
    })
    .filter((thread) => thread !== undefined);
  // Each thread that is already stopping frees a place for one starving
  // transfer: skip as many of them.
  const stopping = transfers
    .flatMap(({ threads }) => [...threads.values()])
    .filter(({ state }) => state === "stopping");
  return due[stopping.length] ?? null;
}

/**
 * The threads that hosts have beyond what they may: others want their share of
 * them. The youngest go, as they have brought the least.
 */
export function surplus(
  transfers: readonly Transfer[],
  most: (host: string) => number,
): Thread[] {
  const all = transfers.flatMap(({ threads }) => [...threads.values()]);
  const byHost = Map.groupBy(all, ({ source }) => source.host);
  return [...byHost].flatMap(([host, threads]) =>
    threads.filter(({ state }) => state !== "stopping")
      .sort((a, b) => a.startedAt - b.startedAt)
      .slice(most(host))
  );
}

/** The thread that has the most left to fetch. */
function longest(threads: readonly Thread[]): Thread | undefined {
  return threads
    .toSorted((a, b) => (b.end - b.run.end) - (a.end - a.run.end))[0];
}
