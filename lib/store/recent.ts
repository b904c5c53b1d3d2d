/** Downloads that were read or written lately, kept in memory. */

import type { Download } from "../download/download.ts";

/** How many downloads are kept, or up to twice as many ... */
const REMEMBERED = 2_048;
/** ... unless their requests have more characters than this. */
const LONGEST_REMEMBERED = 1_000;

/**
 * Some downloads, as they are recorded. A small file is asked for some times
 * within a moment, and reading it again would take longer than writing it.
 */
export interface Recent {
  get(id: string): Download | undefined;
  /** @param request The download's request, as it is recorded. */
  remember(download: Download, request: string): void;
  /** A download that is kept stands otherwise now; others stay unknown. */
  update(download: Download): void;
  forget(id: string): void;
  forgetAll(): void;
}

/** Makes an empty one. */
export function createRecent(): Recent {
  let recent = new Map<string, Download>();
  /** Those that were recent before these; what is in both, has changed. */
  let older = new Map<string, Download>();

  const get = (id: string) => recent.get(id) ?? older.get(id);
  return {
    get,
    remember(download, request) {
      if (request.length > LONGEST_REMEMBERED) return;
      recent.set(download.id, download);
      if (recent.size < REMEMBERED) return;
      older = recent;
      recent = new Map();
    },
    update(download) {
      if (get(download.id) !== undefined) recent.set(download.id, download);
    },
    forget(id) {
      recent.delete(id);
      older.delete(id);
    },
    forgetAll() {
      recent.clear();
      older.clear();
    },
  };
}
