/** How much one client may ask for at once, by whichever door it comes. */

import { createInOrder } from "../base/in_order.ts";
import { DownloadError } from "../download/errors.ts";
import type { Lists, StatusPage, StatusPageRequest } from "../status/lists.ts";

/**
 * Lists that a client may wait for: more than people and programs ask for that
 * read what they get. Each goes through all downloads.
 */
const MOST_LISTS = 100;

/** Messages of the greatest length that a client may have unanswered. */
export const MOST_UNANSWERED = 4;

/** Reads lists for one client, one at a time. */
export interface ListTurns {
  /**
   * A page of the client's own turn; null if it has gone before. Each client
   * waits in the line of all clients' lists once, however many of them it asks
   * for at once.
   *
   * @throws {DownloadError} TOO_MUCH if too many of its lists wait.
   */
  read(
    request: StatusPageRequest,
    isThere: () => boolean,
  ): Promise<StatusPage | null>;
}

/** Makes the turns of one client. */
export function createListTurns(lists: Pick<Lists, "list">): ListTurns {
  const reading = createInOrder();
  let waiting = 0;
  return {
    async read(request, isThere) {
      if (waiting >= MOST_LISTS) throw tooManyLists();
      waiting++;
      try {
        return await reading.run(
          "list",
          async () => isThere() ? await lists.list(request) : null,
        );
      } finally {
        waiting--;
      }
    },
  };
}

function tooManyLists(): DownloadError {
  return new DownloadError(
    "TOO_MUCH",
    `${MOST_LISTS} of your lists wait for their turn: read their pages before ` +
      "you ask for more.",
  );
}
