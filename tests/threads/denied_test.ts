/** What Deno denies to a public server, no way of asking reaches. */

import { assertEquals } from "@std/assert";
import { PRIVATE_RANGES } from "../../lib/origin/address.ts";
import { startOrigin } from "../support/origin.ts";
import { projectPath, run } from "../support/sluice.ts";

const DENIED = [...PRIVATE_RANGES.map(([range]) => range), "[::1]"].join();

for (
  const [host, allowed, said] of [
    ["127.0.0.1", "allowed", "FORBIDDEN_ADDRESS NotCapable"],
    ["127.0.0.1", "not allowed", "FORBIDDEN_ADDRESS NotCapable"],
    ["localhost", "allowed", "FORBIDDEN_ADDRESS NotCapable"],
    ["localhost", "not allowed", "FORBIDDEN_ADDRESS NotCapable"],
    ["[::ffff:127.0.0.1]", "allowed", "FORBIDDEN_ADDRESS NotCapable"],
    // No IPv6 is asked then.
    ["[::ffff:127.0.0.1]", "not allowed", "HOST_UNKNOWN DownloadError"],
  ]
) {
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
      allowed ?? "",
    ]);
    assertEquals(stderr, "");
    assertEquals(stdout, `${said} null\n`);
    assertEquals(code, 0);
    assertEquals(origin.open, 0);
  });
}
