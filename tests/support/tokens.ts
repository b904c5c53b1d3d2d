/** A server with a token of each scope. */

import { join } from "@std/path";
import type { Scope } from "../../lib/server/scopes.ts";
import { makeDirectory } from "./directory.ts";
import { type Sluice, startSluice } from "./sluice.ts";

/** By their scopes. */
export const TOKENS: Readonly<Record<Scope, string>> = {
  read: "token-of-scope-read",
  add: "token-of-scope-add",
  all: "token-of-scope-all",
};
/** The text of a file of settings with a token of each scope. */
const FILE = Object.entries(TOKENS).map(([scope, token]) =>
  `[[tokens]]\nname = "the ${scope}"\ntoken = "${token}"\nscope = "${scope}"\n`
).join("\n");

/** A server that a token of each scope opens. */
export async function startWithTokens(): Promise<Sluice> {
  const directory = await makeDirectory();
  const path = join(directory.path, "sluice.toml");
  await Deno.writeTextFile(path, FILE, { mode: 0o600 });
  const sluice = await startSluice({
    directory: directory.path,
    environment: { CONFIG_FILE: path },
    deno: ["--lock=tests/deno.lock"],
  });
  return {
    ...sluice,
    async [Symbol.asyncDispose]() {
      await sluice[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}
