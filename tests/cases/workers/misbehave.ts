/**
 * Has the real worker's code misbehave at those slices whose URL is one of
 * `/bad`; all else it does as ever.
 */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import type { Order } from "../../../lib/threads/messages.ts";
import "../../../lib/threads/worker.ts";

const scope = self as unknown as DedicatedWorkerGlobalScope;
const obey = scope.onmessage;

/** Says how it misbehaves. */
export function misbehave(how: () => void): void {
  scope.onmessage = (event: MessageEvent<readonly Order[]>) => {
    const isBad = (order: Order) =>
      order.type === "fetch" && order.task.url.endsWith("/bad");
    if (event.data.some(isBad)) how();
    else obey?.call(scope, event);
  };
}
