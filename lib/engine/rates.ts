/** How many bytes threads may read now: token buckets. Pure. */

import type { LimitedBy, RateLimits } from "../download/download.ts";

/** Who reads: a thread of a download, from a host. */
export interface Reader {
  readonly id: string;
  readonly host: string;
  /** The download's own limit, in bytes a second; null for none. */
  readonly own: number | null;
}

/** What a reader gets: bytes, or how long it is to wait, in milliseconds. */
export type Draw =
  | { readonly kind: "grant"; readonly bytes: number }
  | { readonly kind: "wait"; readonly milliseconds: number };

/** What limits rates. All times are in milliseconds of one steady clock. */
export interface Rates {
  /** The limits of the server, and of each host; they may be changed. */
  limits: RateLimits;
  /** What a timetable limits the server to, in bytes a second; null for nothing. */
  timetable: number | null;
  /** The strictest limit that bears on a reader; null if none does. */
  strictest(reader: Reader): { by: LimitedBy; rate: number } | null;
  /** Takes bytes for a reader that a limit bears on. */
  draw(reader: Reader, now: number): Draw;
  /** Gives back bytes that were drawn and not read. */
  giveBack(reader: Reader, bytes: number): void;
}

/** How long a grant lasts at the rate of its limit, in milliseconds ... */
const GRANT = 20;
/** ... but has at least and at most as many bytes as these. */
const SHORTEST = 1024;
const LONGEST = 4 * 1024 * 1024;
/**
 * A reader that had to wait for others gets up to as many grants at a time, of its
 * loosest limit: its own has saved bytes meanwhile.
 */
const CATCHING_UP = 4;
/** For how long a bucket fills while nobody draws from it, in milliseconds. */
const MOST_SAVED = 250;
/** Buckets of hosts and downloads: at one more, those nobody draws from go. */
const MOST_BUCKETS = 256;

interface Bucket {
  rate: number;
  bytes: number;
  at: number;
}

/** How many bytes a grant has where a rate is the strictest that bears on it. */
function grantOf(rate: number): number {
  const bytes = Math.max(SHORTEST, rate * GRANT / 1000);
  return Math.ceil(Math.min(LONGEST, bytes));
}

/**
 * Makes rates whose buckets are empty: nobody ever gets more than the rate.
 *
 * @param partOf Tells which part of the limit of a host, or of the server where
 * that is null, is left by other servers that have the same queue.
 */
export function createRates(
  limits: RateLimits,
  partOf: (host: string | null, all: number) => number = (_, all) => all,
): Rates {
  const buckets = new Map<string, Bucket>();

  function limitsOn({ id, host, own }: Reader) {
    const { limits: { server, host: atHost }, timetable } = rates;
    const all: { by: LimitedBy; key: string; rate: number | null }[] = [
      { by: "download", key: `download ${id}`, rate: own },
      {
        by: "host",
        key: `host ${host}`,
        rate: atHost && partOf(host, atHost),
      },
      { by: "server", key: "server", rate: server && partOf(null, server) },
      {
        by: "timetable",
        key: "timetable",
        rate: timetable && partOf(null, timetable),
      },
    ];
    return all.filter((one): one is typeof one & { rate: number } =>
      one.rate !== null
    );
  }

  /** Of two that are as strict, the one that bears on more. */
  function strictest(reader: Reader) {
    const [first, ...rest] = limitsOn(reader);
    if (first === undefined) return null;
    return rest.reduce((a, b) => b.rate <= a.rate ? b : a, first);
  }

  function bucketOf(key: string, rate: number, now: number): Bucket {
    const known = buckets.get(key);
    const bucket = known ?? { rate, bytes: 0, at: now };
    if (known === undefined) {
      tidy(now);
      buckets.set(key, bucket);
    }
    const most = Math.max(SHORTEST, rate * MOST_SAVED / 1000);
    const fresh = bucket.rate * (now - bucket.at) / 1000;
    bucket.bytes = Math.min(most, bucket.bytes + fresh);
    bucket.rate = rate;
    bucket.at = now;
    return bucket;
  }

  function tidy(now: number): void {
    if (buckets.size < MOST_BUCKETS) return;
    for (const [key, { at }] of buckets) {
      if (now - at > MOST_SAVED) buckets.delete(key);
    }
  }

  const rates: Rates = {
    limits,
    timetable: null,
    strictest,
    draw(reader, now) {
      const all = limitsOn(reader)
        .map(({ key, rate }) => bucketOf(key, rate, now));
      // All readers of a bucket wait until it has a grant of its own length: if
      // stricter limits let some take less of it sooner, others would get nothing.
      const waits = all
        .map(({ rate, bytes }) => (grantOf(rate) - bytes) / rate);
      const wait = Math.max(0, ...waits) * 1000;
      if (wait > 0) return { kind: "wait", milliseconds: wait };
      const longest = Math.max(...all.map(({ rate }) => grantOf(rate)));
      const saved = Math.min(...all.map((bucket) => Math.floor(bucket.bytes)));
      const bytes = Math.min(saved, CATCHING_UP * longest);
      for (const bucket of all) bucket.bytes -= bytes;
      return { kind: "grant", bytes };
    },
    giveBack(reader, bytes) {
      for (const { key } of limitsOn(reader)) {
        const bucket = buckets.get(key);
        if (bucket !== undefined) bucket.bytes += bytes;
      }
    },
  };
  return rates;
}
