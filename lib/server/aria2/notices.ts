/** What aria2 tells its clients of events. */

import type { DownloadEvent } from "../../download/events.ts";
import { gidOf } from "./entries.ts";

/** All that it may tell; the last one is of BitTorrent, and never comes. */
export const NOTICES = [
  "aria2.onDownloadStart",
  "aria2.onDownloadPause",
  "aria2.onDownloadStop",
  "aria2.onDownloadComplete",
  "aria2.onDownloadError",
  "aria2.onBtDownloadComplete",
] as const;

type Notice = typeof NOTICES[number];

/**
 * Makes what turns events into messages; null for events that aria2's clients
 * are told nothing of. It remembers which downloads have begun: each thread
 * tells that it has started, clients are told so of the download.
 */
export function createNotices(): (event: DownloadEvent) => string | null {
  const begun = new Set<string>();

  function noticeOf(event: DownloadEvent): Notice | null {
    switch (event.kind) {
      case "started":
        if (begun.has(event.id)) return null;
        begun.add(event.id);
        return "aria2.onDownloadStart";
      case "paused":
        return begun.delete(event.id) ? "aria2.onDownloadPause" : null;
      case "removed":
        return begun.delete(event.id) ? "aria2.onDownloadStop" : null;
      case "downloaded":
        begun.delete(event.id);
        return "aria2.onDownloadComplete";
      case "failed":
        begun.delete(event.id);
        return "aria2.onDownloadError";
      default:
        return null;
    }
  }

  return (event) => {
    const method = noticeOf(event);
    if (method === null || !("id" in event)) return null;
    const params = [{ gid: gidOf(event.id) }];
    return JSON.stringify({ jsonrpc: "2.0", method, params });
  };
}
