/** A worker that ends itself. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { misbehave } from "./misbehave.ts";

misbehave(() => self.close());
