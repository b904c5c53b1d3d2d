/** Redirects. */

import { assertEquals, assertGreater } from "@std/assert";
import { caCertificate } from "../support/certificate.ts";
import { filesIn } from "../support/directory.ts";
import {
  type Behaviour,
  file,
  type Origin,
  type OriginRequest,
  redirect,
  startOrigin,
} from "../support/origin.ts";
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

/** The answer that sets a cookie and redirects. */
function setting(cookie: string | string[], location: string): Behaviour {
  return { status: 307, headers: { "Set-Cookie": cookie, Location: location } };
}

function cookieOf({ headers }: OriginRequest): string | null {
  return headers.get("cookie");
}

Deno.test("a redirect to the same URL sets the cookie that brings the file", async () => {
  await using trial = await startTrial();
  const challenge = "challenge=42; Path=/; HttpOnly";
  const url = trial.origin.serve(
    "/early/a.zip",
    WHOLE,
    where(
      (request) => cookieOf(request) === null,
      setting(challenge, "/early/a.zip"),
    ),
  );
  await assertDownloaded(await trial.end(url), WHOLE, "a.zip");
});

Deno.test("where cookies brought the file, later slices walk the chain again", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const url = origin.serve("/a", null, ({ nth }) => ({
    ...setting([`ticket=${nth}`, "gone=1; Max-Age=0"], "/b"),
  }));
  const used = new Set<string | null>();
  origin.serve("/b", WHOLE, (request) => {
    const cookie = cookieOf(request);
    // Each ticket is good for one request.
    if (cookie === null || used.has(cookie)) return { status: 403 };
    used.add(cookie);
    return {};
  });
  await assertDownloaded(await trial.end(url), WHOLE, "b");
  assertEquals(
    [...used].every((cookie) => /^ticket=\d+$/.test(`${cookie}`)),
    true,
  );
});

Deno.test("a chain's cookies go where they belong, beside the user's", async () => {
  await using trial = await startTrial();
  await using other = await startOrigin();
  const { origin } = trial;
  const elsewhere = other.url("/d", "localhost");
  const cookies = [
    "everywhere=1; Path=/",
    "session=new; path=/",
    "below=1",
    "deeper=1; Path=/in/deep",
    "safe=1; Secure",
    "foreign=1; Domain=localhost",
    "address=1; Domain=0.0.1",
    "old=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "nameless",
    "=nothing",
  ];
  const url = origin.serve("/in/a", null, setting(cookies, "/in/b"));
  origin.serve("/in/b", null, redirect("/c"));
  origin.serve("/c", null, redirect(elsewhere));
  other.serve("/d", WHOLE);
  const headers = { cookie: "mine=1; session=old" };
  const status = await trial.end({ url, headers });
  await assertDownloaded(status, WHOLE, "d");
  const sent = (path: string) =>
    new Set(origin.requests.filter((r) => r.path === path).map(cookieOf));
  assertEquals(sent("/in/a"), new Set(["mine=1; session=old"]));
  assertEquals(
    sent("/in/b"),
    new Set(["mine=1; below=1; everywhere=1; session=new"]),
  );
  assertEquals(sent("/c"), new Set(["mine=1; everywhere=1; session=new"]));
  assertEquals(new Set(other.requests.map(cookieOf)), new Set([null]));
});

Deno.test("User-Agent and Referer go along to another origin, nothing else", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const elsewhere = origin.serve(
    "/cdn/a.zip",
    WHOLE,
    where(({ headers }) => headers.get("user-agent") !== "netdisk;7.0", {
      status: 403,
    }),
  ).replace("127.0.0.1", "localhost");
  const url = origin.serve("/a.zip", null, redirect(elsewhere));
  const headers = {
    "User-Agent": "netdisk;7.0",
    "Referer": "https://page.test/",
    "Authorization": "Bearer t",
    "Cookie": "a=b",
    "Proxy-Authorization": "Basic x",
    "X-Api-Key": "k",
  };
  await assertDownloaded(await trial.end({ url, headers }), WHOLE, "a.zip");
  const there = origin.requests.filter(({ path }) => path === "/cdn/a.zip");
  assertGreater(there.length, 5);
  for (const { headers } of there) {
    assertEquals(headers.get("referer"), "https://page.test/");
    for (
      const name of [
        "authorization",
        "cookie",
        "proxy-authorization",
        "x-api-key",
      ]
    ) assertEquals(headers.get(name), null);
  }
});

Deno.test("links that a redirect gives for one GET each", async () => {
  await using trial = await startTrial(PATIENT);
  const { origin } = trial;
  const url = origin.serve("/f/a.bin", null, ({ n }) => {
    const once = where(({ nth }) => nth > 0, { status: 403 });
    return redirect(origin.serve(`/files/${n}/a.bin`, WHOLE, once));
  });
  await assertDownloaded(await trial.end(url), WHOLE, "a.bin");
});

for (
  const [what, locations] of [
    ["two equal Locations", ["/b, c", "/b, c"]],
    ["three equal Locations", ["/b, c", "/b, c", "/b, c"]],
    ["a Location with a comma", ["/b, c"]],
  ] as const
) {
  Deno.test(`${what} lead to one place`, async () => {
    await using trial = await startTrial();
    const { origin } = trial;
    const headers = { Location: locations };
    const url = origin.serve("/a", null, { status: 302, headers });
    origin.serve("/b,%20c", WHOLE);
    await assertDownloaded(await trial.end(url), WHOLE, "b, c");
  });
}

for (
  const locations of [
    ["/b", "/c"],
    ["http://127.0.0.1:9/b", "http://127.0.0.1:9/c"],
    ["b", "https://127.0.0.1:9/b"],
  ]
) {
  Deno.test(`Locations ${locations} contradict each other`, async () => {
    await using trial = await startTrial();
    const headers = { Location: locations };
    const url = trial.origin.serve("/a", null, { status: 302, headers });
    assertFailed(await trial.end(url), "REDIRECT", /two places.*add/i);
    assertEquals(trial.origin.requests.length, 1);
  });
}

for (
  const [what, location, path] of [
    [
      "three slashes and tabs",
      "http:///HOST/\t\t\t/real/b.bin",
      "//real/b.bin",
    ],
    ["spaces", "/real dir/b.bin", "/real%20dir/b.bin"],
    ["raw UTF-8", "/réal/b.bin", "/r%C3%A9al/b.bin"],
    ["a fragment", "/real/b.bin#part", "/real/b.bin"],
    ["a backslash", "\\real\\b.bin", "/real/b.bin"],
    ["dot segments", "../x/../real/./b.bin", "/real/b.bin"],
    ["no scheme", "//HOST/real/b.bin", "/real/b.bin"],
    ["an apostrophe", "/real/b.bin?a='b'", "/real/b.bin?a=%27b%27"],
  ] as const
) {
  Deno.test(`a Location with ${what} is read as browsers do`, async () => {
    await using trial = await startTrial();
    const { origin } = trial;
    const { host } = new URL(origin.url("/"));
    const url = origin.serve(
      "/d/a",
      null,
      redirect(location.replace("HOST", host)),
    );
    origin.serve(path, WHOLE);
    await assertDownloaded(await trial.end(url), WHOLE, "b.bin");
    assertEquals(origin.requests[1]?.path, path);
  });
}
