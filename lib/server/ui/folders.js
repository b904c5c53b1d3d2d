// @ts-check
/** The folders that downloads go to, to choose from. */

/** @import { Connection } from "./connection.js" */
import { isList } from "./connection.js";

/** Of the latest downloads, so many are looked at. */
const LATEST = 200;

/**
 * The folders of the latest downloads, the latest first. They are asked for
 * courtesy: where the server does not answer, there are none.
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
