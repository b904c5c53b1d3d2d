import { createHash } from "node:crypto";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { startBroker } from "../support/broker.ts";
import { nodesApart, nodesOn, refusal, startNode } from "../support/cluster.ts";
import { filesIn, makeDirectory } from "../support/directory.ts";
import {
  bytesOf,
  file,
  firstDifference,
  startOrigin,
} from "../support/origin.ts";
import {
  projectPath,
  run,
  startSluice,
  taskArguments,
} from "../support/sluice.ts";
import { gate } from "../support/trial.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

/** The page's address of a server, from its socket's. */
function pageOf({ url }: { url: string }): string {
  return url.replace("ws:", "http:");
}

Deno.test("what is added to either server is fetched once, and both show it", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  const start = nodesOn(broker, shared);
  await using one = await start("one");
  await using two = await start("two");
  await using first = await one.connect();
  await using second = await two.connect();
  const contents = Array.from({ length: 40 }, (_, n) => file(10_000 + n, n));
  const ids = await Promise.all(contents.map((content, n) => {
    const url = origin.serve(`/${n}`, content);
    return (n % 2 === 0 ? first : second).add({ url });
  }));
  for (const [n, id] of ids.entries()) {
    const there = await second.end(id);
    const here = await first.end(id);
    assertEquals(here.process_status, "Downloaded");
    assertEquals(there, here);
    assert(["one", "two"].includes(here.node ?? ""), String(here.node));
    const fetcher = here.node === "one" ? one : two;
    await fetcher.printed(new RegExp(` downloaded id="${id}"`));
    assertEquals(
      await firstDifference(`${shared.path}/${n}`, contents[n] ?? file(0)),
      null,
    );
  }
  const downloaded = (one.output() + two.output()).match(/ downloaded id=/g);
  assertEquals(downloaded?.length, ids.length);
  assertEquals(filesIn(shared.path).length, ids.length);
  for (const client of [first, second]) {
    const list = await client.request({ action: "list" });
    assert("total" in list);
    assertEquals(list.total, ids.length);
  }
  for (const { url } of [one, two]) {
    const { stdout } = await run([
      ...taskArguments("nodes", ""),
      "--server",
      url,
    ]);
    const [first = "", second = "", ...rest] = stdout.trim().split("\n");
    assertEquals(rest, []);
    assertMatch(first, /^one  +(here|there) +\d+ threads .*room for/);
    assertMatch(second, /^two  +(here|there) +\d+ threads .*room for/);
  }
  for (const node of [one, two]) {
    const metrics = await (await fetch(`${pageOf(node)}metrics`)).text();
    assertMatch(metrics, /sluice_downloads\{state="Downloaded"\} 40/);
    assertMatch(metrics, /sluice_nodes 2/);
    assertMatch(metrics, /sluice_queue_connected 1/);
    assertMatch(metrics, /sluice_cas_conflicts_total \d+/);
    assertMatch(metrics, /sluice_lease_seconds [12]/);
  }
});

Deno.test("a file is had from any server, in parts too, and is moved and deleted where it is", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  const environment = { AUTH_TOKEN: "a-token-of-the-cluster" };
  const start = nodesApart(broker, shared, environment);
  await using one = await start("one");
  await using two = await start("two");
  const encoded = new TextEncoder().encode(environment.AUTH_TOKEN)
    .toBase64({ alphabet: "base64url", omitPadding: true });
  const protocols = [`sluice.token.${encoded}`];
  await using first = await one.connect(protocols);
  await using second = await two.connect(protocols);
  const content = file(100_000);
  const id = await first.add({ url: origin.serve("/a.bin", content) });
  const status = await first.end(id);
  await second.end(id);
  const isFirst = status.node === "one";
  const [keeper, other] = isFirst ? [one, two] : [two, one];
  const client = isFirst ? second : first;
  const headers = { authorization: `Bearer ${environment.AUTH_TOKEN}` };
  const whole = await fetch(`${pageOf(other)}files/${id}`, { headers });
  assertEquals(whole.status, 200);
  assertEquals(await whole.bytes(), bytesOf(content));
  assertStringIncludes(
    whole.headers.get("content-disposition") ?? "",
    "a.bin",
  );
  const part = await fetch(`${pageOf(other)}files/${id}`, {
    headers: { ...headers, range: "bytes=10-19" },
  });
  assertEquals(part.status, 206);
  assertEquals(await part.bytes(), bytesOf(content).subarray(10, 20));
  const unknown = await fetch(`${pageOf(other)}files/${id}`);
  assertEquals(unknown.status, 401);
  await unknown.body?.cancel();
  const film = file(3_000_000, 4);
  const { opened, open } = gate();
  const coming = await first.add({
    url: origin.serve("/film.mp4", film, {
      gates: { 2_000_000: () => opened },
    }),
    order: "sequential",
  });
  for (const client of [first, second]) {
    await client.until(coming, ({ downloaded }) => downloaded >= 1_000_000);
  }
  for (const node of [one, two]) {
    const front = await fetch(`${pageOf(node)}files/${coming}`, {
      headers: { ...headers, range: "bytes=10-19" },
    });
    assertEquals(front.status, 206);
    assertEquals(await front.bytes(), bytesOf(film).subarray(10, 20));
  }
  open();
  const seen = await client.until(
    id,
    ({ process_status }) => process_status === "Downloaded",
  );
  assertEquals(seen.path_to_file, null);

  const digest = createHash("sha256").update(bytesOf(content)).digest("hex");
  for (const { request } of [first, second]) {
    const verified = await request({ action: "verify", id, sha256: digest });
    assertStringIncludes(JSON.stringify(verified), '"fits":true');
    const other = { action: "verify", id, sha256: "0".repeat(64) };
    const wrong = await request(other);
    assertStringIncludes(JSON.stringify(wrong), '"fits":false');
  }

  const relocate = { action: "relocate", id, directory: "films/2026" };
  const moved = await client.request(relocate);
  assert("data" in moved, JSON.stringify(moved));
  for (const { until } of [first, second]) {
    await until(id, ({ directory }) => directory === "films/2026");
  }
  assertEquals(filesIn(`${keeper.directory}/films/2026`), ["a.bin"]);
  assert(!filesIn(keeper.directory).includes("a.bin"));
  const there = await fetch(`${pageOf(other)}files/${id}`, { headers });
  assertEquals(await there.bytes(), bytesOf(content));

  const remove = { action: "remove", id, delete_file: true };
  assert("data" in await client.request(remove));
  assertEquals(filesIn(`${keeper.directory}/films/2026`), []);
  // The other file may be here, too.
  assert(!filesIn(keeper.directory).includes("a.bin"));

  const next = await first.add({ url: origin.serve("/b.bin", content) });
  const after = await first.end(next);
  await second.end(next);
  const [left, away] = after.node === "one" ? [second, one] : [first, two];
  away.kill("SIGKILL");
  await (away === one ? two : one).printed(/expelled/);
  const verify = { action: "verify", sha256: digest };
  for (const order of [remove, relocate, verify]) {
    const refused = await left.request({ ...order, id: next });
    assert("error" in refused);
    assertEquals(refused.error.code, "FILE_GONE");
    assertMatch(refused.error.message, /is away/);
  }
});

Deno.test("commands are obeyed by whichever server works on the download", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  const start = nodesOn(broker, shared);
  await using one = await start("one");
  await using two = await start("two");
  await using first = await one.connect();
  await using second = await two.connect();
  const content = file(4 * MiB);
  const url = origin.serve("/a.bin", content, { rate: 64 * KiB });
  const id = await first.add({ url });
  const { node } = await first.until(
    id,
    ({ process_status }) => process_status === "Downloading",
  );
  const [client, owner] = node === "one" ? [second, first] : [first, second];
  for (
    const [action, status] of [
      ["pause", "Paused"],
      ["resume", "Downloading"],
      ["pause", "Paused"],
    ]
  ) {
    assert("data" in await client.request({ action, id }), action);
    await owner.until(id, ({ process_status }) => process_status === status);
    await client.until(id, ({ process_status }) => process_status === status);
  }
  const wrong = await client.request({ action: "pause", id });
  assert("error" in wrong && wrong.error.code === "WRONG_STATE");
  const fast = origin.serve("/b.bin", content);
  assert("data" in await client.request({ action: "refresh", id, url: fast }));
  for (const one of [owner, client]) {
    await one.until(id, ({ process_status: now }) => now === "Downloaded");
  }
  assertEquals(filesIn(shared.path).length, 1);
  for (const [at, node] of [[first, one], [second, two]] as const) {
    const late = await at.request({ action: "pause", id });
    assert("error" in late && late.error.code === "WRONG_STATE");
    const served = await fetch(`${pageOf(node)}files/${id}`);
    assertEquals(served.status, 200);
    await served.body?.cancel();
  }
  assert("data" in await owner.request({ action: "remove", id }));
  const gone = await client.request({ action: "remove", id });
  assert("error" in gone && gone.error.code === "UNKNOWN_ID");
});

Deno.test("what is moved on one server is moved on all, and stays so", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  // One for each of the two.
  const start = nodesOn(broker, shared, { MAX_DOWNLOADS: "2" });
  await using one = await start("one");
  await using two = await start("two");
  await using first = await one.connect();
  await using second = await two.connect();
  const gate = Promise.withResolvers<void>();
  const asked: string[] = [];
  const ids = new Map<string, string>();
  for (const name of ["a", "b", "c", "d", "e", "f", "g"]) {
    const url = origin.serve(`/${name}`, file(100), () => {
      if (!asked.includes(name)) asked.push(name);
      return { gates: { head: () => gate.promise } };
    });
    const id = await first.add({
      url,
      ...(name === "g" && { priority: "low" }),
    });
    ids.set(id, name);
    if (name > "b") continue;
    await first.until(
      id,
      ({ process_status }) => process_status === "Downloading",
    );
  }
  const idOf = (name: string) =>
    ids.entries().find(([, known]) => known === name)?.[0] ?? "";
  async function waiting(client: typeof first): Promise<string> {
    const page = { action: "list", status: "Queued", order: "queue" };
    const list = await client.request(page);
    assert("data" in list && Array.isArray(list.data));
    return list.data.map(({ id }) => ids.get(id)).join("");
  }
  for (
    const [client, message, expected] of [
      [second, { action: "move", id: idOf("f"), to: "top" }, "fcdeg"],
      [first, { action: "move", id: idOf("d"), to: 2 }, "fdceg"],
      [second, {
        action: "prioritize",
        id: idOf("e"),
        priority: "high",
      }, "efdcg"],
      [first, { action: "move", id: idOf("f"), to: "bottom" }, "edcfg"],
      [second, { action: "move", id: idOf("f"), to: "up" }, "edfcg"],
    ] as const
  ) {
    const reply = await client.request(message);
    assert("data" in reply, JSON.stringify(reply));
    for (const one of [first, second]) {
      let seen = "";
      // The other one hears of it a little later.
      for (let n = 0; n < 1_000 && seen !== expected; n++) {
        seen = await waiting(one);
      }
      assertEquals(seen, expected);
    }
  }
  gate.resolve();
  for (const id of ids.keys()) await first.end(id);
  // One that has heard of none of them until now, too.
  await using three = await start("three");
  await using third = await three.connect();
  for (const one of [first, second, third]) {
    const list = await one.request({ action: "list", order: "oldest" });
    assert("data" in list && Array.isArray(list.data));
    assertEquals(list.data.map(({ id }) => ids.get(id)).join(""), "abcdefg");
  }
  // Each server has favourites, which it takes first: of those, in their order.
  assertEquals(asked.slice(0, 2).sort(), ["a", "b"]);
  assertEquals(asked.length, ids.size);
  const moved = ["x", "y", "z"].map((name) =>
    origin.serve(`/${name}`, file(9))
  );
  const paused = await first.request({
    urls: moved.map((url) => ({ url, paused: true })),
  });
  assert("data" in paused && "ids" in paused.data && paused.data.ids);
  const [x = "", y = "", z = ""] = paused.data.ids;
  await second.until(z, () => true);
  assert("data" in await second.request({ action: "move", id: z, to: "top" }));
  await three[Symbol.asyncDispose]();
  await using again = await start("three");
  await using fourth = await again.connect();
  const page = { action: "list", status: "Paused", order: "queue" };
  const list = await fourth.request(page);
  assert("data" in list && Array.isArray(list.data));
  assertEquals(list.data.map(({ id }) => id), [z, x, y]);
});

Deno.test("what one server has just added, the other knows when it is asked", async () => {
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  const start = nodesOn(broker, shared);
  await using one = await start("one");
  await using two = await start("two");
  await using first = await one.connect();
  await using second = await two.connect();
  const orders = [
    { action: "get" },
    { action: "limit", limit_rate: 5_000 },
    { action: "prioritize", priority: "high" },
    { action: "move", to: "top" },
    { action: "pause" },
    { action: "remove" },
  ];
  // The broker tells the one of it as it tells the other that it is written.
  await Promise.all(Array.from({ length: 100 }, async (_, n) => {
    const url = `http://127.0.0.1:9/${n}`;
    const at = new Date(Date.now() + 3_600_000).toISOString();
    const id = await first.add({ url, start_at: at });
    const reply = await second.request({ ...orders[n % orders.length], id });
    assert("data" in reply, `${JSON.stringify(reply)}`);
  }));
  for (const id of ["foo bar", "*", ">", ".", "ü"]) {
    const limit = { action: "limit", limit_rate: 5_000 };
    const reply = await second.request({ ...limit, id });
    assert("error" in reply, id);
    assertEquals(reply.error.code, "UNKNOWN_ID", id);
  }
});

Deno.test("the servers together keep to a host's threads", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using shared = await makeDirectory();
  const start = nodesOn(broker, shared, { THREADS_PER_HOST: "5" });
  await using one = await start("one");
  await using two = await start("two");
  await using three = await start("three");
  await using client = await one.connect();
  assert(two && three);
  const ids = await Promise.all(
    Array.from({ length: 30 }, (_, n) =>
      client.add({
        url: origin.serve(`/${n}`, file(200 * KiB, n), { rate: 400 * KiB }),
      })),
  );
  for (const id of ids) {
    assertEquals((await client.end(id)).process_status, "Downloaded");
  }
  assert(origin.peak <= 5, String(origin.peak));
  assert(origin.peak >= 4, String(origin.peak));
});

Deno.test("without a broker at the start, what is there is served, and it goes on by itself", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using directory = await makeDirectory();
  const start = () =>
    startNode({
      broker: broker.address,
      name: "one",
      directory: directory.path,
    });
  const content = file(1000);
  let id = "";
  {
    await using one = await start();
    await using client = await one.connect();
    id = await client.add({ url: origin.serve("/a", content) });
    await client.end(id);
  }
  await broker.crash();
  await using one = await start();
  await one.printed(/queue lost .*cannot be reached/);
  const page = await fetch(pageOf(one));
  assertEquals(page.status, 200);
  await page.body?.cancel();
  const found = await fetch(`${pageOf(one)}files/${id}`);
  assertEquals(await found.bytes(), bytesOf(content));
  await using client = await one.connect();
  const url = origin.serve("/b", content);
  const refused = await client.request({ url });
  assert("error" in refused && refused.error.code === "STATE");
  await broker.restart();
  await one.printed(/queue connected/);
  await one.printed(/caught up entries=1/);
  const next = await client.add({ url });
  assertEquals((await client.end(next)).process_status, "Downloaded");
});

Deno.test("wrong settings are one clear line each, and no secret is told", async () => {
  const password = "the-password-of-the-broker";
  await using origin = await startOrigin();
  await using broker = await startBroker({
    rules: `authorization { user: sluice, password: "${password}" }`,
  });
  await using directory = await makeDirectory();
  const at = (user: string, name = "test") =>
    `nats://${user}@${broker.address}/${name}`;
  const wrong = await refusal(directory.path, {
    QUEUE: at("sluice:another-secret"),
  });
  assertMatch(wrong, /refuses QUEUE's user and password/);
  assert(!wrong.includes("another-secret"));
  assertMatch(
    await refusal(directory.path, { QUEUE: "nats://x:secret@host" }),
    /QUEUE must be brokers and a name .*, not what it is/,
  );
  assertMatch(
    await refusal(directory.path, {
      QUEUE: at(`sluice:${password}`),
      QUEUE_REPLICAS: "3",
    }),
    /too few for QUEUE_REPLICAS/,
  );
  assertMatch(
    await refusal(directory.path, {
      QUEUE: at(`sluice:${password}`),
      NODE_URL: "http://nas.lan:8888/",
    }),
    /NODE_URL lets others in: set AUTH_TOKEN/,
  );
  const environment = { QUEUE: at(`sluice:${password}`) };
  const start = (name: string) =>
    startNode({
      broker: "",
      name,
      directory: `${directory.path}/${name}`,
      environment,
    });
  await using one = await start("one");
  assertMatch(
    await refusal(`${directory.path}/one`, {
      ...environment,
      NODE_NAME: "one",
    }),
    /Another server is one already/,
  );
  assertMatch(
    await refusal(`${directory.path}/elsewhere`, {
      ...environment,
      NODE_NAME: "one",
      LEASE: "2000",
    }),
    /Another server of the cluster is one already/,
  );
  assertMatch(
    await refusal(`${directory.path}/one`, {
      QUEUE: at(`sluice:${password}`, "another"),
      NODE_NAME: "two",
    }),
    /belongs to another queue: choose another directory/,
  );
  await using client = await one.connect();
  const url = origin.serve("/a", file(10)).replace(
    "http://",
    "http://me:secret-of-the-url@",
  ) + "?key=secret-of-the-query";
  const id = await client.add({ url });
  await client.end(id);
  one.kill("SIGTERM");
  await one.ended;
  for (const secret of [password, "secret-of-the-url", "secret-of-the-query"]) {
    assert(!one.output().includes(secret), secret);
  }
});

Deno.test("a queue that a server had for itself is moved in, and no byte is fetched again", async () => {
  await using origin = await startOrigin();
  await using broker = await startBroker();
  await using directory = await makeDirectory();
  const contents = Array.from({ length: 6 }, (_, n) => file(3 * MiB, n));
  const urls = contents.map((content, n) =>
    origin.serve(`/${n}`, content, n === 5 ? { rate: MiB } : {})
  );
  const ids: string[] = [];
  {
    await using alone = await startSluice({ directory: directory.path });
    await using client = await alone.connect();
    for (const url of urls) {
      const paused = url.endsWith("/4");
      ids.push(await client.add({ url, ...(paused && { paused }) }));
    }
    for (const id of ids.slice(0, 4)) await client.end(id);
    await client.until(
      ids[5] ?? "",
      ({ downloaded }) => downloaded > 1.5 * MiB,
    );
    alone.kill("SIGTERM");
    await alone.ended;
  }
  const sent = origin.sent;
  await using one = await startNode({
    broker: broker.address,
    name: "one",
    directory: directory.path,
  });
  await one.printed(/migrated downloads=6/);
  await using client = await one.connect();
  const list = await client.request({ action: "list", order: "oldest" });
  assert("data" in list && Array.isArray(list.data));
  assertEquals(list.data.map(({ id }) => id), ids);
  const status = await client.end(ids[4] ?? "");
  assertEquals(status.process_status, "Paused");
  const last = await client.until(
    ids[5] ?? "",
    ({ process_status }) => process_status === "Downloaded",
  );
  assertEquals(last.path_to_file, `file://${directory.path}/5`);
  assert(origin.sent - sent < 2 * MiB, String(origin.sent - sent));
  for (const n of [0, 1, 2, 3, 5]) {
    assertEquals(
      await firstDifference(`${directory.path}/${n}`, contents[n] ?? file(0)),
      null,
    );
  }
  const names = [...Deno.readDirSync(`${directory.path}/.sluice`)]
    .map(({ name }) => name);
  assert(names.includes("state.db.migrated") && !names.includes("state.db"));
});

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly code?: { readonly specifier: string };
  }[];
}

Deno.test("a server without QUEUE loads nothing of NATS", async () => {
  const { stdout } = await run([
    "info",
    "--json",
    "--lock=tests/deno.lock",
    "main.ts",
  ]);
  const { modules } = JSON.parse(stdout) as { modules: Module[] };
  const loaders = modules
    .filter(({ dependencies = [] }) =>
      dependencies.some(({ code }) => code?.specifier.includes("nats"))
    )
    .map(({ specifier }) => specifier.replace(/.*\//, ""));
  // It is reached by its types alone; as code, only it names the packages.
  assertEquals(loaders, ["nats.ts"]);
  const lock = await Deno.readTextFile(projectPath("deno.lock"));
  const { specifiers, npm } = JSON.parse(lock);
  assertEquals(Object.keys(specifiers), ["npm:deno-std@1.3.1"]);
  // What is fetched once QUEUE is set is what was tested.
  const tested = JSON.parse(
    await Deno.readTextFile(projectPath("tests/deno.lock")),
  );
  for (
    const [name, { integrity }] of Object.entries<{ integrity: string }>(npm)
  ) {
    assertEquals(tested.npm[name]?.integrity, integrity, name);
  }
  assert("@nats-io/transport-node@3.4.0" in npm);
});
