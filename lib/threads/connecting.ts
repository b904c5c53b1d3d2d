/** Whether the other end of a slow request takes connections at all. */

import type { DownloadError } from "../download/errors.ts";
import { unreachable } from "../origin/connection_error.ts";
import type { Way } from "./clients.ts";

/** A look at why there is no answer yet. */
export interface Look {
  /** How long an answer is waited for before the look, in milliseconds. */
  readonly after: number;
  /** Why none can come; null to wait on. */
  look(): Promise<DownloadError | null>;
}

/**
 * How much of CONNECT_TIMEOUT goes by before the look: most answers have come by
 * then, and cost no connection more.
 */
const LOOK_AFTER = 0.1;

/**
 * A look whether connections are taken. `fetch` has no connect time-out, and
 * does not tell whether it is connecting or waiting for an answer: so, where the
 * answer is late, another connection is made, and ended at once.
 */
export function looksForConnection(
  { by, hostname, port }: Way,
  { connectTimeout, allowPrivate }: {
    readonly connectTimeout: number;
    readonly allowPrivate: boolean;
  },
): Look {
  const after = connectTimeout * LOOK_AFTER;
  // Deno denies no ranges of IPv6.
  const family = allowPrivate ? 0 : 4;
  return {
    after,
    async look() {
      const within = connectTimeout - after;
      const isSilent = await fallsSilent(
        { host: hostname, port, family },
        within,
      );
      return isSilent ? unreachable(by, connectTimeout) : null;
    },
  };
}

/** Whether no address of a host has taken or refused a connection in time. */
async function fallsSilent(
  place: { host: string; port: number; family: number },
  within: number,
): Promise<boolean> {
  // Most workers never need it.
  const { connect } = await import("node:net");
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ ...place, autoSelectFamily: true });
  const timer = setTimeout(() => resolve(true), within);
  socket.on("connect", () => resolve(false));
  // What is refused, denied or unknown, the request itself says.
  socket.on("error", () => resolve(false));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
