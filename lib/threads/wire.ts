/** Connections to origins that HTTP is then spoken over by hand. */

import { writeAll } from "../base/write_all.ts";
import { type ClientSettings, peerOf, type Way } from "./clients.ts";
import { connectByTls, type Connecting, connectTo } from "./connecting.ts";
import { openTunnel } from "./tunnel.ts";

/** What such connections are made with. */
export type Wiring =
  & Connecting
  & Pick<ClientSettings, "caCerts" | "clientCertificate">;

/** A connection to an origin, or to the proxy that stands for it. */
export interface Wire {
  /** The next bytes, valid until the next call; null at the end. */
  read(): Promise<Uint8Array | null>;
  write(bytes: Uint8Array): Promise<void>;
  /** Closes it, if it is not closed yet. */
  close(): void;
}

/** Bytes that one read of a connection brings at most. */
const READ = 256 * 1024;

/**
 * Whether a URL can be asked over a wire. Deno speaks no TLS within TLS, and
 * shows a client certificate only where it makes the connection itself, of which
 * it cannot be told then to take IPv4.
 */
export function takesWire(
  url: URL,
  { proxy }: Way,
  { clientCertificate, allowPrivate }: Wiring,
): boolean {
  if (url.protocol === "http:") return true;
  if (clientCertificate !== null) return proxy === null && allowPrivate;
  return proxy?.protocol !== "https:";
}

/**
 * Connects to a URL's origin in the way that is asked for: through its proxy,
 * with TLS, and with a client certificate.
 *
 * @throws {DownloadError} if nobody takes the connection in time, or the proxy
 * makes none.
 * @throws what Deno says.
 * @throws the reason for which the signal was aborted.
 */
export async function openWire(
  url: URL,
  way: Way,
  wiring: Wiring,
  signal: AbortSignal,
): Promise<Wire> {
  const { proxy } = way;
  const options = { caCerts: [...wiring.caCerts], alpnProtocols: ["http/1.1"] };
  if (url.protocol === "https:" && wiring.clientCertificate !== null) {
    const shown = { ...options, ...wiring.clientCertificate };
    const secure = await connectByTls(way, wiring, shown, signal);
    return await closingIfInVain(
      () => closeQuietly(secure),
      signal,
      async () => {
        await secure.handshake();
        return wireOf(secure);
      },
    );
  }
  const tcp = await connectTo(way, wiring, signal);
  let open: Deno.Conn = tcp;
  // TLS is Deno's own, which `fetch` speaks, too: it trusts the same. Closed
  // during its handshake, it keeps the connection until the peer speaks or ends.
  // Tried on Deno 2.9.6: node:tls over a Duplex of the connection ends it at once,
  // speaks TLS within TLS and shows client certificates over any connection. But
  // its `ca` takes the place of the usual authorities, which a worker may not read
  // to add to them (they want `sys`), and it calls an expired certificate, or one
  // for clients, one of an unknown authority.
  async function startTls(hostname: string): Promise<void> {
    const secure = await Deno.startTls(tcp, { ...options, hostname });
    open = secure;
    // Aborted meanwhile, it would be closed by nobody.
    signal.throwIfAborted();
    await secure.handshake();
  }
  return await closingIfInVain(() => closeQuietly(open), signal, async () => {
    if (proxy?.protocol === "https:") await startTls(way.hostname);
    if (proxy !== null && !way.isRelayed) await openTunnel(open, proxy, url);
    if (url.protocol === "https:") await startTls(peerOf(url).hostname);
    return wireOf(open);
  });
}

/** Closes what is open if what is done with it fails, or is aborted. */
export async function closingIfInVain<Value>(
  close: () => void,
  signal: AbortSignal,
  use: () => Promise<Value>,
): Promise<Value> {
  signal.addEventListener("abort", close);
  try {
    signal.throwIfAborted();
    const value = await use();
    signal.throwIfAborted();
    return value;
  } catch (error) {
    close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

function wireOf(connection: Deno.Conn): Wire {
  const buffer = new Uint8Array(READ);
  return {
    async read() {
      const length = await connection.read(buffer);
      return length === null ? null : buffer.subarray(0, length);
    },
    write: (bytes) => writeAll(connection, bytes),
    close: () => closeQuietly(connection),
  };
}

/** Closes a connection that may have ended by itself. */
function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
