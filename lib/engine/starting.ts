/** Starts threads. */

import type { Tell } from "../download/events.ts";
import { headersByRules, type Rule } from "../download/rules.ts";
import type { DownloadParts } from "../files/parts.ts";
import { metalinkFor } from "../origin/metalink.ts";
import { requestFor, requestOfSource } from "../origin/request.ts";
import type { Pool } from "../threads/pool.ts";
import type { Choice } from "../transfer/assignment.ts";
import { pinnedOf } from "../transfer/sources.ts";
import { begin } from "../transfer/transfer.ts";
import type { HostLimits } from "./host_limits.ts";
import type { Rates } from "./rates.ts";
import type { Registry } from "./registry.ts";
import { readerOf } from "./thread_events.ts";

/** What threads are started with. */
export interface StartingTools {
  readonly hosts: HostLimits;
  readonly parts: Pick<DownloadParts, "path">;
  readonly pool: Pool;
  readonly rates: Rates;
  readonly registry: Registry;
  readonly rules: readonly Rule[];
  readonly tell: Tell;
}

/**
 * Starts a thread for what was chosen.
 *
 * @param number No other thread's, now or before.
 * @param now Milliseconds, by the steady clock.
 */
export function startThread(
  { transfer, plan, source }: Choice,
  number: number,
  now: number,
  { hosts, parts, pool, rates, registry, rules, tell }: StartingTools,
): void {
  const { download: { id, request } } = transfer;
  const asked = requestOfSource(request, source.url);
  const headers = headersByRules(asked, rules);
  const thread = begin(transfer, plan, number, now, source);
  hosts.started(source.host);
  registry.started(transfer, thread);
  if (plan.kind === "steal") pool.bound(plan.from.number, plan.from.end);
  const task = {
    thread: number,
    ...requestFor({ ...asked, headers }, source.location),
    slice: plan.slice,
    reach: thread.reach,
    pinned: pinnedOf(transfer, source),
    checked: request.checksum !== null,
    ...(request.checksumFrom === "auto" && { looks: true as const }),
    metalink: metalinkFor(request),
    size: request.size ?? null,
    part: parts.path(id),
    limited: rates.strictest(readerOf(transfer, thread)) !== null,
  };
  pool.fetch(task, hosts.bearsFew(source.host) ? "together" : "anywhere");
  tell({ kind: "started", id });
}
