/** What servers of a cluster ask of each other for their clients. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { walk } from "@std/fs";
import { fromFileUrl } from "@std/path";
import type { Here } from "../../lib/coordinator.ts";
import { createDownload } from "../../lib/download/download.ts";
import { parseDownload } from "../../lib/download/request.ts";
import { startBroker } from "../support/broker.ts";
import { LEASE, nodesApart } from "../support/cluster.ts";
import { makeDirectory } from "../support/directory.ts";
import { freePort } from "../support/free_port.ts";
import { join } from "../support/move_in_cluster.ts";
import { file, startOrigin } from "../support/origin.ts";
import { assertDownloaded } from "../support/status.ts";

const REQUEST = parseDownload({ url: "http://127.0.0.1:9/" }, {
  urlLength: 100,
});

const PAUSED = {
  ...createDownload(REQUEST, 0, "id"),
  state: { kind: "Paused", error: null },
} as const;
/** Longer than a server may be mute, in milliseconds. */
const SLOW = 3_000;

/** A server that fetches nothing. */
const IDLE: Here = {
  obey: () => Promise.resolve(true),
  digest: () => Promise.resolve(""),
  ...{ tell() {}, fill() {}, lets: () => true, setLimits() {} },
  ...{ running: () => [], wants: () => new Map(), threads: () => 0 },
  ...{ disk: () => undefined, limitsSet: () => null },
};

Deno.test("what is asked of a file at once at all servers is done, or refused for what it is", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  const start = nodesApart(broker, shared);
  await using one = await start("one");
  await using two = await start("two");
  await using first = await one.connect();
  await using second = await two.connect();
  const content = file(1_000);
  const id = await first.add({ url: origin.serve("/a.bin", content) });
  const { node } = await first.end(id);
  await second.end(id);
  const keeper = node === "one" ? first : second;
  const orders = Array.from({ length: 12 }, (_, n) => [
    { action: "resume", id },
    { action: "relocate", id, directory: `d${n}` },
  ]).flat();
  const alone = performance.now();
  for (const order of [...orders, ...orders]) await keeper.request(order);
  const together = performance.now();
  const asked = [first, second]
    .flatMap(({ request }) => orders.map((order) => request(order)));
  const codes = (await Promise.all(asked)).map((answer) =>
    "error" in answer ? answer.error?.code : "done"
  );
  // None waits until another is given up, or for news that do not come.
  assertLess(performance.now() - together, 3 * (together - alone));
  assertEquals(new Set(codes), new Set(["WRONG_STATE", "done"]));
  assertEquals(codes.filter((code) => code === "done").length, 24);
  const answer = await keeper.request({ action: "get", id });
  assert("data" in answer && Array.isArray(answer.data));
  const [status] = answer.data;
  await assertDownloaded(status, content);
  // It is there once.
  const files = await Array.fromAsync(
    walk(shared.path, { includeDirs: false, skip: [/\.sluice$/] }),
    ({ path }) => path,
  );
  assertEquals(files, [fromFileUrl(status?.path_to_file ?? "")]);
});

Deno.test("a server that is long at a command is not taken for mute", async () => {
  await using broker = await startBroker();
  await using place = await makeDirectory();
  const at = { broker: broker.address, queue: "test", directory: place.path };
  using one = await join({ ...at, node: "one" });
  using other = await join({ ...at, node: "other" });
  await one.cluster.catalogue.add([PAUSED]);
  const claim = await one.cluster.queue.claim("id");
  assert(claim !== null);
  const commands: string[] = [];
  one.cluster.peers.begin({
    ...IDLE,
    async obey(_, { kind }) {
      commands.push(kind);
      await new Promise((resolve) => setTimeout(resolve, SLOW));
      return true;
    },
  });
  await other.cluster.peers.carryOut(
    "id",
    { kind: "resume" },
    // It has not heard yet that the other one has it.
    async () => void await other.cluster.queue.claim("id"),
  );
  assertEquals(commands, ["resume"]);
  assert(!claim.lost.aborted);
  claim.release();
});

Deno.test("a command is carried out without an owner that does not come to its end with it", async () => {
  await using broker = await startBroker();
  await using place = await makeDirectory();
  const at = { broker: broker.address, queue: "test", directory: place.path };
  using owner = await join({ ...at, node: "owner" });
  using other = await join({ ...at, node: "other" });
  await owner.cluster.catalogue.add([PAUSED]);
  const claim = await owner.cluster.queue.claim("id");
  assert(claim !== null);
  const { promise: never } = Promise.withResolvers<boolean>();
  owner.cluster.peers.begin({ ...IDLE, obey: () => never });
  let isDone = false;
  await other.cluster.peers.carryOut("id", { kind: "resume" }, async () => {
    const claim = await other.cluster.queue.claim("id");
    isDone = claim !== null;
    claim?.release();
  });
  assert(isDone);
  assert(claim.lost.aborted);
});

Deno.test("a command for a file whose server has just died waits for its lease, and asks seldom", async () => {
  await using origin = await startOrigin();
  const monitor = freePort();
  await using broker = await startBroker({
    rules: `http: "127.0.0.1:${monitor}"`,
  });
  await using shared = await makeDirectory();
  const start = nodesApart(broker, shared, { LEASE: String(LEASE) });
  await using one = await start("one");
  await using two = await start("two");
  await using first = await one.connect();
  await using second = await two.connect();
  const id = await first.add({ url: origin.serve("/a.bin", file(1_000)) });
  const { node } = await first.end(id);
  await second.end(id);
  const messages = async () => {
    const response = await fetch(`http://127.0.0.1:${monitor}/varz`);
    return (await response.json() as { in_msgs: number }).in_msgs;
  };
  const [keeper, client] = node === "one" ? [one, second] : [two, first];
  keeper.kill("SIGKILL");
  await keeper.ended;
  const before = await messages();
  const answer = await client.request({
    ...{ action: "relocate", id, directory: "d" },
  });
  assert("error" in answer);
  assertEquals(answer.error?.code, "FILE_GONE");
  // The other server renews its lease meanwhile, and tells how it stands.
  assertLess(await messages() - before, 500);
});

Deno.test("what is being claimed for work can be claimed for a command", async () => {
  await using broker = await startBroker();
  await using place = await makeDirectory();
  const at = { broker: broker.address, queue: "test", directory: place.path };
  using member = await join({ ...at, node: "one" });
  const { catalogue, peers, queue } = member.cluster;
  peers.begin(IDLE);
  await catalogue.add([createDownload(REQUEST, 0, "id")]);
  // Asked in vain, it begins to claim ahead.
  assertEquals(queue.take([]), null);
  await Promise.resolve();
  const claim = await queue.claim("id");
  assert(claim !== null);
  claim.release();
});
