/** The downloads of one `get`: in memory, and what must outlive it in claims. */

import { type Download, hostOf } from "../download/download.ts";
import type { Run } from "../download/ranges.ts";
import { finishedAs } from "../store/recovery.ts";
import type { Filter, Settled, Store } from "../store/store.ts";
import type { Claim } from "./claims.ts";

/** What the store of a `get` asks of it. */
export interface GetStoreHooks {
  /** Takes a download for this process. */
  claim(download: Download): Promise<Claim>;
  /** A download has come to its end; until this resolves, no next one starts. */
  settled(download: Download, claim: Claim): Promise<void>;
}

interface Entry {
  download: Download;
  runs: readonly Run[];
  readonly claim: Claim;
}

/** Makes the store of a `get`. */
export function createGetStore({ claim, settled }: GetStoreHooks): Store {
  const entries = new Map<string, Entry>();

  function all({ states, search }: Filter): Download[] {
    return entries.values().map(({ download }) => download)
      .filter(({ state, request }) =>
        states.includes(state.kind) && request.url.includes(search)
      ).toArray();
  }

  async function settle(
    id: string,
    { state, file, downloaded, finishedAt }: Settled,
  ): Promise<void> {
    const entry = entries.get(id);
    if (entry === undefined) return;
    const { claim } = entry;
    if (state.kind === "Downloaded" || downloaded === 0) {
      await claim.forget();
      entry.runs = [];
    }
    const stands = { state, file, downloaded, finishedAt };
    entry.download = { ...entry.download, ...stands };
    if (state.kind === "Queued") return;
    entries.delete(id);
    await settled(entry.download, claim);
  }

  return {
    async add(downloads) {
      for (const download of downloads) {
        const mine = await claim(download);
        const { file = null, runs = [] } = mine.left ?? {};
        const { named } = mine;
        const entry = { download: { ...download, file }, runs, claim: mine };
        entries.set(download.id, entry);
        if (named) await settle(download.id, finishedAs(named, file));
      }
    },
    next({ ids, hosts }, limit) {
      const [held, full] = [new Set(ids), new Set(hosts)];
      return entries.values().map(({ download }) => download)
        .filter(({ id, state, request }) =>
          state.kind === "Queued" && !held.has(id) &&
          !full.has(hostOf(request))
        ).take(limit).toArray();
    },
    runs: (id) => [...entries.get(id)?.runs ?? []],
    async checkpoint(id, file, { runs, bytes }) {
      const entry = entries.get(id);
      if (entry === undefined) return;
      await entry.claim.write({ file, runs });
      entry.download = { ...entry.download, file, downloaded: bytes };
      entry.runs = runs;
    },
    forget(id) {
      const entry = entries.get(id);
      entry?.claim.forget();
      if (entry) entry.runs = [];
      return Promise.resolve();
    },
    settle,
    renew(id, request) {
      const entry = entries.get(id);
      if (entry === undefined) return Promise.resolve();
      entry.claim.forget();
      const fresh = { request, file: null, downloaded: 0, finishedAt: null };
      const state = { kind: "Queued" } as const;
      entry.download = { ...entry.download, ...fresh, state };
      entry.runs = [];
      return Promise.resolve();
    },
    remove(id) {
      entries.get(id)?.claim.forget();
      entries.delete(id);
      return Promise.resolve();
    },
    get: (id) => entries.get(id)?.download ?? null,
    list({ offset, limit, order, ...filter }) {
      const found = all(filter);
      if (order === "latest") found.reverse();
      return found.slice(offset, offset + limit);
    },
    // A `get` ends when the disk is full, and its user runs it again.
    waitingForRoom: () => [],
    count: (filter) => all(filter).length,
    totals() {
      const totals = { Queued: 0, Paused: 0, Downloaded: 0, Failed: 0 };
      for (const { download } of entries.values()) {
        totals[download.state.kind]++;
      }
      return totals;
    },
    [Symbol.dispose]() {},
  };
}
