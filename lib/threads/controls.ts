/** What a thread and its carrier share while the thread runs. */

import type { Run } from "../download/ranges.ts";

/** The controls of one thread. */
export interface Controls {
  /** The offset where the thread is to stop, for now. */
  end: number;
  /** What the thread has written; null as long as that is nothing. */
  written: Run | null;
  /** Bytes that the thread may read; Infinity where nothing limits it. */
  leave: number;
  /** Lets it read `bytes` more. */
  grant(bytes: number): void;
  /** Resolves once it may read more, or is to end. */
  granted(): Promise<void>;
  /** Ends the thread, whose error is the reason. */
  readonly control: AbortController;
  /** Moves `end`: the slice's tail was taken over, or it goes on behind it. */
  bound(end: number): void;
  /** Resolves once `end` is moved from outside, or the thread is to end. */
  moved(): Promise<void>;
}

/**
 * Makes the controls of a thread.
 *
 * @param end The offset where it is to stop.
 * @param leave Bytes that it may read before it has to ask.
 */
export function createControls(end: number, leave: number): Controls {
  const control = new AbortController();
  let moved = Promise.withResolvers<void>();
  let granted = Promise.withResolvers<void>();
  control.signal.addEventListener("abort", () => {
    moved.resolve();
    granted.resolve();
  });
  const controls: Controls = {
    end,
    written: null,
    leave,
    grant(bytes) {
      controls.leave += bytes;
      granted.resolve();
      if (!control.signal.aborted) granted = Promise.withResolvers();
    },
    granted: () => granted.promise,
    control,
    bound(end) {
      controls.end = end;
      moved.resolve();
      if (!control.signal.aborted) moved = Promise.withResolvers();
    },
    moved: () => moved.promise,
  };
  return controls;
}
