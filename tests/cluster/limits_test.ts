import { assert, assertEquals, assertLess } from "@std/assert";
import { openCluster } from "../../lib/cluster/cluster.ts";
import { createCoordinator } from "../../lib/coordinator.ts";
import { parseDownload } from "../../lib/download/request.ts";
import { parseTimetable } from "../../lib/engine/timetable.ts";
import { startBroker } from "../support/broker.ts";
import { nodesOn } from "../support/cluster.ts";
import { makeDirectory } from "../support/directory.ts";
import { OPTIONS } from "../support/downloads.ts";
import { file, startOrigin } from "../support/origin.ts";

const KiB = 1024;
/** What is held at the gates is not to let others run as it stalls. */
const HELD_WITHOUT_STALL = "600000";

Deno.test("servers share the rates of them all, and how many downloads may run", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  const rate = 512 * KiB;
  const start = nodesOn(broker, shared, {
    LIMIT_RATE: String(rate),
    LIMIT_RATE_PER_HOST: String(4 * rate),
    MAX_DOWNLOADS: "3",
  });
  await using one = await start("one");
  await using two = await start("two");
  await using first = await one.connect();
  await using second = await two.connect();

  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const size = 150 * KiB;
  const started = performance.now();
  const ids = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      first.add({
        url: origin.serve(`/${n}`, file(size, n), {
          ranges: "ignore",
          gates: { [size - 1]: () => opened },
        }),
      })),
  );
  const running = async (client: typeof first) => {
    const list = await client.request({
      action: "list",
      status: ["Downloading"],
    });
    assert("data" in list && Array.isArray(list.data));
    return list.data.map(({ node }) => node).toSorted();
  };
  // Two of them run at one server, and one at the other.
  await Promise.race(
    ids.map((id) => second.until(id, ({ downloaded }) => downloaded > 0)),
  );
  while (origin.requests.length < 3) await running(second);
  while ((await running(second)).length < 3) await running(first);
  assertEquals(new Set(await running(second)).size, 2);
  open();
  for (const id of ids) await first.end(id);
  const seconds = (performance.now() - started) / 1000;
  assertLess(12 * size, rate * (seconds + .5));
  assertEquals(origin.peak, 3);
});

Deno.test("a limit that is set at one server holds at all, and at those that come", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  const start = nodesOn(broker, shared);
  await using one = await start("one");
  await using two = await start("two");
  await using first = await one.connect();
  await using second = await two.connect();
  const limited = (client: typeof first, n: number) =>
    client.add({
      url: origin.serve(`/${n}`, file(64 * KiB), { rate: 8 * KiB }),
    })
      .then((id) => client.until(id, ({ limited_by: by }) => by === "server"));
  const set = await first.request({ action: "limit", limit_rate: 16 * KiB });
  assert("data" in set);
  await second.message((message) =>
    "limits" in message && message.limits?.limit_rate === 16 * KiB
  );
  await using three = await start("three");
  await using third = await three.connect();
  await Promise.all([second, third].map(limited));
  // An answer tells what holds where it is asked.
  for (const client of [second, third]) {
    const { data } = await client.request({
      ...{ action: "limit", limit_rate_per_host: null },
    }) as { data: { limit_rate?: number } };
    assertEquals(data.limit_rate, 16 * KiB);
  }
});

Deno.test("what one server leaves, another takes", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  const start = nodesOn(broker, shared, {
    MAX_DOWNLOADS: "4",
    STALL_TIMEOUT: HELD_WITHOUT_STALL,
  });
  await using one = await start("one");
  await using two = await start("two");
  await using client = await one.connect();
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const ids: string[] = [];
  for (let n = 0; n < 6; n++) {
    const gates = { 1000: () => opened };
    const url = origin.serve(`/${n}`, file(2000, n), {
      ranges: "ignore",
      gates,
    });
    ids.push(await client.add({ url }));
  }
  // Not four requests: while the servers hear of each other, one may give some back.
  await origin.request(({ running }) => running === 4);
  const before = new Set(origin.requests);
  two.kill("SIGTERM");
  await two.ended;
  // Both of its downloads go on here, beside the two that are here already.
  await origin.request((request) =>
    !before.has(request) && request.running === 4
  );
  open();
  for (const id of ids) {
    assertEquals((await client.end(id)).process_status, "Downloaded");
  }
  assertEquals(origin.peak, 4);
});

Deno.test("a server that its timetable pauses leaves the shares to the others", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  const most = 4;
  await using other = await nodesOn(broker, shared, {
    ...{ MAX_DOWNLOADS: String(most), THREADS_PER_HOST: String(most) },
    STALL_TIMEOUT: HELD_WITHOUT_STALL,
  })("other");
  await using client = await other.connect();
  // In this process, so that the time of day can be set.
  using cluster = await openCluster({
    queue: { servers: [broker.address], tls: false, user: null, name: "test" },
    ...{ credentials: null, replicas: 1, node: "here", url: null },
    ...{ lease: 30_000, contentDirectory: shared.path, stateDirectory: null },
    ...{ sync: false, threadsAmount: OPTIONS.threadsAmount, caCerts: [] },
  }, () => {});
  const timetable = parseTimetable("08:00,pause 09:00,off");
  assert("moments" in timetable);
  let time = "07:59";
  const coordinator = await createCoordinator(
    {
      ...{ ...OPTIONS, maxDownloads: most, threadsPerHost: most, timetable },
      broadcastTimeout: 100,
    },
    {
      ...cluster,
      hear() {},
      broadcast() {},
      timeOfDay: () => new Date(`2026-11-23T${time}`).getTime(),
    },
  );
  try {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const urls = Array.from(
      { length: 6 },
      (_, n) =>
        origin.serve(`/${n}`, file(2000, n), {
          ranges: "ignore",
          gates: { 1000: () => opened },
        }),
    );
    const ids = await coordinator.add(
      urls.map((url) => parseDownload({ url }, { urlLength: 1_000 })),
    );
    await origin.request(() => origin.requests.length >= most);
    time = "08:00";
    await origin.request(() => origin.requests.length >= 6);
    assertEquals(coordinator.threads(), 0);
    open();
    time = "09:00";
    for (const id of ids) {
      assertEquals((await client.end(id)).process_status, "Downloaded");
    }
  } finally {
    await coordinator.close();
  }
});
