/** What `/healthz` says of a state that cannot be written. */

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { assertCalm } from "../support/health.ts";
import { file, startOrigin } from "../support/origin.ts";
import { type Sluice, startSluice } from "../support/sluice.ts";
import { canMount, fill, makeRoom, mountDisk } from "../support/small_disk.ts";
import { assertDownloaded } from "../support/status.ts";

/** What a path is answered with: the status, and the text. */
async function ask(sluice: Sluice, path: string): Promise<[number, string]> {
  const url = new URL(path, sluice.url.replace("ws:", "http:"));
  const response = await fetch(url);
  return [response.status, await response.text()];
}

/** Asks for the health until it is of a status, and gives the text. */
async function healthOf(sluice: Sluice, status: number): Promise<string> {
  for (;;) {
    const [found, text] = await ask(sluice, "/healthz");
    if (found === status) return text;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

Deno.test("while another process holds the state, the server answers, and is not healthy", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  assertEquals(await ask(sluice, "/healthz"), [200, "ok\n"]);
  const whole = file(100_000);
  {
    using other = new DatabaseSync(`${sluice.directory}/.sluice/state.db`);
    other.exec("BEGIN IMMEDIATE");
    const adding = client.add({ url: origin.serve("/a", whole) });
    const sick = healthOf(sluice, 503);
    // Nothing else waits for the state, which would take SQLite 5 s.
    const asked = performance.now();
    const [status] = await ask(sluice, "/metrics");
    assertEquals(status, 200);
    assertLess(performance.now() - asked, 4_000);
    assertMatch(await sick, /another process may hold it/);
    other.exec("ROLLBACK");
    await assertDownloaded(await client.end(await adding), whole);
  }
  assertEquals(await healthOf(sluice, 200), "ok\n");
  assertCalm(sluice);
});

Deno.test("a state that stays held fails what is asked for, in words", async () => {
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  using other = new DatabaseSync(`${sluice.directory}/.sluice/state.db`);
  other.exec("BEGIN IMMEDIATE");
  const reply = await client.request({ url: "http://127.0.0.1:1/a" });
  assert("error" in reply);
  assertEquals(reply.error, {
    code: "STATE",
    message: "Cannot write state.db: another process holds it " +
      "(database is locked).",
  });
  other.exec("ROLLBACK");
  await client.add({ url: "http://127.0.0.1:1/a" });
});

Deno.test({
  name: "on a full disk the server is not healthy, and is once there is room",
  ignore: !await canMount(),
  async fn() {
    await using disk = await mountDisk();
    const { path: directory } = disk;
    const environment = { MIN_FREE_SPACE: "0" };
    await using sluice = await startSluice({ directory, environment });
    assertEquals(await ask(sluice, "/healthz"), [200, "ok\n"]);
    await fill(directory, 0);
    assertMatch(await healthOf(sluice, 503), /^Cannot write state\.db: .*full/);
    await makeRoom(directory);
    assertEquals(await healthOf(sluice, 200), "ok\n");
    assertCalm(sluice);
  },
});
