/** Commands, in every state and in quick succession. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { exists } from "@std/fs";
import { assertCalm, assertServes } from "../support/health.ts";
import { file, forever, startOrigin } from "../support/origin.ts";
import { codeOf } from "../support/requests.ts";
import { startSluice } from "../support/sluice.ts";
import { assertDownloaded } from "../support/status.ts";
import { REMOVE, SLICE, startTrial } from "../support/trial.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

const COMMANDS = ["pause", "resume", "retry", "refresh", "remove"] as const;
type Action = typeof COMMANDS[number];

Deno.test("a command for no download is an error, whatever the id", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  const url = origin.serve("/a", file(KiB));
  const id = await client.add({ url });
  await client.end(id);
  assert("data" in await client.request({ action: "remove", id }));
  const ids = [id, "", "0", crypto.randomUUID(), "__proto__", "' OR 1=1 --"];
  for (const id of [...ids, "\0", "%", "../../x", "\ud800"]) {
    for (const action of COMMANDS) {
      const rest = action === "refresh" ? { url } : {};
      const reply = await client.request({ action, id, ...rest });
      assertEquals(codeOf(reply), "UNKNOWN_ID", `${action} ${id}`);
    }
  }
  await assertServes(sluice, origin, client);
});

/** Which commands a download obeys, and how it then stands. */
const OBEYED: Record<string, Partial<Record<Action, string>>> = {
  Queued: {
    pause: "Paused",
    refresh: "Queued",
    remove: "removed",
  },
  Downloading: {
    pause: "Paused",
    refresh: "Downloading",
    remove: "removed",
  },
  Paused: {
    resume: "Queued",
    retry: "Queued",
    refresh: "Queued",
    remove: "removed",
  },
  Failed: {
    retry: "Failed",
    refresh: "Failed",
    remove: "removed",
  },
  Downloaded: { remove: "removed" },
};

Deno.test("in every state, a command is obeyed or refused", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { THREADS_AMOUNT: "1", BROADCAST_TIMEOUT: "20" },
  });
  await using client = await sluice.connect();
  const small = origin.serve("/small", file(KiB));
  const missing = origin.serve("/missing", null);
  const held = origin.serve("/held", file(KiB), { gates: { 10: forever } });
  const inState = async (state: string) => {
    const url = { Downloaded: small, Failed: missing }[state] ?? held;
    const id = await client.add({ url });
    if (state === "Paused") await client.request({ action: "pause", id });
    await client.until(id, ({ process_status: now }) => now === state);
    return { id, url };
  };
  /** With its one thread held, what is added next stays in the queue. */
  async function holdingThread<T>(run: () => Promise<T>): Promise<T> {
    const id = await client.add({ url: held });
    await client.until(id, ({ threads }) => threads === 1);
    const result = await run();
    await client.request({ action: "remove", id });
    return result;
  }
  for (const [state, obeyed] of Object.entries(OBEYED)) {
    for (const action of COMMANDS) {
      const run = async () => {
        const { id, url } = await inState(state);
        const rest = action === "refresh" ? { url } : {};
        const reply = await client.request({ action, id, ...rest });
        const expected = obeyed[action];
        const what = `${action} of ${state}: ${JSON.stringify(reply)}`;
        if (expected === undefined) {
          assertEquals(codeOf(reply), "WRONG_STATE", what);
        } else assert("data" in reply, what);
        if (expected !== "removed") {
          await client.until(
            id,
            ({ process_status: now }) => now === (expected ?? state),
          );
          const last = await client.request({ action: "remove", id });
          assert("data" in last, what);
        }
      };
      if (state === "Queued" || state === "Paused") await holdingThread(run);
      else await run();
    }
  }
  await assertServes(sluice, origin, client);
});

Deno.test("pause, resume and remove in quick succession are carried out in turn", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  const whole = file(2 * MiB);
  const url = origin.serve("/quick", whole, { rate: MiB / 2 });
  const id = await client.add({ url });
  await client.until(id, ({ threads }) => threads > 0);
  const replies = await Promise.all(
    ["pause", "resume", "pause", "pause", "resume", "remove", "pause"].map(
      (action) => client.request({ action, id }),
    ),
  );
  assertEquals(replies.map(codeOf), [
    "no error",
    "no error",
    "no error",
    "WRONG_STATE",
    "no error",
    "no error",
    "UNKNOWN_ID",
  ]);
  assert(!await exists(`${sluice.directory}/.sluice/parts/${id}`));
  assert(!await exists(`${sluice.directory}/quick`));
  await assertServes(sluice, origin, client);
  assertCalm(sluice);
});

Deno.test("what became of a download is told though its part cannot be removed", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { MAX_DOWNLOADS: "1" },
  });
  await using client = await sluice.connect();
  const held = { gates: { head: forever } };
  await client.add({ url: origin.serve("/first", file(KiB), held) });
  const id = await client.add({ url: origin.serve("/next", file(KiB)) });
  // Not even root removes a directory with something in it as it removes a file.
  const part = `${sluice.directory}/.sluice/parts/${id}`;
  await Deno.mkdir(`${part}/in-the-way`, { recursive: true });
  assertEquals(codeOf(await client.request({ action: "pause", id })), "DISK");
  await client.until(id, ({ process_status: now }) => now === "Paused");
  const removed = client.message((message) =>
    "removed" in message && message.removed?.includes(id) === true
  );
  assertEquals(codeOf(await client.request({ action: "remove", id })), "DISK");
  await removed;
});

Deno.test("many clients that command one download do not break it", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { BYTES_AMOUNT: "64KiB", BROADCAST_TIMEOUT: "20" },
  });
  const whole = file(4 * MiB, 7);
  const url = origin.serve("/shared", whole, { rate: 2 * MiB });
  await using owner = await sluice.connect();
  const id = await owner.add({ url });
  await owner.until(id, ({ threads }) => threads > 0);
  let seed = 25;
  const random = () => (seed = seed * 16_807 % 2_147_483_647) / 2_147_483_647;
  const clients = await Promise.all(
    Array.from({ length: 12 }, () => sluice.connect()),
  );
  try {
    const replies = await Promise.all(
      clients.flatMap((client) =>
        Array.from({ length: 40 }, () => {
          const action = COMMANDS[Math.floor(random() * 4)] ?? "pause";
          const rest = action === "refresh" ? { url } : {};
          return client.request({ action, id, ...rest });
        })
      ),
    );
    const codes = new Set(replies.map(codeOf));
    assertEquals([...codes].sort(), ["WRONG_STATE", "no error"]);
    await owner.request({ action: "resume", id });
    const [end] = await Promise.all(
      [...clients, owner].map(async (client) =>
        await client.until(
          id,
          ({ process_status: now }) => now === "Downloaded",
        )
      ),
    );
    assert(end !== undefined);
    await assertDownloaded(end, whole);
  } finally {
    for (const client of clients) await client[Symbol.asyncDispose]();
  }
  assertGreater(origin.requests.length, 1);
  assertCalm(sluice);
});

Deno.test("a command stands, whatever answer is on its way", async () => {
  await using trial = await startTrial();
  const { downloads: { coordinator, ...downloads }, origin } = trial;
  for (let n = 0; n < 50; n++) {
    const removed = Promise.withResolvers<void>();
    const added = Promise.withResolvers<string>();
    const remove = async () =>
      removed.resolve(coordinator.command(await added.promise, REMOVE));
    // Without a validator, the answer would have the whole asked for.
    const url = origin.serve(`/${n}`, file(4 * SLICE, n, { etag: null }), {
      gates: { 1: remove },
    });
    added.resolve(downloads.add({ url }));
    await removed.promise;
    assertEquals(coordinator.get(await added.promise), null);
  }
});
