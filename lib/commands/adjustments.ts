/** Commands that leave a download's threads going: limit, prioritize, move. */

import {
  type Command,
  type Download,
  refuseUnlessAllowed,
  type Rewording,
} from "../download/download.ts";
import { unknownId } from "../download/errors.ts";
import { CARRIED_OUT, type Tell } from "../download/events.ts";
import type { Engine } from "../engine/engine.ts";
import type { Catalogue } from "../store/catalogue.ts";
import type { Changeable } from "../store/order.ts";
import type { Queue } from "../store/queue.ts";

/** A command that is carried out while the download's threads go on. */
export type Adjustment = Extract<
  Command,
  { kind: "limit" | "prioritize" | "move" }
>;

/** What adjustments are made with. */
export interface AdjustmentTools {
  readonly catalogue: Pick<Catalogue, "get" | "reword">;
  readonly queue: Pick<Queue, "reset">;
  readonly engine: Pick<Engine, "reword">;
  /** Absent where nobody changes it. */
  readonly order?: Pick<Changeable, "place">;
  readonly tell: Tell;
}

/** Whether a command is an adjustment. */
export function isAdjustment(command: Command): command is Adjustment {
  return ["limit", "prioritize", "move"].includes(command.kind);
}

/**
 * Makes an adjustment; resolves once it is recorded.
 *
 * @throws {DownloadError} UNKNOWN_ID or WRONG_STATE; STATE or DISK_FULL if it
 * cannot be recorded.
 */
export async function adjust(
  id: string,
  command: Adjustment,
  { catalogue, queue, engine, order, tell }: AdjustmentTools,
): Promise<void> {
  adjustable(id, command, catalogue);
  if (command.kind === "move") await order?.place(id, command.rank);
  else {
    const rewording = adjusting(command);
    await catalogue.reword(id, rewording);
    engine.reword(id, rewording);
  }
  // What has been read ahead of the line goes by what was before.
  queue.reset();
  tell({ kind: CARRIED_OUT[command.kind], id });
}

/**
 * The download that an adjustment is of.
 *
 * @throws {DownloadError} UNKNOWN_ID or WRONG_STATE.
 */
export function adjustable(
  id: string,
  command: Adjustment,
  catalogue: Pick<Catalogue, "get">,
): Download {
  const download = catalogue.get(id);
  if (download === null) throw unknownId();
  refuseUnlessAllowed(command, download.state);
  return download;
}

/** Gives a request another rate or priority. */
function adjusting(command: Exclude<Adjustment, { kind: "move" }>): Rewording {
  if (command.kind === "limit") {
    const { limitRate } = command;
    return ({ limitRate: _, ...rest }) =>
      limitRate === null ? rest : { ...rest, limitRate };
  }
  const { priority } = command;
  return ({ priority: _, ...rest }) =>
    priority === "normal" ? rest : { ...rest, priority };
}
