/**
 * How a server enters its cluster: what is done each time that its copy has caught
 * up with the bucket, and tried again until it is done.
 */

import type { Log } from "../base/log.ts";
import { pause } from "../base/timers.ts";
import { toRecord } from "../download/errors.ts";
import type { Broker } from "./broker.ts";
import type { Lease, Place } from "./entry.ts";
import { endFormerSessions } from "./former_sessions.ts";
import type { Membership } from "./membership.ts";

/** How long to wait after the first try that fails, in milliseconds ... */
const AGAIN = 500;
/** ... and at most: it is twice as long each time. */
const MOST_AGAIN = 4_000;

/** What a server enters with. */
export interface EntranceTools {
  readonly broker: Pick<Broker, "list" | "write">;
  readonly membership: Pick<
    Membership,
    "hear" | "join" | "session" | "sessions"
  >;
  readonly place: Place;
  /** How long a lease holds, in milliseconds. */
  readonly lease: number;
  readonly log: Log;
  /** Another server has this one's name; it is tried again. */
  onRefused(error: unknown): void;
  /** The server is in: for the first time, or again in what it is connected to. */
  onEntered(): void;
}

/** The way into a cluster; disposing of it ends what is being tried. */
export interface Entrance extends Disposable {
  /** The copy has caught up: the server may enter. */
  open(): void;
  /** The copy has to catch up first, maybe with another bucket. */
  shut(): void;
  /** Whether all that is in the bucket is known, and who has a lease there. */
  isWhole(): boolean;
}

/** Makes an entrance that is shut. */
export function createEntrance(tools: EntranceTools): Entrance {
  const { broker, membership, log } = tools;
  let isWhole = false;
  /** Whether the server has had a session, or is about to. */
  let isMember = false;
  let isOver = false;
  /** Aborted once what the copy had caught up with is connected no more. */
  let opened = new AbortController();
  /** What is being tried: one at a time. */
  let trying = Promise.resolve();

  /** @throws {DownloadError} STATE if nobody answers, or another has the name. */
  async function enter(signal: AbortSignal): Promise<void> {
    // A session that is about to begin is no former one.
    if (isMember) await membership.join();
    // Of sessions that began before what was heard just now, too.
    const leases = await broker.list("n");
    if (signal.aborted) return;
    for (const change of leases) {
      membership.hear(change, change.value as Lease | null);
    }
    isWhole = true;
    await endFormerSessions({ ...tools, signal }).catch((error) => {
      tools.onRefused(error);
      throw error;
    });
    if (signal.aborted) return;
    isMember = true;
    await membership.join();
    if (!signal.aborted) tools.onEntered();
  }

  async function enterAtLast(signal: AbortSignal): Promise<void> {
    let wait = AGAIN;
    /** What was said last, so that it is said once. */
    let said = "";
    while (!signal.aborted) {
      try {
        return await enter(signal);
      } catch (error) {
        if (signal.aborted) return;
        const { message } = toRecord(error);
        if (message !== said) log("not joined", { message });
        said = message;
      }
      await pause(wait, signal);
      wait = Math.min(2 * wait, MOST_AGAIN);
    }
  }

  return {
    open() {
      const { signal } = opened;
      trying = trying.then(() => enterAtLast(signal));
    },
    shut() {
      isWhole = false;
      opened.abort();
      if (!isOver) opened = new AbortController();
    },
    isWhole: () => isWhole,
    [Symbol.dispose]() {
      isOver = true;
      opened.abort();
    },
  };
}
