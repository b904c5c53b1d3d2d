/** How many threads each origin host gets, and how soon one after another. */

import type { Standing } from "../transfer/assignment.ts";

/** Threads that a host gets before it has answered: it may never do. */
const UNTIL_ANSWER = 2;
/** Hosts whose standing is remembered; at one more, all are forgotten. */
const MOST_KNOWN = 10_000;
/** For how long an origin that refused threads gets fewer, in milliseconds. */
const FEWER_FOR = 60_000;
/** For how long a host counts as bearing what it bore, in milliseconds. */
const BORNE_FOR = 60_000;
/** Complete slices after which a host gets one more thread, or a shorter gap. */
const SERVED_WELL = 8;
/** A host that refuses again within this many complete slices gets a longer gap. */
const OFTEN = 2 * SERVED_WELL;
/** A host that bears no more threads has them where idle connections serve. */
const FEW = 8;
/** The shortest gap between threads, in milliseconds; a shorter one is none. */
const SHORTEST_GAP = 20;
/** The longest one, in milliseconds. */
const LONGEST_GAP = 1_000;
/** A refusal makes a gap longer by this factor ... */
const WIDER = 2;
/** ... and `SERVED_WELL` complete slices change it by this one. */
const NARROWER = 0.8;

/** What each host bears, as far as it has shown. */
export interface HostLimits {
  /** Threads that a host gets: none in the gap after the last one's start. */
  of(host: string): number;
  /** Whether a host answers. */
  standing(host: string): Standing;
  /** Whether a host has refused a thread, and bears few. */
  bearsFew(host: string): boolean;
  /** In how many milliseconds the next gap is over; null if there is none. */
  nextGap(): number | null;
  /** A thread has started at a host. */
  started(host: string): void;
  /**
   * The host has answered a request.
   *
   * @param threads How many it serves now, with this one; absent for a refusal.
   */
  answered(host: string, threads?: number): void;
  /** The most threads that the host has served at once lately; 0 if unknown. */
  bears(host: string): number;
  /** The last thread at the host found that it cannot be reached, or is mute. */
  silent(host: string): void;
  /**
   * The host refused a thread beside those that are left. With none left, it is
   * not too many of them that it refused, but one that came too soon.
   */
  refused(host: string, left: number): void;
  /** A slice of the host's has come whole. */
  served(host: string): void;
}

/** What a host bore, and until when that counts. */
interface Borne {
  readonly threads: number;
  readonly until: number;
}

interface Lowered {
  threads: number;
  /** Milliseconds from the start of one thread to that of the next. */
  gap: number;
  startedAt: number;
  until: number;
  /** Slices that came whole since. */
  served: number;
}

/**
 * Makes the limits of all hosts.
 *
 * @param most Tells how many threads a host gets once it has answered, unless
 * it has refused some.
 * @param clock A steady one, in milliseconds.
 */
export function createHostLimits(
  most: (host: string) => number,
  clock: () => number = () => performance.now(),
): HostLimits {
  const lowered = new Map<string, Lowered>();
  const known = new Map<string, Standing>();
  const borne = new Map<string, Borne>();

  function standing(host: string): Standing {
    return known.get(host) ?? "new";
  }

  function learn(host: string, standing: Standing): void {
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(host, standing);
  }

  function answered(host: string, threads = 0): void {
    learn(host, "answers");
    if (threads === 0 || threads < bears(host)) return;
    if (borne.size >= MOST_KNOWN) borne.clear();
    borne.set(host, { threads, until: clock() + BORNE_FOR });
  }

  function bears(host: string): number {
    const last = borne.get(host);
    return last === undefined || last.until <= clock() ? 0 : last.threads;
  }

  return {
    of(host) {
      const answers = standing(host) === "answers";
      const all = answers ? most(host) : Math.min(most(host), UNTIL_ANSWER);
      const fewer = lowered.get(host);
      if (fewer === undefined) return all;
      const now = clock();
      if (fewer.until <= now) {
        lowered.delete(host);
        return all;
      }
      const { startedAt, gap, threads } = fewer;
      return startedAt + gap > now ? 0 : Math.min(threads, all);
    },
    standing,
    bearsFew: (host) => (lowered.get(host)?.threads ?? Infinity) <= FEW,
    nextGap() {
      if (lowered.size === 0) return null;
      const now = clock();
      const gaps = [...lowered.values()]
        .map(({ startedAt, gap }) => startedAt + gap - now)
        .filter((left) => left > 0);
      return gaps.length === 0 ? null : Math.min(...gaps);
    },
    started(host) {
      if (standing(host) === "new") learn(host, "asked");
      const fewer = lowered.get(host);
      if (fewer) fewer.startedAt = clock();
    },
    answered,
    bears,
    silent: (host) => learn(host, "asked"),
    refused(host, left) {
      const fewer = lowered.get(host);
      const now = clock();
      const until = now + FEWER_FOR;
      if (left > 0) {
        const { gap = 0, startedAt = now } = fewer ?? {};
        // Between two slices, fewer threads are left than the host bears.
        const had = Math.min(fewer?.threads ?? Infinity, bears(host));
        const threads = Math.max(left, had - 1);
        lowered.set(host, { threads, gap, startedAt, until, served: 0 });
      } else if (fewer?.threads === 1) {
        const gap = Math.max(SHORTEST_GAP, fewer.gap * WIDER);
        // Once in a while, any origin has a bad moment.
        const often = fewer.served < OFTEN;
        if (often) fewer.gap = Math.min(gap, LONGEST_GAP);
        fewer.until = until;
        fewer.served = 0;
      }
    },
    served(host) {
      answered(host);
      const fewer = lowered.get(host);
      if (fewer === undefined || ++fewer.served % SERVED_WELL > 0) return;
      if (fewer.gap === 0) fewer.threads++;
      else {
        const gap = fewer.gap * NARROWER;
        fewer.gap = gap < SHORTEST_GAP ? 0 : gap;
      }
    },
  };
}
