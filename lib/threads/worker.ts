/** A Web Worker: orders in, threads running, reports out. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { type Carrier, createCarrier } from "./carrier.ts";
import type { Order, Report } from "./messages.ts";

/** How long a report may wait for more to go with it, in milliseconds. */
const SOON = 2;

let outbox: Report[] = [];
let soon: ReturnType<typeof setTimeout> | undefined;
let now: ReturnType<typeof setImmediate> | undefined;
let carrier: Carrier;

// Set before any await: orders that come earlier would be lost.
self.onmessage = ({ data }: MessageEvent<readonly Order[]>) => {
  for (const order of data) obey(order);
};

function obey(order: Order): void {
  switch (order.type) {
    case "settings":
      carrier = createCarrier(order.settings, report);
      return;
    case "ping":
      report({ type: "pong" });
      return;
    default:
      carrier.obey(order);
  }
}

/**
 * Sends what is reported in one turn of the event loop in one message.
 * `answered` and `wrote` may wait a little: the thread of a small file ends right
 * after them, and all its reports then go together.
 */
function report(message: Report): void {
  outbox.push(message);
  const first = message.type === "answered" || message.type === "wrote";
  if (first) soon ??= setTimeout(send, SOON);
  else now ??= setImmediate(send);
}

function send(): void {
  clearTimeout(soon);
  clearImmediate(now);
  soon = now = undefined;
  self.postMessage(outbox);
  outbox = [];
}
