/** Each wait has a time-out of its own. */

import { assertEquals } from "@std/assert";
import { forever } from "../support/origin.ts";
import { NO_PROXIES, startProxy } from "../support/proxy.ts";
import { startSilence } from "../support/silence.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import { endAlone, startTrial, where, WHOLE } from "../support/trial.ts";

Deno.test("a host that takes no connection is given up in time", async () => {
  using silence = await startSilence();
  await using trial = await startTrial({ connectTimeout: 500, attempts: 2 });
  const status = await trial.end(`http://${silence.address}/a`);
  assertFailed(status, "REFUSED", /takes no connection for 0.5 s.*retry/);
});

Deno.test("an https host that takes no connection is given up in time", async () => {
  using silence = await startSilence();
  await using trial = await startTrial({ connectTimeout: 500, attempts: 2 });
  const status = await trial.end(`https://${silence.address}/a`);
  assertFailed(status, "REFUSED", /takes no connection for 0.5 s.*retry/);
});

Deno.test("a proxy that takes no connection is blamed in time", async () => {
  using silence = await startSilence();
  const http = `http://${silence.address}`;
  const proxies = { ...NO_PROXIES, http };
  const options = { proxies, connectTimeout: 500, attempts: 2 };
  await using trial = await startTrial(options);
  const url = trial.origin.serve("/a", WHOLE);
  const id = await trial.downloads.add({ url });
  const status = await trial.downloads.end(id);
  assertFailed(status, "PROXY", /takes no connection for 0.5 s.*retry/);
});

/**
 * Waits that are told apart: a look at 100 ms, a stall after 3 s, which is longer
 * than a busy machine keeps a process waiting.
 */
const TOLD_APART = {
  connectTimeout: 3_000,
  stallTimeout: 3_000,
  answerTimeout: 20_000,
};

function late(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5_000));
}

Deno.test("an answer that begins late is waited for, and asked for once", async () => {
  await using trial = await startTrial(TOLD_APART);
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    where(({ n }) => n === 0, {
      gates: { head: late },
    }),
  );
  const status = await endAlone(trial, url);
  await assertDownloaded(status, WHOLE, "a");
  const first = trial.origin.requests.filter(({ range }) => range?.start === 0);
  assertEquals(first.length, 1);
});

Deno.test("where each answer begins late, a small file takes one", async () => {
  const options = { ...TOLD_APART, bytesAmount: 2 * WHOLE.size };
  await using trial = await startTrial(options);
  const url = trial.origin.serve("/a", WHOLE, { gates: { head: late } });
  await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
  assertEquals(trial.origin.requests.length, 1);
});

Deno.test("an answer that begins late behind a proxy is waited for", async () => {
  await using proxy = await startProxy();
  const proxies = { ...NO_PROXIES, http: `http://${proxy.address}` };
  await using trial = await startTrial({ ...TOLD_APART, proxies });
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    where(({ n }) => n === 0, {
      gates: { head: late },
    }),
  );
  await assertDownloaded(await endAlone(trial, url), WHOLE, "a");
});

Deno.test("an answer that has begun and stalls is not waited for as long", async () => {
  await using trial = await startTrial({ ...TOLD_APART, attempts: 2 });
  const url = trial.origin.serve("/a", WHOLE, { gates: { 0: forever } });
  const status = await trial.end(url);
  assertFailed(status, "STALLED", /nothing for 3 s.*retry/);
});

Deno.test("an answer that never begins is given up in time", async () => {
  const options = { ...TOLD_APART, answerTimeout: 1_500, attempts: 2 };
  await using trial = await startTrial(options);
  const url = trial.origin.serve("/a", WHOLE, { gates: { head: forever } });
  assertFailed(await trial.end(url), "STALLED", /nothing for 1.5 s.*retry/);
});
