import { assert, assertEquals, assertMatch } from "@std/assert";
import { file, redirect, startOrigin } from "../support/origin.ts";
import { startSluice } from "../support/sluice.ts";

const TOKEN = "t0ken-of-32-characters-or-more-x";
const PROTOCOL = "sluice.token." + new TextEncoder().encode(TOKEN)
  .toBase64({ alphabet: "base64url", omitPadding: true });

/** All that nobody but the client and its origin may know. */
const SECRETS = ["us3r", "p4ss", "qu3ry", "h3ader", "fr4gment", "l0cation"];

/** A session in which everything is tried that is ever logged. */
async function session(
  format: "text" | "json",
): Promise<{ lines: string[]; setCookie: string }> {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: {
      AUTH_TOKEN: TOKEN,
      ATTEMPTS: "2",
      RETRY_WAIT: "10",
      STALL_TIMEOUT: "300",
    },
    flags: ["--log-format", format],
  });
  await using client = await sluice.connect(["sluice", PROTOCOL]);
  const secret = (url: string) =>
    url.replace("//", "//us3r:p4ss@") + "?key=qu3ry#fr4gment";
  const headers = { "x-api-key": "h3ader", cookie: "h3ader" };
  const whole = file(2_000_000);
  const fine = origin.serve("/fine", whole);
  const urls = [
    fine,
    origin.serve("/missing", null),
    origin.serve("/login", whole, { status: 401 }),
    origin.serve("/cut", whole, { cut: { after: 0, by: "reset" } }),
    origin.serve("/garbage", whole, { raw: "l0cation: not HTTP\r\n\r\n" }),
    origin.serve("/stalls", whole, {
      gates: { 0: () => new Promise(() => {}) },
    }),
    origin.serve("/away", whole, redirect("ftp://a.test/?l0cation")),
    origin.serve("/on", whole, redirect(`${origin.url("/x")}?l0cation`)),
    origin.serve("/refused", whole, redirect("http://127.0.0.1:1/?l0cation")),
    origin.serve("/bad", whole, redirect("http://[?l0cation")),
    "http://no-such-name.invalid/a",
    "http://127.0.0.1:1/a",
    "https://127.0.0.1:1/a",
    origin.url("/tls").replace("http:", "https:"),
  ].map(secret);
  const ends = await Promise.all(urls.map(async (url) => {
    const id = await client.add({ url, headers });
    return await client.end(id);
  }));
  assertEquals(ends[0]?.process_status, "Downloaded");
  for (const { process_status, url, error } of ends.slice(1)) {
    assertEquals(process_status, "Failed", url);
    // What a client is told may be shown around, too.
    for (const word of SECRETS) assert(!error?.message.includes(word), url);
  }
  const held = secret(
    origin.serve("/held", whole, { rate: 100_000 }),
  );
  const id = await client.add({ url: held, headers });
  async function act(action: string, rest = {}) {
    const reply = await client.request({ action, id, ...rest });
    assert("data" in reply, action);
  }
  await act("pause");
  await act("resume");
  await act("refresh", { url: held });
  await act("remove", { delete_file: true });
  await client.request({ url: "file:///us3r?qu3ry" });
  await client.request({ url: fine, headers: { "x\n": "h3ader" } });
  await client.request({ action: "p4ss", id: "us3r" });
  const base = new URL("/", sluice.url.replace("ws", "http"));
  async function ask(path: string, options?: RequestInit): Promise<Response> {
    const response = await fetch(new URL(path, base), {
      redirect: "manual",
      ...options,
    });
    await response.body?.cancel();
    return response;
  }
  await ask("/?qu3ry");
  await ask("/us3r", { headers: { authorization: "Bearer p4ss" } });
  await ask("/", { headers: { origin: "http://us3r:p4ss@evil.test/?qu3ry" } });
  await ask("/login", { method: "POST", body: "token=p4ss" });
  const { headers: answered } = await ask("/login", {
    method: "POST",
    body: new URLSearchParams({ token: TOKEN }),
  });
  const setCookie = answered.get("set-cookie") ?? "";
  sluice.kill("SIGTERM");
  await client.closed;
  await sluice.ended;
  const lines = sluice.output().split("\n").slice(0, -1)
    .filter((line) =>
      !/^(Sluice listens|Its page|Files go|\d+ threads)/.test(line)
    );
  return { lines, setCookie };
}

function assertNoSecrets(text: string, setCookie: string): void {
  const cookie = setCookie.match(/=(\w+);/)?.[1] ?? "";
  assertEquals(cookie.length, 64);
  const encoded = PROTOCOL.slice("sluice.token.".length);
  const basic = btoa("us3r:p4ss");
  for (const word of [...SECRETS, TOKEN, encoded, cookie, basic]) {
    const at = text.indexOf(word);
    assert(at < 0, `${word} in: ${text.slice(Math.max(0, at - 200), at + 80)}`);
  }
}

Deno.test("with --log-format json, every line is an event in JSON without secrets", async () => {
  const { lines, setCookie } = await session("json");
  const events = lines.map((line) => JSON.parse(line));
  for (const { time, event, ...fields } of events) {
    assertEquals(new Date(time).toISOString(), time);
    assertMatch(event, /^[a-z ]+$/);
    for (const value of Object.values(fields)) {
      assert(value === null || typeof value !== "object", event);
    }
  }
  const seen = new Set(events.map(({ event }) => event));
  for (
    const event of [
      "added",
      "answered",
      "failed",
      "downloaded",
      "resumed",
      "refreshed",
      "removed",
      "turned away",
      "refused",
      "logged in",
      "stopping",
    ]
  ) assert(seen.has(event), `${event} is not in ${[...seen]}`);
  assertEquals(events.filter(({ event }) => event === "added").length, 15);
  assertNoSecrets(lines.join("\n"), setCookie);
});

Deno.test("in text, every line is an event without secrets", async () => {
  const { lines, setCookie } = await session("text");
  for (const line of lines) {
    assertMatch(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z [a-z ]+( \w+=\S.*)?$/);
  }
  assertNoSecrets(lines.join("\n"), setCookie);
});
