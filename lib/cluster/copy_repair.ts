/** Puts into a server's copy what could not be written to it. */

import type { Log } from "../base/log.ts";
import { every } from "../base/timers.ts";
import { toRecord } from "../download/errors.ts";
import type { Broker } from "./broker.ts";
import type { Entry } from "./entry.ts";
import type { Replica } from "./replica.ts";

/** How often it is tried whether the copy can be written again, in milliseconds. */
const TRY_EVERY = 1_000;
/** How many entries are read at a time. */
const READING = 64;

/** What a copy is repaired with. */
export interface CopyRepairTools {
  readonly broker: Pick<Broker, "isConnected" | "read">;
  readonly replica: Replica;
  readonly log: Log;
  /** Takes in an entry that was read here; resolves once it was tried to be shown. */
  applied(id: string, entry: Entry | null, revision: number): Promise<void>;
}

/** The repair of a copy; disposing of it ends it. */
export interface CopyRepair extends Disposable {
  /** A change could not be written. */
  failed(error: unknown): void;
}

/**
 * Makes the repair. What could not be written is read from the broker once the
 * copy can be written again: until then, only its ids are kept.
 */
export function createCopyRepair(
  { broker, replica, log, applied }: CopyRepairTools,
): CopyRepair {
  let lagsSince: number | null = null;
  let isTrying = false;

  async function repairOne(id: string): Promise<void> {
    const found = await broker.read(`d.${id}`);
    // That it is gone is about to be heard.
    if (found === null && replica.known(id) !== undefined) return;
    const { value = null, revision = replica.position() } = found ?? {};
    await applied(id, value as Entry | null, revision);
  }

  async function repair(): Promise<void> {
    // A full disk is found out by one write, and not by reading all.
    await replica.store.touch();
    const ids = [...replica.lagging()];
    while (ids.length > 0) {
      const some = ids.splice(0, READING);
      await Promise.all(some.map(repairOne));
      // It is full again.
      if (some.every((id) => replica.lagging().has(id))) return;
    }
  }

  async function attempt(): Promise<void> {
    if (lagsSince === null || isTrying || !broker.isConnected()) return;
    isTrying = true;
    try {
      await repair();
    } catch {
      // It is tried again.
    } finally {
      isTrying = false;
    }
    if (replica.lagging().size > 0) return;
    log("copy whole", { ms: Math.round(performance.now() - lagsSince) });
    lagsSince = null;
  }

  const trying = every(TRY_EVERY, attempt);
  return {
    failed(error) {
      if (lagsSince !== null) return;
      lagsSince = performance.now();
      log("copy lags", { message: toRecord(error).message });
    },
    [Symbol.dispose]: () => trying[Symbol.dispose](),
  };
}
