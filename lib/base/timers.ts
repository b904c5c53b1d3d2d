/** What is done again and again, or not at once. */

/**
 * In its first milliseconds a process does nothing again: to set its first
 * timer takes it 7 ms, and a small file has come before there is a use for one.
 */
const NOT_BEFORE = 50;

/** Aborted when they are over. It is there at once, unlike other timers. */
let begin: AbortSignal | undefined;

/** Does something once a process is not in its first milliseconds any more. */
export function afterStart(action: () => void): Disposable {
  const begun = begin ??= AbortSignal.timeout(NOT_BEFORE);
  if (begun.aborted) action();
  else begun.addEventListener("abort", action);
  return {
    [Symbol.dispose]: () => begun.removeEventListener("abort", action),
  };
}

/** Has something done now and then, with others, until disposed of. */
export type Together = (action: () => void) => Disposable;

/** Like {@linkcode every}, with one timer for all that is to be done. */
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
 * Waits for a promise, but no longer than `milliseconds`; up to {@linkcode
 * NOT_BEFORE} more while the process has only just begun.
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
