import { assertEquals } from "@std/assert";
import { findNaming } from "../../lib/files/find_naming.ts";
import { createParts } from "../../lib/files/parts.ts";
import { makeDirectory } from "../support/directory.ts";

Deno.test("parts are gone where the system says so, and not where it cannot say", async () => {
  await using directory = await makeDirectory();
  const { path } = directory;
  await Deno.writeTextFile(`${path}/file`, "");
  const goneIn = (below: string | null) =>
    createParts({
      ...{ directory: path, below, path: (id) => `${path}/${id}` },
      naming: () => findNaming(`${path}/file`),
    }, { sync: false }).isGone();
  assertEquals(
    [path, `${path}/nothing`, `${path}/file/parts`, null].map(goneIn),
    [false, true, false, false],
  );
});
