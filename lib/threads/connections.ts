/** Which members of the pool have connections to a host, in use or idle. */

import type { SliceTask, ThreadEvent } from "./messages.ts";

/** Hosts that are remembered; at one more, all are forgotten. */
const MOST_HOSTS = 1_000;

/** Where a pool's threads have connections to. */
export interface Connections<Member> {
  /** A member carries a thread. */
  carries(member: Member, task: SliceTask): void;
  /** Notes which threads have ended, and how. */
  hear(event: ThreadEvent): void;
  /**
   * Whether a host's last whole slice came to this member. An origin that allows
   * few connections counts idle ones, too: another member would get none.
   */
  isServed(member: Member, task: SliceTask): boolean;
  /** How many threads a member carries at a task's host. */
  running(member: Member, task: SliceTask): number;
  /**
   * The members, all but one, whose connections to a task's host lie idle. They
   * are to close them, and are not named again before they have others.
   */
  takeIdle(task: SliceTask, but: Member): Member[];
}

/** Makes what remembers no host yet. */
export function createConnections<Member>(): Connections<Member> {
  const carried = new Map<number, { member: Member; host: string }>();
  const served = new Map<string, Member>();
  /** Who may have connections to a host. */
  const holders = new Map<string, Set<Member>>();

  function running(member: Member, { url }: Pick<SliceTask, "url">): number {
    const { host } = new URL(url);
    return carried.values()
      .filter((one) => one.member === member && one.host === host)
      .reduce((count) => count + 1, 0);
  }

  return {
    carries(member, { thread, url }) {
      const { host } = new URL(url);
      carried.set(thread, { member, host });
      if (holders.size >= MOST_HOSTS) holders.clear();
      const those = holders.get(host) ?? new Set();
      holders.set(host, those.add(member));
    },
    hear(event) {
      if (event.type !== "ended") return;
      const ended = carried.get(event.thread);
      carried.delete(event.thread);
      if (ended === undefined || event.outcome.kind !== "done") return;
      if (served.size >= MOST_HOSTS) served.clear();
      served.set(ended.host, ended.member);
    },
    isServed: (member, { url }) => served.get(new URL(url).host) === member,
    running,
    takeIdle(task, but) {
      const those = holders.get(new URL(task.url).host);
      const idle = [...those ?? []]
        .filter((member) => member !== but && running(member, task) === 0);
      for (const member of idle) those?.delete(member);
      return idle;
    },
  };
}
