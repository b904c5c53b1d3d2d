/** Mirrors that origins tell of. */

import type { Rewording } from "../download/download.ts";
import { toRecord } from "../download/errors.ts";
import type { Tell } from "../download/events.ts";
import {
  type Duplicates,
  withDuplicates,
  withoutTold,
} from "../origin/duplicates.ts";
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
  tools: MirrorTools,
): void {
  const rewording: Rewording = (request) =>
    withDuplicates(request, duplicates, url === request.url) ?? request;
  reword(transfer, rewording, tools, () => {
    helpedBy(transfer);
    tools.fillSoon();
  });
}

/** Forgets a checksum that the URL's answers told before, and tell no more. */
export function forgetTold(transfer: Transfer, tools: MirrorTools): void {
  reword(transfer, withoutTold, tools, () => {});
}

/** Has a transfer be asked for in another way, and records it, if that is new. */
function reword(
  transfer: Transfer,
  reworded: Rewording,
  { catalogue, tell }: MirrorTools,
  onRecorded: () => void,
): void {
  const { download: { id, request: asked } } = transfer;
  // If a client has given another URL meanwhile, there may be another file.
  const rewording: Rewording = (request) =>
    request.url === asked.url ? reworded(request) : request;
  if (rewording(asked) === asked) return;
  const recording = catalogue.reword(id, rewording);
  ask(transfer, rewording);
  recording.then(onRecorded)
    .catch((error) => tell({ kind: "stuck", id, error: toRecord(error) }));
}
