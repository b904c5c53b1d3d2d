/** How far a server may be reached, and how far it may reach. */

import { isLoopback, PRIVATE_RANGES } from "../origin/address.ts";
import type { Proxies } from "../origin/proxies.ts";

/** The settings that decide it. */
export interface ExposureOptions {
  readonly host: string;
  readonly authToken: string | null;
  /** Null: only while nobody beyond this machine can connect. */
  readonly allowPrivate: boolean | null;
  readonly proxies: Proxies;
}

/**
 * Whether downloads may come from private networks. Once others can give URLs,
 * they must not, or a URL could lead to what only this machine may reach.
 */
export function allowsPrivate(
  { host, allowPrivate }: Pick<ExposureOptions, "host" | "allowPrivate">,
): boolean {
  return allowPrivate ?? isLoopback(host);
}

/**
 * Why a server must not be started with these settings; null if it may.
 *
 * Only Deno's own denials hold for every address that a name resolves to, on
 * every redirect: no check in our code could. So they must be in force.
 */
export async function exposureFault(
  options: ExposureOptions,
): Promise<string | null> {
  const { host, authToken, proxies } = options;
  if (!isLoopback(host) && authToken === null) {
    return `Listening on ${host} lets others in: set AUTH_TOKEN to what they ` +
      "must know, or listen on localhost.";
  }
  if (allowsPrivate(options)) return null;
  if (proxies.http !== null || proxies.https !== null) {
    return "ALLOW_PRIVATE=false, which is usual beyond localhost, cannot be " +
      "kept through a proxy, which decides by itself where URLs lead: unset " +
      "HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, or set ALLOW_PRIVATE=true and " +
      "have the proxy keep away from private networks.";
  }
  const open: string[] = [];
  for (const [range, sample] of PRIVATE_RANGES) {
    const asked = { name: "net", host: sample } as const;
    const { state } = await Deno.permissions.query(asked);
    if (state !== "denied") open.push(range);
  }
  return open.length === 0
    ? null
    : "ALLOW_PRIVATE=false, which is usual beyond localhost, needs " +
      `--deny-net=${open.join(",")}: start it with "deno task start:public", ` +
      "or set ALLOW_PRIVATE=true to let downloads come from private networks.";
}
