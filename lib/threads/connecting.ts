/** Connections to a host of which some addresses may be dead. */

import { DownloadError } from "../download/errors.ts";
import { unreachable } from "../origin/connection_error.ts";
import type { Way } from "./clients.ts";

/** How connections are made. */
export interface Connecting {
  /** Whether URLs may lead into private networks. */
  readonly allowPrivate: boolean;
  /** How long a connection may take to be made, in milliseconds. */
  readonly connectTimeout: number;
}

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
 * answer is late, other connections are made, and ended at once.
 *
 * @param elsewhere Called if `fetch` waits for a dead address, and there are
 * others that it would try after it; null if nobody else can try them.
 */
export function looksForConnection(
  way: Way,
  { connectTimeout, allowPrivate }: Connecting,
  elsewhere: (() => void) | null,
): Look {
  const after = connectTimeout * LOOK_AFTER;
  return {
    after,
    async look() {
      const signal = AbortSignal.timeout(connectTimeout - after);
      const fates = await fatesOf(way, allowPrivate, signal);
      // What is refused, denied or unknown, the request itself says.
      const isSilent = fates.some(({ kind }) => kind === "silent") &&
        !fates.some(({ kind }) => kind === "taken");
      if (!isSilent) return null;
      const isLast = fates.every((fate) =>
        fate.kind !== "silent" || fate.others === 0
      );
      if (isLast) return unreachable(way.by, connectTimeout);
      elsewhere?.();
      return null;
    },
  };
}

/** What came of connecting to the addresses of one family, in their order. */
type Fate =
  | { readonly kind: "taken" | "refused" }
  /** One gave no answer in time, before `others` of them were tried. */
  | { readonly kind: "silent"; readonly others: number };

/**
 * Connects as `fetch` does: side by side to both families of addresses, and
 * within each to one after the other.
 */
async function fatesOf(
  { hostname, port }: Way,
  allowPrivate: boolean,
  signal: AbortSignal,
): Promise<Fate[]> {
  const addresses = await addressesOf(hostname, allowPrivate);
  const families = Object.values(
    Object.groupBy(addresses, (address) => address.includes(":") ? "6" : "4"),
  );
  return await Promise.all(families.map(async (family): Promise<Fate> => {
    for (const [n, address] of family.entries()) {
      try {
        (await connect({ hostname: address, port }, signal)).close();
        return { kind: "taken" };
      } catch {
        const others = family.length - n - 1;
        if (signal.aborted) return { kind: "silent", others };
      }
    }
    return { kind: "refused" };
  }));
}

/**
 * The addresses of a host; of IPv4 only where private networks are denied, as
 * Deno denies no ranges of IPv6.
 */
async function addressesOf(
  hostname: string,
  allowPrivate: boolean,
): Promise<string[]> {
  // Most workers never need it.
  const { lookup } = await import("node:dns/promises");
  // The system's order is the one that `fetch` keeps to.
  const found = await lookup(hostname, { all: true, order: "verbatim" });
  const allowed = found.filter((one) => allowPrivate || one.family === 4);
  return [...new Set(allowed.map(({ address }) => address))];
}

/**
 * Connects to a host, at the first of its addresses that takes the connection.
 *
 * @throws {DownloadError} REFUSED if none does in time.
 * @throws what Deno says if there is none, or it is denied.
 */
export async function connectTo(
  way: Way,
  connecting: Connecting,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const { hostname, port } = way;
  const { connectTimeout, allowPrivate } = connecting;
  return await inTime(way, connecting, signal, async (until) => {
    // Deno tries the addresses of a name side by side (RFC 8305).
    if (allowPrivate) return await connect({ hostname, port }, until);
    const addresses = await addressesOf(hostname, allowPrivate);
    const each = connectTimeout * LOOK_AFTER;
    return await connectInTurn(addresses, port, each, until);
  });
}

/**
 * Connects to a host by TLS, at whichever of its addresses Deno likes.
 *
 * @throws {DownloadError} REFUSED if none takes the connection in time.
 * @throws what Deno says.
 */
export async function connectByTls(
  way: Way,
  connecting: Connecting,
  options: Partial<Deno.ConnectTlsOptions & Deno.TlsCertifiedKeyPem>,
  signal: AbortSignal,
): Promise<Deno.TlsConn> {
  const { hostname, port } = way;
  return await inTime(way, connecting, signal, async (until) => {
    const making = Deno.connectTls({ ...options, hostname, port });
    return await unlessAborted(making, until);
  });
}

async function inTime<Conn>(
  { by }: Way,
  { connectTimeout }: Connecting,
  signal: AbortSignal,
  make: (until: AbortSignal) => Promise<Conn>,
): Promise<Conn> {
  const late = AbortSignal.timeout(connectTimeout);
  try {
    return await make(AbortSignal.any([signal, late]));
  } catch (error) {
    throw late.aborted && !signal.aborted
      ? unreachable(by, connectTimeout)
      : error;
  }
}

/**
 * @param each How long each address but the last one has, in milliseconds.
 */
async function connectInTurn(
  addresses: readonly string[],
  port: number,
  each: number,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const last = addresses.at(-1);
  if (last === undefined) throw noAddress();
  for (const hostname of addresses.slice(0, -1)) {
    const turn = AbortSignal.any([signal, AbortSignal.timeout(each)]);
    try {
      return await connect({ hostname, port }, turn);
    } catch {
      signal.throwIfAborted();
    }
  }
  return await connect({ hostname: last, port }, signal);
}

async function connect(
  options: Deno.ConnectOptions,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  signal.throwIfAborted();
  return await unlessAborted(Deno.connect(options), signal);
}

/**
 * The connection that is being made, unless the signal is aborted before.
 * `Deno.connect` takes a signal, too, but then loses the connection that is made
 * at the same moment: it stays open for ever.
 */
async function unlessAborted<Conn extends Deno.Conn>(
  connecting: Promise<Conn>,
  signal: AbortSignal,
): Promise<Conn> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([connecting, aborted.promise]);
  } catch (error) {
    connecting.then((late) => late.close(), () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function noAddress(): DownloadError {
  return new DownloadError(
    "HOST_UNKNOWN",
    "The origin's host name has no IPv4 address, and this server asks no " +
      "other: check the URL.",
  );
}
