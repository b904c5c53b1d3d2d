// @ts-check
/** What the server has already of some links. */

/** @import { Status } from "../../status/status.ts" */
/** @import { Connection } from "./connection.js" */
import { isList } from "./connection.js";
import { inBatches } from "./urls.js";

/** How long the server is waited for, in milliseconds. */
const PATIENCE = 5_000;

/** In one question: a page of the list has no more. */
const BATCH = { count: 1_000, characters: 1_000_000 };
/** In a question for their number only, below what the server takes. */
const MANY = { count: 100_000, characters: 3_000_000 };

/**
 * The downloads that there are of some URLs. It is asked for courtesy: where
 * the server does not answer in time, they count as new.
 *
 * @param {Pick<Connection, "request">} connection
 * @param {readonly string[]} urls
 * @returns {Promise<ReadonlyMap<string, Status>>} By URL.
 */
export async function findKnown(connection, urls) {
  /** @type {Map<string, Status>} */
  const known = new Map();
  const late = Promise.withResolvers();
  const timer = setTimeout(() => late.reject(new Error("late")), PATIENCE);

  /**
   * @param {readonly string[]} asked
   * @param {number} limit
   */
  async function find(asked, limit) {
    const request = { action: "list", limit, urls: asked };
    const reply = await Promise.race([
      connection.request(request),
      late.promise,
    ]);
    return isList(reply) ? reply : { data: [], total: 0 };
  }

  try {
    // Each question takes long among many downloads, and most lists are new.
    for (const many of inBatches(urls, MANY)) {
      const long = many.length > BATCH.count;
      if (long && (await find(many, 1)).total === 0) continue;
      for (const batch of inBatches(many, BATCH)) {
        // The latest comes first.
        for (const status of (await find(batch, BATCH.count)).data) {
          if (!known.has(status.url)) known.set(status.url, status);
        }
      }
    }
  } catch {
    // Late, or not connected: to add them then fails, too, and says why.
  } finally {
    clearTimeout(timer);
  }
  return known;
}
