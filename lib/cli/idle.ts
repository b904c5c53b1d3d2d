/** When a server has nothing more to do, and what stands as failed then. */

import type { Totals } from "../status/schema.ts";
import type { Client } from "../client/client.ts";

/** Tells one who waits that there is news. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, or at once if it rang since the last wait. */
  next(): Promise<void>;
}

/** Makes a bell that has not rung. */
export function createBell(): Bell {
  let rung = Promise.withResolvers<void>();
  return {
    ring: () => rung.resolve(),
    async next() {
      await rung.promise;
      rung = Promise.withResolvers();
    },
  };
}

/**
 * Waits until nothing is queued or running; how many downloads stand as failed
 * then, those among them that an error keeps paused.
 *
 * A server greets with what it last told everybody, which may be half a second
 * old: what was added since is in its lists, and only these are believed.
 *
 * @throws {SluiceError} if the client is closed.
 */
export async function failuresOnceIdle(
  client: Pick<Client, "list">,
  bell: Bell,
  totals: () => Totals | null,
): Promise<number> {
  for (;;) {
    await bell.next();
    if (!seemsIdle(totals())) continue;
    const left = await client.list({
      status: ["Queued", "Downloading"],
      limit: 1,
    });
    if (left.total > 0 || !seemsIdle(totals())) continue;
    const failed = await client.list({ status: ["Failed"], limit: 1 });
    const paused = await client.list({ status: ["Paused"], limit: PAGE });
    const stopped = paused.statuses.filter(({ error }) => error !== null);
    return failed.total + stopped.length;
  }
}

/** The most downloads that a server lists at once. */
const PAGE = 1_000;

function seemsIdle(totals: Totals | null): boolean {
  return totals !== null && totals.Queued + totals.Downloading === 0;
}
