/** What who is refused is told, over real sockets. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { makeDirectory } from "../support/directory.ts";
import { connectRaw, head } from "../support/raw.ts";
import {
  run,
  type Sluice,
  startSluice,
  taskArguments,
} from "../support/sluice.ts";

const TOKEN = "a-token-of-32-characters-or-more";
const BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8";
const bearer = { authorization: `Bearer ${TOKEN}` };

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers: Headers;
}

/** Asks by whatever Host, which fetch does not. */
async function ask(
  sluice: Pick<Sluice, "url">,
  path: string,
  headers: Record<string, string>,
  method = "GET",
): Promise<Answer> {
  using raw = await connectRaw(sluice);
  const { host } = new URL(sluice.url);
  const all = { host, connection: "close", ...headers };
  await raw.write(head(all, `${method} ${path} HTTP/1.1`));
  const [start = "", text = ""] = (await raw.rest()).split("\r\n\r\n", 2);
  const [first = "", ...fields] = start.split("\r\n");
  const answered = new Headers(
    fields.map((line) => line.split(/: (.*)/, 2) as [string, string]),
  );
  return {
    status: Number(first.split(" ")[1]),
    type: answered.get("content-type") ?? "",
    text,
    headers: answered,
  };
}

Deno.test("a program reads in one line what was refused, and what lets it in", async () => {
  await using sluice = await startSluice();
  const host = await ask(sluice, "/", { host: "nas.test:81" });
  assertEquals([host.status, host.type, host.text], [
    403,
    "text/plain; charset=utf-8",
    'The host "nas.test:81" is not known here: set ' +
    "PUBLIC_URL=http://nas.test:81/ if people reach this server by it.\n",
  ]);
  const origin = await ask(sluice, "/", { origin: "https://a.test" });
  assertEquals([origin.status, origin.text], [
    403,
    'Pages of "https://a.test" may not connect: set ' +
    "PUBLIC_URL=https://a.test/ if people reach this server by it, or " +
    "ALLOWED_ORIGINS=https://a.test if its pages are to command this server.\n",
  ]);
});

Deno.test("a malformed Host is refused before any token, and logged once", async () => {
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: TOKEN },
  });
  const hosts = ["a b", "[", "a:b", "%", "<x>", "localhost:99999"];
  for (const host of hosts) {
    for (const path of ["/", "/healthz", "/api/downloads?key=secret"]) {
      const { status, text } = await ask(sluice, path, { host });
      assertEquals([status, text], [
        400,
        "The Host header, or what is asked for, is malformed.\n",
      ]);
    }
  }
  const page = await ask(sluice, "/", { host: "a b", accept: BROWSER });
  assertEquals(page.status, 400);
  assertMatch(page.text, /<h1>Malformed<\/h1>/);
  const target = await ask(sluice, "http://[/", {});
  assertEquals(target.status, 400);
  sluice.kill("SIGTERM");
  await sluice.ended;
  // The others are told as a number, at the latest as the server stops.
  const told = await sluice.printed(/ refused .*again=\d+/);
  const lines = sluice.output().match(/(?<= refused ).*/g);
  const first = 'address="127.0.0.1" header="host" value=""';
  assertEquals(lines, [first, `${first} again=19`], told.input);
});

Deno.test("people read it on the page itself, without script and other files", async () => {
  await using sluice = await startSluice();
  const { status, type, text, headers } = await ask(sluice, "/", {
    host: "nas.test",
    accept: BROWSER,
  });
  assertEquals([status, type], [403, "text/html; charset=utf-8"]);
  assertStringIncludes(text, "The host &quot;nas.test&quot; is not known here");
  assertStringIncludes(text, "<pre>PUBLIC_URL=http://nas.test/</pre>");
  assert(!/<script|src=|href=/.test(text), text);
  assertEquals(headers.get("cache-control"), "no-store");
  assertStringIncludes(
    headers.get("content-security-policy") ?? "",
    "default-src 'none'",
  );
  const evil = { origin: "https://<script>alert(1)</script>", accept: BROWSER };
  const { text: escaped } = await ask(sluice, "/login", evil, "POST");
  assert(!escaped.includes("<script"), escaped);
  assertStringIncludes(escaped, "&lt;script");
});

Deno.test("each way of being turned away is told as text and as a page", async () => {
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: TOKEN, SOCKETS_AMOUNT: "1" },
  });
  async function both(
    path: string,
    headers: Record<string, string>,
    status: number,
    reason: RegExp,
    method = "GET",
  ) {
    const plain = await ask(sluice, path, headers, method);
    const shown = { ...headers, accept: BROWSER };
    const page = await ask(sluice, path, shown, method);
    assertEquals([plain.status, page.status], [status, status], path);
    assertMatch(plain.type, /^text\/plain/);
    assertMatch(page.type, /^text\/html/);
    assertMatch(plain.text, reason);
    assertMatch(page.text, reason);
  }
  await both("/nothing", bearer, 404, /There is nothing here/);
  await both("/files/1", {}, 401, /Give the token/);
  await both("/sluice/", {}, 401, /PUBLIC_URL=https:\/\/…\/sluice\//);
  await both("/sluice/", bearer, 404, /PUBLIC_URL=https:\/\/…\/sluice\//);
  await both("/session", {}, 401, /Give the token/, "POST");
  const token = new TextEncoder().encode(TOKEN)
    .toBase64({ alphabet: "base64url", omitPadding: true });
  await using _client = await sluice.connect([`sluice.token.${token}`]);
  await both("/session", bearer, 503, /Too many clients/, "POST");
  for (let n = 0; n < 9; n++) {
    await ask(sluice, "/metrics", { authorization: `Bearer wrong${n}` });
  }
  await ask(sluice, "/metrics", { authorization: "Bearer wrong" });
  await both("/metrics", bearer, 429, /wait a minute/);
});

Deno.test("a page may ask why its socket came to nothing, as the socket does", async () => {
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: TOKEN },
  });
  const open = await ask(sluice, "/session", bearer, "POST");
  assertEquals([open.status, open.text], [
    200,
    '{"token":true,"scope":"all"}',
  ]);
  const foreign = { ...bearer, origin: "https://a.test" };
  const refused = await ask(sluice, "/session", foreign, "POST");
  assertEquals(refused.status, 403);
  assertMatch(refused.text, /^Pages of "https:\/\/a\.test" may not connect/);
  await using alone = await startSluice();
  const { text } = await ask(alone, "/session", {}, "POST");
  assertEquals(text, '{"token":false,"scope":"all"}');
});

Deno.test("the page's own files come to a page that is refused, or it could not say so", async () => {
  await using sluice = await startSluice();
  const headers = { origin: "https://nas.test" };
  for (const path of ["/ui/app.js", "/ui/theme.css"]) {
    assertEquals((await ask(sluice, path, headers)).status, 200, path);
  }
  for (const path of ["/", "/files/1", "/metrics", "/nothing", "/ui/"]) {
    assertEquals((await ask(sluice, path, headers)).status, 403, path);
  }
});

Deno.test("probes are answered by whatever Host, metrics to who shows the token", async () => {
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: TOKEN },
  });
  const host = "sluice.monitoring.svc:8888";
  const health = await ask(sluice, "/healthz", { host });
  assertEquals([health.status, health.text], [200, "ok\n"]);
  const metrics = await ask(sluice, "/metrics", { host, ...bearer });
  assertEquals(metrics.status, 200);
  assertMatch(metrics.text, /# EOF\n$/);
  assertEquals((await ask(sluice, "/metrics", { host })).status, 401);
  assertEquals((await ask(sluice, "/", { host, ...bearer })).status, 403);
  await using alone = await startSluice();
  assertEquals((await ask(alone, "/healthz", { host })).status, 200);
  // Without a token, a rebound page would read them.
  assertEquals((await ask(alone, "/metrics", { host })).status, 403);
});

Deno.test("who listens on all addresses is known by the machine's own name", async () => {
  await using sluice = await startSluice({
    environment: { HOST: "::", AUTH_TOKEN: TOKEN, ALLOW_PRIVATE: "true" },
  });
  const { stdout } = await new Deno.Command("hostname").output();
  const name = new TextDecoder().decode(stdout).trim();
  for (const host of [name, `${name.toUpperCase()}.:80`, `${name}.local`]) {
    assertEquals((await ask(sluice, "/", { host, ...bearer })).status, 200);
  }
  const other = await ask(sluice, "/", { host: `${name}.test`, ...bearer });
  assertEquals(other.status, 403);
});

Deno.test("a refusal is in the log, with whom and what, and its like are counted", async () => {
  await using sluice = await startSluice();
  for (let n = 0; n < 3; n++) await ask(sluice, "/", { host: "nas.test:81" });
  await ask(sluice, "/", { origin: "https://me:pass@a.test/?b" });
  sluice.kill("SIGTERM");
  await sluice.ended;
  const lines = sluice.output().split("\n").filter((line) =>
    line.includes(" refused ")
  ).map((line) => line.replace(/^\S+ /, ""));
  assertEquals(lines, [
    'refused address="127.0.0.1" header="host" value="nas.test"',
    'refused address="127.0.0.1" header="origin" value="https://a.test"',
    'refused address="127.0.0.1" header="host" value="nas.test" again=2',
  ]);
});

Deno.test("behind a trusted proxy, each client has guesses of its own", async () => {
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: TOKEN, TRUSTED_PROXIES: "loopback" },
  });
  async function guess(address: string, token: string): Promise<number> {
    const headers = {
      authorization: `Bearer ${token}`,
      "x-forwarded-for": `6.6.6.6, ${address}`,
    };
    return (await ask(sluice, "/metrics", headers)).status;
  }
  for (let n = 0; n < 10; n++) {
    assertEquals(await guess("192.0.2.1", `wrong${n}`), 401);
  }
  assertEquals(await guess("192.0.2.1", TOKEN), 429);
  assertEquals(await guess("192.0.2.2", TOKEN), 200);
  await sluice.printed(/turned away address="192\.0\.2\.1"/);
  assert(!sluice.output().includes("6.6.6.6"));
});

Deno.test("an untrusted client's word for its address counts for nothing", async () => {
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: TOKEN },
  });
  for (let n = 0; n < 11; n++) {
    const { status } = await ask(sluice, "/metrics", {
      authorization: "Bearer wrong",
      "x-forwarded-for": `192.0.2.${n}`,
    });
    assertEquals(status, n < 10 ? 401 : 429);
  }
});

Deno.test("the token may stand in a file that is its owner's alone", async () => {
  await using directory = await makeDirectory();
  const path = `${directory.path}/token`;
  await Deno.writeTextFile(path, `${TOKEN}\n`, { mode: 0o600 });
  const flags = [`--auth-token-file=${path}`];
  {
    await using sluice = await startSluice({
      directory: directory.path,
      flags,
    });
    assertEquals((await ask(sluice, "/metrics", {})).status, 401);
    assertEquals((await ask(sluice, "/metrics", bearer)).status, 200);
    assert(!sluice.output().includes(TOKEN));
  }
  const command = [
    ...taskArguments("start", directory.path),
    ...flags,
    "--port=0",
    `--content-directory=${directory.path}`,
  ];
  async function refusal(environment: Record<string, string> = {}) {
    const { code, stdout, stderr } = await run(command, environment);
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, /^sluice: [^\n]+\n$/);
    assert(!stderr.includes(TOKEN));
    return stderr;
  }
  assertMatch(await refusal({ AUTH_TOKEN: TOKEN }), /not both/);
  await Deno.chmod(path, 0o644);
  assertStringIncludes(await refusal(), `chmod 600 ${path}`);
  await Deno.chmod(path, 0o600);
  for (const text of ["", "\n", "too-short", `${TOKEN} x`]) {
    await Deno.writeTextFile(path, text);
    assertMatch(await refusal(), /must hold 16 to 200 visible/);
  }
  await Deno.remove(path);
  assertMatch(await refusal(), /AUTH_TOKEN_FILE cannot be used/);
});

Deno.test("the log shows what was refused without what a terminal obeys", async () => {
  const origin = "\x9b31m \x85x";
  for (const format of ["text", "json"]) {
    await using sluice = await startSluice({ flags: ["--log-format", format] });
    using raw = await connectRaw(sluice);
    const { host } = new URL(sluice.url);
    const lines = head({ host, origin, connection: "close" }, "GET / HTTP/1.1");
    await raw.write(Uint8Array.from(lines, (char) => char.charCodeAt(0)));
    assertMatch(await raw.rest(), /^HTTP\/1\.1 403 /);
    const [line] = await sluice.printed(/^.*refused.*header.*$/m);
    assertStringIncludes(line, String.raw`"\u009b31m \u0085x"`);
    if (format === "json") assertEquals(JSON.parse(line).value, origin);
  }
});
