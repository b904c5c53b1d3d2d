/** What is done again and again. */

/**
 * In its first milliseconds a process does nothing again: to set its first
 * timer takes it 7 ms, and a small file has come before there is a use for one.
 */
const NOT_BEFORE = 50;

/** Aborted when they are over. It is there at once, unlike other timers. */
let begin: AbortSignal | undefined;

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
