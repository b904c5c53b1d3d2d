/** What a failure means for a transfer. Pure. */

import type { ErrorCode, ErrorRecord } from "../download/errors.ts";
import { isOfSource, type Remedy, remedyFor } from "../download/remedies.ts";
import { nameOf, type Source } from "./source.ts";
import {
  isMixed,
  isUnproven,
  ledNext,
  type LostSource,
  mayMix,
  pinnedOf,
  sourcesWithBytes,
  threadsAt,
} from "./sources.ts";
import {
  type Ask,
  type Ending,
  isWhole,
  type Rest,
  type Setback,
  type Transfer,
} from "./transfer.ts";

/** How often a file may change at its origin before it is given up. */
const MOST_RESTARTS = 3;
/** How often in a row an origin may refuse or confuse what it has given. */
const MOST_REFUSALS = 3;

/**
 * How often in a row a host that bears more threads may refuse one as too many: it
 * may not have noticed yet that another one's connection is closed.
 */
const MOST_CROWDED = 3;

/** What a failure means. */
export interface Verdict {
  /** What it changes of the transfer. */
  readonly setback: Setback;
  /** What is to be done about it. */
  readonly follows: Follows;
}

/** What follows from a failure. */
export type Follows =
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
  /** Whether the host has served more threads at once lately than it serves now. */
  readonly hostBears: boolean;
  /** How many attempts in a row may bring nothing. */
  readonly attempts: number;
  /** How long to wait after the first failure, in milliseconds. */
  readonly retryWait: number;
}

/**
 * Decides what the failure of a thread, which has ended, or of a job means for
 * the transfer; a thread's is one at the source that leads. Pure: what it changes
 * is in the verdict's setback.
 */
export function judge(
  transfer: Transfer,
  error: ErrorRecord,
  circumstances: Circumstances,
): Verdict {
  const verdict = judgeSource(transfer, error, circumstances);
  const { follows, setback } = verdict;
  if (follows.kind !== "stop") {
    return { follows, setback: inTurn(transfer, setback) };
  }
  if (follows.then.kind !== "settle" || follows.then.state.kind !== "Failed") {
    return verdict;
  }
  return standIn(transfer, setback, error) ??
    stopAs(setback, { kind: "Failed", error: ofAll(transfer, error) });
}

/**
 * As long as nothing has come of a file, any source may tell what it is: while one
 * is left alone, the next is asked.
 */
function inTurn({ file }: Transfer, before: Setback): Setback {
  if (file !== null) return before;
  const [next] = before.others.toSorted((a, b) => a.notBefore - b.notBefore);
  return next !== undefined && next.notBefore < before.notBefore
    ? ledNext(before, next)
    : before;
}

/**
 * Decides what the failure of a thread at a source means that only helps: another
 * one leads. What it has brought stays, as the checksum proves the whole.
 */
export function judgeHelper(
  { others, lost, threads }: Transfer,
  { key }: Source,
  error: ErrorRecord,
  circumstances: Circumstances,
): Pick<Setback, "others" | "lost"> {
  const { now, redirected, attempts } = circumstances;
  const source = others.find((other) => other.key === key);
  if (source === undefined) return { others, lost };
  const failures = source.failures + 1;
  const rest = others.filter((other) => other !== source);
  const wait = (error.retryAfter ?? 0) + backoff(failures, circumstances);
  const isServed = threads.values()
    .some((thread) => thread.source.key === key);
  const remedy = remedyFor(error.code);
  const again = failures < attempts &&
    (redirected || remedy === "retry" || remedy === "fewer" ||
      isServed && remedy === "refresh");
  const isOther = error.code === "CHANGED" && source.answersIn === Infinity;
  const why = isOther
    ? { ...error, message: "The file there has another size." }
    : error;
  return again
    ? {
      others: others.map((other) =>
        other === source
          ? { ...source, location: null, failures, notBefore: now + wait }
          : other
      ),
      lost,
    }
    : { others: rest, lost: [...lost, { source, error: why, as: "helper" }] };
}

/**
 * Another source leads in the place of one that failed for good; null if there is
 * none, or the failure is not the source's. With a checksum, it goes on from the bytes that
 * are there: that proves in the end that both have one file.
 */
function standIn(
  transfer: Transfer,
  before: Setback,
  error: ErrorRecord,
): Verdict | null {
  const { source, others, lost } = transfer;
  const helper = lost.find(mayLead)?.source;
  const next = others.find((other) => threadsAt(transfer, other) > 0) ??
    others[0] ?? helper;
  if (next === undefined || !isOfSource(error.code)) return null;
  const led = ledNext(before, next);
  const setback = {
    ...led,
    others: led.others.filter(({ key }) => key !== source.key),
    lost: [
      ...lost.filter((one) => one.source !== next),
      { source, error, as: "lead" } as const,
    ],
    restarts: 0,
  };
  const goesOn = error.code !== "CHECKSUM" && next !== helper &&
    mayMix(transfer) && pinnedOf(transfer, next) !== null;
  return goesOn
    ? { follows: { kind: "continue" }, setback }
    : stop({ ...setback, best: 0 }, { kind: "restart", ask: "slices" });
}

/** Whether a source that could not help may have the file for itself. */
function mayLead({ error, as }: LostSource): boolean {
  return as === "helper" &&
    ["restart", "whole"].includes(remedyFor(error.code));
}

/** An error that names all sources that were tried, if there were several. */
function ofAll(
  { source, lost, mixed }: Transfer,
  error: ErrorRecord,
): ErrorRecord {
  if (lost.length + mixed.length === 0 || !isOfSource(error.code)) return error;
  const tried = [...lost, { source, error }]
    .map(({ source, error }) => `${nameOf(source)}: ${error.message}`);
  const names = mixed.map(nameOf).join(" and ");
  const before = mixed.length === 0
    ? []
    : [`Before, bytes of ${names} together had another checksum, too.`];
  const message = [
    ...(lost.length > 0 ? ["No URL has brought the file."] : []),
    ...tried,
    ...before,
  ].join(" ");
  return { ...error, message };
}

/** Decides so as if there were no other source. */
function judgeSource(
  transfer: Transfer,
  error: ErrorRecord,
  circumstances: Circumstances,
): Verdict {
  // Where a redirect led may be down, and another place be known by now.
  const { redirected } = circumstances;
  const lost = redirected && threadsAt(transfer) === 0;
  const same = unchanged(transfer, error);
  const setback = lost ? fromUrl(same) : same;
  switch (remedyFor(error.code)) {
    case "none":
      return stopAs(setback, { kind: "Failed", error });
    case "pause":
      return stopAs(setback, { kind: "Paused", error });
    case "restart":
      return restart(setback, transfer.ask, error);
    case "unproven":
      if (isMixed(transfer)) return unmix(transfer, setback);
      return isUnproven(transfer)
        ? restart(setback, "whole", error)
        : stopAs(setback, { kind: "Failed", error });
    case "longer":
      if (!isWhole(transfer)) {
        return again(transfer, setback, error, circumstances);
      }
      return transfer.ask === "whole"
        ? stopAs(setback, { kind: "Failed", error })
        : restart(setback, "whole", error);
    case "whole":
      // A thread that is served goes on where others are not.
      if (!isFinal(transfer) || threadsAt(transfer) > 0) {
        return again(transfer, setback, error, circumstances);
      }
      return transfer.ask === "whole"
        ? stopAs(setback, { kind: "Failed", error })
        : restart(setback, "whole", error);
    case "proven":
      return isFinal(transfer)
        ? stopAs(setback, { kind: "Failed", error })
        : again(transfer, setback, error, circumstances);
    case "refresh":
      if (redirected) {
        return again(transfer, fromUrl(setback), error, circumstances);
      }
      if (threadsAt(transfer) === 0 && isFinal(transfer)) {
        return stopAs(setback, { kind: "Failed", error });
      }
      return withFewer(transfer, setback, error, circumstances);
    case "fewer":
      return withFewer(transfer, setback, error, circumstances);
    case "retry":
      return again(transfer, setback, error, circumstances);
  }
}

/**
 * Bytes of several sources are not the file: it is fetched once more, from one of
 * them alone, or from one that none of the bytes were from.
 */
function unmix(transfer: Transfer, before: Setback): Verdict {
  const mixed = sourcesWithBytes(transfer);
  const all = [transfer.source, ...transfer.others];
  const source = all.find((one) => !mixed.includes(one)) ?? transfer.source;
  const led = source === transfer.source ? before : ledNext(before, source);
  const setback = { ...led, mixed, best: 0, failures: 0, crowded: 0 };
  return stop(setback, { kind: "restart", ask: "slices" });
}

/** What a transfer is like without a setback, but for having been refused. */
function unchanged(transfer: Transfer, { code }: ErrorRecord): Setback {
  const { source, others, lost, mixed } = transfer;
  const { best, failures, crowded, restarts, notBefore, refused } = transfer;
  const now = threadsAt(transfer) > 0 &&
    REFUSALS.includes(remedyFor(code));
  return {
    ...{ source, others, lost, mixed, best },
    ...{ failures, crowded, restarts, notBefore },
    refused: refused || now,
  };
}

/** What is done about an origin that refuses a request, not a connection. */
const REFUSALS: readonly Remedy[] = ["fewer", "refresh", "whole", "proven"];

/** The next thread asks the source's own URL, not where it redirected to. */
function fromUrl(setback: Setback): Setback {
  return { ...setback, source: { ...setback.source, location: null } };
}

/** While others are served, the origin has only had enough of new threads. */
function withFewer(
  transfer: Transfer,
  setback: Setback,
  error: ErrorRecord,
  circumstances: Circumstances,
): Verdict {
  const fewer = { kind: "fewer" } as const;
  if (threadsAt(transfer) > 0) return { follows: fewer, setback };
  const verdict = again(transfer, setback, error, circumstances);
  const goesOn = verdict.follows.kind === "continue";
  return goesOn && !isOfUrl(setback.crowded, circumstances)
    ? { ...verdict, follows: fewer }
    : verdict;
}

/**
 * Whether an answer that makes no sense is to be believed. At the start, it is;
 * later, it may be a node's bad moment, and a file is soon thrown away; and while
 * a thread is served, that one may bring the rest.
 */
function isFinal(transfer: Transfer): boolean {
  return transfer.done.length === 0 ||
    threadsAt(transfer) === 0 && transfer.failures >= MOST_REFUSALS - 1;
}

/**
 * Sets when to try again. Failures that come together count as one: while the
 * transfer waits already, a further one adds nothing.
 */
function again(
  transfer: Transfer,
  before: Setback,
  error: ErrorRecord,
  circumstances: Circumstances,
): Verdict {
  const { attempts, now } = circumstances;
  const counts = now >= before.notBefore;
  const tooMuch = isTooMuch(error, before, circumstances);
  const failures = before.failures + (counts && !tooMuch ? 1 : 0);
  const crowded = before.crowded + (counts && tooMuch ? 1 : 0);
  const wait = (error.retryAfter ?? 0) +
    backoff(Math.max(1, failures), circumstances);
  const notBefore = counts || error.retryAfter !== null
    ? Math.max(before.notBefore, now + wait)
    : before.notBefore;
  const setback = { ...before, failures, crowded, notBefore };
  if (threadsAt(transfer) === 0 && failures >= attempts) {
    return stopAs(setback, { kind: "Failed", error });
  }
  if (failures === attempts - 1 && isUnheard(transfer, error)) {
    return stop(setback, { kind: "restart", ask: "whole" });
  }
  // What came of an unpinned file is of no use beside another answer.
  const { file } = transfer;
  const unpinned = file !== null && pinnedOf(transfer) === null;
  return unpinned && !isWhole(transfer)
    ? stop(setback, { kind: "restart", ask: transfer.ask })
    : { follows: { kind: "continue" }, setback };
}

/**
 * Whether the origin has never answered, and was reached: some firewalls and
 * servers drop requests for their Range header alone. The last attempt goes
 * without, and no earlier one: what then comes is one thread's, from the start.
 */
function isUnheard({ file, ask }: Transfer, { code }: ErrorRecord): boolean {
  return file === null && ask === "slices" && DROPPED.includes(code);
}

const DROPPED: readonly ErrorCode[] = ["REFUSED", "CUT", "STALLED"];

/**
 * Whether the host refused one thread too many. A refusal while the host serves
 * other threads only means that: it is not counted as a failed attempt.
 */
function isTooMuch(
  error: ErrorRecord,
  { crowded }: Pick<Setback, "crowded">,
  circumstances: Circumstances,
): boolean {
  return circumstances.hostServes &&
    mayBeTooMany(error, crowded, circumstances);
}

/**
 * Whether a host may have refused a thread for being one too many. Where it bears
 * more threads, and refuses a URL again and again, it is the URL that it refuses.
 *
 * @param refusals How often in a row it has refused the URL before.
 */
export function mayBeTooMany(
  { code }: ErrorRecord,
  refusals: number,
  circumstances: Circumstances,
): boolean {
  return remedyFor(code) === "fewer" && !isOfUrl(refusals, circumstances);
}

function isOfUrl(
  refusals: number,
  { hostServes, hostBears }: Circumstances,
): boolean {
  return hostServes && hostBears && refusals >= MOST_CROWDED;
}

/** The last attempt asks for the whole: an origin's nodes may not agree. */
function restart(before: Setback, ask: Ask, error: ErrorRecord): Verdict {
  const restarts = before.restarts + 1;
  if (restarts > MOST_RESTARTS) {
    return stopAs({ ...before, restarts }, { kind: "Failed", error });
  }
  const last = restarts === MOST_RESTARTS;
  // Another file's bytes say nothing of how this one's come.
  const setback = { ...before, restarts, best: 0, failures: 0, crowded: 0 };
  return stop(setback, { kind: "restart", ask: last ? "whole" : ask });
}

function stopAs(setback: Setback, state: Rest): Verdict {
  return stop(setback, { kind: "settle", state });
}

function stop(setback: Setback, then: Ending): Verdict {
  return { follows: { kind: "stop", then }, setback };
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
