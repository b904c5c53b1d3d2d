/** Which proxy a URL is asked through. Pure. */

import { bitsOf, isInNetwork } from "../base/ip_address.ts";
import { DownloadError } from "../download/errors.ts";

/** The proxies that the environment names, and what is asked without one. */
export interface Proxies {
  /** The proxy's URL for origins that speak HTTP; null for none. */
  readonly http: string | null;
  /** The proxy's URL for origins that speak HTTPS; null for none. */
  readonly https: string | null;
  /** The entries of NO_PROXY, in lower case. */
  readonly direct: readonly string[];
  /**
   * The proxies' URLs that a download or a rule may choose by their names; absent
   * where there are none.
   */
  readonly named?: ReadonlyMap<string, string>;
}

/** The name by which a download goes round all proxies. */
export const DIRECT = "direct";

/** What a download may choose: nothing where the owner has named no proxy. */
export function proxyNames({ named }: Proxies): string[] {
  return named === undefined || named.size === 0
    ? []
    : [...named.keys(), DIRECT];
}

/**
 * The variables that name a proxy for a scheme, the first that is set winning:
 * curl's order. Its `HTTP_PROXY`, which CGI lets clients set, it does not read;
 * Deno's client does, and no program of ours is run by CGI.
 */
export const PROXY_VARIABLES = {
  http: ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
  https: ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
  direct: ["no_proxy", "NO_PROXY"],
} as const;

const SCHEMES = ["http:", "https:", "socks5:", "socks5h:"];

/**
 * The URL of a proxy as Deno's client takes it; undefined if it is none. Without
 * a scheme it is `http`, and a SOCKS proxy has port 1080 by itself, as for curl.
 * A name alone is often a token: Deno wants a colon behind it, which `URL` leaves
 * out before an empty password. SOCKS has neither empty names nor empty passwords
 * (RFC 1929 §2).
 */
export function parseProxy(text: string): string | undefined {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url === null || !SCHEMES.includes(url.protocol)) return undefined;
  const isBare = /^\/?$/.test(url.pathname) && !url.search && !url.hash;
  if (url.hostname === "" || !isBare) return undefined;
  const isSocks = url.protocol.startsWith("socks");
  if (isSocks && url.port === "") url.port = "1080";
  const { href, username, password } = url;
  if (isSocks && (username === "") !== (password === "")) return undefined;
  return username !== "" && password === "" ? href.replace("@", ":@") : href;
}

/** The entries of a NO_PROXY, which commas or spaces part. */
export function parseNoProxy(text: string): string[] {
  return text.toLowerCase().split(/[\s,]+/).filter((entry) => entry !== "");
}

/**
 * The URL of the proxy that a URL is asked through; null for none.
 *
 * @param name Which one its download has chosen; null for what the environment
 * says.
 * @throws {DownloadError} PROXY_UNKNOWN if there is none of this name.
 */
export function proxyFor(
  url: URL,
  proxies: Proxies,
  name: string | null = null,
): string | null {
  if (name === DIRECT) return null;
  if (name !== null) return proxies.named?.get(name) ?? refuse(name);
  const proxy = url.protocol === "https:" ? proxies.https : proxies.http;
  if (proxy === null) return null;
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const host = url.hostname.toLowerCase().replace(/\.$/, "")
    .replace(/^\[(.*)\]$/, "$1");
  const isDirect = proxies.direct.some((entry) => isNamed(entry, host, port));
  return isDirect ? null : proxy;
}

function refuse(name: string): never {
  throw new DownloadError(
    "PROXY_UNKNOWN",
    `There is no proxy ${name} any more, so the origin is not asked: put ` +
      `[proxies.${name}] into the file of CONFIG_FILE, or add the download ` +
      "with another proxy.",
  );
}

/**
 * Whether an entry of NO_PROXY names a host: as curl reads it, it is `*`, a name
 * that stands for all below it (a dot before it makes no difference), an address
 * or a network in CIDR notation. A port may follow, as other programs have it.
 */
function isNamed(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  const [, name = "", only] = entry.match(/^(\[[^\]]*\]|[^:]*):(\d+)$/) ??
    [entry, entry];
  if (only !== undefined && only !== port) return false;
  const bare = name.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  const bits = bitsOf(host);
  if (bits !== null) return isInNetwork(bits, bare);
  const suffix = bare.replace(/^\.+/, "");
  return suffix !== "" && (host === suffix || host.endsWith(`.${suffix}`));
}
