/** Redirects. */

import { assertEquals, assertGreater } from "@std/assert";
import { caCertificate } from "../support/certificate.ts";
import { filesIn } from "../support/directory.ts";
import { file, type Origin, redirect, startOrigin } from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  OTHER,
  PATIENT,
  startTrial,
  TLS,
  where,
  WHOLE,
} from "../support/trial.ts";

for (
  const [hops, status] of [
    [1, 301],
    [1, 302],
    [1, 303],
    [1, 307],
    [1, 308],
    [10, 302],
  ] as const
) {
  Deno.test(`${hops} × ${status} to the file`, async () => {
    await using trial = await startTrial();
    const { origin } = trial;
    serveHops(origin, hops, status);
    origin.serve(`/hop-${hops}`, WHOLE);
    const end = await trial.end(origin.url("/hop-0"));
    await assertDownloaded(end, WHOLE, `hop-${hops}`);
    // Later slices are asked for where the first one was found.
    const first = origin.requests.filter(({ path }) => path === "/hop-0");
    assertEquals(first.length, 1);
  });
}

function serveHops(origin: Origin, hops: number, status?: number) {
  for (let hop = 0; hop < hops; hop++) {
    const location = hop % 2 ? `hop-${hop + 1}` : origin.url(`/hop-${hop + 1}`);
    origin.serve(`/hop-${hop}`, null, redirect(location, status));
  }
}

Deno.test("eleven redirects are too many", async () => {
  await using trial = await startTrial();
  serveHops(trial.origin, 11);
  trial.origin.serve("/hop-11", WHOLE);
  const status = await trial.end(trial.origin.url("/hop-0"));
  assertFailed(status, "REDIRECT", /more than 10 times.*add/i);
});

Deno.test("a redirect loop is an error", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  origin.serve("/b", null, redirect("/a"));
  const url = origin.serve("/a", null, redirect("/b"));
  assertFailed(await trial.end(url), "REDIRECT", /more than 10 times.*add/i);
  assertEquals(origin.requests.length, 11);
});

for (const from of ["url", "headers"] as const) {
  Deno.test(`credentials in the ${from} do not follow to another host`, async () => {
    await using trial = await startTrial();
    await using other = await startOrigin();
    const targets = [
      other.serve("/b", WHOLE),
      trial.origin.serve("/c", WHOLE).replace("127.0.0.1", "localhost"),
    ];
    for (const [n, target] of targets.entries()) {
      const path = `/a-${n}`;
      const secret = { authorization: "Basic bWU6c2VjcmV0" };
      const served = trial.origin.serve(
        path,
        null,
        ({ headers }) =>
          headers.get("authorization") === secret.authorization
            ? redirect(target)
            : { status: 401 },
      );
      const url = new URL(served);
      if (from === "url") [url.username, url.password] = ["me", "secret"];
      const headers = from === "url" ? {} : { ...secret, cookie: "a=b" };
      const status = await trial.end({ url: url.href, headers });
      await assertDownloaded(status, WHOLE, n === 0 ? "b" : "c");
    }
    const strangers = [
      ...other.requests,
      ...trial.origin.requests.filter(({ path }) => path === "/c"),
    ];
    assertGreater(strangers.length, 10);
    for (const { headers } of strangers) {
      assertEquals(headers.get("authorization"), null);
      assertEquals(headers.get("cookie"), null);
    }
  });
}

Deno.test("credentials in a redirect's target are not used", async () => {
  await using trial = await startTrial();
  const target = new URL(trial.origin.serve("/b", WHOLE));
  target.username = "somebody";
  const url = trial.origin.serve("/a", null, redirect(target.href));
  await assertDownloaded(await trial.end(url), WHOLE, "b");
  for (const { headers } of trial.origin.requests) {
    assertEquals(headers.get("authorization"), null);
  }
});

Deno.test("a redirect from https to http is not followed", async () => {
  await using trial = await startTrial({ caCerts: [caCertificate] }, TLS);
  await using plain = await startOrigin();
  const target = plain.serve("/b", WHOLE);
  const url = trial.origin.serve("/a", null, redirect(target));
  assertFailed(await trial.end(url), "REDIRECT", /https to http.*add/i);
  assertEquals(plain.requests, []);
});

Deno.test("a redirect from http to https is followed", async () => {
  await using trial = await startTrial({ caCerts: [caCertificate] });
  await using safe = await startOrigin(TLS);
  const target = safe.serve("/b", WHOLE);
  const url = trial.origin.serve("/a", null, redirect(target));
  await assertDownloaded(await trial.end(url), WHOLE, "b");
});

for (
  const [what, location] of [
    ["to file:", "file:///etc/passwd"],
    ["to data:", "data:text/plain,abc"],
    ["to javascript:", "javascript:alert(1)"],
    ["to ftp:", "ftp://127.0.0.1/a"],
    ["to blob:", "blob:http://127.0.0.1/a"],
    ["to no URL", "http://[bad/"],
    ["nowhere", null],
  ] as const
) {
  Deno.test(`a redirect ${what} is an error`, async () => {
    await using trial = await startTrial();
    const url = trial.origin.serve("/a", null, {
      status: 302,
      headers: { Location: location },
    });
    assertFailed(await trial.end(url), "REDIRECT", /redirects.*add/i);
    assertEquals(filesIn(trial.downloads.directory), []);
  });
}

Deno.test("an empty Location leads to the same URL, and is a loop", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", null, redirect(""));
  assertFailed(await trial.end(url), "REDIRECT", /redirects.*add/i);
});

Deno.test("redirect chains that change with each request", async () => {
  await using trial = await startTrial(PATIENT);
  const { origin } = trial;
  const url = origin.serve("/a", null, ({ n }) => redirect(`/b-${n % 3}`));
  for (const n of [0, 1, 2]) {
    origin.serve(`/b-${n}`, null, ({ n }) => redirect(`/c?${n}`));
  }
  // Each target is good for three requests.
  origin.serve("/c", WHOLE, where(({ nth }) => nth > 2, { status: 410 }));
  await assertDownloaded(await trial.end(url), WHOLE, "c");
});

Deno.test("redirects to mirrors with different validators", async () => {
  await using trial = await startTrial(PATIENT);
  const { origin } = trial;
  const files = [WHOLE, OTHER, file(WHOLE.size, 8)];
  // The first two are good for three requests.
  const expire = where(({ nth }) => nth > 2, { status: 403 });
  const mirrors = files.map((whole, n) =>
    origin.serve(`/${n}/m`, whole, n < 2 ? expire : {})
  );
  const url = origin.serve(
    "/a",
    null,
    ({ nth }) => redirect(mirrors[Math.min(nth, 2)] ?? ""),
  );
  await assertDownloaded(await trial.end(url), files[2] ?? WHOLE, "m");
});
