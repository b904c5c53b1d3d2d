/** Checks a large state behind its use, in a worker of its own. */

import {
  DownloadError,
  type ErrorRecord,
  fromRecord,
} from "../download/errors.ts";
import { permissionsFor, type ReaderOrder } from "./reader.ts";

/** A check that goes on; disposing of it ends it. */
export interface Checking extends Disposable {
  /** Rejects with STATE if the state is damaged; else it is never settled. */
  readonly damaged: Promise<never>;
}

/** What the worker is told once it has opened the state. */
export interface CheckOrder {
  readonly type: "check";
}

/** What the worker answers. */
export interface CheckReport {
  readonly type: "checked";
  /** Null for a state that is sound. */
  readonly error: ErrorRecord | null;
}

/** Checks the state at `path`, which this process has open. */
export function checkBehind(path: string): Checking {
  const { promise: damaged, reject } = Promise.withResolvers<never>();
  damaged.catch(() => {});
  const worker = new Worker(new URL("./reader_worker.ts", import.meta.url), {
    type: "module",
    name: "sluice checker",
    deno: { permissions: permissionsFor(path) },
  });
  worker.onmessage = ({ data }: MessageEvent<CheckReport>) => {
    worker.terminate();
    if (data.error !== null) reject(fromRecord(data.error));
  };
  worker.onerror = (event) => {
    // Unprevented, a worker's error would end the whole process.
    event.preventDefault();
    const message = `Cannot check the state in ${path}: ${event.message}.`;
    reject(new DownloadError("STATE", message));
  };
  worker.postMessage({ type: "open", path } satisfies ReaderOrder);
  worker.postMessage({ type: "check" } satisfies CheckOrder);
  return { damaged, [Symbol.dispose]: () => worker.terminate() };
}
