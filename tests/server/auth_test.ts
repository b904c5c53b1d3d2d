import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import { createAuth, protocolFor } from "../../lib/server/auth.ts";
import {
  connect,
  projectPath,
  type Sluice,
  startSluice,
} from "../support/sluice.ts";

const TOKEN = "a-token-of-32-characters-or-more";
const MINUTE = 60_000;

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
  const { check, login } = createAuth(null);
  assertEquals(check(new Headers(), "1.2.3.4"), "welcome");
  assertEquals(login("", "1.2.3.4"), "welcome");
});

Deno.test("the token is welcome as Bearer, as subprotocol and as cookie", () => {
  const auth = createAuth(TOKEN);
  for (
    const headers of [
      bearer(TOKEN),
      new Headers({ authorization: `bearer   ${TOKEN} ` }),
      new Headers({ "sec-websocket-protocol": subprotocol(TOKEN) }),
      new Headers({ "sec-websocket-protocol": `a, ${subprotocol(TOKEN)}` }),
      cookieOf(auth.cookie(false)),
    ]
  ) assertEquals(auth.check(headers, "1.2.3.4"), "welcome");
  assertEquals(auth.login(TOKEN, "1.2.3.4"), "welcome");
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
    ["cookie", ";;==;__proto__=x"],
    ["cookie", "x".repeat(100_000)],
  ];
  for (const [name, value] of values) {
    const { check } = createAuth(TOKEN);
    const headers = new Headers({ [name]: value });
    assertEquals(check(headers, "1.2.3.4"), "unknown", value.slice(0, 50));
  }
});

Deno.test("ten guesses a minute, and the right token counts after that", () => {
  let now = 5 * MINUTE;
  const auth = createAuth(TOKEN, () => now);
  for (let n = 0; n < 10; n++) {
    assertEquals(auth.check(bearer(`guess-${n}-first`), "1.2.3.4"), "unknown");
  }
  for (let n = 0; n < 9_990; n++) {
    const verdict = auth.check(bearer(`guess${n}`), "1.2.3.4");
    assertEquals(verdict, "throttled");
  }
  assertEquals(auth.check(bearer(TOKEN), "1.2.3.4"), "throttled");
  assertEquals(auth.login(TOKEN, "1.2.3.4"), "throttled");
  const headers = cookieOf(auth.cookie(false));
  assertEquals(auth.check(headers, "1.2.3.4"), "welcome", "a session stays");
  assertEquals(auth.check(bearer(TOKEN), "1.2.3.5"), "welcome", "a neighbour");
  now += MINUTE - 1;
  assertEquals(auth.check(bearer(TOKEN), "1.2.3.4"), "throttled");
  now += 1;
  assertEquals(auth.check(bearer(TOKEN), "1.2.3.4"), "welcome");
});

Deno.test("login and header share their guesses", () => {
  const auth = createAuth(TOKEN, () => 0);
  for (let n = 0; n < 5; n++) {
    assertEquals(auth.login("wrong", "1.2.3.4"), "unknown");
    assertEquals(auth.check(bearer("wrong"), "1.2.3.4"), "unknown");
  }
  assertEquals(auth.login("wrong", "1.2.3.4"), "throttled");
});

Deno.test("no credentials are no guess", () => {
  const auth = createAuth(TOKEN, () => 0);
  for (let n = 0; n < 100; n++) {
    assertEquals(auth.check(new Headers(), "1.2.3.4"), "unknown");
  }
  assertEquals(auth.check(bearer(TOKEN), "1.2.3.4"), "welcome");
});

/** Guesses, each from another address, until one is too many. */
function guessesFrom(addresses: readonly string[]): number {
  const auth = createAuth(TOKEN, () => 0);
  return addresses.filter((address) =>
    auth.check(bearer("wrong"), address) === "unknown"
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
  const auth = createAuth(TOKEN, () => 0);
  for (let n = 0; n < 20_000; n++) {
    auth.check(bearer("wrong"), `10.${n >> 16}.${n >> 8 & 255}.${n & 255}`);
  }
  for (let n = 0; n < 10; n++) auth.check(bearer("wrong"), "1.2.3.4");
  assertEquals(auth.check(bearer(TOKEN), "1.2.3.4"), "throttled");
});

Deno.test("the cookie is for this site's pages alone, and tells no token", () => {
  const { cookie } = createAuth(TOKEN);
  assertMatch(
    cookie(false),
    /^sluice_session=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/,
  );
  assertMatch(cookie(true), /; Secure$/);
  assert(!cookie(true).includes(TOKEN));
});

Deno.test("a session ends with its token, and outlives a restart with it", () => {
  const session = cookieOf(createAuth(TOKEN).cookie(false));
  assertEquals(createAuth(TOKEN).check(session, "1.2.3.4"), "welcome");
  assertEquals(createAuth(`${TOKEN}2`).check(session, "1.2.3.4"), "unknown");
  assertNotEquals(createAuth(`${TOKEN}2`).cookie(false), session.get("cookie"));
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
