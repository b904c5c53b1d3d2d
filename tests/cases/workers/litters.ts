/** The real worker, while its garbage is collected again and again. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import "../../../lib/threads/worker.ts";

setInterval(() => {
  let last: unknown = null;
  for (let n = 0; n < 8; n++) last = new Array(1_000_000).fill(last !== null);
}, 100);
