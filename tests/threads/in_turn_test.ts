/** Addresses of a name, tried in turn where private networks are denied. */

import { assertEquals } from "@std/assert";
import { PRIVATE_RANGES } from "../../lib/origin/address.ts";
import { makeDirectory } from "../support/directory.ts";
import { inOwnNetwork, mayOwnNetwork, PUBLIC } from "../support/hosts.ts";
import { projectPath } from "../support/sluice.ts";

const DENIED = PRIVATE_RANGES.map(([range]) => range).join();
const [SILENT, TAKEN] = PUBLIC;

const mayOwn = await mayOwnNetwork();
if (!mayOwn) console.log("Left out: unshare may make no network here.");

for (
  const [what, addresses, said] of [
    ["a silent one first", [SILENT, TAKEN], `${TAKEN} in time`],
    ["the right one first", [TAKEN, SILENT], `${TAKEN} in time`],
    [
      "denied and silent ones first",
      ["10.0.0.1", SILENT, "127.0.0.1", TAKEN],
      `${TAKEN} in time`,
    ],
    [
      "no right one",
      [SILENT],
      "DownloadError: The origin takes no connection for 4 s: check the URL " +
      "and the network, or retry later. late",
    ],
  ] as const
) {
  Deno.test({
    name: `connecting to a name of several addresses: ${what}`,
    ignore: !mayOwn,
    async fn() {
      await using directory = await makeDirectory();
      const hosts = `${directory.path}/hosts`;
      const lines = addresses.map((address) => `${address} several.test\n`);
      await Deno.writeTextFile(hosts, lines.join(""));
      const [unshare = "", ...args] = inOwnNetwork(hosts, [
        Deno.execPath(),
        "run",
        "--no-prompt",
        "--allow-net",
        `--deny-net=${DENIED}`,
        projectPath("tests/support/in_turn.ts"),
        "several.test",
        SILENT,
        TAKEN,
      ]);
      const options = { args, cwd: projectPath(".") };
      const { stdout, stderr } = await new Deno.Command(unshare, options)
        .output();
      const [out, err] = [stdout, stderr]
        .map((bytes) => new TextDecoder().decode(bytes));
      assertEquals([out, err], [`${said}\n`, ""]);
    },
  });
}
