/** Limited rates, through real sockets. */

import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
} from "@std/assert";
import { DownloadError } from "../../lib/download/errors.ts";
import { SEVERAL_WORKERS, startDownloads } from "../support/downloads.ts";
import { makeDirectory } from "../support/directory.ts";
import { type Behaviour, file, startOrigin } from "../support/origin.ts";
import { assertDownloaded } from "../support/status.ts";

const RATE = 200_000;
/** One and a half seconds at that rate. */
const WHOLE = file(300_000, 1);
/** So slow that nothing ends by itself. */
const CRAWL = 1_000;

for (
  const [by, options, fields] of [
    ["server", { limitRate: RATE, limitRatePerHost: 2 * RATE }, {}],
    ["host", { limitRatePerHost: RATE }, { limit_rate: 2 * RATE }],
    ["download", {}, { limit_rate: RATE }],
  ] as const
) {
  for (const threads of [1, 4]) {
    Deno.test(`the ${by}'s rate holds, with ${threads} threads`, async () => {
      await using origin = await startOrigin();
      await using downloads = await startDownloads({
        ...SEVERAL_WORKERS,
        ...options,
      });
      const url = origin.serve("/a", WHOLE);
      const started = performance.now();
      const id = await downloads.add({ url, threads, ...fields });
      await downloads.until(id, ({ limited_by }) => limited_by === by);
      await assertDownloaded(await downloads.end(id), WHOLE, "a");
      const seconds = (performance.now() - started) / 1000;
      // It may take longer on a busy machine, and never less.
      assertGreaterOrEqual(seconds, WHOLE.size / RATE);
    });
  }
}

for (
  const [what, behaviour] of Object.entries<Behaviour>({
    "decompressed": {
      encoding: "gzip",
      framing: "chunked",
      headers: {
        "Content-Encoding": null,
        "Transfer-Encoding": "gzip, chunked",
      },
    },
    "looked at first": { headers: { "Content-Encoding": "gzip" } },
    "read over a connection of ours": { headers: { "X-Folded": "1\r\n 2" } },
  })
) {
  Deno.test(`what comes in larger pieces than may be read is all there: ${what}`, async () => {
    await using origin = await startOrigin();
    await using downloads = await startDownloads({
      ...SEVERAL_WORKERS,
      limitRate: RATE,
    });
    const whole = file(100_000, 3);
    const url = origin.serve("/a", whole, behaviour);
    const status = await downloads.end(await downloads.add({ url }));
    await assertDownloaded(status, whole, "a");
  });
}

Deno.test("small files share the rate", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads({
    ...SEVERAL_WORKERS,
    limitRate: RATE,
  });
  const small = file(3_000, 2);
  const started = performance.now();
  const ids = await Promise.all(
    Array.from(
      { length: 100 },
      (_, n) => downloads.add({ url: origin.serve(`/${n}`, small) }),
    ),
  );
  for (const id of ids) await assertDownloaded(await downloads.end(id), small);
  const seconds = (performance.now() - started) / 1000;
  assertGreaterOrEqual(seconds, 100 * small.size / RATE);
});

Deno.test("who waits for leave is neither stalled nor slow", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads({
    ...SEVERAL_WORKERS,
    limitRate: CRAWL,
    stallTimeout: 1_500,
    answerTimeout: 1_500,
  });
  const id = await downloads.add({ url: origin.serve("/a", WHOLE) });
  await downloads.until(id, ({ downloaded }) => downloaded > 4 * CRAWL);
  const { requests } = origin;
  assertEquals(requests.length, 4);
  for (const request of requests) assert(!request.signal.aborted);
  downloads.coordinator.limit({ rates: { server: null, host: null } });
  await assertDownloaded(await downloads.end(id), WHOLE, "a");
  const setbacks = downloads.log.filter(({ event }) => event === "setback");
  assertEquals(setbacks, []);
});

Deno.test("a rate is set while threads run, and they go on", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads({
    ...SEVERAL_WORKERS,
    limitRatePerHost: CRAWL,
  });
  const { coordinator } = downloads;
  const id = await downloads.add({ url: origin.serve("/a", WHOLE) });
  await downloads.until(
    id,
    ({ limited_by, threads }) => limited_by === "host" && threads === 4,
  );
  const limit = (limitRate: number | null) =>
    coordinator.command(id, { kind: "limit", limitRate });
  await limit(CRAWL / 2);
  assertEquals(coordinator.get(id)?.limited_by, "download");
  coordinator.limit({ rates: { server: null, host: null } });
  assertEquals(coordinator.get(id)?.limited_by, "download");
  // So slow that no slice has ended: its threads were not begun anew.
  for (const { signal } of origin.requests) assert(!signal.aborted);
  await limit(null);
  assertEquals(coordinator.get(id)?.limit_rate, null);
  await assertDownloaded(await downloads.end(id), WHOLE, "a");
});

/** Bytes that are there before a limit is set. */
const BEFORE = 100_000;

/** A download whose one thread waits for what comes behind its first bytes. */
async function startHalfway() {
  await using started = new AsyncDisposableStack();
  const origin = started.use(await startOrigin());
  const downloads = started.use(
    await startDownloads({ ...SEVERAL_WORKERS, threadsAmount: 1 }),
  );
  const behind = Promise.withResolvers<void>();
  const url = origin.serve("/a", WHOLE, {
    ranges: "ignore",
    gates: { [BEFORE]: () => behind.promise },
  });
  const id = await downloads.add({ url });
  await downloads.until(id, ({ downloaded }) => downloaded === BEFORE);
  const stack = started.move();
  return {
    downloads,
    id,
    /** Sets a limit, and has the rest come. */
    goOn(server: number) {
      downloads.coordinator.limit({ rates: { server, host: null } });
      behind.resolve();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("threads that run without a limit get one", async () => {
  await using halfway = await startHalfway();
  const { downloads, id } = halfway;
  const started = performance.now();
  halfway.goOn(RATE);
  await assertDownloaded(await downloads.end(id), WHOLE, "a");
  const seconds = (performance.now() - started) / 1000;
  // What one read brings had been asked for without a limit.
  assertGreaterOrEqual(seconds, (WHOLE.size - BEFORE - 2 * 65_536) / RATE);
});

Deno.test("what was asked for before there was a limit is not owed to it", async () => {
  await using halfway = await startHalfway();
  const { downloads, id } = halfway;
  halfway.goOn(CRAWL);
  const { downloaded } = await downloads.until(
    id,
    ({ downloaded }) => downloaded > BEFORE,
  );
  const started = performance.now();
  await downloads.until(id, (status) => status.downloaded > downloaded);
  const seconds = (performance.now() - started) / 1000;
  assertLess(seconds, (downloaded - BEFORE) / CRAWL / 2);
});

Deno.test("a download keeps its rate over restarts and other URLs", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a", WHOLE);
  let id = "";
  {
    await using downloads = await startDownloads({
      ...SEVERAL_WORKERS,
      directory: directory.path,
    });
    id = await downloads.add({ url, limit_rate: CRAWL });
    await downloads.until(id, ({ downloaded }) => downloaded > 0);
    const limitRate = 2 * CRAWL;
    await downloads.coordinator.command(id, { kind: "limit", limitRate });
    await downloads.close();
  }
  await using downloads = await startDownloads({
    ...SEVERAL_WORKERS,
    directory: directory.path,
  });
  const { coordinator } = downloads;
  assertEquals(coordinator.get(id)?.limit_rate, 2 * CRAWL);
  await coordinator.command(id, { kind: "refresh", url: `${url}?anew` });
  assertEquals(coordinator.get(id)?.limit_rate, 2 * CRAWL);
  await coordinator.command(id, { kind: "limit", limitRate: null });
  origin.serve("/a?anew", WHOLE);
  await assertDownloaded(await downloads.end(id), WHOLE, "a");
  const error = await coordinator.command(id, { kind: "limit", limitRate: 1 })
    .catch((error) => error);
  assert(error instanceof DownloadError);
  assertEquals(error.code, "WRONG_STATE");
});
