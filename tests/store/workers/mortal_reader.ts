/** A worker that dies when it is asked to search for `die`. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import type { ReaderOrder, ReaderReport } from "../../../lib/store/reader.ts";

self.onmessage = ({ data }: MessageEvent<ReaderOrder>) => {
  if (data.type === "close") return report({ type: "closed" });
  if (data.type !== "find") return;
  const { id, page } = data;
  if (page.search === "die") throw new Error("dead");
  report({ type: "found", id, found: { ids: [String(id)], total: 1 } });
};

function report(message: ReaderReport): void {
  self.postMessage(message);
}
