/** What a failure means for a transfer. */

import type { State } from "../download/download.ts";
import type { ErrorRecord } from "../download/errors.ts";
import { remedyFor } from "../download/remedies.ts";
import { type Ending, isWhole, pinnedOf, type Transfer } from "./transfer.ts";

/** How often a file may change at its origin before it is given up. */
const MOST_RESTARTS = 3;
/** How often in a row an origin may refuse or confuse what it has given. */
const MOST_REFUSALS = 3;

/** What follows from a thread's failure. */
export type Verdict =
  | { readonly kind: "continue" }
  /** Continue, with no more connections to the origin than are alive now. */
  | { readonly kind: "fewer" }
  | { readonly kind: "stop"; readonly then: Ending };

/** What bears on a verdict. */
export interface Circumstances {
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
  /** Whether the thread asked where an earlier answer had redirected to. */
  readonly redirected: boolean;
  /** Whether the host serves another thread now, of whatever download. */
  readonly hostServes: boolean;
  /** How many attempts in a row may bring nothing. */
  readonly attempts: number;
  /** How long to wait after the first failure, in milliseconds. */
  readonly retryWait: number;
}

/**
 * Decides what the failure of a thread, which has ended, means for the others,
 * and sets when to try again.
 */
export function judge(
  transfer: Transfer,
  error: ErrorRecord,
  circumstances: Circumstances,
): Verdict {
  transfer.lastError = error;
  // Where a redirect led may be down, and another place be known by now.
  if (circumstances.redirected && transfer.threads.size === 0) {
    transfer.location = null;
  }
  switch (remedyFor(error.code)) {
    case "none":
      return settle({ kind: "Failed", error });
    case "pause":
      return settle({ kind: "Paused", error });
    case "restart":
      return restart(transfer, transfer.ask, error);
    case "whole":
      return isFinal(transfer)
        ? restart(transfer, "whole", error)
        : again(transfer, error, circumstances) ?? { kind: "continue" };
    case "proven":
      return isFinal(transfer)
        ? settle({ kind: "Failed", error })
        : again(transfer, error, circumstances) ?? { kind: "continue" };
    case "refresh":
      if (circumstances.redirected) {
        transfer.location = null;
        return again(transfer, error, circumstances) ?? { kind: "continue" };
      }
      if (transfer.threads.size === 0 && isFinal(transfer)) {
        return settle({ kind: "Failed", error });
      }
      return withFewer(transfer, error, circumstances);
    case "fewer":
      return withFewer(transfer, error, circumstances);
    case "retry":
      return again(transfer, error, circumstances) ?? { kind: "continue" };
  }
}

/** While others are served, the origin has only had enough of new threads. */
function withFewer(
  transfer: Transfer,
  error: ErrorRecord,
  circumstances: Circumstances,
): Verdict {
  const fewer: Verdict = { kind: "fewer" };
  return transfer.threads.size > 0
    ? fewer
    : again(transfer, error, circumstances) ?? fewer;
}

/**
 * Whether an answer that makes no sense is to be believed. At the start, it is;
 * later, it may be a node's bad moment, and a file is soon thrown away.
 */
function isFinal({ done, failures }: Transfer): boolean {
  return done.length === 0 || failures >= MOST_REFUSALS - 1;
}

/**
 * Sets when to try again. Failures that come together count as one: while the
 * transfer waits already, a further one adds nothing. Null if it may go on.
 */
function again(
  transfer: Transfer,
  error: ErrorRecord,
  circumstances: Circumstances,
): Verdict | null {
  const { attempts, now } = circumstances;
  const counts = now >= transfer.notBefore;
  if (counts && !isTooMuch(error, circumstances)) transfer.failures++;
  if (counts || error.retryAfter !== null) {
    const wait = backoff(Math.max(1, transfer.failures), circumstances);
    const notBefore = now + (error.retryAfter ?? 0) + wait;
    transfer.notBefore = Math.max(transfer.notBefore, notBefore);
  }
  if (transfer.threads.size === 0 && transfer.failures >= attempts) {
    return settle({ kind: "Failed", error });
  }
  // What came of an unpinned file is of no use beside another answer.
  return transfer.file !== null && pinnedOf(transfer) === null &&
      !isWhole(transfer)
    ? { kind: "stop", then: { kind: "restart", ask: transfer.ask } }
    : null;
}

/**
 * Whether the host refused one thread too many. A refusal while the host serves
 * other threads only means that: it is not counted as a failed attempt.
 */
function isTooMuch(
  { code }: ErrorRecord,
  { hostServes }: Circumstances,
): boolean {
  return hostServes && remedyFor(code) === "fewer";
}

/** The last attempt asks for the whole: an origin's nodes may not agree. */
function restart(
  transfer: Transfer,
  ask: Transfer["ask"],
  error: ErrorRecord,
): Verdict {
  transfer.restarts++;
  if (transfer.restarts > MOST_RESTARTS) {
    return settle({ kind: "Failed", error });
  }
  // Another file's bytes say nothing of how this one's come.
  transfer.best = 0;
  transfer.failures = 0;
  const last = transfer.restarts === MOST_RESTARTS;
  return {
    kind: "stop",
    then: { kind: "restart", ask: last ? "whole" : ask },
  };
}

function settle(state: State): Verdict {
  return { kind: "stop", then: { kind: "settle", state } };
}

const LONGEST_WAIT = 60_000;

/**
 * How long to wait before attempt number `failures` + 1, in milliseconds:
 * doubling, and anywhere in the upper half of it, so that many clients that
 * failed together do not come back together.
 *
 * @param failures How many attempts in a row brought nothing; from 1.
 * @param retryWait How long to wait after the first failure, in milliseconds.
 * @param random A number in [0, 1).
 */
export function backoff(
  failures: number,
  { retryWait, random }: { retryWait: number; random: number },
): number {
  const longest = Math.min(LONGEST_WAIT, retryWait * 2 ** (failures - 1));
  return Math.round(longest * (1 + random) / 2);
}
