/** How far a server may be reached, and how far it may reach. */

import { isLoopback, PRIVATE_RANGES } from "../origin/address.ts";
import type { Proxies } from "../origin/proxies.ts";
import type { Token } from "./scopes.ts";

/** The settings that decide it. */
export interface ExposureOptions {
  readonly host: string;
  /** The URL by which people reach it; null if they do so directly. */
  readonly publicUrl: string | null;
  readonly tokens: readonly Token[];
  /** Null: only while nobody beyond this machine can connect. */
  readonly allowPrivate: boolean | null;
  readonly proxies: Proxies;
}

/**
 * Whether downloads may come from private networks. Once others can give URLs,
 * they must not, or a URL could lead to what only this machine may reach.
 */
export function allowsPrivate(
  options: Pick<ExposureOptions, "host" | "publicUrl" | "allowPrivate">,
): boolean {
  return options.allowPrivate ?? letsIn(options) === null;
}

/** What lets others in than this machine's own users; null if nothing does. */
function letsIn(
  { host, publicUrl }: Pick<ExposureOptions, "host" | "publicUrl">,
): string | null {
  if (!isLoopback(host)) return `Listening on ${host}`;
  return publicUrl === null || isLoopback(new URL(publicUrl).hostname)
    ? null
    : `Being reached by ${publicUrl}`;
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
  const { tokens, proxies } = options;
  const way = letsIn(options);
  if (way !== null && tokens.length === 0) {
    return `${way} lets others in: set AUTH_TOKEN to what they must know, or ` +
      "listen on localhost without PUBLIC_URL.";
  }
  if (allowsPrivate(options)) return null;
  const hasNamed = (proxies.named?.size ?? 0) > 0;
  if (proxies.http !== null || proxies.https !== null || hasNamed) {
    return "ALLOW_PRIVATE=false, which is usual beyond localhost, cannot be " +
      "kept through a proxy, which decides by itself where URLs lead: unset " +
      "HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, take [proxies] out of " +
      "CONFIG_FILE, or set ALLOW_PRIVATE=true and have the proxy keep away " +
      "from private networks.";
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
