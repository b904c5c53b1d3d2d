/**
 * What limits that hold for all servers of a cluster together leave to each.
 *
 * Each tells the others which part of what it takes, and those that want the same
 * have equal parts of it. A server that is to take less does so at once; one that
 * may take more tells so first, and waits until all have heard it. So what all
 * take together stays within the limit while servers come and go.
 */

import { hash } from "../base/fingerprint.ts";
import type { Common } from "../engine/common.ts";
import type { Membership } from "./membership.ts";

/** By when all have heard what a server tells, in milliseconds. */
const HEARD_WITHIN = 1_500;
/** For how long a server keeps a part that it wants no more, in milliseconds. */
const LINGERS = 1_000;

/** Which part of all that there may be a server takes of what, from 0 to 1. */
export type Parts = Readonly<Record<string, number>>;

/** What is this server's of all that servers have together. */
export interface Shares {
  /** How many of `all` are this server's by now. */
  partOf(what: Common, all: number): number;
  /**
   * Divides anew.
   *
   * @param wanted What this server wants, and how many of it it has by now.
   * @returns What is to be told to the others at once.
   */
  divide(wanted: ReadonlyMap<Common, number>): Parts;
  /** Takes in what another session tells. */
  hear(session: string, parts: Parts): void;
}

/** What this server takes of something. Times are in milliseconds. */
interface Taken {
  /** Which part it takes. */
  readonly part: number;
  /** Which part it tells: what it takes once all have heard it. */
  readonly told: number;
  /** Since when it tells that much. */
  readonly since: number;
  /** When it wanted it last. */
  readonly wantedAt: number;
}

/**
 * Makes shares of which nothing is taken.
 *
 * @param clock A steady one, in milliseconds.
 */
export function createShares(
  membership: Pick<Membership, "session" | "sessions">,
  clock: () => number = () => performance.now(),
): Shares {
  let session = "";
  let taken = new Map<Common, Taken>();
  const told = new Map<string, Parts>();
  /** How many there may be of what was asked for. */
  const limits = new Map<Common, number>();

  /** For the others, a new session is another server. */
  function begin(): void {
    if (session === membership.session()) return;
    session = membership.session();
    taken = new Map();
  }

  /** The other sessions that want something, each with the part that it takes. */
  function others(what: Common): Map<string, number> {
    const found = new Map<string, number>();
    for (const [name, parts] of told) {
      if (!membership.sessions().has(name)) told.delete(name);
      else if (what in parts) found.set(name, parts[what] ?? 0);
    }
    found.delete(session);
    return found;
  }

  /** Where nobody has more than that, all may begin with an equal part at once. */
  function first(what: Common, all: number): number {
    const live = [...membership.sessions().keys()];
    const equal = (name: string) => shareOf(what, all, name, live) / all;
    const isFree = others(what).entries()
      .every(([name, part]) => part <= equal(name));
    return isFree ? equal(session) : 0;
  }

  function again(what: Common, all: number, before: Taken, now: number): Taken {
    const { part, told, since } = before;
    const wanting = others(what);
    const fair = shareOf(what, all, session, wanting.keys());
    const next = Math.min(fair, leftBy(wanting.values(), all)) / all;
    const isHeard = now - since >= HEARD_WITHIN;
    return {
      part: Math.min(next, isHeard ? told : part),
      told: next,
      since: next > told ? now : since,
      wantedAt: now,
    };
  }

  return {
    partOf(what, all) {
      begin();
      limits.set(what, all);
      const part = taken.get(what)?.part ?? first(what, all);
      return whole(part * all);
    },
    divide(wanted) {
      begin();
      const now = clock();
      const parts: Record<string, number> = {};
      for (const [what, { told, wantedAt }] of taken) {
        if (now - wantedAt >= LINGERS) taken.delete(what);
        else parts[what] = told;
      }
      for (const [what, has] of wanted) {
        const all = limits.get(what);
        if (all === undefined) continue;
        const part = first(what, all);
        const begun = { part, told: part, since: now, wantedAt: now };
        const after = again(what, all, taken.get(what) ?? begun, now);
        taken.set(what, after);
        parts[what] = Math.max(after.told, has / all);
      }
      for (const what of limits.keys()) {
        if (!taken.has(what)) limits.delete(what);
      }
      return parts;
    },
    hear: (name, parts) => void told.set(name, parts),
  };
}

/**
 * How many of all that there may be are one session's: an equal part each, and
 * one of the rest by rank.
 *
 * @param wanting The sessions that want some, itself included or not.
 */
export function shareOf(
  what: string,
  all: number,
  session: string,
  wanting: Iterable<string>,
): number {
  const ranked = [...new Set([...wanting, session])]
    .map((name) => ({ name, rank: hash(`${what} ${name}`) }))
    .sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
  const each = Math.floor(all / ranked.length);
  return each + (ranked.indexOf(session) < all % ranked.length ? 1 : 0);
}

/** How many of all are left by those who take parts of it. */
function leftBy(parts: Iterable<number>, all: number): number {
  const sum = Iterator.from(parts).reduce((sum, part) => sum + part, 0);
  return Math.max(0, whole(all * (1 - sum)));
}

/** Three thirds are not quite one. */
function whole(number: number): number {
  return Math.floor(number + 1e-6);
}
