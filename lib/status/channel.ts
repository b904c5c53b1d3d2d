/** The channel that tells the status of all downloads. */

/** One end of the channel that carries the status of all downloads. */
export interface StatusChannel extends Disposable {
  /** Tells of changes, as the text that clients get: objects would be copied. */
  tell(changes: string): void;
}

/**
 * Opens one end of the channel `name`. What one end tells, all others
 * hear, in any thread of this process.
 */
export function openStatusChannel(
  name: string,
  hear: (changes: string) => void = () => {},
): StatusChannel {
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }: MessageEvent<string>) => hear(data);
  return {
    tell: (changes) => channel.postMessage(changes),
    [Symbol.dispose]: () => channel.close(),
  };
}
