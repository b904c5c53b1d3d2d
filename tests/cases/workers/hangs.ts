/** A worker that never comes back. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { misbehave } from "./misbehave.ts";

misbehave(() => {
  for (;;);
});
