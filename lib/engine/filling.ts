/** When an engine looks whether there is work for idle threads. */

/** Does something at the end of the turn, once for all that ask for it in it. */
export function soon(action: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      action();
    });
  };
}

/** Fills threads; disposing of it ends that. */
export interface Filling extends Disposable {
  now(): void;
  /** Once for all that is heard in one turn: looking costs more than hearing. */
  soon(): void;
}

/**
 * Makes one.
 *
 * @param fill Fills threads; returns in how many milliseconds more of them may
 * be had than now, or null if that is not known.
 */
export function createFilling(fill: () => number | null): Filling {
  let later: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  function now(): void {
    if (closed) return;
    forget();
    const wait = fill();
    if (wait !== null) later = setTimeout(now, wait);
  }

  /** Most never wait, and a process's first call of a timer takes it 7 ms. */
  function forget(): void {
    if (later !== undefined) clearTimeout(later);
    later = undefined;
  }

  return {
    now,
    soon: soon(now),
    [Symbol.dispose]() {
      closed = true;
      forget();
    },
  };
}
