import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { CONFLICT } from "../../lib/cluster/outcomes.ts";
import type { Entry } from "../../lib/cluster/entry.ts";
import { migrateOwnQueue } from "../../lib/cluster/migration.ts";
import { openNodeStorage } from "../../lib/cluster/storage.ts";
import { connect, jetstream, Kvm } from "../../lib/cluster/nats.ts";
import { createDownload, createIds } from "../../lib/download/download.ts";
import {
  type ContentDirectory,
  openContentDirectory,
} from "../../lib/files/content_directory.ts";
import { lstatIfThere } from "../../lib/files/names.ts";
import { planMove } from "../../lib/store/moves.ts";
import { openStore, type Store } from "../../lib/store/sqlite.ts";
import { crc32 } from "../../lib/threads/crc32.ts";
import { ask } from "../support/api.ts";
import { startBroker } from "../support/broker.ts";
import {
  launchNode,
  LONG_LEASE,
  nodesOn,
  startNode,
} from "../support/cluster.ts";
import { makeDirectory } from "../support/directory.ts";
import {
  bytesOf,
  file,
  firstDifference,
  type Origin,
  startOrigin,
} from "../support/origin.ts";
import { REQUEST } from "../support/transfers.ts";

const KiB = 1024;
/** Downloads in the queue. */
const COUNT = 1_000;
/** One in so many downloads has a part, of half of its file. */
const WITH_PART = 50;
const SIZE = 64 * KiB;

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Makes what a server without a cluster leaves: its queue, and some parts. */
async function makeQueue(
  directory: string,
  origin: Origin,
  withPart = WITH_PART,
): Promise<string[]> {
  using parts = await openContentDirectory(directory, { sync: false });
  using store = openStore(parts.statePath, { sync: false });
  const ids = createIds(COUNT);
  const downloads = ids.map((id, n) => {
    const url = origin.serve(`/${n}`, file(SIZE, n));
    return createDownload(
      {
        ...{ url, filename: null, headers: {}, checksum: null, threads: null },
        paused: true,
      },
      n,
      id,
    );
  });
  await store.add(downloads);
  await Promise.all(
    ids.map((id, n) => n % withPart === 0 && begin(id, n, { parts, store })),
  );
  return ids;
}

/** Gives a download a part, which is half of its file. */
async function begin(
  id: string,
  n: number,
  { parts, store }: { parts: ContentDirectory; store: Store },
): Promise<void> {
  const bytes = bytesOf(file(SIZE, n)).subarray(0, SIZE / 2);
  await Deno.writeFile(parts.path(id), bytes, { createNew: true });
  const run = { start: 0, end: bytes.length, crc: crc32(bytes, 0) };
  const facts = {
    size: SIZE,
    ranges: true,
    validator: { kind: "etag", value: file(SIZE, n).etag ?? "" } as const,
    name: String(n),
  };
  const progress = { runs: [run], fresh: [run], bytes: bytes.length };
  await store.checkpoint(id, facts, progress);
}

/** Counts the keys of a bucket as they come. */
async function countKeys(address: string) {
  const connection = await connect({ servers: address, resolve: false });
  const kvm = new Kvm(jetstream(connection));
  const kv = await kvm.create("sluice_test", {
    description: "Sluice's queue, layout 1",
    allow_direct: false,
  });
  const seen = new Set<string>();
  const more = new EventTarget();
  const changes = await kv.watch({ key: "d.>" });
  const reading = (async () => {
    for await (const { key } of changes) {
      seen.add(key);
      more.dispatchEvent(new Event("more"));
    }
  })();
  return {
    count: () => seen.size,
    async reaches(count: number): Promise<void> {
      while (seen.size < count) {
        await new Promise((resolve) =>
          more.addEventListener("more", resolve, { once: true })
        );
      }
    },
    async [Symbol.asyncDispose]() {
      await connection.close();
      await reading;
    },
  };
}

Deno.test("moving a queue in may be killed at each tenth of it, and nothing is lost", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using directory = await makeDirectory();
  const ids = await makeQueue(directory.path, origin);
  const options = {
    broker: broker.address,
    name: "one",
    directory: directory.path,
  };
  {
    await using keys = await countKeys(broker.address);
    for (let tenth = 1; tenth <= 10; tenth++) {
      const node = launchNode(options);
      await Promise.race([keys.reaches(tenth * COUNT / 10), node.status]);
      try {
        node.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      const { signal } = await node.status;
      assertEquals(signal, "SIGKILL");
    }
    assertEquals(keys.count(), COUNT);
  }
  await using one = await startNode({ ...options, environment: LONG_LEASE });
  await using client = await one.connect();
  const list = await client.request({
    ...{ action: "list", order: "oldest", limit: COUNT },
  });
  assert("total" in list && Array.isArray(list.data));
  assertEquals(list.data.map(({ id }) => id), ids);
  assertEquals(list.total, COUNT);
  const names = [...Deno.readDirSync(`${directory.path}/.sluice`)]
    .map(({ name }) => name);
  assert(names.includes("state.db.migrated") && !names.includes("state.db"));
  // What was there of a file is not fetched again.
  const begun = ids.filter((_, n) => n % WITH_PART === 0);
  for (const id of begun) await client.request({ action: "resume", id });
  for (const [n, id] of begun.entries()) {
    await client.until(id, ({ process_status: is }) => is === "Downloaded");
    const path = `${directory.path}/${n * WITH_PART}`;
    const whole = file(SIZE, n * WITH_PART);
    assertEquals(await firstDifference(path, whole), null);
  }
  assertLess(origin.sent, begun.length * SIZE * .6);
});

Deno.test("two servers that start together move a queue in as one would", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using directory = await makeDirectory();
  // Parts are what takes the time in which the second server comes.
  const ids = await makeQueue(directory.path, origin, 4);
  const start = nodesOn(broker, directory);
  const starting = [start("one"), delay(300).then(() => start("two"))];
  await using servers = new AsyncDisposableStack();
  for (const server of await Promise.all(starting)) servers.use(server);
  const [one] = await Promise.all(starting);
  assert(one !== undefined);
  const { total } = (await ask(one, "GET /downloads?limit=1")).body;
  assertEquals(total, COUNT);
  const parts = [
    ...Deno.readDirSync(`${directory.path}/.sluice/cluster/parts`),
  ];
  const expected = ids.filter((_, n) => n % 4 === 0)
    .flatMap((id) => [`${id}.0`, `${id}.0.json`]);
  assertEquals(parts.map(({ name }) => name).sort(), expected.sort());
});

Deno.test("a server waits while another one has their directory to set its queue right", async () => {
  await using directory = await makeDirectory();
  const options = {
    ...{ contentDirectory: directory.path, stateDirectory: null },
    ...{ queue: "test", node: "one" },
  };
  const alone = await openContentDirectory(directory.path, { sync: false });
  const opening = openNodeStorage(options);
  await delay(200);
  alone[Symbol.dispose]();
  using storage = await opening;
  assert(storage.isPrivate);
});

Deno.test("a queue whose move was broken off is in its order after the next one", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const ids = await makeQueue(directory.path, origin);
  const top = ids.slice(-5);
  {
    using parts = await openContentDirectory(directory.path, { sync: false });
    using store = openStore(parts.statePath, { sync: false });
    const { order } = store;
    const { moved } = planMove(top, "top", { order, isRunning: () => false });
    for (const { id, rank } of moved) await order.place(id, rank);
  }
  const parts = `${directory.path}/.sluice/cluster/parts`;
  await Deno.mkdir(parts, { recursive: true });
  const orders = new Map<string, number>();

  /** Moves it in, until the broker has so many entries and is there no more. */
  async function moveIn(position: number, most: number): Promise<void> {
    await migrateOwnQueue({
      broker: {
        refuseTooLarge() {},
        write(key, value) {
          if (orders.size >= most) {
            return Promise.reject(new Error("no broker"));
          }
          if (orders.has(key)) return Promise.reject(CONFLICT);
          orders.set(key, (value as Entry).order);
          return Promise.resolve(position + orders.size);
        },
      },
      replica: {
        bucket: () => "bucket",
        position: () => position,
        recorded: (state) => state,
      },
      place: { storage: "storage", node: "one" },
      ...{ contentDirectory: directory.path, parts, sync: false },
      log: () => {},
    });
  }

  await assertRejects(() => moveIn(10, COUNT / 2), Error, "no broker");
  // Others have added as many meanwhile.
  await moveIn(10 + COUNT, COUNT);
  const line = [...orders].toSorted(([, a], [, b]) => a - b);
  assertEquals(
    line.map(([key]) => key.slice(2)),
    [...top, ...ids.slice(0, -5)],
  );
  assertEquals(line.map(([, order]) => order), ids.map((_, n) => 11 + n));
  const names = [...Deno.readDirSync(`${directory.path}/.sluice`)]
    .map(({ name }) => name).filter((name) => name.startsWith("state.db."));
  assertEquals(names, ["state.db.migrated"]);
});

Deno.test("what is too large for the broker stays behind, and the rest is moved in", async () => {
  await using broker = await startBroker({ rules: "max_payload: 200000" });
  await using roomy = await startBroker();
  await using directory = await makeDirectory();
  const ids = createIds(COUNT);
  const [large = ""] = ids.slice(COUNT / 2);
  const state = `${directory.path}/.sluice/state.db`;
  {
    using parts = await openContentDirectory(directory.path, { sync: false });
    using store = openStore(parts.statePath, { sync: false });
    const comment = "y".repeat(7_000);
    const headers = Object.fromEntries(
      Array.from({ length: 30 }, (_, n) => [`x-${n}`, comment]),
    );
    await store.add(ids.map((id, n) => {
      const request = { ...REQUEST, headers: id === large ? headers : {} };
      return createDownload({ ...request, paused: true }, n, id);
    }));
  }
  const options = { name: "one", directory: directory.path };
  {
    await using one = await startNode({
      ...{ ...options, broker: broker.address },
      environment: LONG_LEASE,
    });
    const [line] = await one.printed(/left behind .*/);
    assertMatch(line, new RegExp(`id="${large}" .*/state\\.db`));
    assertMatch(line, /too large .* raise the broker's max_payload/);
    await one.printed(/migrated downloads=999 /);
    const list = (await ask(one, "GET /downloads?limit=1000")).body;
    const listed = list.data.map((status: { id: string }) => status.id);
    assertEquals(
      listed.toSorted(),
      ids.filter((id) => id !== large).toSorted(),
    );
    one.kill("SIGTERM");
    await one.ended;
    assertEquals(one.output().match(/left behind/g)?.length, 1);
  }
  {
    using store = openStore(state, { sync: false });
    assertEquals([...store.idsFrom("", COUNT)], [large]);
  }
  // It is moved in by a start once the broker takes it.
  await using two = await startNode({
    ...{ ...options, broker: roomy.address },
    environment: LONG_LEASE,
  });
  await two.printed(/migrated downloads=1 /);
  assertEquals((await ask(two, "GET /downloads")).body.data[0]?.id, large);
  assertEquals(lstatIfThere(state), null);
});
