/** A worker that throws. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { misbehave } from "./misbehave.ts";

misbehave(() => {
  throw new Error("out of order");
});
