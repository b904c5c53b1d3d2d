/** Fetches files in this process, without a server. */

import { join } from "@std/path/join";
import type { Log } from "../base/log.ts";
import { type CoordinatorOptions, createCoordinator } from "../coordinator.ts";
import {
  createDownload,
  type Download,
  type DownloadRequest,
} from "../download/download.ts";
import { DownloadError, toRecord } from "../download/errors.ts";
import { total, union } from "../download/ranges.ts";
import { diskFull } from "../files/disk_room.ts";
import { createParts, type DownloadParts } from "../files/parts.ts";
import { filenameFor } from "../origin/filename.ts";
import { statusOf } from "../status/status.ts";
import { type Claim, createClaims, type PartRecord } from "./claims.ts";
import { createLines } from "./host_turns.ts";
import type { Reporter } from "./reporter.ts";
import { createGetStore } from "./store.ts";

/** So many downloads are taken up at a time, for each thread. */
const AHEAD = 4;

/** Settings of a `get`. */
export interface GetOptions extends CoordinatorOptions {
  /** Absolute path. */
  readonly contentDirectory: string;
}

/** How a `get` ended. */
export type GetEnd =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly failed: number; readonly of: number }
  | { readonly kind: "interrupted" };

/**
 * Fetches all that is asked for, each URL once. What is not finished when this
 * returns goes on with the next call for the same URL and name.
 *
 * @param interrupt Ends the call early, with all threads stopped and recorded.
 * @throws {DownloadError} if the disk is full, or the directory is of no use.
 */
export async function get(
  requests: readonly DownloadRequest[],
  options: GetOptions,
  { reporter, log, interrupt }: {
    reporter: Reporter;
    log: Log;
    interrupt: AbortSignal;
  },
): Promise<GetEnd> {
  const { contentDirectory, threadsAmount, minFreeSpace } = options;
  using claims = createClaims(contentDirectory, options);
  const wanted = new Map(requests.map((one) => [wordsOf(one), one]));
  const of = wanted.size;
  const lines = createLines([...wanted.values()]);
  const keyOf = await createKeys(of);
  const open = new Map<string, Open>();
  const over = Promise.withResolvers<"all" | "interrupted" | "disk full">();
  over.promise.catch(() => {});
  let failed = 0;
  /** Downloads that are on their way from `lines` to `open`. */
  let coming = 0;
  /** Bytes, as of the last look; without any, nothing more is begun. */
  let room = Infinity;

  const store = createGetStore({
    async claim(download) {
      const key = await keyOf(download.request);
      const claimed = claims.take(key);
      if (claimed === null) throw beingFetched();
      const left = known(claimed.left, download.request);
      const mine = { ...claimed, left };
      open.set(download.id, { startedAt: Date.now(), claim: mine });
      return mine;
    },
    async settled(download, claim) {
      claim.release();
      ended(download);
      if (isDiskFull(download)) over.resolve("disk full");
      else await takeUp();
    },
  });

  function ended(download: Download): void {
    const { startedAt, claim } = open.get(download.id) ?? NOTHING;
    open.delete(download.id);
    lines.ended(download.request);
    const { state } = download;
    const path = state.kind === "Downloaded" ? state.path : null;
    if (path === null) failed++;
    const left = total(union(claim?.left?.runs ?? []));
    const effort = {
      seconds: (Date.now() - (startedAt ?? Date.now())) / 1000,
      bytes: Math.max(0, download.downloaded - left),
    };
    reporter.ended(statusOf(download), effort, path);
  }

  /** Not all at once: each claim holds a file open. */
  async function takeUp(): Promise<void> {
    while (open.size + coming < threadsAmount * AHEAD && !interrupt.aborted) {
      const request = lines.next();
      if (request === null) break;
      coming++;
      try {
        await coordinator.add([request]);
      } catch (error) {
        const state = { kind: "Failed", error: toRecord(error) } as const;
        const finishedAt = Date.now();
        ended({ ...createDownload(request, finishedAt), state, finishedAt });
      } finally {
        coming--;
      }
    }
    reporter.waiting(lines.waiting);
    if (lines.waiting === 0) claims.tidy();
    if (open.size + coming + lines.waiting === 0) over.resolve("all");
    else if (room <= 0) over.reject(diskFull(0, room));
  }

  const files = createParts({
    directory: contentDirectory,
    path: (id) => open.get(id)?.claim.part ?? join(claims.directory, id),
  }, options);
  const parts: DownloadParts = {
    ...files,
    async free() {
      const free = await files.free();
      room = free - minFreeSpace;
      return free;
    },
  };
  const coordinator = await createCoordinator(options, {
    store,
    parts,
    log,
    publish({ changed }) {
      reporter.changed(changed.filter(({ id }) => open.has(id)));
    },
  });
  interrupt.addEventListener("abort", () => over.resolve("interrupted"));
  try {
    if (interrupt.aborted) over.resolve("interrupted");
    else await takeUp();
    const why = await over.promise;
    await coordinator.close();
    const left = open.size + lines.waiting;
    if (why === "interrupted" && left > 0) return { kind: "interrupted" };
    failed += left;
    return failed === 0 ? { kind: "done" } : { kind: "failed", failed, of };
  } finally {
    await coordinator.close();
    for (const { claim } of open.values()) claim.release();
  }
}

interface Open {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly claim: Claim;
}

const NOTHING = { startedAt: null, claim: null } as const;

/** What makes two requests the same download. */
function wordsOf({ url, filename }: DownloadRequest): string {
  return JSON.stringify([url, filename]);
}

/** Keys that take as long without node:crypto as loading it does. */
const WORTH_LOADING = 100;

/**
 * Makes what the same command finds its downloads by. It says nothing of their
 * URLs, whose secrets are thus in no file's name.
 *
 * @param count How many keys will be asked for.
 */
async function createKeys(
  count: number,
): Promise<(request: DownloadRequest) => Promise<string>> {
  if (count < WORTH_LOADING) {
    return async (request) => {
      const bytes = new TextEncoder().encode(wordsOf(request));
      const digest = await crypto.subtle.digest("SHA-256", bytes);
      return new Uint8Array(digest).toHex().slice(0, 32);
    };
  }
  const { createHash } = await import("node:crypto");
  return (request) => {
    const hash = createHash("sha256").update(wordsOf(request));
    return Promise.resolve(hash.digest("hex").slice(0, 32));
  };
}

/** What is there already of a download. */
function known(
  left: PartRecord | null,
  { url }: DownloadRequest,
): PartRecord | null {
  if (left === null) return null;
  // The record is a file that anybody may have written to.
  const name = filenameFor(left.file.name, null, url);
  return { ...left, file: { ...left.file, name } };
}

function isDiskFull({ state }: Download): boolean {
  return state.kind === "Paused" && state.error?.code === "DISK_FULL";
}

function beingFetched(): DownloadError {
  return new DownloadError(
    "DISK",
    "Another sluice get fetches this already: wait for it, or stop it.",
  );
}
