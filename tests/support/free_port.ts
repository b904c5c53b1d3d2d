/**
 * Ports that the system gives to nobody by itself: Linux takes those of outgoing
 * connections and of listeners without a number from 32768 on, and a client that
 * waits for a listener there may be connected to itself.
 */
const [FIRST, LAST] = [10_000, 32_000];

/** A port of 127.0.0.1 that nothing listens on. */
export function freePort(): number {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    try {
      using _listener = Deno.listen({ hostname: "127.0.0.1", port });
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
