/** Whether a server still hears what changes at the brokers. */

import { every } from "../base/timers.ts";
import type { Log } from "../base/log.ts";
import type { Broker } from "./broker.ts";

/** How often it is looked, in milliseconds. */
const LOOK_EVERY = 500;
/**
 * At how many looks in turn a change may be due while none is heard. A broker
 * tells the others within a second what is acknowledged; a busy machine may be
 * late, but hears something between two looks.
 */
const MOST_DEAF = 4;

/** What a hearing is checked with. */
export interface HearingTools {
  readonly broker: Pick<Broker, "isConnected" | "listenAgain">;
  readonly log: Log;
  /** The revision up to which all is heard. */
  position(): number;
  /** A revision that the brokers have told, and that is to be heard. */
  due(): number;
}

/**
 * Listens anew where a change is due and nothing is heard. What tells the changes
 * is at one broker, which may be killed while the server is connected to another:
 * nothing breaks then, and the client itself finds out after more than a minute.
 *
 * @returns Disposing of it ends the checks.
 */
export function checkHearing(
  { broker, log, position, due }: HearingTools,
): Disposable {
  /** How far all was heard at the last look. */
  let heard = 0;
  let deaf = 0;
  return every(LOOK_EVERY, () => {
    const [before, now] = [heard, position()];
    heard = now;
    // Who is catching up hears something all the time.
    const isDeaf = broker.isConnected() && due() > now && now === before;
    deaf = isDeaf ? deaf + 1 : 0;
    if (deaf < MOST_DEAF) return;
    deaf = 0;
    log("queue unheard", { revision: due() });
    broker.listenAgain();
  });
}
