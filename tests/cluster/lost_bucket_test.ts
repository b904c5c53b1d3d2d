import { assert, assertEquals, assertLess } from "@std/assert";
import { ask } from "../support/api.ts";
import { layCable, startBroker } from "../support/broker.ts";
import { leavePart, nodesOn } from "../support/cluster.ts";
import {
  clusterPartsIn,
  filesIn,
  makeDirectory,
} from "../support/directory.ts";
import { compactBucket, deleteBucket } from "../support/nats.ts";
import { file, firstDifference, startOrigin } from "../support/origin.ts";
import type { Client, Sluice } from "../support/sluice.ts";

/** How long a server may take to be of use again, in milliseconds. */
const AGAIN_WITHIN = 10_000;
/** Longer than it takes a server to look at what it has named, in milliseconds. */
const LOOKED_AT = 5_000;

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Adds one by each server in turn, and waits until both show it as downloaded. */
async function addByEach(
  clients: readonly Client[],
  serve: (n: number) => string,
): Promise<void> {
  for (const [n, client] of clients.entries()) {
    const since = performance.now();
    const id = await addOnceConnected(client, serve(n));
    for (const one of clients) {
      assertEquals((await one.end(id)).process_status, "Downloaded");
    }
    assertLess(performance.now() - since, AGAIN_WITHIN);
  }
}

/** A server that connects anew says of what is added meanwhile that it was not. */
async function addOnceConnected(client: Client, url: string): Promise<string> {
  for (;;) {
    const reply = await client.request({ url });
    if ("data" in reply && "id" in reply.data) return reply.data.id ?? "";
    assert("error" in reply && /nothing was changed/.test(reply.error.message));
    await pause(200);
  }
}

/** What both servers have on their lists. */
async function totals(servers: readonly Sluice[]): Promise<unknown[]> {
  const lists = servers.map((server) => ask(server, "GET /downloads"));
  return (await Promise.all(lists)).map(({ body }) => body.total);
}

for (const how of ["emptied", "emptied, and used by another", "deleted"]) {
  Deno.test(`servers go on by themselves in a bucket that was ${how}`, async () => {
    await using origin = await startOrigin();
    await using broker = await startBroker();
    await using cable = layCable(broker.address);
    await using shared = await makeDirectory();
    await using one = await nodesOn(broker, shared)("one");
    await using two = await nodesOn(cable, shared)("two");
    const servers = [one, two];
    await using first = await one.connect();
    await using second = await two.connect();
    const serve = (name: string) => origin.serve(`/${name}`, file(100));
    for (let n = 0; n < 20; n++) {
      const id = await first.add({ url: serve(`before-${n}`), paused: true });
      await second.until(id, () => true);
    }
    assertEquals(await totals(servers), [20, 20]);
    if (how === "deleted") await deleteBucket(broker.address, "test");
    else {
      if (how !== "emptied") cable.cut();
      await broker.empty();
      await broker.restart();
    }
    if (how === "emptied, and used by another") {
      await addByEach([first], (n) => serve(`meanwhile-${n}`));
      cable.mend();
    }
    await addByEach([first, second], (n) => serve(`after-${n}`));
    const now = how === "emptied, and used by another" ? 3 : 2;
    assertEquals(await totals(servers), [now, now]);
  });
}

Deno.test("a file that got its name while the broker was being emptied keeps it", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using directory = await makeDirectory();
  await using one = await nodesOn(broker, directory)("one");
  await using client = await one.connect();
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const content = file(1000);
  const id = await client.add({
    url: origin.serve("/film", content, {
      ranges: "ignore",
      gates: { 500: () => opened },
    }),
  });
  await client.until(id, ({ downloaded }) => downloaded === 500);
  await broker.empty();
  open();
  while (filesIn(directory.path).length === 0) await pause(20);
  await broker.restart();
  await one.printed(/expelled/);
  await addByEach([client], () => origin.serve("/next", file(10)));
  await pause(LOOKED_AT);
  assertEquals(filesIn(directory.path), ["film", "next"]);
  assertEquals(await firstDifference(`${directory.path}/film`, content), null);
});

Deno.test("parts that a bucket knows nothing of stay at a start", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using directory = await makeDirectory();
  const start = nodesOn(broker, directory);
  const id = await leavePart(start, origin);
  const before = clusterPartsIn(directory.path);
  assert(before.some((name) => name.startsWith(id)));
  await broker.empty();
  await broker.restart();
  await using one = await start("one");
  await one.printed(/leftovers unknown/);
  assertEquals(clusterPartsIn(directory.path), before);
});

for (const left of [0, 1]) {
  Deno.test(`servers join a queue of ${left} whose last removals were cleared away`, async () => {
    await using origin = await startOrigin();
    await using broker = await startBroker();
    await using directory = await makeDirectory();
    const start = nodesOn(broker, directory);
    {
      await using one = await start("one");
      await using client = await one.connect();
      const ids = [];
      for (let n = 0; n < 3; n++) {
        const url = origin.serve(`/before-${n}`, file(100));
        ids.push(await client.add({ url, paused: true }));
      }
      for (const id of ids.slice(left)) {
        assert("data" in await client.request({ action: "remove", id }));
      }
      one.kill("SIGTERM");
      await one.ended;
    }
    await compactBucket(broker.address, "test");
    // One has a copy of what was there, and the other one has nothing.
    for (const name of ["one", "two"]) {
      await using server = await start(name);
      await server.printed(new RegExp(`caught up entries=${left} `));
      await using client = await server.connect();
      await addByEach([client], () => origin.serve(`/${name}`, file(100)));
      const { body } = await ask(server, "GET /downloads");
      for (const { id, process_status } of body.data) {
        if (process_status !== "Downloaded") continue;
        assert("data" in await client.request({ action: "remove", id }));
      }
      server.kill("SIGTERM");
      await server.ended;
      await compactBucket(broker.address, "test");
    }
  });
}

Deno.test("a server catches up though the last changes are cleared away as it begins to hear", async () => {
  await using broker = await startBroker();
  await using directory = await makeDirectory();
  let cleared = 0;
  await using cable = layCable(broker.address, {
    async ahead(text) {
      if (cleared > 0 || !/CONSUMER\.[A-Z.]*CREATE/.test(text)) return;
      cleared++;
      await compactBucket(broker.address, "test");
    },
  });
  {
    await using one = await nodesOn(broker, directory)("one");
    await using client = await one.connect();
    for (const action of ["keep", "remove"]) {
      const id = await client.add({ url: "http://127.0.0.1:9/", paused: true });
      if (action === "remove") await client.request({ action, id });
    }
    one.kill("SIGTERM");
    await one.ended;
  }
  const since = performance.now();
  await using two = await nodesOn(cable, directory)("two");
  await two.printed(/caught up entries=1 /);
  assertLess(performance.now() - since, AGAIN_WITHIN);
  assertEquals(cleared, 1);
  assertEquals((await ask(two, "GET /downloads")).body.total, 1);
  // Nothing is waited for any more that nobody will tell.
  await pause(LOOKED_AT);
  assert(!/queue unheard/.test(two.output()), two.output());
});
