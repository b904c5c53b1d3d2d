/** A name of two addresses, of which the first takes no connection. */

import { assertEquals } from "@std/assert";
import { filesIn, makeDirectory } from "../support/directory.ts";
import { mayNameHosts, withHosts } from "../support/hosts.ts";
import { firstDifference, startOrigin } from "../support/origin.ts";
import { startSilence } from "../support/silence.ts";
import { projectPath, taskArguments } from "../support/sluice.ts";
import { WHOLE } from "../support/trial.ts";

const HOSTS = "127.0.0.1 two.test localhost\n127.0.0.2 two.test\n";

const MAY_NAME = await mayNameHosts();
if (!MAY_NAME) console.log("Left out: unshare may not mount here.");

Deno.test({
  name: "a dead first address is passed by after CONNECT_TIMEOUT",
  ignore: !MAY_NAME,
  async fn() {
    await using origin = await startOrigin({ hostname: "127.0.0.2" });
    using _silence = await startSilence(origin.port);
    await using directory = await makeDirectory();
    await using elsewhere = await makeDirectory();
    const hosts = `${elsewhere.path}/hosts`;
    await Deno.writeTextFile(hosts, HOSTS);
    origin.serve("/a", WHOLE);
    const [unshare = "", ...args] = withHosts(hosts, [
      Deno.execPath(),
      ...taskArguments("get", directory.path),
      `http://two.test:${origin.port}/a`,
    ]);
    const { code, stderr } = await new Deno.Command(unshare, {
      args,
      cwd: projectPath("."),
      env: { CONNECT_TIMEOUT: "1000", WORKERS: "1", BYTES_AMOUNT: "64KiB" },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    assertEquals(filesIn(directory.path), ["a"]);
    assertEquals(await firstDifference(`${directory.path}/a`, WHOLE), null);
  },
});
