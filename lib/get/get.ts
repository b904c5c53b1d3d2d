/** Fetches files in this process, without a server. */

import { basename } from "@std/path/basename";
import { join } from "@std/path/join";
import {
  createDownload,
  type Download,
  type DownloadRequest,
} from "../download/download.ts";
import { DownloadError, toRecord } from "../download/errors.ts";
import type { DownloadEvent } from "../download/events.ts";
import { total, union } from "../download/ranges.ts";
import { createFetching, type FetchingOptions } from "../fetching.ts";
import { checkDirectory } from "../files/directories.ts";
import { diskFull } from "../files/disk_room.ts";
import { createParts } from "../files/parts.ts";
import { filenameFor } from "../origin/filename.ts";
import { statusOf } from "../status/status.ts";
import { finishedAs } from "../store/named.ts";
import { createQueue } from "../store/queue.ts";
import { type Claim, createClaims, type PartRecord } from "./claims.ts";
import type {
  createExistingFiles,
  Existing,
  ExistingFiles,
  Kept,
} from "./existing.ts";
import type { FinishedFile } from "./finished.ts";
import { createLines } from "./host_turns.ts";
import type { Reporter } from "./reporter.ts";
import { createGetStore } from "./store.ts";

/** Downloads that have begun and not ended, for each thread. */
const AHEAD = 4;

/** Settings of a `get`. */
export interface GetOptions extends FetchingOptions {
  /** Absolute path. */
  readonly contentDirectory: string;
  /** What is done where a file is there already. */
  readonly existing: Existing;
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
  { reporter, interrupt }: { reporter: Reporter; interrupt: AbortSignal },
): Promise<GetEnd> {
  const { contentDirectory, threadsAmount, existing } = options;
  using claims = createClaims(contentDirectory, options);
  using files = existing === "number"
    ? null
    : await openExistingFiles({ ...options, existing }, interrupt);
  const ahead = existing === "renew" ? 1 : AHEAD;
  const wanted = new Map(requests.map((one) => [wordsOf(one), one]));
  const of = wanted.size;
  const lines = createLines([...wanted.values()]);
  const keyOf = await createKeys(of);
  /** What has begun and not ended, by the ids of the downloads. */
  const open = new Map<string, Begun>();
  const over = Promise.withResolvers<"all" | "interrupted" | "full">();
  over.promise.catch(() => {});
  let failed = 0;
  /** Of the last finished file: see `releaseLater`. */
  let finished: Claim | null = null;
  /** Bytes, as of the last look; without any, nothing more is begun. */
  let room = Infinity;
  /** Whether the disk has refused a byte, whatever the last look has told. */
  let isFull = false;

  function hear(event: DownloadEvent): void {
    switch (event.kind) {
      case "room":
        room = event.bytes;
        return;
      case "stuck":
        return reporter.stuck(event.error);
      case "setback":
        isFull ||= event.error.code === "DISK_FULL";
        return;
      case "paused":
        ended(event.download);
        // Where one file alone is too large, there is room for others.
        if (isFull || room <= 0) over.resolve("full");
        else takeUp().catch(over.reject);
        return;
      case "failed":
      case "downloaded":
        ended(event.download);
        takeUp().catch(over.reject);
    }
  }

  function ended(last: Download): void {
    const begun = open.get(last.id);
    const download = settled(last, begun?.key ?? null);
    open.delete(download.id);
    lines.ended(download.request);
    const { state } = download;
    const path = state.kind === "Downloaded" ? state.path : null;
    if (path === null) failed++;
    const left = total(union(begun?.claim?.left?.runs ?? []));
    const now = performance.now();
    const effort = {
      seconds: (now - (begun?.startedAt ?? now)) / 1000,
      bytes: Math.max(0, download.downloaded - left),
    };
    reporter.ended(statusOf(download), effort, path);
    if (path !== null) releaseLater(begun?.claim ?? null);
  }

  /**
   * Releases the claim on a finished file when the next file is finished, or this
   * call ends: after a kill, the same command then tells of the file that is
   * there, and fetches no second one.
   */
  function releaseLater(claim: Claim | null): void {
    const last = finished;
    finished = claim;
    release(last);
  }

  function release(claim: Claim | null): void {
    try {
      claim?.release();
    } catch (error) {
      reporter.stuck(toRecord(error));
    }
  }

  /** A download that has ended, with its file where that is to stay. */
  function settled(download: Download, key: string | null): Download {
    const { state, file } = download;
    if (files === null || key === null || state.kind !== "Downloaded") {
      return download;
    }
    try {
      const path = files.settle(key, state.path, file);
      const name = basename(path);
      return {
        ...download,
        state: { ...state, path },
        file: file && { ...file, name },
      };
    } catch (error) {
      // It is downloaded all the same; a later call does not know it again.
      reporter.stuck(toRecord(error));
      return download;
    }
  }

  /** Not all at once: each claim holds a file open. */
  async function takeUp(): Promise<void> {
    while (open.size < threadsAmount * ahead && !interrupt.aborted) {
      const request = lines.next();
      if (request === null) break;
      const id = crypto.randomUUID();
      const begun = { startedAt: performance.now(), key: null, claim: null };
      open.set(id, begun);
      const beginning = begin(id, request, begun).catch((error) => {
        const state = { kind: "Failed", error: toRecord(error) } as const;
        if (interrupt.aborted) return;
        release(open.get(id)?.claim ?? null);
        const now = Date.now();
        ended({ ...createDownload(request, now, id), state, finishedAt: now });
      });
      if (existing !== "renew") {
        await beginning;
        continue;
      }
      // Each asks its origin first: the others need not wait for the answer.
      beginning.then(() => open.has(id) ? undefined : takeUp())
        .catch(over.reject);
    }
    reporter.waiting(lines.waiting);
    if (lines.waiting === 0) claims.tidy();
    if (open.size + lines.waiting === 0) over.resolve("all");
    else if (room <= 0) over.reject(diskFull(0, room));
  }

  /**
   * @throws {DownloadError} if it cannot be begun.
   * @throws the reason of the interrupt.
   */
  async function begin(
    id: string,
    request: DownloadRequest,
    begun: Begun,
  ): Promise<void> {
    checkDirectory(contentDirectory, request.directory);
    const key = await keyOf(request);
    const take = () =>
      claims.take(key, {
        checked: request.checksum !== null,
        directory: request.directory,
      });
    // What a killed call left goes, whether the file is there or not.
    const old = files !== null && claims.isTaken(key) ? attempt(take) : null;
    if (old !== null) open.set(id, { ...begun, key, claim: old });
    const kept = await files?.find(request, key);
    if (kept) {
      if (old?.named) old.forget();
      release(old);
      return keep(id, request, kept);
    }
    interrupt.throwIfAborted();
    const claim = old ?? take();
    if (claim === null) {
      // A get of many holds the last file that it has finished for a while.
      const done = claims.named(key, request.directory);
      if (done === null) throw beingFetched();
      const file = { ...done, modified: 0, validator: null };
      return keep(id, request, { file, why: "existing" });
    }
    const mine = { ...claim, left: known(claim.left, request) };
    open.set(id, { ...begun, key, claim: mine });
    const { named, left } = mine;
    if (named === null) {
      await fetching.add([request], [id]);
      return;
    }
    // An earlier call gave it its name, and was killed before it could say so.
    mine.forget();
    const settled = finishedAs(named, left?.file ?? null);
    ended({ ...createDownload(request, Date.now(), id), ...settled });
  }

  /** A download whose file is there has come to its end. */
  function keep(
    id: string,
    request: DownloadRequest,
    { file, why }: { file: FinishedFile; why: Kept },
  ): void {
    open.delete(id);
    lines.ended(request);
    const download = downloadedAs(
      createDownload(request, Date.now(), id),
      file,
    );
    reporter.kept(statusOf(download), why, file.path);
  }

  const store = createGetStore((id) => {
    const claim = open.get(id)?.claim;
    if (claim) return claim;
    throw new DownloadError(
      "INTERNAL",
      "A download was begun without a claim.",
    );
  });
  const fetching = createFetching(options, {
    queue: createQueue(store),
    catalogue: store,
    records: store,
    parts: createParts(
      {
        ...{ directory: contentDirectory, path: partOf },
        ...{ below: null, naming: claims.naming },
      },
      options,
    ),
    hear,
    broadcast({ changed }) {
      reporter.changed(changed.filter(({ id }) => store.get(id) !== null));
    },
  });

  function partOf(id: string): string {
    // What tells of a finished file is left until its user has been told.
    const part = store.get(id) && open.get(id)?.claim?.part;
    return part ?? join(claims.directory, id);
  }

  interrupt.addEventListener("abort", () => over.resolve("interrupted"));
  try {
    await fetching.begin();
    if (interrupt.aborted) over.resolve("interrupted");
    else await takeUp();
    const why = await over.promise;
    await fetching.close();
    const left = open.size + lines.waiting;
    if (why === "interrupted" && left > 0) return { kind: "interrupted" };
    failed += left;
    return failed === 0 ? { kind: "done" } : { kind: "failed", failed, of };
  } finally {
    await fetching.close();
    for (const { claim } of open.values()) release(claim);
    releaseLater(null);
  }
}

/** Most calls do not need it, and are to start at once. */
async function openExistingFiles(
  ...args: Parameters<typeof createExistingFiles>
): Promise<ExistingFiles> {
  const { createExistingFiles } = await import("./existing.ts");
  return createExistingFiles(...args);
}

/** A download whose file is there already. */
function downloadedAs(
  download: Download,
  { path, size, validator }: FinishedFile,
): Download {
  return {
    ...download,
    state: { kind: "Downloaded", path },
    file: { size, ranges: null, validator, name: basename(path) },
    downloaded: size,
    finishedAt: download.addedAt,
  };
}

/** Where nothing can be written, what is there already is there all the same. */
function attempt(take: () => Claim | null): Claim | null {
  try {
    return take();
  } catch {
    return null;
  }
}

/** A download that has begun. */
interface Begun {
  /** Milliseconds, by the steady clock. */
  readonly startedAt: number;
  /** See `createKeys`; null until it is known. */
  readonly key: string | null;
  /** Null until it is taken. */
  readonly claim: Claim | null;
}

/** What makes two requests the same download. */
function wordsOf({ url, filename, directory }: DownloadRequest): string {
  const where = directory ? [directory] : [];
  return JSON.stringify([url, filename, ...where]);
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

function beingFetched(): DownloadError {
  return new DownloadError(
    "DISK",
    "Another sluice get fetches this already: wait for it, or stop it.",
  );
}
