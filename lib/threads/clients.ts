/** The HTTP clients of a worker: one for each way to an origin. */

import type { Peer } from "../origin/connection_error.ts";
import { type Proxies, proxyFor } from "../origin/proxies.ts";

/** A client certificate and its key, in PEM. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** What clients are made with. */
export interface ClientSettings {
  /** Certificates in PEM to trust besides the usual ones. */
  readonly caCerts: readonly string[];
  /** Shown to origins that ask for one; null for none. */
  readonly clientCertificate: ClientCertificate | null;
  /** Whether URLs may lead into private networks. */
  readonly allowPrivate: boolean;
  readonly proxies: Proxies;
}

/** A client for a URL, and what its connections lead to. */
export interface Way {
  readonly client: Deno.HttpClient;
  readonly by: Peer;
  /** Null for none. */
  readonly proxy: URL | null;
  readonly hostname: string;
  readonly port: number;
  /**
   * Whether a proxy may answer in its origin's place. Through a tunnel, the
   * origin's answers come as they are.
   */
  readonly isRelayed: boolean;
}

/** The clients of a worker; disposing of them ends their connections. */
export interface Clients extends Disposable {
  /**
   * The client that a URL is asked with.
   *
   * @param proxy The name of the proxy that its download has chosen; null for
   * none.
   * @throws {DownloadError} PROXY_UNKNOWN if there is none of this name.
   */
  forUrl(url: URL, proxy: string | null): Way;
  /** Closes connections that lie idle; those in use end with their answers. */
  trim(): void;
}

/** Makes the clients of a worker, each when it is first needed. */
export function createClients(settings: ClientSettings): Clients {
  const clients = new Map<string | null, Deno.HttpClient>();

  function trim(): void {
    for (const client of clients.values()) client.close();
    clients.clear();
  }

  return {
    forUrl(url, name) {
      const proxy = proxyFor(url, settings.proxies, name);
      const client = clients.get(proxy) ?? createClient(settings, proxy);
      clients.set(proxy, client);
      return {
        client,
        by: proxy === null ? "origin" : "proxy",
        proxy: proxy === null ? null : new URL(proxy),
        isRelayed: url.protocol === "http:" &&
          proxy?.startsWith("http") === true,
        ...peerOf(proxy === null ? url : new URL(proxy)),
      };
    },
    trim,
    [Symbol.dispose]: trim,
  };
}

/** Where a URL's connections lead; the host is without brackets. */
export function peerOf(
  { protocol, hostname, port }: URL,
): Pick<Way, "hostname" | "port"> {
  const usual = protocol === "https:" ? 443 : 80;
  return {
    hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(port || usual),
  };
}

function createClient(
  { caCerts, clientCertificate, allowPrivate }: ClientSettings,
  proxy: string | null,
): Deno.HttpClient {
  return Deno.createHttpClient({
    // Over HTTP/2 all threads of a worker would share one connection.
    http1: true,
    http2: false,
    caCerts: [...caCerts],
    ...clientCertificate,
    ...(proxy === null ? {} : { proxy: { url: proxy } }),
    // Deno cannot deny ranges of IPv6, nor IPv4 addresses wrapped in IPv6 ones,
    // and a name may resolve to either. A socket that is bound to an IPv4
    // address reaches IPv4 only.
    ...(allowPrivate ? {} : { localAddress: "0.0.0.0" }),
  });
}
