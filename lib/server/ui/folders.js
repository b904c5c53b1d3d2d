// @ts-check
/** The folders that downloads go to, to choose from. */

/** @import { Connection } from "./connection.js" */
import { isList } from "./connection.js";

/** How many of the latest downloads are looked at for their folders. */
const LATEST = 200;

/**
 * The folders of the latest downloads, the latest first; none where the server
 * does not answer, as any folder can be typed without them.
 *
 * @param {Pick<Connection, "request">} connection
 * @returns {Promise<readonly string[]>}
 */
export async function findFolders(connection) {
  try {
    const reply = await connection.request({ action: "list", limit: LATEST });
    const statuses = isList(reply) ? reply.data : [];
    const folders = statuses.map(({ directory }) => directory);
    return [...new Set(folders.filter((folder) => folder !== null))];
  } catch {
    return [];
  }
}
