import { assertEquals } from "@std/assert";
import { ask } from "../support/api.ts";
import { startBroker } from "../support/broker.ts";
import { nodesOn } from "../support/cluster.ts";
import { filesIn, makeDirectory } from "../support/directory.ts";
import { file, startOrigin } from "../support/origin.ts";
import type { Sluice } from "../support/sluice.ts";

Deno.test("the same Idempotency-Key at two servers of a queue adds once", async () => {
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  const start = nodesOn(broker, shared);
  await using one = await start("one");
  await using two = await start("two");
  const fields = { url: "http://127.0.0.1:1/f", paused: true };
  const key = { "idempotency-key": "k" };
  const added = await Promise.all(
    [one, two, one, two].map((server) =>
      ask(server, "POST /downloads", fields, key)
    ),
  );
  const [first] = added;
  for (const { status, body } of added) {
    assertEquals([status, body.id], [201, first?.body.id]);
  }
  for (const server of [one, two]) {
    assertEquals((await ask(server, "GET /downloads")).body.total, 1);
  }
});

Deno.test("the Idempotency-Key of what was removed adds anew at another server, and after a restart", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  const start = nodesOn(broker, shared);
  const fields = { url: origin.serve("/f", file(1000)) };
  const key = { "idempotency-key": "k" };
  const removed: string[] = [];

  /** Adds it at a server, waits for its end, and takes it off the list. */
  async function addAndRemove(server: Sluice): Promise<void> {
    await using client = await server.connect();
    const { status, body } = await ask(server, "POST /downloads", fields, key);
    assertEquals(status, 201);
    const { id } = body;
    assertEquals((await client.end(id)).process_status, "Downloaded");
    assertEquals((await ask(server, "GET /downloads")).body.total, 1);
    const gone = await ask(server, `DELETE /downloads/${id}`);
    assertEquals(gone.status, 204);
    removed.push(id);
  }

  {
    await using one = await start("one");
    await using two = await start("two");
    for (const server of [one, two]) await addAndRemove(server);
  }
  await using one = await start("one");
  await addAndRemove(one);
  assertEquals(new Set(removed).size, 1);
  assertEquals(filesIn(shared.path), ["f", "f (1)", "f (2)"]);
});
