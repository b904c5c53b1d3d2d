/** What is done again and again. */

/**
 * In its first milliseconds a process does nothing again: to set its first
 * timer takes it 7 ms, and a small file has come before there is a use for one.
 */
const NOT_BEFORE = 50;

/** Aborted when they are over. It is there at once, unlike other timers. */
let begin: AbortSignal | undefined;

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

/** Does something every so many milliseconds, until disposed of. */
export function every(milliseconds: number, action: () => void): Disposable {
  const begun = begin ??= AbortSignal.timeout(NOT_BEFORE);
  let timer: ReturnType<typeof setInterval> | undefined;
  const start = () => void (timer = setInterval(action, milliseconds));
  if (begun.aborted) start();
  else begun.addEventListener("abort", start);
  return {
    [Symbol.dispose]() {
      begun.removeEventListener("abort", start);
      if (timer !== undefined) clearInterval(timer);
    },
  };
}
