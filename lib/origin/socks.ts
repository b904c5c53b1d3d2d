/** What is said to a SOCKS5 proxy, RFC 1928 and RFC 1929. Pure. */

import { bitsOf } from "../base/ip_address.ts";
import type { Credentials } from "../download/download.ts";

const VERSION = 5;
const CONNECT = 1;

/** How a client may show who it is. */
export const NO_NAME = 0;
export const BY_NAME = 2;

/** The first message: how this client can show who it is. */
export function greeting(credentials: Credentials | null): Uint8Array {
  const methods = credentials === null ? [NO_NAME] : [NO_NAME, BY_NAME];
  return Uint8Array.of(VERSION, methods.length, ...methods);
}

/** A name and a password; null if one is longer than SOCKS5 allows. */
export function nameAndPassword(
  { username, password }: Credentials,
): Uint8Array | null {
  const texts = [username, password]
    .map((text) => new TextEncoder().encode(text));
  if (texts.some(({ length }) => length > 255)) return null;
  return Uint8Array.of(1, ...texts.flatMap((text) => [text.length, ...text]));
}

/**
 * The request for a connection. The proxy resolves names.
 *
 * @param hostname A name, or an IP address without brackets.
 * @returns Null for a name that is longer than SOCKS5 allows: what does not fit
 * its length would be read as a port.
 */
export function connectRequest(
  hostname: string,
  port: number,
): Uint8Array | null {
  if (hostname.length > 255) return null;
  const begin = [VERSION, CONNECT, 0];
  return Uint8Array.of(...begin, ...addressOf(hostname), port >> 8, port & 255);
}

function addressOf(hostname: string): number[] {
  const bits = bitsOf(hostname);
  if (bits === null) {
    const name = new TextEncoder().encode(hostname);
    return [3, name.length, ...name];
  }
  const bytes = bits.match(/.{8}/g) ?? [];
  const kind = bits.length === 32 ? 1 : 4;
  return [kind, ...bytes.map((byte) => parseInt(byte, 2))];
}

/**
 * How many bytes of a proxy's reply follow its first five; null if it makes no
 * connection.
 */
export function restOfReply(
  [version, reply, , kind, first = 0]: Uint8Array,
): number | null {
  if (version !== VERSION || reply !== 0) return null;
  const PORT = 2;
  if (kind === 1) return 3 + PORT;
  if (kind === 4) return 15 + PORT;
  return kind === 3 ? first + PORT : null;
}
