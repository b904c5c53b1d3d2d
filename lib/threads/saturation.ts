/** Whether one thread of JavaScript has all that it can do. */

import { every } from "../base/timers.ts";

/** How often is looked, in milliseconds: the first look loads node:process. */
const LOOK_EVERY = 1_000;
/** The share of a core at which a thread hardly waits for anything. */
const BUSY = 0.9;

/** For how long a thread has run on a core since it began, in milliseconds. */
export type CpuTime = () => number | Promise<number>;

/** The CPU time of the thread that asks. */
async function ownCpuTime(): Promise<number> {
  const { default: process } = await import("node:process");
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * Does something once, after this thread was busy from one look to the next. A
 * thread that waits for a slow disk is not busy: another would wait, too.
 */
export function onceSaturated(
  action: () => void,
  cpuTime: CpuTime = ownCpuTime,
): Disposable {
  let last: { readonly at: number; readonly spent: number } | null = null;
  let over = false;

  async function look(): Promise<void> {
    const spent = await cpuTime();
    const at = performance.now();
    const share = last && (spent - last.spent) / (at - last.at);
    last = { at, spent };
    if (over || share === null || share < BUSY) return;
    looking[Symbol.dispose]();
    action();
  }

  const looking = every(LOOK_EVERY, look);
  return {
    [Symbol.dispose]() {
      over = true;
      looking[Symbol.dispose]();
    },
  };
}
