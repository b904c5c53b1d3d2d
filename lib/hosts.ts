/** How many threads each origin host gets. */

/** For how long an origin that refused threads gets fewer, in milliseconds. */
const FEWER_FOR = 60_000;
/** After so many slices it gets one thread more again. */
const SERVED_WELL = 8;

/** What each host bears, as far as it has shown. */
export interface HostLimits {
  /** Threads that a host gets. */
  of(host: string): number;
  /** The host refused one thread more than these. */
  lower(host: string, threads: number): void;
  /** A slice of the host's has come whole. */
  served(host: string): void;
}

interface Lowered {
  threads: number;
  readonly until: number;
  /** Slices that came whole since. */
  served: number;
}

/**
 * Makes the limits of all hosts.
 *
 * @param most Threads that a host gets unless it has refused some.
 */
export function createHostLimits(most: number): HostLimits {
  const lowered = new Map<string, Lowered>();
  return {
    of(host) {
      const fewer = lowered.get(host);
      if (fewer === undefined) return most;
      if (fewer.until > performance.now()) return Math.min(fewer.threads, most);
      lowered.delete(host);
      return most;
    },
    lower(host, threads) {
      const until = performance.now() + FEWER_FOR;
      lowered.set(host, { threads, until, served: 0 });
    },
    served(host) {
      const fewer = lowered.get(host);
      if (fewer && ++fewer.served % SERVED_WELL === 0) fewer.threads++;
    },
  };
}
