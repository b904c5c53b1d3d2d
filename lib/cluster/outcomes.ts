/**
 * Finds out what has become of a write to the queue.
 *
 * Brokers before 2.11 that keep a bucket together compare a write with the last
 * revision as it comes, and carry it out later: of two that come meanwhile, both
 * are carried out and acknowledged. And what they refuse, or know as a duplicate,
 * only as they carry it out is forgotten by a broker that is started again, which
 * then counts revisions otherwise than the others, for good. So who has written
 * looks, and nothing is sent again before it is sure that it was not carried out.
 */

import type { LastChange } from "./bucket.ts";

/** A write that compared with a revision that is not the last one any more. */
export const CONFLICT = new Error("It has been changed meanwhile.");

/** A write of which it is not known whether it stands. */
export interface Written {
  readonly key: string;
  /** What it wrote, as the bucket has it. */
  readonly text: string;
  /** The revision that it compared with. */
  readonly revision: number;
  /** The revision that was acknowledged; null if none was. */
  readonly acknowledged: number | null;
}

/** What outcomes are found out with. */
export interface OutcomesTools {
  /** Writes something of no meaning: resolves once it is carried out. */
  mark(): Promise<void>;
  /** The last change of a key; null for a key that never was there. */
  last(key: string): Promise<LastChange | null>;
}

/**
 * Makes a function that finds out the revision at which what was written stands;
 * null if it was not carried out, and is not any more.
 *
 * It throws {@linkcode CONFLICT} if something else was written in its place, and
 * what the tools throw.
 */
export function createOutcomes(
  { mark, last }: OutcomesTools,
): (written: Written) => Promise<number | null> {
  let marking: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;

  /**
   * Resolves once all that came to the brokers before is carried out, or is lost:
   * they do one after the other. One mark is enough for all that wait for the next.
   */
  function carriedOut(): Promise<void> {
    return next ??= marking.catch(() => {}).then(() => {
      next = null;
      return marking = mark();
    });
  }

  return async ({ key, text, revision, acknowledged }) => {
    await carriedOut();
    const found = await last(key);
    if ((found?.revision ?? 0) === revision) return null;
    if (found?.text === text) return found.revision;
    // Another has gone on from what was written.
    const isFollowed = found !== null && found.against !== revision;
    if (acknowledged !== null && isFollowed) return acknowledged;
    throw CONFLICT;
  };
}
