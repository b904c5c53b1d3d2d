/** What `QUEUE` and the settings beside it say. */

/** A shared queue: where its brokers are, and which of theirs it is. */
export interface QueueAddress {
  /** Hosts with their ports. */
  readonly servers: readonly string[];
  readonly tls: boolean;
  /** Null for none. A secret. */
  readonly user: { readonly name: string; readonly password: string } | null;
  /** The cluster's name. */
  readonly name: string;
}

/**
 * Reads `nats://a:4222,b:4222/name`, or `tls://`, with `user:password@` if need
 * be; undefined if it is none.
 */
export function parseQueue(text: string): QueueAddress | undefined {
  const [, scheme, userinfo, hosts = "", name = ""] =
    text.match(/^(nats|tls):\/\/(?:([^@/]*)@)?([^@/]+)\/([\w-]{1,64})$/) ?? [];
  if (scheme === undefined) return undefined;
  const servers = hosts.split(",").map(serverOf);
  if (servers.includes(null)) return undefined;
  const user = userinfo === undefined ? null : userOf(userinfo);
  if (user === undefined) return undefined;
  return {
    servers: servers.filter((server) => server !== null),
    tls: scheme === "tls",
    user,
    name,
  };
}

function serverOf(text: string): string | null {
  const url = URL.parse(`http://${text.trim()}/`);
  if (url === null || url.pathname !== "/" || url.search || url.hash) {
    return null;
  }
  return `${url.hostname}:${url.port || (/:80$/.test(text) ? "80" : "4222")}`;
}

function userOf(text: string): QueueAddress["user"] | undefined {
  // A password may have colons of its own, as in any URL.
  const colon = text.indexOf(":");
  if (colon < 1) return undefined;
  try {
    return {
      name: decodeURIComponent(text.slice(0, colon)),
      password: decodeURIComponent(text.slice(colon + 1)),
    };
  } catch {
    return undefined;
  }
}
