/** A Web Worker: orders in, threads running, reports out. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { toRecord } from "../errors.ts";
import type { Run } from "../slices.ts";
import { createBuffers } from "./buffers.ts";
import { digest } from "./digest.ts";
import { publish, removeParts } from "./publish.ts";
import { type Controls, fetchSlice, type Surroundings } from "./fetch_slice.ts";
import type {
  JobOrder,
  Order,
  Outcome,
  Report,
  SliceTask,
  WorkerSettings,
} from "./messages.ts";

interface Thread extends Controls {
  readonly stop: AbortController;
}

/** How long a report may wait for more to go with it, in milliseconds. */
const SOON = 2;

const threads = new Map<number, Thread>();
let outbox: Report[] = [];
let sending: ReturnType<typeof setTimeout> | undefined;
let surroundings: Surroundings;

// Before any await, or the first orders would be lost.
self.onmessage = ({ data }: MessageEvent<readonly Order[]>) => {
  for (const order of data) obey(order);
};

function obey(order: Order): void {
  switch (order.type) {
    case "settings":
      surroundings = surroundingsFrom(order.settings);
      return;
    case "fetch":
      run(order.task);
      return;
    case "shrink": {
      const thread = threads.get(order.thread);
      if (thread) thread.end = Math.min(thread.end, order.end);
      return;
    }
    case "stop":
      threads.get(order.thread)?.stop.abort();
      return;
    case "digest":
    case "publish":
    case "remove":
      work(order);
      return;
    case "ping":
      report({ type: "pong" });
      return;
  }
}

function surroundingsFrom(settings: WorkerSettings): Surroundings {
  return {
    // Over HTTP/2 all threads of a worker would share one connection.
    client: Deno.createHttpClient({
      http1: true,
      http2: false,
      caCerts: [...settings.caCerts],
      // Of IPv6, Deno can deny no ranges, nor IPv4 in disguise, and a name may
      // lead anywhere. From an address of IPv4, only IPv4 can be reached.
      ...(settings.allowPrivate ? {} : { localAddress: "0.0.0.0" }),
    }),
    buffers: createBuffers(),
    stallTimeout: settings.stallTimeout,
    allowPrivate: settings.allowPrivate,
  };
}

async function run(task: SliceTask): Promise<void> {
  const stop = new AbortController();
  const thread: Thread = { end: Infinity, stop, signal: stop.signal };
  threads.set(task.thread, thread);
  let written: Run | null = null;
  let outcome: Outcome = { kind: "done" };
  try {
    await fetchSlice(task, thread, {
      answered: (answered) =>
        reportSoon({ type: "answered", thread: task.thread, answered }),
      wrote(run) {
        if (run.end === (written?.end ?? run.start)) return;
        written = run;
        reportSoon({ type: "wrote", thread: task.thread, run });
      },
    }, surroundings);
  } catch (error) {
    outcome = stop.signal.aborted
      ? { kind: "stopped" }
      : { kind: "failed", error: toRecord(error) };
  }
  threads.delete(task.thread);
  report({ type: "ended", thread: task.thread, run: written, outcome });
}

async function work(order: JobOrder): Promise<void> {
  const { id } = order;
  try {
    switch (order.type) {
      case "digest":
        report({ type: "digested", id, digests: await digest(order.job) });
        return;
      case "publish":
        report({ type: "published", id, published: await publish(order.job) });
        return;
      case "remove":
        removeParts(order.job);
        report({ type: "removed", id });
    }
  } catch (error) {
    report({ type: "job failed", id, error: toRecord(error) });
  }
}

function report(message: Report): void {
  outbox.push(message);
  send();
}

/** What a small file's thread says first waits for its last word. */
function reportSoon(message: Report): void {
  outbox.push(message);
  sending ??= setTimeout(send, SOON);
}

function send(): void {
  clearTimeout(sending);
  sending = undefined;
  self.postMessage(outbox);
  outbox = [];
}
