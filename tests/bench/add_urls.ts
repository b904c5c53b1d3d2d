/** Adds many URLs over one socket. */

import type { Sluice } from "../support/sluice.ts";

/** URLs in one message. */
export const BATCH = 1_000;

/**
 * Sends batches, two at a time on their way; the seconds that it took.
 *
 * @param fields What is asked for with each URL.
 */
export async function addUrls(
  { url }: Sluice,
  origin: string,
  count: number,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = new WebSocket(url);
  let sent = 0;
  let added = 0;
  function send(): void {
    if (sent >= count) return;
    const urls = Array.from({ length: BATCH }, (_, n) => ({
      url: `${origin}/files/file-${sent + n}.bin`,
      ...fields,
    }));
    sent += BATCH;
    socket.send(JSON.stringify({ urls }));
  }
  const started = performance.now();
  socket.onopen = () => {
    send();
    send();
  };
  socket.onerror = () => reject(new Error("Cannot connect to Sluice"));
  socket.onmessage = ({ data }) => {
    if (data.startsWith('{"error"')) return reject(new Error(data));
    // Only replies are parsed: reading all changes would be our own cost.
    if (!data.startsWith('{"data":{')) return;
    added += BATCH;
    send();
    if (added >= count) resolve();
  };
  await promise;
  socket.close();
  return (performance.now() - started) / 1000;
}
