import { assertEquals } from "@std/assert";
import { ask } from "../support/api.ts";
import { startBroker } from "../support/broker.ts";
import { nodesOn } from "../support/cluster.ts";
import { makeDirectory } from "../support/directory.ts";

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
