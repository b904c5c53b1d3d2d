/** Origins that are busy or down, and the downloads that wait for them. */

import { assertEquals, assertGreater, assertLess } from "@std/assert";
import {
  type Behave,
  file,
  type Origin,
  type OriginRequest,
  redirect,
  startOrigin,
} from "../support/origin.ts";
import { assertDownloaded } from "../support/status.ts";
import { PATIENT, REMOVE, SLICE, startTrial, WHOLE } from "../support/trial.ts";

Deno.test("an origin that allows 50 requests a second", async () => {
  await using trial = await startTrial({
    threadsAmount: 8,
    threadsPerHost: 8,
    retryWait: 50,
  });
  let refused = 0;
  let taken = -Infinity;
  const behave: Behave = () => {
    const now = performance.now();
    if (now - taken >= 20) taken = now;
    else refused++;
    return taken === now ? {} : { status: 503 };
  };
  const small = file(100, 3);
  const urls = Array.from(
    { length: 60 },
    (_, n) => trial.origin.serve(`/${n}`, small, behave),
  );
  const ends = await Promise.all(
    urls.map(async (url) =>
      await trial.downloads.end(await trial.downloads.add({ url }))
    ),
  );
  for (const end of ends) await assertDownloaded(end, small);
  assertLess(refused, urls.length);
});

/** The first request of each attempt: a refused one is made again, plainly. */
function askedInRanges({ requests }: Origin): OriginRequest[] {
  return requests.filter(({ range }) => range !== null);
}

Deno.test("an origin that is down holds up no downloads from others", async () => {
  await using trial = await startTrial({ retryWait: 60_000 });
  const { downloads, origin } = trial;
  const down = { status: 503 };
  const ids = await Promise.all(Array.from(
    { length: 100 },
    (_, n) => downloads.add({ url: origin.serve(`/${n}`, WHOLE, down) }),
  ));
  await trial.good();
  // Those that failed wait: none has been tried twice, and only a few once.
  const tried = askedInRanges(origin).map(({ path }) => path);
  assertEquals(new Set(tried).size, tried.length);
  assertLess(tried.length, 25);
  for (const id of ids) await downloads.coordinator.command(id, REMOVE);
});

Deno.test("an origin that says nothing holds up no downloads from others", async () => {
  await using trial = await startTrial({ threadsAmount: 4, threadsPerHost: 4 });
  const { downloads, origin } = trial;
  const asked = Promise.withResolvers<void>();
  const spoken = Promise.withResolvers<void>();
  const silent = { gates: { head: () => (asked.resolve(), spoken.promise) } };
  const ids = await Promise.all(Array.from(
    { length: 8 },
    (_, n) => downloads.add({ url: origin.serve(`/${n}`, WHOLE, silent) }),
  ));
  await asked.promise;
  await trial.good();
  // It was only waited for.
  spoken.resolve();
  for (const [n, id] of ids.entries()) {
    await assertDownloaded(await downloads.end(id), WHOLE, `${n}`);
  }
});

for (const known of [true, false]) {
  const who = known ? "one that is known" : "one that nobody has asked";
  Deno.test(`many origins that say nothing leave room for ${who}`, async () => {
    await using trial = await startTrial({
      threadsAmount: 8,
      threadsPerHost: 8,
      // Longer than the test may take.
      answerTimeout: 600_000,
    });
    const { downloads } = trial;
    if (known) await trial.good();
    await using stack = new AsyncDisposableStack();
    const spoken = Promise.withResolvers<void>();
    const silent = { gates: { head: () => spoken.promise } };
    const origins = await Promise.all(
      Array.from({ length: 10 }, () => startOrigin()),
    );
    const ids: string[] = [];
    for (const origin of origins) {
      stack.use(origin);
      for (const path of ["/a", "/b"]) {
        ids.push(
          await downloads.add({
            url: origin.serve(path, WHOLE, silent),
          }),
        );
      }
    }
    // Each of the first has two threads: all are taken.
    await Promise.all(
      origins.slice(0, 4)
        .map((origin) => origin.request(({ path }) => path === "/b")),
    );
    await trial.good();
    await trial.good();
    // Some were asked to make way; none is worse off for it.
    spoken.resolve();
    for (const id of ids) {
      const { process_status: status } = await downloads.end(id);
      assertEquals(status, "Downloaded");
    }
  });
}

for (
  const [how, refused, code] of [
    ["answers 503", { status: 503 }, "BUSY"],
    ["answers 202", { status: 202 }, "BUSY"],
    ["closes the connection", { raw: "", cut: { after: 0, by: "fin" } }, null],
  ] as const
) {
  Deno.test(`a URL that ${how} for ever fails, and takes little of another's threads`, async () => {
    const threadsAmount = 8;
    await using trial = await startTrial({
      threadsAmount,
      threadsPerHost: threadsAmount,
    });
    const { downloads, origin } = trial;
    const whole = file(128 * SLICE, 4);
    const url = origin.serve("/a", whole, { rate: 250_000 });
    const good = await downloads.add({ url });
    await origin.request(({ running }) => running === threadsAmount);
    const bad = await downloads.add({
      url: origin.serve("/b", WHOLE, refused),
    });
    const status = await downloads.end(bad);
    assertEquals(status.process_status, "Failed");
    if (code !== null) assertEquals(status.error?.code, code);
    // Three refusals may have meant one thread too many.
    const { process_status } = await downloads.until(
      good,
      ({ threads, process_status }) =>
        threads >= threadsAmount - 4 || process_status === "Downloaded",
    );
    assertEquals(process_status, "Downloading");
  });
}

Deno.test("a download waits for its turn at an origin that serves one at a time", async () => {
  await using trial = await startTrial({ attempts: 3 });
  const { downloads, origin } = trial;
  const one: Behave = ({ running }) =>
    running > 1 ? { status: 429 } : { rate: 2_000_000 };
  const big = file(64 * SLICE, 1);
  const first = await downloads.add({ url: origin.serve("/a", big, one) });
  await downloads.until(first, ({ downloaded }) => downloaded > 0);
  const then = await downloads.add({ url: origin.serve("/b", WHOLE, one) });
  await assertDownloaded(await downloads.end(then), WHOLE, "b");
  await assertDownloaded(await downloads.end(first), big, "a");
});

for (
  const [how, broken] of [
    ["resets connections", { raw: "", cut: { after: 0, by: "reset" } }],
    ["answers 500", { status: 500 }],
    ["answers 503", { status: 503 }],
  ] as const
) {
  Deno.test(`a mirror that ${how} in the middle is left for another one`, async () => {
    await using trial = await startTrial(PATIENT);
    await using mirror = await startOrigin();
    await using another = await startOrigin();
    const whole = file(16 * SLICE, 3);
    let down = false;
    mirror.serve("/m", whole, ({ nth }) => {
      down ||= nth === 4;
      return down ? broken : {};
    });
    another.serve("/m", whole);
    const url = trial.origin.serve(
      "/a",
      null,
      () => redirect((down ? another : mirror).url("/m")),
    );
    await assertDownloaded(await trial.end(url), whole, "m");
  });
}

Deno.test("a whole file does not wait for a thread that was to come later", async () => {
  await using trial = await startTrial();
  const whole = file(2 * SLICE, 4);
  const later = { status: 429, headers: { "Retry-After": "600" } };
  const url = trial.origin.serve("/a", whole, ({ nth }) => {
    // Slow enough for the second one to begin beside it.
    if (nth === 0) return { rate: 400_000 };
    return nth === 1 ? { rate: 40_000 } : later;
  });
  const id = await trial.downloads.add({ url });
  await assertDownloaded(await trial.downloads.end(id), whole, "a");
  assertGreater(trial.origin.requests.length, 2);
});
