/** A worker that never comes back. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { misbehave } from "./misbehave.ts";

// It waits asleep: a loop that works goes on after the worker is terminated,
// and takes a core from all tests that follow.
misbehave(() => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (;;) Atomics.wait(cell, 0, 0);
});
