/** Which clients are let in. */

import {
  assert,
  assertEquals,
  assertLess,
  assertStringIncludes,
} from "@std/assert";
import { assertServes } from "../support/health.ts";
import { startOrigin } from "../support/origin.ts";
import { connectRaw, connectRawSocket, head } from "../support/raw.ts";
import { startSluice } from "../support/sluice.ts";

const TOKEN = "a-token-of-32-characters-or-more";

Deno.test("a page of another site and a rebound name are turned away", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { ALLOWED_ORIGINS: "https://app.test" },
  });
  const { port } = new URL(sluice.url);
  for (
    const [expected, headers] of [
      [101, {}],
      [101, { Host: `127.0.0.1:${port}` }],
      [101, { Host: `localhost:${port}`, Origin: `http://localhost:${port}` }],
      [101, { Origin: "https://app.test" }],
      [403, { Origin: "https://evil.test" }],
      [403, { Origin: "null" }],
      [403, { Origin: "https://app.test.evil.test" }],
      [403, { Host: `localhost:${port}`, Origin: "http://localhost:1" }],
      [403, { Host: "evil.test" }],
      [403, { Host: `evil.test:${port}`, Origin: `http://evil.test:${port}` }],
      [403, { Host: "" }],
    ] as [number, Record<string, string>][]
  ) {
    using socket = await connectRawSocket(sluice, headers);
    assertEquals(socket.status, expected, JSON.stringify(headers));
  }
  for (const path of ["/", "/metrics", "/login", "/session", "/x"]) {
    using raw = await connectRaw(sluice);
    const headers = { Host: "evil.test", Connection: "close" };
    await raw.write(head(headers, `GET ${path} HTTP/1.1`));
    assertStringIncludes(await raw.rest(), "HTTP/1.1 403 ");
  }
  await assertServes(sluice, origin);
});

function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}

Deno.test("only who knows the token comes in", async () => {
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: TOKEN },
  });
  const base64url = (token: string) =>
    new TextEncoder().encode(token)
      .toBase64({ alphabet: "base64url", omitPadding: true });
  for (
    const [expected, headers] of [
      [101, bearer(TOKEN)],
      [101, {
        "Sec-WebSocket-Protocol": `sluice.token.${base64url(TOKEN)}`,
      }],
      [401, {}],
      [401, bearer("")],
      [401, bearer(TOKEN.slice(0, -1))],
      [401, bearer(`${TOKEN}x`)],
      [401, { Authorization: `Basic ${btoa(`x:${TOKEN}`)}` }],
      [401, { "Sec-WebSocket-Protocol": `sluice.token.${TOKEN}` }],
      [401, { "Sec-WebSocket-Protocol": "sluice.token." }],
      [401, { Cookie: `sluice_session=${TOKEN}` }],
      [403, { ...bearer(TOKEN), Origin: "https://evil.test" }],
      [403, { ...bearer(TOKEN), Host: "evil.test" }],
    ] as [number, Record<string, string>][]
  ) {
    using socket = await connectRawSocket(sluice, headers);
    assertEquals(socket.status, expected, JSON.stringify(headers));
  }
  await using client = await sluice.connect([
    "sluice",
    `sluice.token.${base64url(TOKEN)}`,
  ]);
  // A proxy may log the answer: it names the other protocol.
  assertEquals(client.socket.protocol, "sluice");
  await sluice.printed(/turned away/);
  assert(!sluice.output().includes(TOKEN));
});

Deno.test("ten thousand guesses get ten answers, in little time", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: TOKEN },
  });
  await using client = await sluice.connect([
    `sluice.token.${
      new TextEncoder().encode(TOKEN)
        .toBase64({ alphabet: "base64url", omitPadding: true })
    }`,
  ]);
  const started = performance.now();
  using raw = await connectRaw(sluice);
  const guesses = Array.from(
    { length: 10_000 },
    (_, n) => head({ Host: "localhost", ...bearer(`guess-${n}-${TOKEN}`) }),
  );
  const last = head({ Host: "localhost", Connection: "close" });
  const [answers] = await Promise.all([
    raw.rest(),
    raw.write(guesses.join("") + last),
  ]);
  assertEquals(answers.match(/^HTTP\/1.1 401 /gm)?.length, 10 + 1);
  assertEquals(answers.match(/^HTTP\/1.1 429 /gm)?.length, 9_990);
  assertStringIncludes(answers, "retry-after: 60");
  // Not even the right one is heard now: else it could be guessed on.
  using locked = await connectRawSocket(sluice, bearer(TOKEN));
  assertEquals(locked.status, 429);
  const seconds = (performance.now() - started) / 1000;
  assertLess(seconds, 20);
  await assertServes(sluice, origin, client);
});
