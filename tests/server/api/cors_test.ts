import { assertEquals } from "@std/assert";
import { apiUrl } from "../../support/api.ts";
import {
  chromiumInstalled,
  openPage,
  startChromium,
} from "../../support/browser.ts";
import { startSluice } from "../../support/sluice.ts";

const TOKEN = "0123456789abcdef";
const NOWHERE = "http://127.0.0.1:1/f";

/** A page's origin, where nothing but an empty page is. */
function servePage() {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () =>
      new Response("<!DOCTYPE html><title>x</title>", {
        headers: { "content-type": "text/html" },
      }),
  );
  const { port } = server.addr;
  return {
    origin: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("CORS is for allowed origins, on /api and /jsonrpc alone", async () => {
  const origin = "https://pages.test";
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: TOKEN, ALLOWED_ORIGINS: origin },
  });
  const base = apiUrl(sluice).replace(/api$/, "");
  async function allowedAt(line: string, from: string, token = TOKEN) {
    const [method = "", path = ""] = line.split(" ");
    const response = await fetch(base + path, {
      method,
      headers: { origin: from, authorization: `Bearer ${token}` },
    });
    await response.body?.cancel();
    return [
      response.status,
      response.headers.get("access-control-allow-origin"),
    ];
  }
  for (
    const [line, status] of [
      ["OPTIONS api/downloads", 200],
      ["GET api/downloads", 200],
      ["GET api/nothing", 404],
      ["PUT api/downloads", 405],
      ["OPTIONS jsonrpc", 200],
    ] as const
  ) {
    assertEquals(await allowedAt(line, origin), [status, origin], line);
    assertEquals(await allowedAt(line, "https://a.test"), [403, null], line);
  }
  const unknown = await allowedAt("GET api/downloads", origin, "wrong");
  assertEquals(unknown, [401, origin]);
  for (const line of ["GET ", "GET files/x", "GET metrics", "POST session"]) {
    const [, allowed] = await allowedAt(line, origin);
    assertEquals(allowed, null, line);
  }
});

Deno.test({
  name:
    "a page of an allowed origin adds, and reads what comes of it; no other does",
  ignore: !chromiumInstalled(),
  async fn() {
    await using allowed = servePage();
    await using other = servePage();
    await using sluice = await startSluice({
      environment: { AUTH_TOKEN: TOKEN, ALLOWED_ORIGINS: allowed.origin },
    });
    const browser = await startChromium();
    try {
      await using open = await openPage(browser);
      const { page } = open;
      const addFrom = async (origin: string) => {
        await page.goto(origin);
        return await page.evaluate(async ([place, token, url]) => {
          try {
            const response = await fetch(`${place}/downloads`, {
              method: "POST",
              headers: {
                authorization: `Bearer ${token}`,
                "content-type": "application/json",
                "idempotency-key": "once",
              },
              body: JSON.stringify({ url, paused: true }),
            });
            const { id } = await response.json();
            return response.headers.get("location") === `downloads/${id}`;
          } catch (error) {
            return (error as Error).name;
          }
        }, [apiUrl(sluice), TOKEN, NOWHERE]);
      };
      assertEquals(await addFrom(allowed.origin), true);
      assertEquals(await addFrom(other.origin), "TypeError");
      await using client = await sluice.connect([
        `sluice.token.${
          new TextEncoder().encode(TOKEN)
            .toBase64({ alphabet: "base64url", omitPadding: true })
        }`,
      ]);
      const reply = await client.request({ action: "list" });
      assertEquals("total" in reply && reply.total, 1);
    } finally {
      await browser.close();
    }
  },
});
