/** Servers whose outputs are on a full disk. */

import { assertEquals } from "@std/assert";
import { makeDirectory } from "../support/directory.ts";
import { file, startOrigin } from "../support/origin.ts";
import {
  collect,
  connect,
  projectPath,
  taskArguments,
} from "../support/sluice.ts";
import { assertDownloaded } from "../support/status.ts";

/** The server as a shell starts it, with an output somewhere else. */
function spawn(directory: string, redirection: string): Deno.ChildProcess {
  return new Deno.Command("bash", {
    args: [
      ...["-c", `exec "$@" ${redirection}`, "bash", Deno.execPath()],
      ...taskArguments("start", directory),
    ],
    cwd: projectPath("."),
    env: {
      CONTENT_DIRECTORY: directory,
      PORT: "0",
      ATTEMPTS: "1",
      NO_COLOR: "1",
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("a server that cannot say where it listens ends, and says why", async () => {
  await using directory = await makeDirectory();
  const child = spawn(directory.path, "> /dev/full");
  const output = collect(child);
  assertEquals((await child.status).code, 1);
  await output.ended;
  assertEquals(
    output.text(),
    "sluice: Standard output cannot be written: " +
      "No space left on device (os error 28).\n",
  );
});

Deno.test("a server that can say nothing at all ends", async () => {
  await using directory = await makeDirectory();
  const child = spawn(directory.path, "> /dev/full 2>&1");
  const output = collect(child);
  assertEquals((await child.status).code, 1);
  await output.ended;
});

Deno.test("a server whose log cannot be written serves on, and stops cleanly", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const whole = file(300_000);
  const child = spawn(directory.path, "2> /dev/full");
  const output = collect(child);
  const [, url = ""] = await output.match(/listens on (ws:\S+)/);
  await using client = await connect(url);
  const missing = origin.serve("/missing", null);
  const failed = await client.end(await client.add({ url: missing }));
  assertEquals(failed.process_status, "Failed");
  const id = await client.add({ url: origin.serve("/a", whole) });
  await assertDownloaded(await client.end(id), whole);
  const healthz = url.replace("ws:", "http:") + "healthz";
  assertEquals(await (await fetch(healthz)).text(), "ok\n");
  child.kill("SIGTERM");
  assertEquals((await client.closed).code, 1001);
  assertEquals((await child.status).code, 0);
  await output.ended;
});
