/** The channel that carries the status of all downloads. */

import type { Changes } from "./status.ts";

/** One end of the channel. */
export interface StatusChannel extends Disposable {
  /** Has all other ends hear of changes. */
  send(changes: Changes): void;
}

/**
 * Opens one end of the channel `name`. What one end sends, all others hear, in
 * any thread of this process.
 *
 * On the channel, changes are a text of its own: an object is copied value by
 * value at each end, which takes longer than to write and read JSON.
 */
export function openStatusChannel(
  name: string,
  hear: (changes: Changes) => void = () => {},
): StatusChannel {
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }: MessageEvent<string>) =>
    hear(JSON.parse(data));
  return {
    send: (changes) => channel.postMessage(JSON.stringify(changes)),
    [Symbol.dispose]: () => channel.close(),
  };
}
