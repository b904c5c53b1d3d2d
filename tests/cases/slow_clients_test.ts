/** Clients that do not read, say nothing, or ask for much. */

import { assert, assertEquals, assertLess } from "@std/assert";
import type { Status } from "../../lib/status/status.ts";
import { assertServes, memoryOf, untilSockets } from "../support/health.ts";
import { file, forever, startOrigin } from "../support/origin.ts";
import {
  connectRaw,
  connectRawSocket,
  frameOf,
  HANDSHAKE,
  head,
  TEXT,
} from "../support/raw.ts";
import { addAll, codeOf, waitingDownloads } from "../support/requests.ts";
import { startSluice } from "../support/sluice.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

Deno.test("a client that never reads costs little, and is told the last state", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { BROADCAST_TIMEOUT: "20", LOG_FORMAT: "json" },
  });
  await using client = await sluice.connect();
  const gate = Promise.withResolvers<void>();
  // Not more than the finished downloads that a snapshot holds.
  const urls = waitingDownloads(origin, 90, gate.promise, 8_000);
  const ids = await addAll(client, urls);
  const before = await memoryOf(sluice);
  const slow = await Promise.all(
    Array.from({ length: 20 }, () => connectRawSocket(sluice)),
  );
  try {
    let bytes = 0;
    client.socket.addEventListener("message", ({ data }) => {
      bytes += data.length;
    });
    // More than the system's own buffers of a connection hold.
    while (bytes < 24 * MiB) {
      for (const action of ["pause", "resume"]) {
        const replies = ids.map((id) => client.request({ action, id }));
        for (const reply of await Promise.all(replies)) {
          assert("data" in reply, JSON.stringify(reply));
        }
      }
    }
    const growth = await memoryOf(sluice) - before;
    assertLess(growth, slow.length * bytes / 3);
    gate.resolve();
    for (const id of ids) {
      // It may not have been told yet that the last of them was resumed.
      await client.until(
        id,
        ({ process_status: state }) => state === "Downloaded",
      );
    }
    const latest = new Map<string, Status>();
    const late = slow[0];
    assert(late);
    while (!isAllDownloaded(latest, ids)) {
      const message = await late.message();
      assert(message !== null, "The slow client was cut off");
      if (!("data" in message) || !Array.isArray(message.data)) continue;
      if ("snapshot" in message) latest.clear();
      for (const status of message.data) latest.set(status.id, status);
    }
  } finally {
    for (const socket of slow) socket[Symbol.dispose]();
  }
  await untilSockets(sluice, 1);
  await assertServes(sluice, origin, client);
});

function isAllDownloaded(
  statuses: ReadonlyMap<string, Status>,
  ids: readonly string[],
): boolean {
  return ids.every((id) => statuses.get(id)?.process_status === "Downloaded");
}

Deno.test("one that asks for all again and again, and never reads, is cut off", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { THREADS_PER_HOST: "4" },
  });
  await using client = await sluice.connect();
  const urls = waitingDownloads(origin, 500, forever(), 8_000);
  await addAll(client, urls);
  const before = await memoryOf(sluice);
  {
    using socket = await connectRawSocket(sluice);
    const question = frameOf(
      TEXT,
      JSON.stringify({ action: "list", limit: 1_000 }),
    );
    const flood = new Uint8Array(1_000 * question.length);
    for (let n = 0; n < 1_000; n++) flood.set(question, n * question.length);
    await socket.write(flood);
    while (!sluice.output().includes("client too slow")) {
      await client.request({ action: "list", limit: 1 });
    }
    const growth = await memoryOf(sluice) - before;
    assertLess(growth, 300 * MiB);
    await assertServes(sluice, origin, client);
  }
  await untilSockets(sluice, 1);
  await assertServes(sluice, origin, client);
  const said = sluice.output().match(/client too slow/g)?.length ?? 0;
  assertLess(said, 10);
});

Deno.test("whoever says nothing, or half of something, keeps nobody out", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  const whole = head(HANDSHAKE);
  const beginnings = [
    "",
    "G",
    whole.slice(0, 40),
    whole.slice(0, -2),
    head({ Host: "localhost", "Content-Length": "9" }, "POST /login HTTP/1.1"),
  ];
  const silent: Disposable[] = [];
  try {
    for (let n = 0; n < 300; n++) {
      const raw = await connectRaw(sluice);
      silent.push(raw);
      await raw.write(beginnings[n % beginnings.length] ?? "");
    }
    for (let n = 0; n < 100; n++) {
      const socket = await connectRawSocket(sluice);
      silent.push(socket);
      const text = frameOf(TEXT, '{"action": "list"}');
      await socket.write(text.subarray(0, n % text.length));
    }
    await assertServes(sluice, origin);
    await assertServes(sluice, origin, client);
  } finally {
    for (const raw of silent) raw[Symbol.dispose]();
  }
  await untilSockets(sluice, 1);
  await assertServes(sluice, origin);
});

Deno.test("who asks for what takes long leaves others their turn", async () => {
  await using origin = await startOrigin();
  const flags = ["--threads-amount=1"];
  await using sluice = await startSluice({ flags });
  await using client = await sluice.connect();
  const url = origin.serve("/a", file(1), { gates: { head: forever } });
  for (let n = 0; n < 20; n++) {
    await client.request({
      urls: Array.from({ length: 1_000 }, (_, k) => `${url}?${n}-${k}`),
    });
  }
  const searches = 60;
  const begun = Promise.withResolvers<void>();
  const own = Promise.withResolvers<void>();
  let answered = 0;
  const greedy = new WebSocket(sluice.url);
  greedy.onmessage = ({ data }) => {
    if (!data.includes("request_id")) return;
    if (data.includes('"own"')) return own.resolve();
    answered++;
    begun.resolve();
  };
  greedy.onopen = () => {
    for (let n = 0; n < searches; n++) {
      const search = { action: "list", search: `none ${n}`, request_id: n };
      greedy.send(JSON.stringify(search));
    }
  };
  await begun.promise;
  await client.request({ action: "list", limit: 1 });
  assertLess(answered, searches);
  // What else it asks for does not wait for its own lists, either.
  greedy.send(JSON.stringify({ action: "pause", id: "x", request_id: "own" }));
  await own.promise;
  assertLess(answered, searches);
  const closed = Promise.withResolvers<void>();
  greedy.onclose = () => closed.resolve();
  greedy.close();
  await closed.promise;
});

Deno.test("one that searches on and on is told, and others have their turn", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({ flags: ["--threads-amount=1"] });
  await using client = await sluice.connect();
  const url = origin.serve("/a", file(1), { gates: { head: forever } });
  await addAll(client, Array.from({ length: 5_000 }, (_, n) => `${url}?${n}`));
  await using greedy = await sluice.connect();
  let answered = 0;
  const searches = Array.from({ length: 500 }, async (_, n) => {
    const search = { action: "list", search: `none ${n}` };
    const reply = await greedy.request(search);
    answered++;
    return codeOf(reply);
  });
  await client.request({ action: "list", search: "all of one" });
  assertLess(answered, 500);
  const codes = await Promise.all(searches);
  const found = codes.filter((code) => code === "no error").length;
  assertEquals(new Set(codes), new Set(["no error", "TOO_MUCH"]));
  assertLess(100 - 1, found);
  // Once it has read them, it may ask again.
  const reply = await greedy.request({ action: "list", limit: 1 });
  assertEquals(codeOf(reply), "no error");
});

Deno.test("who sends on and on without a wait for replies is told what was not read", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { MESSAGE_LENGTH: "10000" },
    flags: ["--threads-amount=1"],
  });
  await using client = await sluice.connect();
  await using hasty = await sluice.connect();
  const url = origin.serve("/a", file(1), { gates: { head: forever } });
  // They are added together, a moment after they came. The id of each is the last
  // field, or in the middle, where the client's own value replaces the 0.
  const codes = await Promise.all(
    Array.from({ length: 1_000 }, async (_, n) => {
      const last = { url: `${url}?${n}` };
      const middle = { ...last, request_id: 0, threads: 1 };
      return codeOf(await hasty.request(n % 2 === 0 ? last : middle));
    }),
  );
  assertEquals(codes[0], "no error");
  assertEquals(new Set(codes), new Set(["no error", "TOO_MUCH"]));
  const added = codes.filter((code) => code === "no error").length;
  const list = await client.request({ action: "list", limit: 1 });
  assertEquals("total" in list && list.total, added);
  // Once it has waited, it is heard.
  const reply = await hasty.request({ url });
  assertEquals(codeOf(reply), "no error");
});
