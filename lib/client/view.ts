/** What a client knows of a server's downloads. Pure. */

import type { ServerMessage } from "../server/messages.ts";
import type { Disk, Status, Totals } from "../status/schema.ts";

/** How a client stands to its server. */
export type Standing =
  | { readonly kind: "connecting" }
  | { readonly kind: "connected" }
  /** It tries to connect again. */
  | { readonly kind: "lost"; readonly reason: string };

/** What is known of a server. */
export interface View {
  readonly connection: Standing;
  /** Null before the server has told. */
  readonly totals: Totals | null;
  readonly disk: Disk | null;
  /**
   * By their ids, the first heard of first; of those that have finished or failed,
   * the latest only.
   */
  readonly downloads: ReadonlyMap<string, Status>;
}

/** How many downloads that have finished or failed a view keeps. */
const MOST_OVER = 1_000;

/** A view of nothing yet. */
export const NOTHING: View = {
  connection: { kind: "connecting" },
  totals: null,
  disk: null,
  downloads: new Map(),
};

/** What a server tells of its downloads. */
export interface News {
  readonly changed: readonly Status[];
  /** Ids of downloads that are not there any more. */
  readonly removed: readonly string[];
  readonly totals: Totals | null;
  readonly disk: Disk | null;
  /** Whether this replaces all that was known. */
  readonly isSnapshot: boolean;
}

/** What a message tells of downloads; null if it is of something else. */
export function newsIn(message: ServerMessage): News | null {
  if (!("data" in message) || !Array.isArray(message.data)) return null;
  const { data, totals = null, disk = null, removed = [], snapshot } =
    message as {
      data: readonly Status[];
      totals?: Totals;
      disk?: Disk;
      removed?: readonly string[];
      snapshot?: true;
    };
  const isSnapshot = snapshot === true;
  return { changed: data, totals, disk, removed, isSnapshot };
}

/** The view after news. */
export function heard<Known extends View>(view: Known, news: News): Known {
  const downloads = new Map(news.isSnapshot ? [] : view.downloads);
  for (const status of news.changed) downloads.set(status.id, status);
  for (const id of news.removed) downloads.delete(id);
  const over = [...downloads.values()].filter(isOver);
  for (const { id } of over.slice(0, -MOST_OVER)) downloads.delete(id);
  return {
    ...view,
    connection: { kind: "connected" },
    totals: news.totals ?? view.totals,
    disk: news.disk ?? view.disk,
    downloads,
  };
}

function isOver({ process_status: status }: Status): boolean {
  return status === "Downloaded" || status === "Failed";
}
