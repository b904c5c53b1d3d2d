import { timingSafeEqual } from "node:crypto";
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { type Cable, layCable, startBroker } from "../support/broker.ts";
import { LEASE, startNode } from "../support/cluster.ts";
import {
  clusterPartsIn,
  filesIn,
  makeDirectory,
} from "../support/directory.ts";
import {
  file,
  firstDifference,
  type OriginFile,
  startOrigin,
} from "../support/origin.ts";
import type { Client, Sluice } from "../support/sluice.ts";

const MiB = 2 ** 20;

/** Slow enough for something to happen meanwhile: some seconds a file. */
const SLOW = {
  THREADS_AMOUNT: "2",
  BYTES_AMOUNT: "1MiB",
  THREADS_PER_HOST: "2",
};
const SIZE = 6 * MiB;
const RATE = MiB;
/** What a busy machine adds to a bound, in milliseconds: 500 to 1,000 are usual. */
const LATE = 4_000;

/** Whether servers have one content directory, or one each. */
type Storage = "shared" | "local";

/** Two servers, an origin, a broker, and a cable from each server to it. */
interface Scene extends AsyncDisposable {
  readonly origin: Awaited<ReturnType<typeof startOrigin>>;
  readonly broker: Awaited<ReturnType<typeof startBroker>>;
  readonly nodes: readonly Sluice[];
  readonly cables: readonly Cable[];
  readonly clients: readonly Client[];
  start(name: string): Promise<Sluice>;
}

async function startScene(storage: Storage): Promise<Scene> {
  await using starting = new AsyncDisposableStack();
  let made = starting;
  const origin = made.use(await startOrigin());
  const broker = made.use(await startBroker());
  const shared = made.use(await makeDirectory());
  const nodes: Sluice[] = [];
  const cables: Cable[] = [];
  const clients: Client[] = [];
  async function start(name: string): Promise<Sluice> {
    const cable = made.use(layCable(broker.address));
    cables.push(cable);
    const directory = storage === "shared"
      ? shared.path
      : `${shared.path}/${name}`;
    return made.use(
      await startNode({
        broker: cable.address,
        name,
        directory,
        environment: SLOW,
      }),
    );
  }
  for (const name of ["a", "b"]) {
    const node = await start(name);
    nodes.push(node);
    clients.push(await node.connect());
  }
  made = starting.move();
  return {
    origin,
    broker,
    nodes,
    cables,
    clients,
    start,
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

/** A download that one of two servers has begun. */
interface Begun {
  readonly id: string;
  readonly content: OriginFile;
  /** Lets the file's last byte come, which the origin keeps until then. */
  finish(): void;
  readonly owner: Sluice;
  readonly other: Sluice;
  readonly ownersCable: Cable;
  readonly ownersClient: Client;
  readonly othersClient: Client;
}

/** Adds a slow file; resolves once some of it is recorded. */
async function begin(scene: Scene, name = "file.bin"): Promise<Begun> {
  const { origin, nodes, cables, clients } = scene;
  const content = file(SIZE);
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  const url = origin.serve(`/${name}`, content, ({ range }) => ({
    rate: RATE,
    gates: { [SIZE - 1 - (range?.start ?? 0)]: () => finished },
  }));
  const [client] = clients;
  assert(client);
  const id = await client.add({ url });
  // A record is made each second.
  const { node } = await client.until(
    id,
    ({ downloaded }) => downloaded > 2.5 * RATE,
  );
  const index = node === "a" ? 0 : 1;
  const [owner, other] = [nodes[index], nodes[1 - index]];
  const [ownersCable] = [cables[index]];
  const [ownersClient, othersClient] = [clients[index], clients[1 - index]];
  assert(owner && other && ownersCable && ownersClient && othersClient);
  return {
    ...{ id, content, finish, owner, other },
    ...{ ownersCable, ownersClient, othersClient },
  };
}

/** Bytes of a part, and of whatever is written to it from now on. */
interface WatchedPart extends Disposable {
  /** What is in it now. */
  read(): Uint8Array;
}

/** Keeps a server's part of a download in view, whatever becomes of its name. */
function watchPart(directory: string, id: string): WatchedPart {
  const parts = `${directory}/.sluice/cluster/parts`;
  const name = [...Deno.readDirSync(parts)].map(({ name }) => name)
    .find((name) => name.startsWith(id) && !name.includes(".json"));
  const file = Deno.openSync(`${parts}/${name}`);
  return {
    read() {
      const bytes = new Uint8Array(file.statSync().size);
      file.seekSync(0, Deno.SeekMode.Start);
      for (let done = 0; done < bytes.length;) {
        done += file.readSync(bytes.subarray(done)) ?? bytes.length;
      }
      return bytes;
    },
    [Symbol.dispose]: () => file.close(),
  };
}

/** Asserts that a directory has one file with a content, and no other. */
async function assertOneFile(
  directory: string,
  name: string,
  content: OriginFile,
): Promise<void> {
  assertEquals(filesIn(directory), [name]);
  assertEquals(await firstDifference(`${directory}/${name}`, content), null);
}

for (const storage of ["shared", "local"] as const) {
  Deno.test(`of a server that is killed, another takes over, storage ${storage}`, async () => {
    await using scene = await startScene(storage);
    const begun = await begin(scene);
    const { id, content, owner, other, othersClient } = begun;
    owner.kill("SIGKILL");
    const start = performance.now();
    const [, kind] = await other.printed(/adopted id=.* kind="(\w+)"/);
    assertLess(performance.now() - start, LEASE + LATE);
    assertEquals(kind, storage === "shared" ? "left" : "new");
    begun.finish();
    const status = await othersClient.end(id);
    assertEquals(status.process_status, "Downloaded");
    await assertOneFile(other.directory, "file.bin", content);
  });

  Deno.test(`a server that was stopped and wakes writes nothing any more, storage ${storage}`, async () => {
    await using scene = await startScene(storage);
    const begun = await begin(scene);
    const { id, content, owner, other, ownersClient, othersClient } = begun;
    using part = watchPart(owner.directory, id);
    owner.kill("SIGSTOP");
    await other.printed(/expelled session=/);
    await other.printed(/adopted id=.* kind="(left|new)"/);
    const before = part.read();
    owner.kill("SIGCONT");
    await owner.printed(/expelled session=/);
    await owner.printed(/lost id=/);
    begun.finish();
    const status = await othersClient.end(id);
    assertEquals(status.process_status, "Downloaded");
    await assertOneFile(other.directory, "file.bin", content);
    assert(before.length > 0 && timingSafeEqual(part.read(), before));
    if (storage === "local") {
      assertEquals(filesIn(owner.directory), []);
    }
    const seen = await ownersClient.until(
      id,
      ({ process_status }) => process_status === "Downloaded",
    );
    assertEquals(seen.node, status.node);
    // It goes on as a good member.
    const again = await ownersClient.add({
      url: scene.origin.serve("/again.bin", file(1000)),
    });
    assertEquals((await ownersClient.end(again)).process_status, "Downloaded");
  });

  Deno.test(`a server that is cut from the broker holds, and another takes over, storage ${storage}`, async () => {
    await using scene = await startScene(storage);
    const begun = await begin(scene);
    const { id, content, owner, other, ownersCable, othersClient } = begun;
    using part = watchPart(owner.directory, id);
    ownersCable.cut();
    const start = performance.now();
    await other.printed(/adopted id=.* kind="(left|new)"/);
    assertLess(performance.now() - start, LEASE + LATE);
    // Long since, its threads write nothing any more, and the origin goes on.
    const before = part.read();
    begun.finish();
    const status = await othersClient.end(id);
    assertEquals(status.process_status, "Downloaded");
    ownersCable.mend();
    await owner.printed(/lost id=/);
    await assertOneFile(other.directory, "file.bin", content);
    assert(before.length > 0 && timingSafeEqual(part.read(), before));
  });
}

for (const end of ["is cut off", "is killed then"] as const) {
  Deno.test(`a file that got its name at a server that ${end} has none there once another took over`, async () => {
    await using scene = await startScene("local");
    const begun = await begin(scene);
    const { id, content, owner, other, ownersCable, othersClient } = begun;
    await othersClient.until(id, ({ downloaded }) => downloaded > .95 * SIZE);
    ownersCable.cut();
    begun.finish();
    // Its lease still runs, but that it has the file is not recorded.
    await until(() => filesIn(owner.directory).length === 1);
    if (end === "is killed then") owner.kill("SIGKILL");
    const status = await othersClient.end(id);
    assertEquals(status.process_status, "Downloaded");
    await assertOneFile(other.directory, "file.bin", content);
    ownersCable.mend();
    if (end === "is killed then") {
      await owner.ended;
      await scene.start(owner === scene.nodes[0] ? "a" : "b");
    }
    await until(() => filesIn(owner.directory).length === 0);
    await assertOneFile(other.directory, "file.bin", content);
  });
}

/** Waits for something that nobody tells of. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
}

Deno.test("a server that is told to stop gives up what it has, and another goes on without a copy", async () => {
  await using scene = await startScene("shared");
  const begun = await begin(scene);
  const { id, content, owner, other, othersClient } = begun;
  owner.kill("SIGTERM");
  await owner.printed(/stopping/);
  const [, kind, bytes] = await other.printed(
    /adopted id=.* kind="(\w+)" bytes=(\d+)/,
  );
  // The lease was given back: nobody waited for its end.
  assert(!/expelled/.test(other.output()), other.output());
  assertEquals(kind, "own");
  assert(Number(bytes) > RATE);
  begun.finish();
  assertEquals((await othersClient.end(id)).process_status, "Downloaded");
  await assertOneFile(other.directory, "file.bin", content);
  assertEquals((await owner.ended).code, 0);
});

Deno.test("a server that is started again at once goes on with its own", async () => {
  await using scene = await startScene("shared");
  const { id, content, finish, owner, ownersCable } = await begin(scene);
  const name = owner === scene.nodes[0] ? "a" : "b";
  owner.kill("SIGKILL");
  await owner.ended;
  assert(ownersCable);
  const again = await scene.start(name);
  await using client = await again.connect();
  finish();
  const status = await client.until(
    id,
    ({ process_status: status }) => status === "Downloaded",
  );
  assertEquals(status.path_to_file?.endsWith("file.bin"), true);
  await assertOneFile(again.directory, "file.bin", content);
});

Deno.test("while no broker answers for longer than a lease, all hold, and nobody is expelled", async () => {
  await using scene = await startScene("shared");
  const { id, content, finish, owner, ownersClient } = await begin(scene);
  const { broker, nodes } = scene;
  broker.kill("SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, 2 * LEASE));
  broker.kill("SIGCONT");
  finish();
  assertEquals((await ownersClient.end(id)).process_status, "Downloaded");
  for (const node of nodes) {
    assert(!/expelled|lost id/.test(node.output()), node.output());
  }
  await owner.printed(/downloaded id=/);
  await assertOneFile(owner.directory, "file.bin", content);
});

Deno.test("of a broker that is killed and comes back, nothing is lost", async () => {
  await using scene = await startScene("shared");
  const begun = await begin(scene);
  const { id, content, owner, other, ownersClient, othersClient } = begun;
  const { broker, origin } = scene;
  await broker.crash();
  await Promise.all([owner, other].map((one) => one.printed(/queue lost/)));
  const refused = await othersClient.request({ url: origin.url("/x") });
  assert("error" in refused && refused.error.code === "STATE");
  assertMatch(refused.error.message, /broker cannot be reached/);
  await new Promise((resolve) => setTimeout(resolve, LEASE * 1.5));
  await broker.restart();
  begun.finish();
  assertEquals((await ownersClient.end(id)).process_status, "Downloaded");
  await assertOneFile(owner.directory, "file.bin", content);
  const next = await othersClient.add({ url: origin.serve("/y", file(10)) });
  assertEquals((await othersClient.end(next)).process_status, "Downloaded");
});

/** What has not been removed by then never will be, in milliseconds. */
const REMOVED_WITHIN = 120_000;

async function untilNoParts(directory: string): Promise<void> {
  const late = performance.now() + REMOVED_WITHIN;
  while (performance.now() < late) {
    if (clusterPartsIn(directory).length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assertEquals(clusterPartsIn(directory), []);
}

for (const storage of ["shared", "local"] as const) {
  Deno.test(`what is removed while its server is mute leaves no part, storage ${storage}`, async () => {
    await using scene = await startScene(storage);
    const { id, owner, othersClient } = await begin(scene);
    owner.kill("SIGSTOP");
    // On a busy machine, its own lease may just have lapsed: then it says so.
    for (;;) {
      const reply = await othersClient.request({ action: "remove", id });
      if ("data" in reply || reply.error.code === "UNKNOWN_ID") break;
      assertEquals(reply.error.code, "STATE", reply.error.message);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    owner.kill("SIGCONT");
    await untilNoParts(owner.directory);
  });
}

Deno.test("what another storage has taken over leaves no part", async () => {
  await using scene = await startScene("local");
  const { owner, other } = await begin(scene);
  owner.kill("SIGSTOP");
  await other.printed(/adopted id=.* kind="new"/);
  owner.kill("SIGCONT");
  await untilNoParts(owner.directory);
});

Deno.test("bytes that another server gives up are of no use where they are, and go", async () => {
  await using scene = await startScene("local");
  const { origin, clients: [client] } = scene;
  const [old, content] = [file(SIZE, 1), file(SIZE, 2)];
  const whole = { ...content, etag: old.etag };
  const mirror = origin.serve("/mirror", whole, { rate: RATE * 100 });
  const url = origin.serve("/file.bin", old, { rate: RATE });
  assert(client);
  const id = await client.add({ url, mirrors: [mirror] });
  const { node } = await client.until(
    id,
    ({ downloaded }) => downloaded > 2.5 * RATE,
  );
  const [first, second] = node === "a" ? [0, 1] : [1, 0];
  const [owner, other] = [scene.nodes[first], scene.clients[second]];
  assert(owner && other);
  assert("data" in await client.request({ action: "pause", id }));
  await other.until(id, ({ process_status }) => process_status === "Paused");
  assert(clusterPartsIn(owner.directory).length > 0);
  // Its own URL could give the file anew; a mirror's bytes may be of another.
  const refreshed = await other.request({
    action: "refresh",
    id,
    url: mirror,
  });
  assert("data" in refreshed, JSON.stringify(refreshed));
  const ended = await other.until(
    id,
    ({ process_status }) => ["Downloaded", "Failed"].includes(process_status),
  );
  assertEquals(ended.process_status, "Downloaded", ended.error?.message);
  const at = ended.node === "a" ? scene.nodes[0] : scene.nodes[1];
  const path = `${at?.directory}/${ended.filename}`;
  assertEquals(await firstDifference(path, content), null);
  await untilNoParts(owner.directory);
});

Deno.test("a command on a download whose server is mute is carried out without it", async () => {
  await using scene = await startScene("shared");
  const begun = await begin(scene);
  const { id, content, owner, other, othersClient } = begun;
  owner.kill("SIGSTOP");
  const start = performance.now();
  const paused = await othersClient.request({ action: "pause", id });
  assert(!("error" in paused), JSON.stringify(paused));
  assertLess(performance.now() - start, 2_000 + LATE);
  const { downloaded } = await othersClient.until(
    id,
    ({ process_status }) => process_status === "Paused",
  );
  assert(downloaded > 0, String(downloaded));
  // On a busy machine, its own lease may just have lapsed: then it says so.
  for (;;) {
    const resumed = await othersClient.request({ action: "resume", id });
    if ("data" in resumed) break;
    assertEquals(resumed.error.code, "STATE", resumed.error.message);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  // What it was asked to do is done, and undone: it comes too late to do it.
  owner.kill("SIGCONT");
  await owner.printed(/lost id=/);
  // Another has a copy, as its former owner may still write to the part.
  const adopted = /adopted id=.* kind="(?:left|own)" bytes=(\d+)/;
  const [, bytes] = await Promise.race([
    other.printed(adopted),
    owner.printed(adopted),
  ]);
  assert(Number(bytes) >= downloaded, bytes);
  begun.finish();
  await othersClient.until(
    id,
    ({ process_status }) => process_status === "Downloaded",
  );
  await assertOneFile(other.directory, "file.bin", content);
});
