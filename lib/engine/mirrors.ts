/** Mirrors that origins tell of. */

import type { Rewording } from "../download/download.ts";
import { toRecord } from "../download/errors.ts";
import type { Tell } from "../download/events.ts";
import { type Duplicates, withDuplicates } from "../origin/duplicates.ts";
import type { Catalogue } from "../store/catalogue.ts";
import type { Source } from "../transfer/source.ts";
import { ask, helpedBy, type Transfer } from "../transfer/transfer.ts";

/** What mirrors are adopted with. */
export interface MirrorTools {
  readonly catalogue: Pick<Catalogue, "reword">;
  readonly tell: Tell;
  /** A transfer has more sources: there may be work for idle threads. */
  fillSoon(): void;
}

/**
 * Records mirrors that a source's answer has told of, and what proves them; only
 * then do they help.
 */
export function adopt(
  transfer: Transfer,
  { url }: Source,
  duplicates: Duplicates,
  { catalogue, tell, fillSoon }: MirrorTools,
): void {
  const { download: { id, request: asked } } = transfer;
  const rewording: Rewording = (request) => {
    // A client has given another URL meanwhile: there may be another file.
    if (request.url !== asked.url) return request;
    const isOwn = url === request.url;
    return withDuplicates(request, duplicates, isOwn) ?? request;
  };
  if (rewording(asked) === asked) return;
  const recording = catalogue.reword(id, rewording);
  ask(transfer, rewording);
  recording.then(() => {
    helpedBy(transfer);
    fillSoon();
  }).catch((error) => tell({ kind: "stuck", id, error: toRecord(error) }));
}
