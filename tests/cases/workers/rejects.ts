/** A worker that lets a promise fail. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { misbehave } from "./misbehave.ts";

misbehave(() => {
  Promise.reject(new Error("out of order"));
});
