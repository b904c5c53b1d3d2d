/** How much each client of the API asks for at once, by its address. */

import { DownloadError } from "../../download/errors.ts";
import type { Lists } from "../../status/lists.ts";
import { createListTurns, type ListTurns, MOST_UNANSWERED } from "../limits.ts";

/** A client, until its request is answered. */
export interface Visitor extends Disposable {
  readonly lists: ListTurns;
  /**
   * Counts a request's body until it was read.
   *
   * @throws {DownloadError} TOO_MUCH if too much of the client's is being read.
   */
  brings(request: Request): Disposable;
}

/** All clients that have a request under way. */
export interface Visitors {
  /** @param address The client's. */
  enter(address: string): Visitor;
}

/**
 * Makes the count of all clients.
 *
 * @param longest Bytes that a body may have.
 */
export function createVisitors(
  lists: Pick<Lists, "list">,
  longest: number,
): Visitors {
  const known = new Map<
    string,
    { requests: number; bytes: number; readonly lists: ListTurns }
  >();
  return {
    enter(address) {
      const client = known.get(address) ??
        { requests: 0, bytes: 0, lists: createListTurns(lists) };
      known.set(address, client);
      client.requests++;
      return {
        lists: client.lists,
        brings({ headers }) {
          // A body that does not say its length may have any.
          const length = Number(headers.get("content-length") ?? longest);
          const size = Math.min(length, longest);
          // One alone is read, however long it is.
          if (
            client.bytes > 0 && client.bytes + size > MOST_UNANSWERED * longest
          ) {
            throw new DownloadError(
              "TOO_MUCH",
              "You send too much at once: wait for answers, and send this again.",
            );
          }
          client.bytes += size;
          return { [Symbol.dispose]: () => void (client.bytes -= size) };
        },
        [Symbol.dispose]() {
          if (--client.requests === 0) known.delete(address);
        },
      };
    },
  };
}
