/** A name of two addresses, of which the first takes no connection. */

import { assertEquals, assertMatch } from "@std/assert";
import { filesIn, makeDirectory } from "../support/directory.ts";
import { firstDifference, startOrigin } from "../support/origin.ts";
import { startSilence } from "../support/silence.ts";
import { projectPath, type Ran, taskArguments } from "../support/sluice.ts";
import { WHOLE } from "../support/trial.ts";

const HOSTS = "127.0.0.1 two.test localhost\n127.0.0.2 two.test\n";

/** Runs a command that sees other names than this machine's: it takes root. */
async function runWithHosts(
  hosts: string,
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<Ran> {
  const script = 'mount --bind "$0" /etc/hosts && exec "$@"';
  const args = ["-m", "sh", "-c", script, hosts, ...command];
  const cwd = projectPath(".");
  const { code, stdout, stderr } = await new Deno.Command("unshare", {
    args,
    cwd,
    env: { NO_COLOR: "1", ...env },
  }).output();
  const [out, error] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  return { code, stdout: out ?? "", stderr: error ?? "" };
}

async function whyNoHosts(): Promise<string | null> {
  await using directory = await makeDirectory();
  const hosts = `${directory.path}/hosts`;
  await Deno.writeTextFile(hosts, HOSTS);
  try {
    const { code, stderr } = await runWithHosts(hosts, ["true"]);
    return code === 0 ? null : stderr;
  } catch (error) {
    return String(error);
  }
}

const reason = await whyNoHosts();
if (reason !== null) console.log(`Left out, as it takes root: ${reason}`);

Deno.test({
  name: "a dead first address is passed by after CONNECT_TIMEOUT",
  ignore: reason !== null,
  async fn() {
    await using origin = await startOrigin({ hostname: "127.0.0.2" });
    using _silence = await startSilence(origin.port);
    await using directory = await makeDirectory();
    await using elsewhere = await makeDirectory();
    const hosts = `${elsewhere.path}/hosts`;
    await Deno.writeTextFile(hosts, HOSTS);
    origin.serve("/a", WHOLE);
    const { code, stderr } = await runWithHosts(hosts, [
      Deno.execPath(),
      ...taskArguments("get", directory.path),
      `http://two.test:${origin.port}/a`,
    ], { CONNECT_TIMEOUT: "1000", WORKERS: "1", BYTES_AMOUNT: "64KiB" });
    assertMatch(stderr, /a: .* in /);
    assertEquals(code, 0);
    assertEquals(filesIn(directory.path), ["a"]);
    assertEquals(await firstDifference(`${directory.path}/a`, WHOLE), null);
  },
});
