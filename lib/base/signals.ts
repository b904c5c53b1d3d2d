/** Signals by which a user or the system asks the program to stop. */

/** Signals to stop, heard until disposed of. */
export interface Signals extends Disposable {
  /** Aborted at the first signal; a second one ends the process at once. */
  readonly stop: AbortSignal;
  /** 128 and the signal's number, as shells report it: 130 for Ctrl-C. */
  exitCode(): number;
}

/** Two signals within this time count as one: Ctrl-C reaches a task's child twice. */
const ONE_SIGNAL = 300;

const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Starts to hear signals. */
export function startSignals(): Signals {
  const stop = new AbortController();
  let code = 0;
  let first = Infinity;
  const listeners = (["SIGINT", "SIGTERM"] as const).map((signal) => {
    function listen() {
      if (Date.now() - first > ONE_SIGNAL) Deno.exit(CODES[signal]);
      if (stop.signal.aborted) return;
      first = Date.now();
      code = CODES[signal];
      stop.abort();
    }
    Deno.addSignalListener(signal, listen);
    return () => Deno.removeSignalListener(signal, listen);
  });
  return {
    stop: stop.signal,
    exitCode: () => code,
    [Symbol.dispose]: () => listeners.forEach((end) => end()),
  };
}

/** Resolves once a signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
