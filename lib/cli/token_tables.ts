/** Reads the tokens of a file of settings. Pure. */

import {
  parseToken,
  type Scope,
  SCOPES,
  type Token,
  TOKEN_RULE,
} from "../server/scopes.ts";
import { refuseOtherFields, type Table } from "./config_file.ts";

/**
 * The tokens that the tables of a file name, in their order.
 *
 * @param settings Settings' names, which may stand in a table by mistake.
 * @param own The token that is no table's; null for none.
 * @throws {UsageError} naming the line of a mistake, never a token.
 */
export function readTokens(
  tables: readonly Table[],
  settings: readonly string[],
  own: string | null,
): Token[] {
  const names = new Set<string>();
  const secrets = new Set<string>(own === null ? [] : [own]);
  return tables.map((table): Token => {
    refuseOtherFields(table, ["name", "token", "scope"], settings);
    const { fields, fault } = table;
    const { name } = fields;
    if (typeof name !== "string" || !/^[\w. -]{1,64}$/.test(name)) {
      throw fault(
        "name must be up to 64 letters, digits, spaces, ., - and _.",
        "name",
      );
    }
    if (names.has(name)) {
      throw fault(`there is another token of the name ${name}.`, "name");
    }
    const token = parseToken(String(fields.token ?? ""));
    if (token === undefined) {
      throw fault(`token must be ${TOKEN_RULE}, not what it is.`, "token");
    }
    if (secrets.has(token)) {
      throw fault("another one is the same token.", "token");
    }
    const scope = SCOPES.find((scope: Scope) => scope === fields.scope);
    if (scope === undefined) {
      throw fault(`scope must be ${SCOPES.join(", ")}.`, "scope");
    }
    names.add(name);
    secrets.add(token);
    return { name, token, scope };
  });
}
