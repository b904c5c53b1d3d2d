import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { within } from "../../lib/base/timers.ts";
import {
  type Broker,
  type BrokerOptions,
  createBroker,
} from "../../lib/cluster/broker.ts";
import type { Entry } from "../../lib/cluster/entry.ts";
import { DownloadError } from "../../lib/download/errors.ts";
import type { Status } from "../../lib/status/status.ts";
import { ask } from "../support/api.ts";
import { layCable, startBroker, startBrokers } from "../support/broker.ts";
import { nodesOn, refusal, startNode } from "../support/cluster.ts";
import { filesIn, makeDirectory } from "../support/directory.ts";
import {
  deleteBucket,
  makeBucket,
  makeCredsUser,
  makeNkeyUser,
} from "../support/nats.ts";
import { file, firstDifference, startOrigin } from "../support/origin.ts";
import type { Client, Sluice } from "../support/sluice.ts";

const MiB = 2 ** 20;

Deno.test("of three brokers, the one that leads may be killed", async () => {
  await using origin = await startOrigin();
  await using brokers = await startBrokers();
  await using shared = await makeDirectory();
  const start = nodesOn(brokers, shared, {
    QUEUE_REPLICAS: "3",
    THREADS_AMOUNT: "4",
  });
  await using one = await start("one");
  await using two = await start("two");
  for (const node of [one, two]) await node.printed(/caught up/);
  await using first = await one.connect();
  await using second = await two.connect();
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const content = file(2 * MiB);
  const id = await first.add({
    url: origin.serve("/a", content, {
      ranges: "ignore",
      gates: { [MiB]: () => opened },
    }),
  });
  await second.until(id, ({ downloaded }) => downloaded === MiB);
  const leader = await brokers.leader();
  await leader.crash();
  const next = await addOnceThere(second, origin.serve("/b", file(10)));
  open();
  for (const client of [first, second]) {
    for (const one of [id, next]) {
      assertEquals((await client.end(one)).process_status, "Downloaded");
    }
  }
  assertEquals(await firstDifference(`${shared.path}/a`, content), null);
  assertEquals(filesIn(shared.path).toSorted(), ["a", "b"]);
  // Who comes back is one of three again, so that another may go.
  await leader.restart();
  const again = await brokers.leader();
  assert(again !== leader);
});

/** How soon all servers show what one has added, in milliseconds. */
const SHOWN_WITHIN = 10_000;

Deno.test("whichever of three brokers is killed, what is added is shown by all", async () => {
  await using brokers = await startBrokers();
  await using shared = await makeDirectory();
  const start = nodesOn(brokers, shared, {
    ...{ QUEUE_REPLICAS: "3", LEASE: "15000" },
  });
  await using one = await start("one");
  await using two = await start("two");
  const nodes = [one, two];
  for (const node of nodes) await node.printed(/caught up/);
  for (const [round, broker] of brokers.all.entries()) {
    await broker.crash();
    for (const [n, node] of nodes.entries()) {
      const url = `http://127.0.0.1:9/${round}-${n}`;
      let answer = await ask(node, "POST /downloads", { url, paused: true });
      // One that was connected to the killed broker says so at first.
      while (answer.status === 503) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        answer = await ask(node, "POST /downloads", { url, paused: true });
      }
      assertEquals(answer.status, 201, JSON.stringify(answer.body));
      const added = performance.now();
      await Promise.all(nodes.map(async (node) => {
        while (!await lists(node, answer.body.id)) {
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }));
      assertLess(performance.now() - added, SHOWN_WITHIN);
    }
    await broker.restart();
    await brokers.leader();
    // Of three, only one may be away.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
  }
});

/** Whether a server's own copy has a download. */
async function lists(node: Sluice, id: string): Promise<boolean> {
  const { body } = await ask(node, "GET /downloads?limit=100");
  return body.data.some((status: Status) => status.id === id);
}

/** Adds a URL; a server that was connected to the killed broker says so at first. */
async function addOnceThere(client: Client, url: string): Promise<string> {
  for (;;) {
    const reply = await client.request({ url });
    if ("data" in reply && "id" in reply.data) return reply.data.id ?? "";
    assert("error" in reply && reply.error.code === "STATE");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const LEASE = { node: "two", storage: "x", url: "", draining: false };

function optionsOf(address: string): BrokerOptions {
  return {
    queue: { servers: [address], tls: false, user: null, name: "test" },
    ...{ credentials: null, replicas: 1, node: "two", caCerts: [] },
  };
}

/** Joins the queue as a server that is called `two` and does nothing by itself. */
async function joinQueue(
  address: string,
  onMessage: (subject: string) => void = () => {},
): Promise<Broker & AsyncDisposable> {
  const broker = await createBroker(optionsOf(address), () => {});
  await broker.start({
    onBucket: () => Promise.resolve(1),
    onChange() {},
    onReached() {},
    onMessage,
  });
  return { ...broker, [Symbol.asyncDispose]: broker.close };
}

Deno.test("a write that nobody answers says so, and may have been done", async () => {
  await using broker = await startBroker();
  await using cable = layCable(broker.address);
  await using directory = await makeDirectory();
  await using one = await startNode({
    broker: broker.address,
    name: "one",
    directory: directory.path,
  });
  assert(one);
  await using client = await joinQueue(cable.address);
  cable.cut();
  const writing = client.write("n.of-the-test", LEASE, 0, 500);
  const { code, message } = await assertRejects(() => writing, DownloadError);
  assertEquals(code, "STATE");
  assertMatch(message, /does not answer/);
  // Once more, by the revision of before: it was done, or is done now.
  cable.mend();
  const revision = await client.write("n.of-the-test", LEASE, 0, 20_000);
  assertEquals((await client.read("n.of-the-test"))?.revision, revision);
});

Deno.test("an order for a claim that was made anew since is not carried out", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  await using one = await nodesOn(broker, shared)("one");
  await using client = await one.connect();
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const content = file(1000);
  const id = await client.add({
    url: origin.serve("/a", content, {
      ranges: "ignore",
      gates: { 500: () => opened },
    }),
  });
  await client.until(id, ({ downloaded }) => downloaded === 500);
  await using other = await joinQueue(broker.address);
  const [lease] = await other.list("n");
  const session = lease?.key.slice("n.".length);
  const entry = (await other.read(`d.${id}`))?.value as Entry | undefined;
  assert(entry && entry.owner === session);
  const order = (epoch: number) =>
    other.ask(
      "to.one",
      { session, id, epoch, command: { kind: "pause" } },
      20_000,
    );
  assertEquals(await order(entry.epoch - 1), { kind: "elsewhere" });
  open();
  assertEquals((await client.end(id)).process_status, "Downloaded");
  assertEquals(await firstDifference(`${shared.path}/a`, content), null);
});

Deno.test("a removal that its server carries out, and does not answer, is done", async () => {
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  await using one = await nodesOn(broker, shared)("one");
  await using client = await one.connect();
  const id = await client.add({ url: "http://127.0.0.1:9/a", paused: true });
  const asked = Promise.withResolvers<void>();
  await using mute = await joinQueue(broker.address, (subject) => {
    if (subject === "test.to.two") asked.resolve();
  });
  await mute.write("n.of-the-mute", LEASE, 0);
  const found = await mute.read(`d.${id}`);
  assert(found);
  const entry = found.value as Entry;
  const claimed = { ...entry, epoch: entry.epoch + 1, owner: "of-the-mute" };
  const revision = await mute.write(`d.${id}`, claimed, found.revision);
  await client.until(id, ({ node }) => node === "two");
  const removing = client.request({ action: "remove", id });
  await asked.promise;
  await mute.write(`d.${id}`, null, revision);
  const removed = await removing;
  assert("data" in removed, JSON.stringify(removed));
  const again = await client.request({ action: "remove", id });
  assert("error" in again && again.error.code === "UNKNOWN_ID");
});

Deno.test("leases are listed to the end while they are renewed", async () => {
  await using broker = await startBroker();
  await using renewing = await joinQueue(broker.address);
  await using listing = await joinQueue(broker.address);
  const names = ["n.a", "n.b", "n.c"];
  const ended = await renewing.write("n.ended", LEASE, 0);
  await renewing.write("n.ended", null, ended);
  const revisions = new Map<string, number>();
  const renew = async (name: string) => {
    const last = revisions.get(name) ?? 0;
    revisions.set(name, await renewing.write(name, LEASE, last));
  };
  await Promise.all(names.map(renew));
  let over = false;
  const renewals = (async () => {
    while (!over) await Promise.all(names.map(renew));
  })();
  try {
    for (let n = 0; n < 500; n++) {
      const keys = (await listing.list("n")).map(({ key }) => key);
      assertEquals(keys.toSorted(), names);
    }
  } finally {
    over = true;
    await renewals;
  }
});

Deno.test("what cannot be read does not keep a server from hearing what comes after it", async () => {
  await using broker = await startBroker();
  await using directory = await makeDirectory();
  const start = nodesOn(broker, directory);
  await using one = await start("one");
  await using two = await start("two");
  await using other = await joinQueue(broker.address);
  await other.write("d.of-the-test", {} as Entry, 0);
  await one.printed(/queue unread key="d.of-the-test"/);
  const url = "http://127.0.0.1:9/a";
  const { body } = await ask(two, "POST /downloads", { url, paused: true });
  const since = performance.now();
  while (!await lists(one, body.id)) {
    assertLess(performance.now() - since, SHOWN_WITHIN);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
});

Deno.test("who cannot go on hearing a bucket connects anew", async () => {
  await using broker = await startBroker();
  const found: string[] = [];
  const again = Promise.withResolvers<void>();
  const client = await createBroker(optionsOf(broker.address), () => {});
  await client.start({
    onBucket({ created }) {
      found.push(created);
      if (found.length === 2) again.resolve();
      return Promise.resolve(1);
    },
    ...{ onChange() {}, onReached() {}, onMessage() {} },
  });
  try {
    await deleteBucket(broker.address, "test");
    client.listenAgain();
    await within(30_000, again.promise);
    assertEquals(new Set(found).size, 2);
  } finally {
    await client.close();
  }
});

Deno.test("a bucket of another version is refused in one line", async () => {
  await using broker = await startBroker();
  await using directory = await makeDirectory();
  await makeBucket(broker.address, "sluice_test", "Sluice's queue, layout 0");
  const line = await refusal(directory.path, {
    QUEUE: `nats://${broker.address}/test`,
  });
  assertMatch(
    line,
    /bucket sluice_test at .* is not of this version of Sluice/,
  );
  assertMatch(line, /give QUEUE another name, or run the same version/);
});

for (
  const [what, make] of [
    ["an nkey seed", () => {
      const { rules, seed } = makeNkeyUser();
      return { rules, secret: seed, other: makeNkeyUser().seed };
    }],
    ["a .creds file", () => {
      const { rules, creds } = makeCredsUser();
      return { rules, secret: creds, other: makeCredsUser().creds };
    }],
  ] as const
) {
  Deno.test(`brokers know a server by ${what}, and refuse another`, async () => {
    const { rules, secret, other } = make();
    await using origin = await startOrigin();
    await using broker = await startBroker({ rules });
    await using directory = await makeDirectory();
    const path = `${directory.path}/credentials`;
    const environment = {
      QUEUE: `nats://${broker.address}/test`,
      QUEUE_CREDENTIALS: path,
    };
    Deno.writeTextFileSync(path, other, { mode: 0o600 });
    const line = await refusal(directory.path, environment);
    assertMatch(
      line,
      /refuses QUEUE's user and password, or QUEUE_CREDENTIALS/,
    );
    Deno.writeTextFileSync(path, secret);
    await using one = await startNode({
      broker: "",
      name: "one",
      directory: directory.path,
      environment,
    });
    await one.printed(/queue connected/);
    await using client = await one.connect();
    const id = await client.add({ url: origin.serve("/a", file(10)) });
    assertEquals((await client.end(id)).process_status, "Downloaded");
    const [, seed = "never"] = secret.match(/\b(SU[A-Z0-9]{20,})/) ?? [];
    assert(!one.output().includes(seed));
  });
}
