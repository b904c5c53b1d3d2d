/** Moves downloads in the queue. */

import { createInOrder } from "../base/in_order.ts";
import { type ErrorRecord, toRecord } from "../download/errors.ts";
import type { Catalogue } from "../store/catalogue.ts";
import { planMove, type Target } from "../store/moves.ts";
import type { Changeable } from "../store/order.ts";
import { adjustable, type Adjustment } from "./adjustments.ts";
import type { Commands, Workplaces } from "./commands.ts";

/** What moves are made with. */
export interface MoveTools {
  readonly catalogue: Pick<Catalogue, "get">;
  readonly commands: Pick<Commands, "command">;
  /** The ids of the downloads that have begun, here or elsewhere. */
  readonly running: () => string[];
  /** Absent where nobody changes it: then nothing is moved. */
  readonly order?: Changeable;
  /** Absent where no other server has the same queue. */
  readonly peers?: Pick<Workplaces, "heardOf"> | undefined;
}

/** What moves downloads. */
export interface Moves {
  /**
   * Moves downloads in the queue, among those of their own priority. What is
   * moved keeps the order that it has among itself; what runs goes on.
   *
   * @returns Those that were left where they are, and why.
   * @throws {DownloadError} UNKNOWN_ID or WRONG_STATE if the one that they are to
   * be before is not in the queue.
   */
  move(ids: readonly string[], to: Target): Promise<Left>;
}

/** The ids of downloads that were left where they are, and why. */
type Left = ReadonlyMap<string, ErrorRecord>;

/** A move to nowhere, to ask whether a download could be moved. */
const NO_MOVE: Adjustment = { kind: "move", rank: 0 };

/**
 * Makes what moves downloads. Each move is worked out from what the one before
 * has come to.
 */
export function createMoves({ order, ...tools }: MoveTools): Moves {
  const inOrder = createInOrder();
  return {
    move: (ids, to) =>
      inOrder.run(
        "",
        async () =>
          order ? await move(ids, to, { ...tools, order }) : new Map(),
      ),
  };
}

async function move(
  ids: readonly string[],
  to: Target,
  { catalogue, commands, running, order, peers }:
    & MoveTools
    & { order: Changeable },
): Promise<Left> {
  const left = new Map<string, ErrorRecord>();
  const named = typeof to === "object" ? [...ids, to.before] : ids;
  // One that cannot be heard of is refused below, alone.
  await Promise.allSettled(named.map((id) => peers?.heardOf(id)));
  const begun = new Set(running());
  const isRunning = (id: string) => begun.has(id);
  if (typeof to === "object") adjustable(to.before, NO_MOVE, catalogue);
  const asked = ids.filter((id) => {
    try {
      return adjustable(id, NO_MOVE, catalogue);
    } catch (error) {
      left.set(id, toRecord(error));
    }
  });
  for (;;) {
    const { kind, moved } = planMove(asked, to, { order, isRunning });
    const moving = moved.map(async ({ id, rank }) => {
      try {
        await commands.command(id, { kind: "move", rank });
      } catch (error) {
        left.set(id, toRecord(error));
      }
    });
    await Promise.all(moving);
    if (kind === "move" || moved.every(({ id }) => left.has(id))) break;
  }
  return left;
}
