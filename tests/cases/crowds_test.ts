/** Many clients at once. */

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import {
  assertCalm,
  assertServes,
  memoryOf,
  metric,
  openFilesOf,
  printed,
  untilSockets,
} from "../support/health.ts";
import { file, startOrigin } from "../support/origin.ts";
import {
  connectRaw,
  connectRawSocket,
  type Raw,
  type RawSocket,
} from "../support/raw.ts";
import { startSluice } from "../support/sluice.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

Deno.test("with no connection left to give, those who are in are served on", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  await assertServes(sluice, origin, client); // its workers have started
  const open = await openFilesOf(sluice);
  const limit = open + 100;
  await printed("prlimit", "-p", `${sluice.pid}`, `--nofile=${limit}`);
  const silent: Raw[] = [];
  try {
    while (!sluice.output().includes("not listening")) {
      try {
        silent.push(await connectRaw(sluice));
      } catch (error) {
        // Refused, or reset as the listener goes: both are for the next try.
        assertMatch(String(error), /refused|reset/);
        await client.request({ action: "list", limit: 1 });
      }
      assertLess(silent.length, 10_000);
    }
    const page = await client.request({ action: "list" });
    assert("data" in page && Array.isArray(page.data));
  } finally {
    for (const raw of silent) raw[Symbol.dispose]();
  }
  await assertServes(sluice, origin, client);
  // It listens again by and by.
  for (;;) {
    try {
      using socket = await connectRawSocket(sluice);
      if (socket.status === 101) break;
    } catch {
      await client.request({ action: "list", limit: 1 });
    }
  }
  await assertServes(sluice, origin);
});

Deno.test("of 1,000 that come and go, nothing stays", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  await assertServes(sluice, origin, client);
  const files = await openFilesOf(sluice);
  const before = await memoryOf(sluice);
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 100 }, async (_, n) => {
      if (n % 2 === 0) {
        await using visitor = await sluice.connect();
        await visitor.request({ action: "list" });
      } else {
        using visitor = await connectRawSocket(sluice);
        await visitor.send({ action: "list" }); // and gone, without a word
      }
    }));
  }
  await untilSockets(sluice, 1);
  const growth = await memoryOf(sluice) - before;
  assertLess(growth, 100 * MiB);
  while (await openFilesOf(sluice) > files + 5) {
    await client.request({ action: "list", limit: 1 });
  }
  await assertServes(sluice, origin, client);
  assertCalm(sluice);
});

Deno.test("5,000 at once are all told", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  const before = await memoryOf(sluice);
  const most = Number(await printed("bash", "-c", "ulimit -n")) - 500;
  const count = Math.min(5_000, most);
  if (count < 5_000) console.log(`Only ${count}: ulimit -n allows no more.`);
  const sockets: RawSocket[] = [];
  try {
    while (sockets.length < count) {
      const some = Array.from({ length: 250 }, () => connectRawSocket(sluice));
      sockets.push(...await Promise.all(some));
    }
    assert(sockets.every(({ status }) => status === 101));
    assertEquals(await metric(sluice, "sluice_sockets"), sockets.length + 1);
    const growth = await memoryOf(sluice) - before;
    assertLess(growth / sockets.length, 100 * KiB);
    const url = origin.serve("/told", file(10 * KiB));
    const id = await client.add({ url });
    await Promise.all(sockets.map((socket) => untilDownloaded(socket, id)));
    await assertServes(sluice, origin, client);
  } finally {
    for (const socket of sockets) socket[Symbol.dispose]();
  }
  await untilSockets(sluice, 1);
  await assertServes(sluice, origin, client);
});

Deno.test("more than can be told in a tick are all told in the end", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { BROADCAST_TIMEOUT: "10" },
  });
  await using client = await sluice.connect();
  const sockets = await Promise.all(
    Array.from({ length: 300 }, () => connectRawSocket(sluice)),
  );
  try {
    const url = origin.serve("/told", file(300 * KiB), { rate: 300 * KiB });
    const id = await client.add({ url });
    await Promise.all(sockets.map((socket) => untilDownloaded(socket, id)));
  } finally {
    for (const socket of sockets) socket[Symbol.dispose]();
  }
  await assertServes(sluice, origin, client);
});

Deno.test("beyond SOCKETS_AMOUNT clients are told to come later", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { SOCKETS_AMOUNT: "2" },
  });
  await using client = await sluice.connect();
  {
    await using _other = await sluice.connect();
    using third = await connectRawSocket(sluice);
    assertEquals(third.status, 503);
    await assertServes(sluice, origin, client);
  }
  await untilSockets(sluice, 1);
  await assertServes(sluice, origin);
});

/** Resolves once a client is told that a download is finished. */
async function untilDownloaded(socket: RawSocket, id: string): Promise<void> {
  for (;;) {
    const message = await socket.message();
    assert(message !== null);
    if (!("data" in message) || !Array.isArray(message.data)) continue;
    const told = message.data.find((status) => status.id === id);
    if (told?.process_status === "Downloaded") return;
  }
}
