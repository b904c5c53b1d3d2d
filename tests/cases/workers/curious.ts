/** A worker that tries what its permissions must not let it do. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import type { Order, Report } from "../../../lib/threads/messages.ts";

const TEMPTATIONS: Readonly<Record<string, () => unknown>> = {
  env: () => Deno.env.get("HOME"),
  run: () => new Deno.Command("true").outputSync(),
  sys: () => Deno.hostname(),
  ffi: () => Deno.dlopen("libc.so.6", {}),
  read: () => Deno.readTextFileSync("/etc/hostname"),
  write: () => Deno.writeTextFileSync("/tmp/sluice-should-not-be", ""),
};

self.onmessage = ({ data }: MessageEvent<readonly Order[]>) => {
  for (const order of data) {
    if (order.type !== "digest") continue;
    const { id } = order;
    const succeeded = Object.entries(TEMPTATIONS)
      .filter(([, attempt]) => succeeds(attempt)).map(([name]) => name);
    const report: Report = { type: "digested", id, digests: succeeded };
    self.postMessage([report]);
  }
};

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}
