import { assert, assertLess } from "@std/assert";
import {
  type Cable,
  layCable,
  startBroker,
  type TestBroker,
} from "../support/broker.ts";
import { leavePart, nodesOn } from "../support/cluster.ts";
import { makeDirectory } from "../support/directory.ts";
import { deleteBucket } from "../support/nats.ts";
import { file, startOrigin } from "../support/origin.ts";
import type { Client } from "../support/sluice.ts";

/** How long a server may take to be of use once all is there, in milliseconds. */
const ENTERED_WITHIN = 15_000;

/** Entries that a broker does not tell all at once. */
const MANY = 300;

/** What asks for the list of leases, on the way to the broker. */
const LIST = '"subjects_filter":"$KV.sluice_test.n.*"';

/** A way to a broker on which something happens as the leases are asked for. */
function layTrap(broker: TestBroker): Cable & {
  /** What happens the next time; resolves once it has. */
  next(happens: () => Promise<void> | void): Promise<void>;
} {
  let trap: (() => Promise<void>) | null = null;
  const cable = layCable(broker.address, {
    async ahead(text) {
      if (trap === null || !text.includes(LIST)) return;
      const happens = trap;
      trap = null;
      await happens();
    },
  });
  return {
    ...cable,
    next(happens) {
      const { promise, resolve } = Promise.withResolvers<void>();
      trap = async () => {
        await happens();
        resolve();
      };
      return promise;
    },
  };
}

/** Adds a URL as soon as the server takes it. */
async function addOnceEntered(client: Client, url: string): Promise<string> {
  const since = performance.now();
  for (;;) {
    const reply = await client.request({ url });
    if ("data" in reply && "id" in reply.data) return reply.data.id ?? "";
    assert("error" in reply && reply.error.code === "STATE");
    assertLess(performance.now() - since, ENTERED_WITHIN);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** What may happen while a server enters, and is over after that. */
const MISHAPS: Record<
  string,
  (broker: TestBroker, cable: Cable) => Promise<void> | void
> = {
  "the way to the broker is cut": (_, cable) => cable.cut(),
  "the broker is killed": async (broker) => {
    await broker.crash();
    await broker.restart();
  },
  "the bucket is deleted": (broker) => deleteBucket(broker.address, "test"),
  "the bucket is emptied": async (broker) => {
    await broker.empty();
    await broker.restart();
  },
};

for (const [what, happens] of Object.entries(MISHAPS)) {
  Deno.test(`a server that was started without a broker enters, though ${what} as it does`, async () => {
    await using origin = await startOrigin();
    await using broker = await startBroker();
    await using cable = layTrap(broker);
    await using directory = await makeDirectory();
    await broker.crash();
    await using one = await nodesOn(cable, directory)("one");
    await one.printed(/queue lost/);
    const happened = cable.next(() => happens(broker, cable));
    await broker.restart();
    await happened;
    if (/cut/.test(what)) {
      await one.printed(/not joined/);
      cable.mend();
    }
    await using client = await one.connect();
    const since = performance.now();
    const id = await addOnceEntered(client, origin.serve("/a", file(100)));
    await client.until(id, (status) => status.process_status === "Downloaded");
    assertLess(performance.now() - since, ENTERED_WITHIN);
  });
}

Deno.test("a server whose name another has when a broker comes enters once that is gone", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using directory = await makeDirectory();
  const start = (place: string) =>
    nodesOn(broker, { path: `${directory.path}/${place}` }, { LEASE: "3000" })(
      "one",
    );
  await using here = await start("here");
  await broker.crash();
  await using there = await start("there");
  await there.printed(/queue lost/);
  await broker.restart();
  await there.printed(/not joined .*Another server of the cluster is one/);
  here.kill("SIGTERM");
  await here.ended;
  await using client = await there.connect();
  const since = performance.now();
  const id = await addOnceEntered(client, origin.serve("/a", file(100)));
  await client.until(id, (status) => status.process_status === "Downloaded");
  assertLess(performance.now() - since, ENTERED_WITHIN);
});

Deno.test("a server that cannot list the leases of a new bucket at first takes over in it later", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using cable = layTrap(broker);
  await using shared = await makeDirectory();
  const lease = { LEASE: "3000" };
  await using one = await nodesOn(broker, shared, lease)("one");
  await using two = await nodesOn(cable, shared, lease)("two");
  await using first = await one.connect();
  await using second = await two.connect();
  const happened = cable.next(() => cable.cut());
  await broker.empty();
  await broker.restart();
  await happened;
  // One alone is there, and has it claimed.
  const url = origin.serve("/a", file(1000), {
    ranges: "ignore",
    gates: { 500: () => new Promise(() => {}) },
  });
  const id = await addOnceEntered(first, url);
  await first.until(id, ({ downloaded }) => downloaded === 500);
  cable.mend();
  await second.until(id, ({ downloaded }) => downloaded === 500);
  one.kill("SIGKILL");
  await one.ended;
  await two.printed(new RegExp(`adopted id="${id}"`));
});

Deno.test("a server whose way to the broker breaks at the end of what it reads catches up", async () => {
  await using broker = await startBroker();
  await using directory = await makeDirectory();
  let isWhole = true;
  await using cable = layCable(broker.address, {
    back(text) {
      // The removal of the first server's lease is the last change.
      if (!isWhole || !/MSG \$KV\.sluice_test\.n\./.test(text)) return;
      isWhole = false;
      cable.mend();
    },
  });
  {
    await using one = await nodesOn(broker, directory)("one");
    await using client = await one.connect();
    // More than is read at once.
    const comment = "x".repeat(500);
    for (let n = 0; n < MANY; n++) {
      const url = `http://127.0.0.1:9/${n}?${comment}`;
      await client.add({ url, paused: true });
    }
    one.kill("SIGTERM");
    await one.ended;
  }
  await broker.crash();
  await using two = await nodesOn(cable, directory)("two");
  await two.printed(/queue lost/);
  const since = performance.now();
  await broker.restart();
  await two.printed(new RegExp(`caught up entries=${MANY}`));
  assertLess(performance.now() - since, ENTERED_WITHIN);
  assert(!isWhole);
});

Deno.test("what a killed server left is looked for again where the broker was away", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using directory = await makeDirectory();
  let awaited: string | null = null;
  await using cable = layCable(broker.address, {
    ahead(text) {
      if (
        awaited === null || !text.includes(`"$KV.sluice_test.d.${awaited}"`)
      ) {
        return;
      }
      awaited = null;
      cable.cut();
    },
  });
  awaited = await leavePart(nodesOn(broker, directory), origin);
  await broker.empty();
  await broker.restart();
  await using one = await nodesOn(cable, directory)("one");
  await one.printed(/leftovers message/);
  cable.mend();
  await one.printed(/leftovers unknown/);
});
