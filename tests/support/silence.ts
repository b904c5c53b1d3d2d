/** A port that neither takes nor refuses connections: its queue is full. */

/** Such a port; disposing of it closes it. */
export interface Silence extends Disposable {
  /** Its host and port. */
  readonly address: string;
}

/** Makes a port silent, a free one of 127.0.0.1 by itself. */
export async function startSilence(
  port = 0,
  hostname = "127.0.0.1",
): Promise<Silence> {
  const listener = Deno.listen({ hostname, port, tcpBacklog: 0 });
  const queued: Deno.Conn[] = [];
  for (;;) {
    const signal = AbortSignal.timeout(300);
    const options = { hostname, port: listener.addr.port, signal };
    const conn = await Deno.connect(options).catch(() => null);
    if (conn === null) break;
    queued.push(conn);
  }
  return {
    address: `${hostname}:${listener.addr.port}`,
    [Symbol.dispose]() {
      for (const conn of queued) conn.close();
      listener.close();
    },
  };
}
