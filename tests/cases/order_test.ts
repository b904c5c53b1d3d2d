/** What begins next, and how clients change that. */

import { assertEquals, assertRejects } from "@std/assert";
import { DownloadError } from "../../lib/download/errors.ts";
import type { StatusPageRequest } from "../../lib/status/lists.ts";
import type { Changes } from "../../lib/status/status.ts";
import { startDownloads } from "../support/downloads.ts";
import { file, startOrigin } from "../support/origin.ts";
import { codeOf } from "../support/requests.ts";
import { startSluice } from "../support/sluice.ts";

/** The waiting ones, in the queue's order. */
const WAITING: StatusPageRequest = {
  statuses: ["Queued"],
  search: "",
  offset: 0,
  limit: 100,
  order: "queue",
};

/**
 * Downloads of which one runs at a time, and the first has no answer before `go`
 * is called.
 */
async function startLine(names: string, threadsPerHost = 4) {
  const stack = new AsyncDisposableStack();
  const origin = stack.use(await startOrigin());
  const told: Changes[] = [];
  const downloads = stack.use(
    await startDownloads({
      maxDownloads: 1,
      threadsPerHost,
      onTold: (changes) => told.push(changes),
    }),
  );
  const gate = Promise.withResolvers<void>();
  const ids = new Map<string, string>();
  /** In which order the origin was asked for them. */
  const asked: string[] = [];
  async function add(name: string, fields: Record<string, unknown> = {}) {
    const url = origin.serve(`/${name}`, file(100, 1), () => {
      if (!asked.includes(name)) asked.push(name);
      return { gates: { head: () => gate.promise } };
    });
    const id = await downloads.add({ url, ...fields });
    ids.set(id, name);
    return id;
  }
  for (const name of names) await add(name);
  const idOf = (name: string) =>
    ids.entries().find(([, known]) => known === name)?.[0] ?? name;
  const [first = ""] = names;
  await downloads.until(
    idOf(first),
    ({ process_status: status }) => status === "Downloading",
  );
  return {
    ...downloads,
    told,
    asked,
    add,
    idOf,
    async waiting() {
      const { statuses } = await downloads.lists.list(WAITING);
      return statuses.map(({ id }) => ids.get(id)).join("");
    },
    /** All come to their end. */
    async go() {
      gate.resolve();
      for (const id of ids.keys()) await downloads.end(id);
      return asked.join("");
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

// With a thread for one, nothing is taken from the queue ahead.
for (const threadsPerHost of [1, 4]) {
  Deno.test(`what is moved begins in its new turn, beside ${threadsPerHost} at a host`, async () => {
    await using line = await startLine("abcdef", threadsPerHost);
    const { coordinator, idOf } = line;
    await coordinator.move([idOf("e"), idOf("d")], "top");
    assertEquals(await line.waiting(), "debcf");
    await coordinator.move([idOf("b")], "bottom");
    assertEquals(await line.waiting(), "decfb");
    await coordinator.move([idOf("f")], { before: idOf("e") });
    assertEquals(await line.waiting(), "dfecb");
    assertEquals(await line.go(), "adfecb");
  });
}

Deno.test("two steps that are asked for at once are two steps", async () => {
  await using line = await startLine("abcde");
  const { coordinator, idOf } = line;
  const step = () => coordinator.move([idOf("e")], "up");
  await Promise.all([step(), step()]);
  assertEquals(await line.waiting(), "becd");
  assertEquals(await line.go(), "abecd");
});

Deno.test("what runs is moved, and goes on", async () => {
  await using line = await startLine("abc");
  const { coordinator, idOf } = line;
  assertEquals((await coordinator.move([idOf("a")], "bottom")).size, 0);
  await coordinator.command(idOf("a"), { kind: "prioritize", priority: "low" });
  assertEquals(coordinator.get(idOf("a"))?.process_status, "Downloading");
  assertEquals(coordinator.get(idOf("a"))?.priority, "low");
  assertEquals(await line.go(), "abc");
});

Deno.test("a priority goes before the place, and can be given later", async () => {
  await using line = await startLine("abc");
  const { coordinator, idOf } = line;
  await line.add("l", { priority: "low" });
  await line.add("h", { priority: "high" });
  await line.add("d", { priority: "normal" });
  assertEquals(await line.waiting(), "hbcdl");
  assertEquals(coordinator.get(idOf("h"))?.priority, "high");
  assertEquals(coordinator.get(idOf("d"))?.priority, "normal");
  const give = (name: string, priority: "high" | "normal" | "low") =>
    coordinator.command(idOf(name), { kind: "prioritize", priority });
  await give("c", "high");
  await give("b", "low");
  await give("l", "normal");
  assertEquals(await line.waiting(), "chldb");
  assertEquals(await line.go(), "achldb");
});

Deno.test("an order outlives a restart, and a paused one keeps its place", async () => {
  await using line = await startLine("abcd");
  const { coordinator, directory, idOf } = line;
  await coordinator.move([idOf("d")], "top");
  await coordinator.command(idOf("c"), { kind: "pause" });
  await coordinator.command(idOf("b"), { kind: "prioritize", priority: "low" });
  await line.close();
  await using again = await startDownloads({ directory, maxDownloads: 0 });
  await again.coordinator.command(idOf("c"), { kind: "resume" });
  const { statuses } = await again.lists.list(WAITING);
  assertEquals(statuses.map(({ id }) => id), ["d", "a", "c", "b"].map(idOf));
});

Deno.test("those that cannot be moved are told, and clients hear of an order", async () => {
  await using line = await startLine("abc");
  const { coordinator, idOf, told } = line;
  const before = told.length;
  const left = await coordinator.move([idOf("c"), "none"], "top");
  assertEquals([...left].map(([id, { code }]) => [id, code]), [
    ["none", "UNKNOWN_ID"],
  ]);
  await line.until(idOf("c"), () => told.slice(before).some(isNews));
  await line.go();
  await assertRejects(
    () => coordinator.move([idOf("b")], { before: "none" }),
    DownloadError,
    "no download of this id",
  );
  const over = await coordinator.move([idOf("b")], "top");
  assertEquals(over.get(idOf("b"))?.code, "WRONG_STATE");

  function isNews({ reordered, changed }: Changes): boolean {
    return reordered === true && changed.some(({ id }) => id === idOf("c"));
  }
});

Deno.test("a list in the queue's order has what runs first, and what is over last", async () => {
  await using line = await startLine("abcd");
  const { coordinator, idOf, lists } = line;
  const names = async (offset: number, limit: number, order = "queue") => {
    const statuses = [
      "Queued",
      "Downloading",
      "Paused",
      "Downloaded",
      "Failed",
    ] as const;
    const page = { ...WAITING, statuses, offset, limit };
    const found = await lists.list({ ...page, order } as StatusPageRequest);
    assertEquals(found.total, 4);
    return found.statuses.map(({ id }) =>
      ["a", "b", "c", "d"].find((name) => idOf(name) === id)
    ).join("");
  };
  await coordinator.command(idOf("d"), {
    kind: "prioritize",
    priority: "high",
  });
  await coordinator.command(idOf("b"), { kind: "pause" });
  assertEquals(await names(0, 9), "adbc");
  assertEquals(await names(1, 2), "db");
  assertEquals(await names(3, 2), "c");
  assertEquals(await names(4, 2), "");
  assertEquals(await names(0, 9, "-queue"), "cbda");
  await coordinator.command(idOf("b"), { kind: "resume" });
  await line.go();
  assertEquals(await names(0, 9), "dcba");
});

Deno.test("over the socket, a place is counted among those that wait", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { MAX_DOWNLOADS: "1", THREADS_PER_HOST: "1" },
  });
  await using client = await sluice.connect();
  const gate = Promise.withResolvers<void>();
  const ids: string[] = [];
  for (const name of ["a", "b", "c", "d", "e"]) {
    const url = origin.serve(`/${name}`, file(100, 1), {
      gates: { head: () => gate.promise },
    });
    const reply = await client.request({ url, priority: null });
    if ("data" in reply && "id" in reply.data) ids.push(reply.data.id ?? "");
    if (name === "a") await origin.request(({ path }) => path === "/a");
  }
  const [a, b, c, d, e] = ids;
  async function move(fields: Record<string, unknown>) {
    const reply = await client.request({ action: "move", ...fields });
    const page = { action: "list", status: ["Queued"], order: "queue" };
    const list = await client.request(page);
    const found = "data" in list && Array.isArray(list.data) ? list.data : [];
    return [reply, found.map(({ id }) => id)] as const;
  }
  const [moved, first] = await move({ id: d, to: 1 });
  assertEquals("data" in moved && moved.data, {
    message: "Download has been moved.",
    id: d,
  });
  assertEquals(first, [d, b, c, e]);
  assertEquals((await move({ id: d, to: 3 }))[1], [b, c, d, e]);
  assertEquals((await move({ ids: [b, c], to: 2 }))[1], [d, b, c, e]);
  assertEquals((await move({ id: d, to: 99 }))[1], [b, c, e, d]);
  assertEquals((await move({ id: d, before: c }))[1], [b, d, c, e]);
  const [some] = await move({ ids: [b, "none"], to: "down" });
  assertEquals("data" in some && some.data, {
    message: "Downloads moved: 1; 1 left as they were.",
    done: 1,
    left: 1,
    refused: [{
      id: "none",
      code: "UNKNOWN_ID",
      message: "There is no download of this id.",
    }],
  });
  assertEquals(codeOf((await move({ id: "none", to: "up" }))[0]), "UNKNOWN_ID");
  const given = await client.request({
    ...{ action: "prioritize", ids: [e, a], priority: "high" },
  });
  assertEquals("data" in given && given.data, {
    message: "Downloads given a priority: 2.",
    ...{ done: 2, left: 0, refused: [] },
  });
  assertEquals((await move({ id: d, to: "top" }))[1], [e, d, b, c]);
  gate.resolve();
});
