/** How large what is written to the brokers may be. */

import { DownloadError } from "../download/errors.ts";

/** Bytes by which an entry may grow: what is learned of its file, and who has it. */
export const ROOM_TO_GROW = 64 * 1024;
/** Bytes of a write's headers, which the brokers count, too. */
const HEADERS = 1024;

/**
 * Refuses a value that the brokers do not take, however often it is sent.
 *
 * @param text The value as it is sent.
 * @param most Bytes that a message may have there.
 * @param room Bytes that are to be left for it to grow.
 * @throws {DownloadError} BAD_REQUEST if it is too large.
 */
export function refuseTooLarge(text: string, most: number, room: number): void {
  const left = most - HEADERS - room;
  // No character takes more than three bytes, and hardly any text comes near.
  if (text.length * 3 <= left) return;
  const { length } = new TextEncoder().encode(text);
  if (length <= left) return;
  throw new DownloadError(
    "BAD_REQUEST",
    `The download is too large for the queue: what is asked for takes ${length} ` +
      `bytes, and the broker has room for ${left}. Ask with fewer or shorter ` +
      "headers and mirrors, or raise the broker's max_payload.",
  );
}
