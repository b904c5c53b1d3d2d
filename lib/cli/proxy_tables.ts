/** Reads the proxies that a file of settings names. Pure. */

import { PROXY_NAME, PROXY_NAME_RULE } from "../download/fields.ts";
import { DIRECT, parseProxy } from "../origin/proxies.ts";
import { refuseOtherFields, type Table } from "./config_file.ts";

/**
 * The URLs of the proxies that the tables of a file give, by their names.
 *
 * @param settings Settings' names, which may stand in a table by mistake.
 * @throws {UsageError} naming the line of a mistake, never a URL, which may hold a
 * password.
 */
export function readNamedProxies(
  tables: readonly Table[],
  settings: readonly string[],
): Map<string, string> {
  return new Map(tables.map((table) => {
    refuseOtherFields(table, ["url"], settings);
    const { name, fields: { url }, fault } = table;
    if (!PROXY_NAME.test(name)) {
      throw fault(`the name of a proxy must be ${PROXY_NAME_RULE}.`);
    }
    if (name === DIRECT) {
      throw fault(`${DIRECT} stands for no proxy: choose another name.`);
    }
    const proxy = typeof url === "string" ? parseProxy(url) : undefined;
    if (proxy !== undefined) return [name, proxy] as const;
    throw fault(
      "url must be a proxy's URL, such as http://proxy:3128 or " +
        "socks5h://name:password@proxy:1080 (http, https, socks5, socks5h), " +
        "not what it is.",
      "url",
    );
  }));
}
