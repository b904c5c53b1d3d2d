/** What Deno denies to a public server, no way of asking reaches. */

import { assertEquals } from "@std/assert";
import { PRIVATE_RANGES } from "../../lib/origin/address.ts";
import { startOrigin } from "../support/origin.ts";
import { projectPath, run } from "../support/sluice.ts";

const DENIED = [...PRIVATE_RANGES.map(([range]) => range), "[::1]"].join();

for (const allowed of ["allowed", "not allowed"]) {
  for (const host of ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"]) {
    Deno.test(`${host} is denied, private networks being ${allowed}, and nothing dies`, async () => {
      await using origin = await startOrigin();
      const url = `http://${host}:${origin.port}/`;
      const { code, stdout, stderr } = await run([
        "run",
        "--no-prompt",
        "--allow-net",
        `--deny-net=${DENIED}`,
        projectPath("tests/support/denied.ts"),
        url,
        allowed,
      ]);
      assertEquals(stderr, "");
      assertEquals(stdout, "FORBIDDEN_ADDRESS NotCapable null\n");
      assertEquals(code, 0);
      assertEquals(origin.open, 0);
    });
  }
}
