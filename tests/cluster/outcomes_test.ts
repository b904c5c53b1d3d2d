import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { createClusterAdditions } from "../../lib/cluster/additions.ts";
import { type Broker, createBroker } from "../../lib/cluster/broker.ts";
import { newEntry } from "../../lib/cluster/entry.ts";
import { CONFLICT } from "../../lib/cluster/outcomes.ts";
import { createDownload } from "../../lib/download/download.ts";
import {
  startBrokers,
  type TestBroker,
  type TestBrokers,
} from "../support/broker.ts";

/** By when brokers that were started again have caught up, in milliseconds. */
const CAUGHT_UP_WITHIN = 10_000;
/** For how long a broker is waited for in vain, in milliseconds. */
const UNANSWERED = 3_000;

const LEASE = { node: "two", storage: "x", url: "", draining: false };
const KEY = "d.of-the-test";
const REQUEST = {
  ...{ url: "http://a.test/", filename: null, headers: {} },
  ...{ checksum: null, threads: null },
};
const ENTRY = newEntry(createDownload(REQUEST, 0, "of-the-test"));

/** Joins a queue that three brokers keep, as a server that does nothing by itself. */
async function join(
  { address }: TestBroker,
  node: string,
): Promise<Broker & AsyncDisposable> {
  const broker = await createBroker(
    {
      queue: { servers: [address], tls: false, user: null, name: "test" },
      ...{ credentials: null, replicas: 3, node, caCerts: [] },
    },
    () => {},
  );
  await broker.start({
    onBucket: () => Promise.resolve(1),
    ...{ onChange() {}, onReached() {}, onMessage() {} },
  });
  return { ...broker, [Symbol.asyncDispose]: broker.close };
}

/** Freezes all brokers but the leader: nothing can be carried out meanwhile. */
function freezeFollowers(brokers: TestBrokers, leader: TestBroker): Disposable {
  const followers = brokers.all.filter((broker) => broker !== leader);
  for (const follower of followers) follower.kill("SIGSTOP");
  return {
    [Symbol.dispose]() {
      for (const follower of followers) follower.kill("SIGCONT");
    },
  };
}

/**
 * Kills a broker that does not lead, and starts it again: by then, it has what it
 * last carried out on disk, and carries it out once more where it has miscounted.
 *
 * @param revision The last one of {@linkcode KEY}.
 * @throws {AssertionError} if it does not come to what the others have.
 */
async function caughtUpAfterKill(
  brokers: TestBrokers,
  server: Broker,
  revision: number,
): Promise<void> {
  for (let epoch = 2; epoch < 12; epoch++) {
    revision = await server.write(KEY, { ...ENTRY, epoch }, revision);
  }
  const leader = await brokers.leader();
  const follower = brokers.all.find((broker) => broker !== leader);
  await follower?.crash();
  await follower?.restart();
  const last = await server.write("n.of-the-test", LEASE, 0);
  const until = performance.now() + CAUGHT_UP_WITHIN;
  for (;;) {
    const found = new Set(await brokers.revisions());
    if (found.symmetricDifference(new Set([last])).size === 0) return;
    if (performance.now() > until) assertEquals(found, new Set([last]));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

Deno.test("of two writes against one revision, one is done, also where brokers carry out late what they compared", async () => {
  await using brokers = await startBrokers();
  await using first = await join(brokers.all[0] as TestBroker, "one");
  const added = await first.write(KEY, ENTRY, 0);
  const leader = await brokers.leader();
  await using one = await join(leader, "two");
  await using two = await join(leader, "three");
  const claims = ["one", "two"].map((owner) => ({ ...ENTRY, epoch: 1, owner }));
  const frozen = freezeFollowers(brokers, leader);
  const servers = [one, two];
  const writing = servers.map((server, n) =>
    server.write(KEY, claims[n] ?? null, added)
  );
  // What was said before is at the leader once this is answered.
  await Promise.all(servers.map((server) => server.read(KEY)));
  frozen[Symbol.dispose]();
  const written = await Promise.allSettled(writing);
  const found = await first.read(KEY);
  assert(found);
  const winner = written.findIndex(({ status }) => status === "fulfilled");
  const [won, lost] = [written[winner], written[1 - winner]];
  assertEquals(won, { status: "fulfilled", value: found.revision });
  assertEquals(lost, { status: "rejected", reason: CONFLICT });
  assertEquals(found.value, claims[winner]);
});

Deno.test("a write that is sent again leaves all brokers with the same revisions", async () => {
  await using brokers = await startBrokers();
  await using first = await join(brokers.all[0] as TestBroker, "one");
  const added = await first.write(KEY, ENTRY, 0);
  const leader = await brokers.leader();
  await using server = await join(leader, "two");
  const writing = await (async () => {
    using _frozen = freezeFollowers(brokers, leader);
    const begun = [
      server.write(KEY, { ...ENTRY, epoch: 1 }, added),
      server.write("d.another", ENTRY, 0),
    ];
    await new Promise((resolve) => setTimeout(resolve, UNANSWERED));
    return begun;
  })();
  const [written = 0, another = 0] = await Promise.all(writing);
  assertNotEquals(written, another);
  await caughtUpAfterKill(brokers, server, written);
});

Deno.test("adding by a chosen id again and again leaves all brokers with the same revisions", async () => {
  await using brokers = await startBrokers();
  await using server = await join(brokers.all[0] as TestBroker, "one");
  const additions = createClusterAdditions(server, (id) => {
    additions.seen(id);
    return Promise.resolve();
  });
  const addOnce = async () => {
    await additions.add([ENTRY.download], "chosen");
    return (await server.read(KEY))?.revision ?? 0;
  };
  for (let n = 0; n < 3; n++) await server.write(KEY, null, await addOnce());
  const revision = await addOnce();
  assertEquals(await addOnce(), revision);
  await caughtUpAfterKill(brokers, server, revision);
});
