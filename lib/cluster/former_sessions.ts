/** Sessions that this server had before its process began. */

import { pause } from "../base/timers.ts";
import { DownloadError } from "../download/errors.ts";
import type { Broker } from "./broker.ts";
import { type Place, silenceOf } from "./entry.ts";
import type { Membership } from "./membership.ts";

/** How long the end of a session is tried to be written, in milliseconds. */
const WRITTEN_WITHIN = 2_000;
/** How often a session is looked at that may be alive, in milliseconds. */
const LOOK_EVERY = 100;

/** What former sessions are ended with. */
export interface FormerSessionsTools {
  readonly broker: Pick<Broker, "write">;
  readonly membership: Pick<Membership, "hear" | "session" | "sessions">;
  readonly place: Place;
  /** How long a lease holds, in milliseconds. */
  readonly lease: number;
  /** Aborted once it is of no use any more. */
  readonly signal: AbortSignal;
}

/**
 * Ends the former sessions of this server. Its process has the lock of its name at
 * its storage: what else is alive of both is what it was before. The same name at
 * another storage is another server's.
 *
 * @throws {DownloadError} STATE if a server of this name is alive.
 */
export async function endFormerSessions(
  { broker, membership, place, lease: length, signal }: FormerSessionsTools,
): Promise<void> {
  for (const [session, { lease, revision }] of membership.sessions()) {
    if (signal.aborted) return;
    if (session === membership.session() || lease.node !== place.node) continue;
    if (lease.storage !== place.storage) {
      const silence = silenceOf(lease, length);
      await refuseIfAlive(
        session,
        { node: place.node, silence, signal },
        membership,
      );
      continue;
    }
    const key = `n.${session}`;
    await broker.write(key, null, revision, WRITTEN_WITHIN)
      .then((revision) => membership.hear({ key, value: null, revision }, null))
      // It lapses by itself.
      .catch(() => {});
  }
}

/** How it is found out whether a session is alive. */
interface Looking {
  readonly node: string;
  /** After how long without a renewal it is dead, in milliseconds. */
  readonly silence: number;
  readonly signal: AbortSignal;
}

/** @throws {DownloadError} STATE if a session renews its lease. */
async function refuseIfAlive(
  session: string,
  { node, silence, signal }: Looking,
  membership: Pick<Membership, "sessions">,
): Promise<void> {
  const before = membership.sessions().get(session)?.revision;
  const until = performance.now() + silence;
  while (performance.now() < until && !signal.aborted) {
    await pause(LOOK_EVERY, signal);
    const now = membership.sessions().get(session)?.revision;
    if (now === undefined) return;
    if (now === before) continue;
    throw new DownloadError(
      "STATE",
      `Another server of the cluster is ${node} already: give this one ` +
        "another NODE_NAME.",
    );
  }
}
