/** A worker that takes more memory than there is. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { misbehave } from "./misbehave.ts";

const kept: ArrayBuffer[] = [];

misbehave(() => {
  for (;;) kept.push(new ArrayBuffer(2 ** 46));
});
