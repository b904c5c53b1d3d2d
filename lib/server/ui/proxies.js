// @ts-check
/** The proxies that a download may be given, to choose from. */

/** @import { Connection } from "./connection.js" */

/**
 * The names of the server's proxies; none where it has none, or does not answer.
 *
 * @param {Pick<Connection, "request">} connection
 * @returns {Promise<readonly string[]>}
 */
export async function findProxies(connection) {
  try {
    const reply = await connection.request({ action: "proxies" });
    return "data" in reply && "proxies" in reply.data ? reply.data.proxies : [];
  } catch {
    return [];
  }
}
