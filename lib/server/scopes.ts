/** How far tokens reach: what each lets its holder do. Pure. */

import { DownloadError } from "../download/errors.ts";

/**
 * What a token lets its holder do, each what the ones before it do, too: `read`
 * sees all and takes finished files, `add` adds downloads, `all` does everything.
 */
export type Scope = (typeof SCOPES)[number];

/** From the narrowest to the widest. */
export const SCOPES = ["read", "add", "all"] as const;

/** A token that lets clients in. */
export interface Token {
  /** What it is called in the log. */
  readonly name: string;
  readonly token: string;
  readonly scope: Scope;
}

/** What a token may be, in words. */
export const TOKEN_RULE = "16 to 200 visible ASCII characters";

/** A token; undefined if it is not allowed. */
export function parseToken(text: string): string | undefined {
  return /^[\x21-\x7e]{16,200}$/.test(text) ? text : undefined;
}

/**
 * The scope that each action needs, at whatever door; `all` for those that are
 * not here. A request of our own protocol is called by its kind, an aria2 call by
 * its method.
 */
const NEEDS: Readonly<Record<string, Scope>> = {
  ...needing("read", ["deliveries", "get", "list", "nodes", "ping"]),
  ...needing("add", ["add", "proxies"]),
  ...needing("read", [
    "aria2.getFiles",
    "aria2.getGlobalOption",
    "aria2.getGlobalStat",
    "aria2.getOption",
    "aria2.getPeers",
    "aria2.getServers",
    "aria2.getSessionInfo",
    "aria2.getUris",
    "aria2.getVersion",
    "aria2.saveSession",
    "aria2.tellActive",
    "aria2.tellStatus",
    "aria2.tellStopped",
    "aria2.tellWaiting",
  ]),
  ...needing("add", ["aria2.addUri", "aria2.addTorrent", "aria2.addMetalink"]),
};

function needing(
  scope: Scope,
  actions: readonly string[],
): Record<string, Scope> {
  return Object.fromEntries(actions.map((action) => [action, scope]));
}

/** The narrowest scope that reaches an action. */
export function scopeFor(action: string): Scope {
  const needed = Object.hasOwn(NEEDS, action) ? NEEDS[action] : undefined;
  return needed ?? "all";
}

/**
 * Refuses an action that a scope does not reach.
 *
 * @throws {DownloadError} FORBIDDEN, naming the scope that it needs.
 */
export function refuseBeyond(scope: Scope, action: string): void {
  const least = scopeFor(action);
  if (SCOPES.indexOf(scope) >= SCOPES.indexOf(least)) return;
  throw new DownloadError(
    "FORBIDDEN",
    `This needs a token of scope ${least}; yours has ${scope}.`,
  );
}
