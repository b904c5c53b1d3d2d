import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import { createAuth, protocolFor } from "../../lib/server/auth.ts";
import type { Token } from "../../lib/server/scopes.ts";
import {
  connect,
  projectPath,
  type Sluice,
  startSluice,
} from "../support/sluice.ts";

const TOKEN = "a-token-of-32-characters-or-more";
const MINUTE = 60_000;
const ANYWHERE = { path: "/", secure: false };

/** One token, which lets its holder do everything. */
function all(token: string): Token[] {
  return [{ name: "all", token, scope: "all" }];
}

function bearer(token: string): Headers {
  return new Headers({ authorization: `Bearer ${token}` });
}

function subprotocol(token: string): string {
  return "sluice.token." + new TextEncoder().encode(token)
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

function cookieOf(setCookie: string): Headers {
  return new Headers({ cookie: setCookie.split(";")[0] ?? "" });
}

Deno.test("without a token everybody is welcome", () => {
  const { check, login } = createAuth([]);
  assertEquals(check(new Headers(), "1.2.3.4").kind, "welcome");
  assertEquals(login("", "1.2.3.4").kind, "welcome");
});

Deno.test("the token is welcome as Bearer, as subprotocol and as cookie", () => {
  const auth = createAuth(all(TOKEN));
  for (
    const headers of [
      bearer(TOKEN),
      new Headers({ authorization: `bearer   ${TOKEN} ` }),
      new Headers({ "sec-websocket-protocol": subprotocol(TOKEN) }),
      new Headers({ "sec-websocket-protocol": `a, ${subprotocol(TOKEN)}` }),
      cookieOf(auth.cookie(TOKEN, ANYWHERE)),
    ]
  ) assertEquals(auth.check(headers, "1.2.3.4").kind, "welcome");
  assertEquals(auth.login(TOKEN, "1.2.3.4").kind, "welcome");
});

Deno.test("what is not the token is unknown, whatever it is", () => {
  const values: [string, string][] = [
    ["authorization", `Bearer ${TOKEN.slice(1)}`],
    ["authorization", `Bearer ${TOKEN} x`],
    ["authorization", `Bearer ${TOKEN.toUpperCase()}`],
    ["authorization", "Bearer"],
    ["authorization", `Basic ${btoa(TOKEN)}`],
    ["authorization", TOKEN],
    ["sec-websocket-protocol", TOKEN],
    ["sec-websocket-protocol", "sluice.token."],
    ["sec-websocket-protocol", "sluice.token.A"],
    ["sec-websocket-protocol", "sluice.token.____-"],
    ["sec-websocket-protocol", "sluice.token.§"],
    ["sec-websocket-protocol", ",,,"],
    ["cookie", `sluice_session=${TOKEN}`],
    ["cookie", "sluice_session="],
    ["cookie", "sluice_session"],
    ["cookie", "a=1; sluice_session=x; sluice_session=y"],
    ["cookie", ";;==;__proto__=x"],
    ["cookie", "x".repeat(100_000)],
  ];
  for (const [name, value] of values) {
    const { check } = createAuth(all(TOKEN));
    const headers = new Headers({ [name]: value });
    assertEquals(check(headers, "1.2.3.4").kind, "unknown", value.slice(0, 50));
  }
});

Deno.test("ten guesses a minute, and the right token counts after that", () => {
  let now = 5 * MINUTE;
  const auth = createAuth(all(TOKEN), () => now);
  for (let n = 0; n < 10; n++) {
    assertEquals(
      auth.check(bearer(`guess-${n}-first`), "1.2.3.4").kind,
      "unknown",
    );
  }
  for (let n = 0; n < 9_990; n++) {
    const verdict = auth.check(bearer(`guess${n}`), "1.2.3.4");
    assertEquals(verdict.kind, "throttled");
  }
  assertEquals(auth.check(bearer(TOKEN), "1.2.3.4").kind, "throttled");
  assertEquals(auth.login(TOKEN, "1.2.3.4").kind, "throttled");
  const headers = cookieOf(auth.cookie(TOKEN, ANYWHERE));
  assertEquals(
    auth.check(headers, "1.2.3.4").kind,
    "welcome",
    "a session stays",
  );
  assertEquals(
    auth.check(bearer(TOKEN), "1.2.3.5").kind,
    "welcome",
    "a neighbour",
  );
  now += MINUTE - 1;
  assertEquals(auth.check(bearer(TOKEN), "1.2.3.4").kind, "throttled");
  now += 1;
  assertEquals(auth.check(bearer(TOKEN), "1.2.3.4").kind, "welcome");
});

Deno.test("login and header share their guesses", () => {
  const auth = createAuth(all(TOKEN), () => 0);
  for (let n = 0; n < 5; n++) {
    assertEquals(auth.login("wrong", "1.2.3.4").kind, "unknown");
    assertEquals(auth.check(bearer("wrong"), "1.2.3.4").kind, "unknown");
  }
  assertEquals(auth.login("wrong", "1.2.3.4").kind, "throttled");
});

Deno.test("no credentials are no guess", () => {
  const auth = createAuth(all(TOKEN), () => 0);
  for (let n = 0; n < 100; n++) {
    assertEquals(auth.check(new Headers(), "1.2.3.4").kind, "unknown");
  }
  assertEquals(auth.check(bearer(TOKEN), "1.2.3.4").kind, "welcome");
});

/** Guesses, each from another address, until one is too many. */
function guessesFrom(addresses: readonly string[]): number {
  const auth = createAuth(all(TOKEN), () => 0);
  return addresses.filter((address) =>
    auth.check(bearer("wrong"), address).kind === "unknown"
  ).length;
}

Deno.test("an IPv6 network of 64 bits guesses as one, however it is written", () => {
  const hosts = Array.from({ length: 50 }, (_, n) => (n + 1).toString(16));
  for (
    const write of [
      (n: string) => `2001:db8:1:2:3:4:5:${n}`,
      (n: string) => `2001:db8:1:2::${n}`,
      (n: string) => `2001:db8:1:2:${n}::`,
      (n: string) => `2001:db8::${n}`,
      (n: string) => `2001:db8::${n}:1:1:1`,
      (n: string) => `2001:db8:1::${n}:1`,
      (n: string) => `::${n}`,
      (n: string) => `fe80::${n}:0:0:1`,
    ]
  ) assertEquals(guessesFrom(hosts.map(write)), 10, write("1"));
  const mixed = ["2001:db8::1", "2001:db8:0:0:1::", "2001:db8::1:0:0:0"];
  const many = Array.from({ length: 5 }, () => mixed).flat();
  assertEquals(guessesFrom(many), 10);
  // Other networks, and IPv4 in IPv6, are others.
  assertEquals(guessesFrom(hosts.map((n) => `2001:db8:1:${n}::1`)), 50);
  assertEquals(guessesFrom(hosts.map((_, n) => `::ffff:1.2.3.${n}`)), 50);
});

Deno.test("who is remembered for guessing is bounded, the latest first", () => {
  const auth = createAuth(all(TOKEN), () => 0);
  for (let n = 0; n < 20_000; n++) {
    auth.check(bearer("wrong"), `10.${n >> 16}.${n >> 8 & 255}.${n & 255}`);
  }
  for (let n = 0; n < 10; n++) auth.check(bearer("wrong"), "1.2.3.4");
  assertEquals(auth.check(bearer(TOKEN), "1.2.3.4").kind, "throttled");
});

Deno.test("the cookie is for this site's pages alone, and tells no token", () => {
  const { cookie } = createAuth(all(TOKEN));
  assertMatch(
    cookie(TOKEN, ANYWHERE),
    /^sluice_session=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/,
  );
  const secure = cookie(TOKEN, { path: "/sluice/", secure: true });
  assertMatch(secure, /; Path=\/sluice\/; .*; Secure$/);
  assert(!secure.includes(TOKEN));
});

Deno.test("each token has its own name, scope and session", () => {
  const tokens = ["read", "add", "all"].map((scope): Token => ({
    name: `the ${scope}`,
    token: `${TOKEN}-${scope}`,
    scope: scope as Token["scope"],
  }));
  const auth = createAuth(tokens);
  const cookies = new Set<string>();
  for (const { name, token, scope } of tokens) {
    const welcome = { kind: "welcome", name, scope } as const;
    assertEquals(auth.check(bearer(token), "1.2.3.4"), welcome);
    const cookie = auth.cookie(token, ANYWHERE);
    assertEquals(auth.check(cookieOf(cookie), "1.2.3.4"), welcome);
    cookies.add(cookie);
  }
  assertEquals(cookies.size, 3);
  assertEquals(auth.login(TOKEN, "1.2.3.4"), { kind: "unknown" });
});

Deno.test("a session ends with its token, and outlives a restart with it", () => {
  const session = cookieOf(createAuth(all(TOKEN)).cookie(TOKEN, ANYWHERE));
  assertEquals(
    createAuth(all(TOKEN)).check(session, "1.2.3.4").kind,
    "welcome",
  );
  assertEquals(
    createAuth(all(`${TOKEN}2`)).check(session, "1.2.3.4").kind,
    "unknown",
  );
  assertNotEquals(
    createAuth(all(`${TOKEN}2`)).cookie(`${TOKEN}2`, ANYWHERE),
    session.get("cookie"),
  );
});

Deno.test("a session counts beside those of other servers at its host", () => {
  const auth = createAuth(all(TOKEN));
  const other = createAuth(all(`${TOKEN}2`));
  const [ours, theirs] = [auth, other]
    .map((one, n) => one.cookie(n === 0 ? TOKEN : `${TOKEN}2`, ANYWHERE))
    .map((cookie) => cookie.split(";")[0]);
  for (const cookie of [`${ours}; ${theirs}`, `a=1; ${theirs};${ours}`]) {
    assertEquals(
      auth.check(new Headers({ cookie }), "1.2.3.4").kind,
      "welcome",
    );
  }
});

Deno.test("a subprotocol with the token is named only if there is no other", () => {
  const chosen = (offered: string) =>
    protocolFor(new Headers({ "sec-websocket-protocol": offered }));
  const token = subprotocol(TOKEN);
  assertEquals(chosen(`${token}, sluice`), "sluice");
  assertEquals(chosen(`sluice, ${token}`), "sluice");
  assertEquals(chosen(token), token);
  assertEquals(protocolFor(new Headers()), null);
});

Deno.test("secrets are compared in constant time, and in no other way", async () => {
  // Times cannot be told apart reliably in a test: read the code instead.
  const code = await Deno.readTextFile(projectPath("lib/server/auth.ts"));
  assertMatch(code, /timingSafeEqual\(one, other\)/);
  for (const line of code.split("\n")) {
    if (!/[!=]==/.test(line)) continue;
    const compared = line.match(/(\w+) [!=]== |[!=]== (\w+)/)?.slice(1) ?? [];
    const secret = compared.some((name) => /^(kept|given|session)$/.test(name));
    if (secret) assertMatch(line, /[!=]== (null|undefined)/);
  }
});

// The page's login, as a browser goes about it

function post(sluice: Sluice, token: string, origin: string | null) {
  const url = new URL("/login", sluice.url.replace("ws", "http"));
  return fetch(url, {
    method: "POST",
    body: new URLSearchParams({ token }),
    headers: origin === null ? {} : { origin },
    redirect: "manual",
  });
}

Deno.test("logging in gives a session that opens the page's socket", async () => {
  let session: string;
  {
    await using sluice = await startSluice({
      environment: { AUTH_TOKEN: TOKEN },
    });
    const own = new URL(sluice.url.replace("ws", "http")).origin;
    const wrong = await post(sluice, "wrong", own);
    assertEquals(wrong.status, 303);
    assertEquals(wrong.headers.get("set-cookie"), null);
    const foreign = await post(sluice, TOKEN, "https://evil.test");
    assertEquals(foreign.status, 403);
    const right = await post(sluice, TOKEN, own);
    assertEquals([right.status, right.headers.get("location")], [303, "./"]);
    session = right.headers.get("set-cookie")?.split(";")[0] ?? "";
    for (const response of [wrong, foreign, right]) {
      await response.body?.cancel();
    }
    assertMatch(session, /^sluice_session=[0-9a-f]{64}$/);
    assertEquals(await metricsStatus(sluice, session), 200);
    assertEquals(await metricsStatus(sluice, "sluice_session=0"), 401);
    const long = await post(sluice, "x".repeat(20_000), own);
    assertEquals(long.status, 413);
    await long.body?.cancel();
    for (let n = 1; n < 10; n++) {
      await (await post(sluice, `wrong ${n}`, own)).body?.cancel();
    }
    const late = await post(sluice, TOKEN, own);
    assertEquals(late.status, 429);
    await late.body?.cancel();
    assertEquals(await metricsStatus(sluice, session), 200);
    let refused = false;
    await connect(sluice.url).catch(() => refused = true);
    assert(refused);
    for (const secret of [TOKEN, session.slice(15), "wrong 3"]) {
      assert(!sluice.output().includes(secret));
    }
  }
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: `another-${TOKEN}` },
  });
  assertEquals(await metricsStatus(sluice, session), 401);
});

async function metricsStatus(sluice: Sluice, cookie: string): Promise<number> {
  const url = new URL("/metrics", sluice.url.replace("ws", "http"));
  const response = await fetch(url, { headers: { cookie } });
  await response.body?.cancel();
  return response.status;
}
