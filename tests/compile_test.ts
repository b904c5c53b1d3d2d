import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { ENVIRONMENT, PROXY_ENVIRONMENT } from "../config.ts";
import { makeDirectory } from "./support/directory.ts";
import { commandOf } from "./support/permissions.ts";
import { run } from "./support/sluice.ts";

// The runtime of a compiled binary comes from a host that tests cannot reach.
// Deno itself stands in for it, so that what is embedded can be seen.
Deno.test("the binary holds the workers and all that they import", async () => {
  await using temporary = await makeDirectory();
  const { words } = commandOf("compile");
  const output = join(temporary.path, "sluice");
  const { code, stdout, stderr } = await run(
    words.map((word) => word === "sluice" ? output : word),
    { DENORT_BIN: Deno.execPath() },
  );
  assertEquals(code, 0, stderr);
  for (
    const file of [
      ...["main", "config", "coordinator"],
      ...["worker", "sink", "reader_worker", "pages"],
    ]
  ) {
    assertMatch(stdout + stderr, new RegExp(`── ${file}\\.ts`));
  }
  assertMatch(stdout + stderr, /deno-std\/1\.3\.1/);
  // What a shared queue and a file of settings need is imported by an address
  // that Deno cannot read.
  assertMatch(stdout + stderr, /── (transport-node|nats\.ts)/);
  assertMatch(stdout + stderr, /── (smol-toml|toml\.ts)/);
  assertMatch(stdout + stderr, /── (parse-xml|xml\.ts)/);
  // Its directories are those below the one it is started in.
  assertEquals(embeddedPermissions(await Deno.readFile(output)), {
    allow_net: [],
    allow_read: ["."],
    allow_write: ["."],
    allow_sys: ["hostname", "statfs"],
    allow_env: [...ENVIRONMENT, ...PROXY_ENVIRONMENT, "SLUICE_TOKEN", "TERM"]
      .sort(),
  });
});

/** What a binary grants, beside the hosts that Deno always imports from. */
function embeddedPermissions(binary: Uint8Array): Record<string, unknown> {
  const [, permissions = ""] = new TextDecoder("latin1").decode(binary)
    .match(/"permissions":(\{"allow_env":[^}]*\})/) ?? [];
  const entries = Object.entries<string[] | null>(JSON.parse(permissions))
    .filter(([name, values]) => name !== "allow_import" && values)
    .map(([name, values]) => [name, values && [...values].sort()]);
  return Object.fromEntries(entries);
}
