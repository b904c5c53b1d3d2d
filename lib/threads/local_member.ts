/** The process itself as a member of the pool: no worker has to start. */

import { createCarrier } from "./carrier.ts";
import { createDuties, createMember, type Member } from "./member.ts";
import type { ThreadEvent, WorkerSettings } from "./messages.ts";

/**
 * Has the process itself carry threads. As with a worker, no event comes while
 * the call that gave the order still runs.
 */
export function startLocalMember(
  settings: WorkerSettings,
  onEvent: (event: ThreadEvent) => void,
): Member {
  const duties = createDuties(onEvent);
  let over = false;
  const carrier = createCarrier(settings, (report) => {
    queueMicrotask(() => {
      if (!over) duties.hear(report);
    });
  });
  return createMember(duties, carrier.obey, () => {
    over = true;
    carrier[Symbol.dispose]();
  });
}
