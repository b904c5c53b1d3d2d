/** HTTPS. */

import { assertEquals } from "@std/assert";
import { caCertificate } from "../support/certificate.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import { startTrial, TLS, where, WHOLE } from "../support/trial.ts";

Deno.test("HTTPS with an unknown certificate is a clear error", async () => {
  await using trial = await startTrial({}, TLS);
  const url = trial.origin.serve("/a", WHOLE);
  assertFailed(await trial.end(url), "TLS", /not trusted.*CA_FILE/);
  assertEquals(trial.origin.requests, []);
});

Deno.test("HTTPS with a CA that the user names", async () => {
  await using trial = await startTrial({ caCerts: [caCertificate] }, TLS);
  const url = trial.origin.serve("/a", WHOLE);
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

Deno.test("HTTPS to a port that speaks HTTP is a clear error", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE).replace("http:", "https:");
  assertFailed(await trial.end(url), "TLS", /does not speak TLS.*check/);
});

Deno.test("HTTP to a port that speaks HTTPS is an error", async () => {
  await using trial = await startTrial({}, TLS);
  const url = trial.origin.serve("/a", WHOLE).replace("https:", "http:");
  assertFailed(await trial.end(url), "UNREADABLE", /check the URL/);
});

Deno.test("HTTPS that is cut without a goodbye goes on from there", async () => {
  await using trial = await startTrial({ caCerts: [caCertificate] }, TLS);
  const cut = { after: 1000, by: "reset" } as const;
  const url = trial.origin.serve("/a", WHOLE, where(({ n }) => n < 3, { cut }));
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});
