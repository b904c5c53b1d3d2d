/** Keys of requests that may come twice and are to add once. */

import { createHash } from "node:crypto";
import type { Coordinator } from "../coordinator.ts";
import type { DownloadRequest } from "../download/download.ts";
import type { Lists } from "../status/lists.ts";
import type { ClientRequest } from "./protocol.ts";

/** Keys that are remembered ... */
const MOST_KEYS = 10_000;
/** ... and for how long, in milliseconds: a day. */
const LIFETIME = 24 * 3600 * 1000;

/** What comes of a request that has a key. */
export type Keyed =
  | { readonly kind: "added"; readonly ids: readonly string[] }
  /** The key came with other downloads before: nothing was added. */
  | { readonly kind: "reused" };

/** Adds downloads once for each key. */
export interface Keys {
  /**
   * Adds downloads, unless they were added with this key before: then it tells
   * the ids that they got.
   *
   * @throws {DownloadError} as {@linkcode Coordinator.add} does.
   */
  add(key: string, requests: readonly DownloadRequest[]): Promise<Keyed>;
}

/** What keys work with. */
export interface KeysTools {
  readonly coordinator: Pick<Coordinator, "add" | "requestOf">;
  readonly lists: Pick<Lists, "idsFrom">;
  /** Milliseconds, by the steady clock. */
  now?(): number;
}

/**
 * Makes keys of which none is known yet.
 *
 * The first 16 digits of an id are made of its key, the others of what was asked
 * for. So a key needs no record of its own: it is known for as long as one of
 * its downloads is on the list, after a restart and at the other servers of a
 * queue, too. Only of downloads that were removed, a day's keys are remembered.
 */
export function createKeys(
  { coordinator, lists, now = () => performance.now() }: KeysTools,
): Keys {
  /** Without the downloads' ids, of which there may be thousands: see `idOf`. */
  const known = new Map<
    string,
    { print: string; at: number; adding: Promise<void> }
  >();

  function forgetOld(): void {
    for (const [key, { at }] of known) {
      if (known.size <= MOST_KEYS && now() - at < LIFETIME) return;
      known.delete(key);
    }
  }

  /** Adds what is not on the list. */
  async function add(
    requests: readonly DownloadRequest[],
    ids: readonly string[],
  ): Promise<void> {
    const isThere = ids.some((id) => coordinator.requestOf(id) !== null);
    if (!isThere) await coordinator.add(requests, ids);
  }

  return {
    async add(key, requests) {
      forgetOld();
      const first = BigInt(`0x${digitsOf(key)}`);
      const print = digitsOf(JSON.stringify(requests));
      const ids = requests.map((_, n) => idOf(first + BigInt(n), print));
      const before = known.get(key);
      if (before !== undefined) {
        if (before.print !== print) return { kind: "reused" };
        await before.adding;
        return { kind: "added", ids };
      }
      const [id = ""] = ids;
      const [found = id] = lists.idsFrom(id.slice(0, BEGINNING), 1);
      if (found !== id) return { kind: "reused" };
      const adding = add(requests, ids);
      known.set(key, { print, at: now(), adding });
      try {
        await adding;
        return { kind: "added", ids };
      } catch (error) {
        known.delete(key);
        throw error;
      }
    },
  };
}

/**
 * Adds what a client asks for, once if it gave a key.
 *
 * @throws {DownloadError} as {@linkcode Coordinator.add} does.
 */
export async function addOnce(
  { requests, key }: Extract<ClientRequest, { kind: "add" }>,
  coordinator: Pick<Coordinator, "add">,
  keys: Keys,
): Promise<Keyed> {
  return key === undefined
    ? { kind: "added", ids: await coordinator.add(requests) }
    : await keys.add(key, requests);
}

/** What is said of a key that came with other downloads before. */
export const KEY_REUSED =
  "This idempotency key came with other downloads before: take a new one.";

/** Characters of an id's first 16 digits, with their hyphens. */
const BEGINNING = "01234567-89ab-cdef".length;

/** 64 bits that stand for a text. */
function digitsOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** An id of 64 bits and 16 digits, as all ids are written. */
function idOf(first: bigint, print: string): string {
  const digits = BigInt.asUintN(64, first).toString(16).padStart(16, "0") +
    print;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
