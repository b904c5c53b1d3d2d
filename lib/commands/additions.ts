/** Adds downloads to the queue. */

import {
  createDownload,
  createIds,
  type DownloadRequest,
} from "../download/download.ts";
import { DownloadError } from "../download/errors.ts";
import type { Tell } from "../download/events.ts";
import { type Rule, withRules } from "../download/rules.ts";
import type { Engine } from "../engine/engine.ts";
import { type Proxies, proxyNames } from "../origin/proxies.ts";
import type { Catalogue } from "../store/catalogue.ts";
import type { Queue } from "../store/queue.ts";

/** Settings of additions. */
export interface AdditionOptions {
  /** How many downloads may wait in the queue. */
  readonly queueLength: number;
  readonly proxies: Proxies;
  /** What downloads get that were not asked for with it; absent for nothing. */
  readonly rules?: readonly Rule[];
}

/** What downloads are added with. */
export interface AdditionTools {
  readonly catalogue: Pick<Catalogue, "add" | "totals">;
  readonly queue: Pick<Queue, "reset">;
  readonly engine: Pick<Engine, "fill">;
  readonly tell: Tell;
  /** The time of day, in milliseconds since 1970. */
  readonly timeOfDay: () => number;
}

/** What adds downloads. */
export interface Additions {
  /**
   * Adds downloads at the end of the queue. Once this resolves, they outlive
   * a crash.
   *
   * @param ids Their ids, where a client chose their first digits.
   * @returns Their ids.
   * @throws {DownloadError} BAD_REQUEST if one names a proxy that is none;
   * TOO_MUCH if the queue is full; STATE or DISK_FULL if they cannot be recorded.
   */
  add(
    requests: readonly DownloadRequest[],
    ids?: readonly string[],
  ): Promise<string[]>;
}

/** Makes what adds downloads. */
export function createAdditions(
  { queueLength, proxies, rules = [] }: AdditionOptions,
  { catalogue, queue, engine, tell, timeOfDay }: AdditionTools,
): Additions {
  /** How many downloads are being added: the catalogue does not count them yet. */
  let adding = 0;
  return {
    async add(requests, chosen) {
      const ids = chosen ?? createIds(requests.length);
      refuseUnknownProxies(requests, proxies);
      const waiting = catalogue.totals().Queued + adding;
      refuseIfFull(requests.length, waiting, queueLength);
      const now = timeOfDay();
      const downloads = requests.map((request, n) =>
        createDownload(withRules(request, rules, now), now, ids[n])
      );
      adding += downloads.length;
      try {
        await catalogue.add(downloads, chosen && "chosen");
      } finally {
        adding -= downloads.length;
      }
      // Of a thousand calls that were recorded together, only the last looks for
      // work. While calls come without end, the next idle thread finds the new
      // downloads, as the queue is read from its start again.
      queue.reset();
      if (adding === 0) engine.fill();
      for (const { id, request: { url } } of downloads) {
        tell({ kind: "added", id, url });
      }
      return [...ids];
    },
  };
}

/** @throws {DownloadError} BAD_REQUEST if a request names a proxy that is none. */
function refuseUnknownProxies(
  requests: readonly DownloadRequest[],
  proxies: Proxies,
): void {
  const known = proxyNames(proxies);
  const wrong = requests.find(({ proxy }) =>
    proxy !== undefined && !known.includes(proxy)
  );
  if (wrong === undefined) return;
  throw new DownloadError(
    "BAD_REQUEST",
    known.length === 0
      ? '"proxy": there are no proxies to choose from.'
      : `"proxy": there is no ${wrong.proxy}; there are ${known.join(", ")}.`,
  );
}

/** @throws {DownloadError} TOO_MUCH if `added` more than those that wait may not. */
function refuseIfFull(added: number, waiting: number, most: number): void {
  if (waiting + added <= most) return;
  throw new DownloadError(
    "TOO_MUCH",
    `Cannot add ${added}: ${waiting} downloads are waiting, and no more than ` +
      `${most} may.`,
  );
}
