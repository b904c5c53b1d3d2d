/** A Web Worker: orders in, threads running, reports out. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { type Carrier, createCarrier } from "./carrier.ts";
import type { Order, Report } from "./messages.ts";

/** How long a report may wait for more to go with it, in milliseconds. */
const SOON = 2;

let outbox: Report[] = [];
let sending: ReturnType<typeof setTimeout> | undefined;
let carrier: Carrier;

// Before any await, or the first orders would be lost.
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

/** What a small file's thread says first waits for its last word. */
function report(message: Report): void {
  outbox.push(message);
  if (message.type === "answered" || message.type === "wrote") {
    sending ??= setTimeout(send, SOON);
  } else send();
}

function send(): void {
  clearTimeout(sending);
  sending = undefined;
  self.postMessage(outbox);
  outbox = [];
}
