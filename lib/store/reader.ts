/** Finds downloads in a worker of its own, so that nothing waits for it. */

import { within } from "../base/timers.ts";
import {
  DownloadError,
  type ErrorRecord,
  fromRecord,
} from "../download/errors.ts";
import type { Found, Listing, Page } from "./catalogue.ts";

/**
 * How long the worker may take to close its connection, in milliseconds. Of a
 * state that two connections have open, the last to close removes the
 * write-ahead log, and the worker's, which only reads, could not.
 */
const CLOSE_WITHIN = 1_000;

/** What the reader tells its worker. */
export type ReaderOrder =
  /** Comes first, once. */
  | { readonly type: "open"; readonly path: string }
  | { readonly type: "find"; readonly id: number; readonly page: Page }
  | { readonly type: "close" };

/** What the worker answers; pages are found one after another. */
export type ReaderReport =
  | { readonly type: "found"; readonly id: number; readonly found: Found }
  | {
    readonly type: "failed";
    readonly id: number;
    readonly error: ErrorRecord;
  }
  | { readonly type: "closed" };

/** Finds downloads of a state that this process has open. */
export interface Reader extends Listing, AsyncDisposable {
  /**
   * Starts the worker, which the first page does otherwise. Deno panics where
   * one is started while no more files can be opened: a server has it before
   * it has clients.
   */
  start(): void;
}

/** A worker, and who waits for it. */
interface ReadingWorker {
  find(page: Page): Promise<Found>;
  /** Closes its connection; what is not found by then is not found any more. */
  close(): Promise<void>;
}

/**
 * Makes a reader of the state at `path`. A worker that dies is replaced as the
 * next page is asked for.
 *
 * @param code The module that the worker runs.
 */
export function createReader(
  path: string,
  code = new URL("./reader_worker.ts", import.meta.url),
): Reader {
  let worker: ReadingWorker | null = null;
  let closed = false;

  function start(): ReadingWorker {
    if (closed) throw stopped();
    return worker ??= startWorker(path, code, () => worker = null);
  }

  return {
    start: () => void start(),
    find: async (page) => await start().find(page),
    async [Symbol.asyncDispose]() {
      closed = true;
      await worker?.close();
    },
  };
}

/** @param onGone Called when the worker has died. */
function startWorker(
  path: string,
  code: URL,
  onGone: () => void,
): ReadingWorker {
  const worker = new Worker(code, {
    type: "module",
    name: "sluice reader",
    deno: { permissions: permissionsFor(path) },
  });
  const pending = new Map<number, PromiseWithResolvers<Found>>();
  const closed = Promise.withResolvers<void>();
  let last = 0;
  let over = false;

  function post(order: ReaderOrder): void {
    worker.postMessage(order);
  }

  function end(error: DownloadError): void {
    over = true;
    worker.onmessage = null;
    worker.terminate();
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
    closed.resolve();
  }

  worker.onmessage = ({ data }: MessageEvent<ReaderReport>) => {
    if (data.type === "closed") return closed.resolve();
    const waiting = pending.get(data.id);
    pending.delete(data.id);
    if (data.type === "found") waiting?.resolve(data.found);
    else waiting?.reject(fromRecord(data.error));
  };
  worker.onerror = (event) => {
    // Unprevented, a worker's error would end the whole process.
    event.preventDefault();
    if (over) return;
    onGone();
    end(
      new DownloadError(
        "STATE",
        `Cannot list downloads: the worker that does failed: ${event.message}`,
      ),
    );
  };
  post({ type: "open", path });
  return {
    find(page) {
      const waiting = Promise.withResolvers<Found>();
      pending.set(++last, waiting);
      post({ type: "find", id: last, page });
      return waiting.promise;
    },
    async close() {
      post({ type: "close" });
      await within(CLOSE_WITHIN, closed.promise);
      end(stopped());
    },
  };
}

/**
 * The state's file, to be read. SQLite opens what it has beside it by itself,
 * unseen by Deno.
 */
export function permissionsFor(path: string): Deno.PermissionOptionsObject {
  return {
    read: [path],
    write: false,
    net: false,
    env: false,
    ffi: false,
    import: false,
    run: false,
    sys: false,
  };
}

function stopped(): DownloadError {
  return new DownloadError("STATE", "Cannot list downloads: the server stops.");
}
