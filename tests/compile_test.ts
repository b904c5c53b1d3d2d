import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import config from "../deno.json" with { type: "json" };
import { makeDirectory } from "./support/directory.ts";
import { run } from "./support/sluice.ts";

// The runtime of a compiled binary comes from a host that tests cannot reach.
// Deno itself stands in for it, so that what is embedded can be seen.
Deno.test("the binary holds the worker and all that it imports", async () => {
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  const [, ...args] = config.tasks.compile.command.split(" ");
  const output = join(directory, "sluice");
  const { code, stdout, stderr } = await run(
    args.map((word) => word === "sluice" ? output : word),
    { DENORT_BIN: Deno.execPath() },
  );
  assertEquals(code, 0, stderr);
  for (const file of ["main", "config", "coordinator", "worker", "sink"]) {
    assertMatch(stdout + stderr, new RegExp(`── ${file}\\.ts`));
  }
  assertMatch(stdout + stderr, /deno-std\/1\.3\.1/);
  assert((await Deno.stat(output)).isFile);
});
