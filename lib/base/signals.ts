/** Signals by which a user or the system asks the program to stop. */

/** Signals to stop, heard until disposed of. */
export interface Signals extends Disposable {
  /** Aborted at the first signal; a second one ends the process at once. */
  readonly stop: AbortSignal;
  /** 128 and the signal's number, as shells report it: 130 for Ctrl-C. */
  exitCode(): number;
}

/**
 * Two signals within this time count as one, in milliseconds: Ctrl-C reaches a
 * task's child twice.
 */
const ONE_SIGNAL = 300;

const CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

type StopSignal = keyof typeof CODES;

/**
 * Starts to hear signals.
 *
 * A hangup says that the terminal is gone, and stops a program that was started
 * with one. A program without one goes on: `nohup` leaves none to it, and Deno,
 * which listens to what `nohup` has ignored, does not tell in another way.
 *
 * @param onHangup Called for each hangup that the program goes on after.
 */
export function startSignals(onHangup: () => void = () => {}): Signals {
  const stop = new AbortController();
  // To be asked now: a terminal that is gone is none any more.
  const hasTerminal = [Deno.stdin, Deno.stdout, Deno.stderr]
    .some((stream) => stream.isTerminal());
  let code = 0;
  let first = Infinity;

  function end(signal: StopSignal): void {
    if (stop.signal.aborted) return;
    first = performance.now();
    code = CODES[signal];
    stop.abort();
  }

  function onStop(signal: StopSignal): void {
    if (performance.now() - first > ONE_SIGNAL) Deno.exit(CODES[signal]);
    end(signal);
  }

  function hangUp(): void {
    // The shell and the system may both say so: nobody has lost patience.
    if (hasTerminal) end("SIGHUP");
    else onHangup();
  }

  const listeners: readonly (readonly [StopSignal, () => void])[] = [
    ["SIGHUP", hangUp],
    ["SIGINT", () => onStop("SIGINT")],
    ["SIGTERM", () => onStop("SIGTERM")],
  ];
  for (const [signal, listen] of listeners) {
    Deno.addSignalListener(signal, listen);
  }
  return {
    stop: stop.signal,
    exitCode: () => code,
    [Symbol.dispose]() {
      for (const [signal, listen] of listeners) {
        Deno.removeSignalListener(signal, listen);
      }
    },
  };
}

/** Resolves once a signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
