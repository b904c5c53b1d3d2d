/** Which worker has connections to a host that lie idle. */

import type { SliceTask, ThreadEvent } from "./messages.ts";

/** Hosts that are remembered; at one more, all are forgotten. */
const MOST_HOSTS = 1_000;

/** The workers that were last served by each host. */
export interface Connections<Worker> {
  /** A worker carries a thread. */
  carries(worker: Worker, task: SliceTask): void;
  /** Notes which threads have ended, and how. */
  hear(event: ThreadEvent): void;
  /**
   * Whether a host's last whole slice came to this worker. An origin that allows
   * few connections counts idle ones, too: another worker would get none.
   */
  isServed(worker: Worker, task: SliceTask): boolean;
}

/** Makes what remembers no host yet. */
export function createConnections<Worker>(): Connections<Worker> {
  const carried = new Map<number, { worker: Worker; host: string }>();
  const served = new Map<string, Worker>();
  return {
    carries(worker, { thread, url }) {
      carried.set(thread, { worker, host: new URL(url).host });
    },
    hear(event) {
      if (event.type !== "ended") return;
      const ended = carried.get(event.thread);
      carried.delete(event.thread);
      if (ended === undefined || event.outcome.kind !== "done") return;
      if (served.size >= MOST_HOSTS) served.clear();
      served.set(ended.host, ended.worker);
    },
    isServed: (worker, { url }) => served.get(new URL(url).host) === worker,
  };
}
