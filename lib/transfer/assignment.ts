/** Who gets the next thread. Pure: transfers and limits in, a choice out. */

import { hostSignOf } from "../download/remedies.ts";
import { plan, type PlanLimits } from "./plan.ts";
import type { Plan, Thread, Transfer } from "./transfer.ts";

/** Transfers that may wait for a host that is silent or busy. */
const MOST_WAITING_AT_HOST = 16;
/** Transfers that may wait for a host that answers, but refuses them. */
const MOST_FAILING_AT_HOST = 256;

/** How many threads there may be. */
export interface ThreadLimits {
  /** In the whole server. */
  readonly threads: number;
  /** Bytes a slice has at most. */
  readonly bytesAmount: number;
  /** At an origin host, right now. */
  perHost(host: string): number;
}

/** A thread that could be started. */
export interface Choice {
  readonly transfer: Transfer;
  readonly plan: Plan;
}

/** How many threads run at each host. */
export function threadsByHost(
  transfers: Iterable<Transfer>,
): Map<string, number> {
  const running = new Map<string, number>();
  for (const { source: { host }, threads } of transfers) {
    running.set(host, (running.get(host) ?? 0) + threads.size);
  }
  return running;
}

/** Whether a host serves a transfer: nothing has failed since its last bytes. */
export function serves(transfers: Iterable<Transfer>, host: string): boolean {
  return Iterator.from(transfers).some((transfer) =>
    transfer.source.host === host && transfer.threads.size > 0 &&
    transfer.done.length > 0 && transfer.failures === 0
  );
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
 * The transfers that may have a thread more. Those that hear nothing have no
 * more than half of all: they hold a thread for long, and may do so in vain.
 */
function admitted(
  transfers: readonly Transfer[],
  { threads }: ThreadLimits,
): readonly Transfer[] {
  const silent = transfers.filter(hearsNothing)
    .reduce((sum, transfer) => sum + transfer.threads.size, 0);
  return silent * 2 < threads
    ? transfers
    : transfers.filter((transfer) => !hearsNothing(transfer));
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
 * transfer that has the fewest, then help for a slow thread.
 */
export function choose(
  transfers: readonly Transfer[],
  limits: ThreadLimits,
  now: number,
): Choice | null {
  const running = threadsByHost(transfers);
  const limitsOf = planLimits(limits, running);
  const open = admitted(transfers, limits)
    .filter(({ source: { host } }) =>
      (running.get(host) ?? 0) < limits.perHost(host)
    )
    .sort((a, b) => a.threads.size - b.threads.size);
  let help: Choice | null = null;
  for (const transfer of open) {
    const planned = plan(transfer, limitsOf(transfer), now);
    if (planned === null) continue;
    if (planned.kind !== "steal") return { transfer, plan: planned };
    help ??= { transfer, plan: planned };
  }
  return help;
}

/** A transfer may count on the threads that it has, and on all that are free. */
function planLimits(
  { threads, bytesAmount, perHost }: ThreadLimits,
  running: ReadonlyMap<string, number>,
): (transfer: Transfer) => PlanLimits {
  const free = threads - running.values().reduce((sum, n) => sum + n, 0);
  return ({ source: { host }, threads: own }) => {
    const freeAtHost = perHost(host) - (running.get(host) ?? 0);
    const more = Math.max(1, Math.min(free, freeAtHost));
    return { threads: own.size + more, bytesAmount };
  };
}

/**
 * The thread to stop where every one is taken and a transfer has none: one of
 * the transfer with the most, at the same host if it is that which is full.
 */
export function giveUp(
  transfers: readonly Transfer[],
  limits: ThreadLimits,
  now: number,
): Thread | null {
  const running = threadsByHost(transfers);
  const limitsOf = planLimits(limits, running);
  const starving = admitted(transfers, limits).filter((transfer) =>
    transfer.threads.size === 0 &&
    plan(transfer, limitsOf(transfer), now) !== null
  );
  if (starving.length === 0) return null;
  const givers = transfers
    .filter(({ phase }) => phase.kind === "fetching")
    .map(({ source, threads }) => ({
      host: source.host,
      alive: [...threads.values()].filter(({ state }) => state !== "stopping"),
    }))
    .filter(({ alive }) => alive.length > 1)
    .sort((a, b) => b.alive.length - a.alive.length);
  const due = starving
    .map(({ source: { host } }) => {
      const hostFull = (running.get(host) ?? 0) >= limits.perHost(host);
      return givers.find((giver) => !hostFull || giver.host === host);
    })
    .filter((giver) => giver !== undefined);
  // Each thread that is already stopping frees a place for one starving
  // transfer: skip as many of them.
  const stopping = transfers
    .flatMap(({ threads }) => [...threads.values()])
    .filter(({ state }) => state === "stopping");
  return due[stopping.length]?.alive
    .sort((a, b) => (b.end - b.run.end) - (a.end - a.run.end))[0] ?? null;
}
