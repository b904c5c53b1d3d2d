/** What follows from what threads say, and from their failures. */

import type { ErrorRecord } from "../download/errors.ts";
import { hostSignOf, isOfSource } from "../download/remedies.ts";
import { filenameFor } from "../origin/filename.ts";
import { withoutUserinfo } from "../origin/request.ts";
import { sentOtherwise } from "../origin/spelling.ts";
import type { Answered, Outcome, ThreadEvent } from "../threads/messages.ts";
import type { Pool } from "../threads/pool.ts";
import {
  answeredAt,
  hostsOf,
  serves,
  type ThreadLimits,
  threadsByHost,
} from "../transfer/assignment.ts";
import { endOfFirst } from "../transfer/plan.ts";
import { pinnedOf } from "../transfer/sources.ts";
import {
  bound,
  end,
  endOfBody,
  failed,
  gotAnswer,
  helperFailed,
  isWhole,
  learn,
  type Thread,
  type Transfer,
  wrote,
} from "../transfer/transfer.ts";
import type { Source } from "../transfer/source.ts";
import { judge, judgeHelper, mayBeTooMany } from "../transfer/verdict.ts";
import type { Driver } from "./driver.ts";
import type { HostLimits } from "./host_limits.ts";
import type { Grants } from "./grants.ts";
import { adopt, forgetTold, type MirrorTools } from "./mirrors.ts";
import type { Reader } from "./rates.ts";
import type { Registry } from "./registry.ts";
import type { RoomRule } from "./room_rule.ts";

/** What the events of threads bear on. */
export interface ThreadEventTools extends MirrorTools {
  readonly registry: Registry;
  readonly hosts: HostLimits;
  readonly limits: ThreadLimits;
  readonly pool: Pool;
  readonly driver: Driver;
  readonly room: RoomRule;
  readonly grants: Grants;
  /** How many attempts in a row may bring nothing. */
  readonly attempts: number;
  /** How long to wait after the first failure, in milliseconds. */
  readonly retryWait: number;
}

/** A thread has said something; its transfer, unless it has ended before. */
export function onThreadEvent(
  event: ThreadEvent,
  tools: ThreadEventTools,
): Transfer | null {
  const carried = tools.registry.carried(event.thread);
  if (carried === undefined) return null;
  const { transfer, thread } = carried;
  if (event.type === "answered") {
    onAnswered(transfer, thread, event.answered, tools);
    return transfer;
  }
  if (event.type === "described") {
    tools.hosts.answered(thread.source.host);
    if (transfer.phase.kind === "fetching") {
      const { document } = event;
      tools.driver.bring(transfer, { kind: "describe", document });
    }
    return transfer;
  }
  if (event.type === "wants") {
    tools.grants.wants(event.thread, readerOf(transfer, thread));
    return null;
  }
  const { id } = transfer.download;
  const before = thread.run.end;
  if (event.run) wrote(transfer, thread, event.run, performance.now());
  tools.tell({ kind: "wrote", id, bytes: thread.run.end - before });
  if (event.type === "ended") {
    const { unread, outcome } = event;
    tools.grants.ended(thread.number, readerOf(transfer, thread), unread);
    onEnded(transfer, thread, outcome, tools);
  }
  return transfer;
}

/**
 * A transfer's threads, as limits of rates see them.
 *
 * @param from One of them, or what stands for those at the source that leads.
 */
export function readerOf(
  transfer: Transfer,
  from: Pick<Thread, "source"> = transfer,
): Reader {
  const { download: { id, request } } = transfer;
  const { source } = from;
  return { id, host: source.host, own: request.limitRate ?? null };
}

function onAnswered(
  transfer: Transfer,
  thread: Thread,
  answered: Answered,
  tools: ThreadEventTools,
): void {
  const { answer, mislabelled, url, direct, disposition } = answered;
  const { modified, checksum, mediaType, duplicates } = answered;
  const { registry, hosts, driver, room, tell } = tools;
  const { download: { id, request } } = transfer;
  const { source } = thread;
  const redirected = url !== withoutUserinfo(source.url);
  const location = redirected && direct ? url : null;
  const { size, validator } = answer;
  const end = answer.kind === "slice" ? answer.slice.end : size ?? Infinity;
  const facts = { location, end, validator };
  gotAnswer(transfer, thread, facts, performance.now());
  hosts.answered(source.host, answeredAt(registry.all(), source.host));
  if (transfer.file !== null) return;
  const isUrl = source.url === request.url;
  // Before the file is learned: a checksum would prove bytes of several answers.
  if (isUrl && duplicates === null) forgetTold(transfer, tools);
  // The same file has the same name, wherever it is from.
  const isOwn = isUrl || request.described !== undefined;
  const named = isOwn ? url : request.url;
  const name = filenameFor(request.filename, disposition, named);
  const ranges = answer.kind === "slice";
  const label = mislabelled === null ? {} : { mislabelled };
  const time = modified === null ? {} : { modified };
  const sum = checksum === null ? {} : { checksum };
  const type = mediaType === null ? {} : { mediaType };
  const told = { ...label, ...time, ...sum, ...type };
  const file = { size, ranges, validator, name, ...told };
  learn(transfer, thread, file);
  shareFirst(transfer, thread, tools);
  tell({ kind: "answered", id, file });
  const isLong = ranges && (size ?? 0) > thread.end;
  const isTold = request.checksum?.from !== undefined;
  if (duplicates !== null && (isLong || isTold)) {
    adopt(transfer, source, duplicates, tools);
  }
  // It was on its way when the thread was asked to stop.
  if (transfer.phase.kind !== "fetching") return;
  if (room.pauseWithout(transfer, size ?? 0)) return;
  const unproven = pinnedOf(transfer) === null;
  if (ranges && unproven && thread.end < (size ?? 0)) {
    // Nothing would prove that the other slices are of the same file.
    driver.bring(transfer, { kind: "restart", ask: "whole" });
  }
}

/** Leaves other threads their share of what the first one asked for. */
function shareFirst(
  transfer: Transfer,
  thread: Thread,
  { registry, limits, pool }: ThreadEventTools,
): void {
  const free = limits.threads - registry.threads();
  const atHosts = hostsOf(transfer)
    .reduce((sum, host) => sum + limits.perHost(host), 0);
  const threads = Math.min(free + 1, atHosts);
  const end = endOfFirst(transfer, { ...limits, threads });
  if (end >= thread.end) return;
  bound(thread, end);
  pool.bound(thread.number, end);
}

function onEnded(
  transfer: Transfer,
  thread: Thread,
  outcome: Outcome,
  tools: ThreadEventTools,
): void {
  end(transfer, thread);
  tools.registry.ended(thread);
  if (outcome.kind === "done") {
    tools.hosts.served(thread.source.host);
    endOfBody(transfer, thread.run.end);
  }
  const { phase, ask } = transfer;
  if (phase.kind !== "fetching") return;
  if (outcome.kind === "stopped" && isStranded(transfer)) {
    tools.driver.bring(transfer, { kind: "restart", ask });
  }
  if (outcome.kind !== "failed") return;
  if (isWhole(transfer) && !isTooShort(transfer, thread, outcome.error)) return;
  const { source } = thread;
  const { url, location } = source;
  const redirected = location !== null;
  const error = redirected ? outcome.error : explained(outcome.error, url);
  onFailure(transfer, source, error, redirected, tools);
}

/**
 * Whether no thread can go on from the bytes that are there, and none brings the
 * rest: nothing would prove that another answer is of the same file.
 */
function isStranded(transfer: Transfer): boolean {
  return transfer.threads.size === 0 && transfer.file !== null &&
    pinnedOf(transfer) === null && !isWhole(transfer);
}

/** Whether a file is shorter than the one answer that has brought it. */
function isTooShort(
  { file }: Transfer,
  { slice, run }: Thread,
  { code }: ErrorRecord,
): boolean {
  return code === "TOO_LONG" && slice.start === 0 && run.end === file?.size;
}

/** An origin's refusal, with what of the URL was not sent as it was given. */
function explained(error: ErrorRecord, url: string): ErrorRecord {
  if (!["EXPIRED", "ORIGIN_STATUS"].includes(error.code)) return error;
  const how = sentOtherwise(url);
  return how === null
    ? error
    : { ...error, message: `${error.message} ${how}` };
}

/**
 * A thread, which has ended, or a job of a transfer that goes on has failed.
 *
 * @param source What the thread asked; the one that leads for a job.
 * @param redirected Whether the thread asked where a redirect had led before.
 */
export function onFailure(
  transfer: Transfer,
  source: Source,
  error: ErrorRecord,
  redirected: boolean,
  tools: ThreadEventTools,
): void {
  const { registry, hosts, driver, tell, attempts, retryWait } = tools;
  const { download: { id } } = transfer;
  const { host } = source;
  const left = threadsByHost(registry.all()).get(host) ?? 0;
  const sign = hostSignOf(error.code);
  if (sign === "silent" && left === 0) hosts.silent(host);
  if (sign === "answers") hosts.answered(host);
  const now = performance.now();
  const circumstances = {
    now,
    random: Math.random(),
    redirected,
    hostServes: serves(registry.all(), host),
    hostBears: hosts.bears(host) > left,
    attempts,
    retryWait,
  };
  // What is no source's fault, such as a full disk, is the transfer's to bear.
  if (source.key !== transfer.source.key && isOfSource(error.code)) {
    const { failures } = source;
    const isTooMany = mayBeTooMany(error, failures, circumstances);
    if (left > 0 && isTooMany) hosts.refused(host, left);
    helperFailed(transfer, judgeHelper(transfer, source, error, circumstances));
    return;
  }
  const { source: lead } = transfer;
  const { setback, follows } = judge(transfer, error, circumstances);
  failed(transfer, error, setback);
  const { failures, notBefore, source: { key, url } } = transfer;
  const wait = Math.max(0, Math.round(notBefore - now));
  tell({ kind: "setback", id, error, failures, wait });
  if (key !== lead.key) tell({ kind: "diverted", id, url });
  if (follows.kind === "stop") driver.bring(transfer, follows.then);
  if (follows.kind !== "fewer") return;
  if (left > 0 || error.code === "BUSY") hosts.refused(host, left);
}
