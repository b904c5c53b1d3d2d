/** Timers. What a process may need in its first milliseconds sets none then. */

/**
 * How long after its start a process sets no timer, in milliseconds. To set the
 * first one takes it 7 ms, and a small file has come before a timer is of use.
 */
const NOT_BEFORE = 50;

/** Aborted when `NOT_BEFORE` is over; made at once, unlike a first timer. */
let begin: AbortSignal | undefined;

/** Does something once the process's first milliseconds are over. */
export function afterStart(action: () => void): Disposable {
  const begun = begin ??= AbortSignal.timeout(NOT_BEFORE);
  if (begun.aborted) action();
  else begun.addEventListener("abort", action);
  return {
    [Symbol.dispose]: () => begun.removeEventListener("abort", action),
  };
}

/** Adds an action to those that share a timer, until disposed of. */
export type Together = (action: () => void) => Disposable;

/** Like {@linkcode every}, with one timer for any number of actions. */
export function together(milliseconds: number): Together {
  const actions = new Set<() => void>();
  let timer: Disposable | undefined;
  return (action) => {
    actions.add(action);
    timer ??= every(milliseconds, () => {
      for (const action of actions) action();
    });
    return {
      [Symbol.dispose]() {
        if (!actions.delete(action) || actions.size > 0) return;
        timer?.[Symbol.dispose]();
        timer = undefined;
      },
    };
  };
}

/**
 * Waits for a promise, but no longer than `milliseconds`, or 50 more if the
 * process has only just begun: like {@linkcode every}, it sets no timer then.
 *
 * @throws what the promise rejects with in time.
 */
export async function within(
  milliseconds: number,
  promise: Promise<unknown>,
): Promise<void> {
  const over = Promise.withResolvers<void>();
  using _timer = every(milliseconds, over.resolve);
  await Promise.race([promise, over.promise]);
}

/** Does something once in each period of `milliseconds`, until disposed of. */
export function every(milliseconds: number, action: () => void): Disposable {
  let timer: ReturnType<typeof setInterval> | undefined;
  const starting = afterStart(() => {
    timer = setInterval(action, milliseconds);
  });
  return {
    [Symbol.dispose]() {
      starting[Symbol.dispose]();
      if (timer !== undefined) clearInterval(timer);
    },
  };
}

/**
 * Resolves after `milliseconds`, or as soon as `stop` is aborted. Nothing of it
 * stays on the signal, which may outlive any number of pauses.
 */
export async function pause(
  milliseconds: number,
  stop: AbortSignal,
): Promise<void> {
  if (stop.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const over = () => resolve();
  const timer = setTimeout(over, milliseconds);
  stop.addEventListener("abort", over);
  await promise;
  clearTimeout(timer);
  stop.removeEventListener("abort", over);
}
