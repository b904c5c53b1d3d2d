/** A link that is long, or slow, or both, in front of an origin. */

import { delay } from "./delay.ts";

/** What a link does to one connection. */
export interface Link {
  /** Milliseconds there and back. */
  readonly roundTrip: number;
  /** Bytes per second, from the origin. */
  readonly rate: number;
}

/** A running proxy. */
export interface SlowProxy extends AsyncDisposable {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
}

/** Chunks are so small that a slow link does not come in jerks. */
const CHUNK_BYTES = 16 * 1024;
/** Shorter waits are not worth a timer, in milliseconds. */
const SHORTEST_WAIT = 2;
/** Timers that are late by less cost a link nothing of its rate. */
const LATE = 20;

/**
 * Starts a proxy in front of `origin`.
 *
 * @param linkOf The link of each connection, which are numbered from 0.
 */
export function startSlowProxy(
  origin: string,
  linkOf: (connection: number) => Link,
): SlowProxy {
  const { hostname, port } = new URL(origin);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  let connections = 0;

  async function serve(client: Deno.TcpConn): Promise<void> {
    const { roundTrip, rate } = linkOf(connections++);
    const server = await Deno.connect({ hostname, port: Number(port) });
    open.add(client).add(server);
    // Loopback shakes hands at once: the first request pays for a real one.
    const there = carry(client, server, Infinity, roundTrip / 2, roundTrip);
    const back = carry(server, client, rate, roundTrip / 2, 0);
    await Promise.all([there, back]).catch(() => {});
    for (const end of [client, server]) {
      if (open.delete(end)) end.close();
    }
  }

  const accepting = (async () => {
    for await (const client of listener) serve(client).catch(() => {});
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const end of open) end.close();
      open.clear();
      await accepting.catch(() => {});
    },
  };
}

/** Carries bytes one way, `late` milliseconds after they came. */
async function carry(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  rate: number,
  late: number,
  handshake: number,
): Promise<void> {
  const opened = performance.now() + handshake;
  const sending = new AbortController();
  let sent = Promise.resolve();
  let free = 0;
  for (;;) {
    const buffer = new Uint8Array(CHUNK_BYTES);
    const length = await from.read(buffer);
    if (length === null) break;
    const now = Math.max(performance.now(), opened);
    free = Math.max(free, now - LATE) + length / rate * 1000;
    const due = Math.max(free, now) + late;
    sent = sent.then(async () => {
      await waitUntil(due);
      await write(to, buffer.subarray(0, length));
    });
    sent.catch((error) => sending.abort(error));
    await waitUntil(free);
    sending.signal.throwIfAborted();
  }
  await sent;
  await to.closeWrite();
}

async function waitUntil(time: number): Promise<void> {
  const wait = time - performance.now();
  if (wait >= SHORTEST_WAIT) await delay(wait);
}

async function write(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}
