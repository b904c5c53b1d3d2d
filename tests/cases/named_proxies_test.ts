/** Proxies that downloads choose by name. */

import { assertEquals, assertNotMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { DownloadError } from "../../lib/download/errors.ts";
import { makeDirectory } from "../support/directory.ts";
import { startDownloads } from "../support/downloads.ts";
import { file, redirect, startOrigin } from "../support/origin.ts";
import { NO_PROXIES, startProxy } from "../support/proxy.ts";
import { run, startSluice } from "../support/sluice.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import { commandOf } from "../support/permissions.ts";

const WHOLE = file(300_005, 1);

/** Deno would note the parser in the project's own lock file. */
const LOCK = ["--lock=tests/deno.lock"];

/** Proxies to choose from, in an environment that says nothing. */
function choice(named: Readonly<Record<string, string>>) {
  return { ...NO_PROXIES, named: new Map(Object.entries(named)) };
}

Deno.test("all of a download goes through its proxy, whatever the environment says", async () => {
  await using origin = await startOrigin();
  await using usual = await startProxy();
  await using proxy = await startProxy({ credentials: "me:p@ss" });
  const proxies = {
    ...choice({ mine: `http://me:p%40ss@${proxy.address}` }),
    http: `http://${usual.address}`,
    direct: ["127.0.0.1"],
  };
  await using downloads = await startDownloads({ proxies });
  origin.serve("/b", WHOLE);
  const url = origin.serve("/a", null, redirect("/b"));
  const end = async (more: Record<string, unknown>, url: string) => {
    const id = await downloads.add({ url, ...more });
    const status = await downloads.end(id);
    await assertDownloaded(status, WHOLE);
    return status;
  };
  const status = await end({ proxy: "mine" }, url);
  assertEquals(status.proxy, "mine");
  // A thread that is stopped early may have asked the proxy alone.
  assertEquals(proxy.asked.length >= origin.requests.length, true);
  assertNotMatch(JSON.stringify([status, downloads.log]), /p%40ss|p@ss/);
  const named = origin.url("/b", "localhost");
  await end({}, named);
  const before = usual.asked.length;
  assertEquals(before > 0, true);
  await end({ proxy: "direct" }, named);
  assertEquals(usual.asked.length, before);
});

Deno.test("no proxy is made up, and none is left out", async () => {
  await using origin = await startOrigin();
  const url = origin.serve("/a", WHOLE);
  await using directory = await makeDirectory();
  const refusal = async (proxies: typeof NO_PROXIES, proxy: string) => {
    await using downloads = await startDownloads({ proxies });
    const adding = () => downloads.add({ url, proxy });
    const { code, message } = await assertRejects(adding, DownloadError);
    assertEquals(code, "BAD_REQUEST");
    return message;
  };
  const chosen = choice({ mine: "http://127.0.0.1:1" });
  assertEquals(
    await refusal(chosen, "constructor"),
    '"proxy": there is no constructor; there are mine, direct.',
  );
  assertEquals(
    await refusal(NO_PROXIES, "direct"),
    '"proxy": there are no proxies to choose from.',
  );
  assertEquals(
    await refusal(chosen, "http://127.0.0.1:1"),
    '"proxy" must be up to 64 letters, digits, ., - and _.',
  );
  let id: string;
  {
    await using downloads = await startDownloads({
      directory: directory.path,
      proxies: chosen,
    });
    id = await downloads.add({ url, proxy: "mine", paused: true });
    await downloads.close();
  }
  await using downloads = await startDownloads({ directory: directory.path });
  await downloads.command("resume", id);
  const isOver = ({ process_status: status }: { process_status: string }) =>
    status === "Failed" || status === "Downloaded";
  const status = await downloads.until(id, isOver);
  assertFailed(status, "PROXY_UNKNOWN", /^There is no proxy mine any more/);
  assertEquals(origin.requests, []);
});

Deno.test("a file names proxies, rules choose them, and add does", async () => {
  await using origin = await startOrigin();
  await using proxy = await startProxy({ credentials: "me:secret" });
  await using directory = await makeDirectory();
  const path = join(directory.path, "sluice.toml");
  await Deno.writeTextFile(
    path,
    `
      [proxies.mine]
      url = "socks5h://me:secret@${proxy.address}"

      [[rules]]
      host = "localhost"
      proxy = "mine"
    `,
    { mode: 0o600 },
  );
  await using sluice = await startSluice({
    directory: directory.path,
    environment: { CONFIG_FILE: path },
    deno: LOCK,
  });
  await using client = await sluice.connect();
  const reply = await client.request({ action: "proxies" });
  const names = "data" in reply && "proxies" in reply.data
    ? reply.data.proxies
    : null;
  assertEquals(names, ["mine", "direct"]);
  origin.serve("/a", WHOLE);
  const url = origin.url("/a", "localhost");
  await client.end(await client.add({ url, proxy: "direct" }));
  assertEquals(proxy.asked, []);
  await client.end(await client.add({ url }));
  const asked = proxy.asked.length;
  assertEquals(asked > 0, true);
  const { words } = commandOf("add");
  const add = (name: string) =>
    run([
      ...words,
      ...["--server", sluice.url, "--proxy", name, origin.url("/a")],
    ]);
  const { code, stdout } = await add("mine");
  assertEquals(code, 0);
  const status = await client.end(stdout.trim());
  assertEquals([status.process_status, status.proxy], ["Downloaded", "mine"]);
  assertEquals(proxy.asked.length > asked, true);
  const wrong = await add("yours");
  assertEquals([wrong.code, wrong.stderr], [
    1,
    'sluice: "proxy": there is no yours; there are mine, direct.\n',
  ]);
  const typed = await add("http://me:secret@p.test");
  assertEquals([typed.code, /secret/.test(typed.stderr)], [2, false]);
  assertNotMatch(sluice.output() + JSON.stringify(client.messages), /secret/);
});
