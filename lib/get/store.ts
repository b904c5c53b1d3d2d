/** The downloads of one `get`: in memory, and what must outlive it in claims. */

import { type Download, hostOf } from "../download/download.ts";
import type { Run } from "../download/ranges.ts";
import type { Catalogue, Settled } from "../store/catalogue.ts";
import type { PartRecords } from "../store/part_records.ts";
import type { Line } from "../store/queue.ts";
import type { Claim } from "./claims.ts";

interface Entry {
  download: Download;
  runs: readonly Run[];
  readonly claim: Claim;
}

/**
 * Makes the store of a `get`. It holds a download from when it is added until
 * it has come to rest, and releases its claim then, unless its file is there.
 *
 * @param claimOf The claim on a download, by its id.
 */
export function createGetStore(
  claimOf: (id: string) => Claim,
): Line & Catalogue & PartRecords {
  const entries = new Map<string, Entry>();

  function settle(id: string, settled: Settled): Promise<void> {
    const entry = entries.get(id);
    if (entry === undefined) return Promise.resolve();
    const { state, downloaded } = settled;
    if (state.kind === "Downloaded" || downloaded === 0) forget(entry);
    entry.download = { ...entry.download, ...settled };
    // What tells of a name is to be there until its user has been told.
    if (state.kind === "Downloaded") entries.delete(id);
    else if (state.kind !== "Queued") release(id, entry);
    return Promise.resolve();
  }

  function forget(entry: Entry): void {
    entry.claim.forget();
    entry.runs = [];
  }

  function release(id: string, { claim }: Entry): void {
    entries.delete(id);
    claim.release();
  }

  return {
    add(downloads) {
      for (const download of downloads) {
        const claim = claimOf(download.id);
        const { file = null, runs = [] } = claim.left ?? {};
        const entry = { download: { ...download, file }, runs, claim };
        entries.set(download.id, entry);
      }
      return Promise.resolve();
    },
    waiting(fullHosts, limit) {
      const full = new Set(fullHosts);
      return entries.values().map(({ download }) => download)
        .filter(({ state, request }) =>
          state.kind === "Queued" && !full.has(hostOf(request))
        ).map(({ id }) => id).take(limit).toArray();
    },
    runs: (id) => entries.get(id)?.runs ?? [],
    async checkpoint(id, file, { runs, bytes }) {
      const entry = entries.get(id);
      if (entry === undefined) return;
      await entry.claim.write({ file, runs });
      entry.download = { ...entry.download, file, downloaded: bytes };
      entry.runs = runs;
    },
    forget(id) {
      const entry = entries.get(id);
      if (entry !== undefined) forget(entry);
      return Promise.resolve();
    },
    settle,
    renew(id, request, state) {
      const entry = entries.get(id);
      if (entry === undefined) return Promise.resolve();
      forget(entry);
      const anew = { request, file: null, downloaded: 0, finishedAt: null };
      entry.download = { ...entry.download, ...anew, state };
      return Promise.resolve();
    },
    reword(id, rewording) {
      const entry = entries.get(id);
      if (entry === undefined) return Promise.resolve();
      const request = rewording(entry.download.request);
      entry.download = { ...entry.download, request };
      return Promise.resolve();
    },
    remove(id) {
      const entry = entries.get(id);
      if (entry === undefined) return Promise.resolve();
      forget(entry);
      release(id, entry);
      return Promise.resolve();
    },
    get: (id) => entries.get(id)?.download ?? null,
    totals() {
      const totals = { Queued: 0, Paused: 0, Downloaded: 0, Failed: 0 };
      for (const { download } of entries.values()) {
        totals[download.state.kind]++;
      }
      return totals;
    },
  };
}
