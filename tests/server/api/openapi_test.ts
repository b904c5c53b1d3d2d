import { assertEquals } from "@std/assert";
import { documentOf } from "../../../lib/server/api/openapi.ts";
import { OPERATIONS } from "../../../lib/server/api/operations.ts";
import { ask } from "../../support/api.ts";
import { lint } from "../../support/openapi.ts";
import { startSluice } from "../../support/sluice.ts";

const TOKEN = "0123456789abcdef";
const GIVEN = { authorization: `Bearer ${TOKEN}` };

Deno.test("the document has all operations", async () => {
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: TOKEN },
  });
  const { body } = await ask(sluice, "GET /openapi.json", undefined, GIVEN);
  const base = sluice.url.replace(/^ws/, "http");
  assertEquals(body.servers, [{ url: `${base}api` }]);
  const named = Object.values(body.paths).flatMap((path) =>
    Object.values(path as Record<string, { operationId: string }>)
      .map(({ operationId }) => operationId)
  );
  assertEquals(named.sort(), Object.keys(OPERATIONS).sort());
});

Deno.test("behind a proxy, the document names the public URL", async () => {
  await using sluice = await startSluice({
    environment: {
      PUBLIC_URL: "https://nas.test/sluice/",
      AUTH_TOKEN: TOKEN,
      ALLOW_PRIVATE: "true",
    },
  });
  const { body } = await ask(sluice, "GET /openapi.json", undefined, GIVEN);
  assertEquals(body.servers, [{ url: "https://nas.test/sluice/api" }]);
});

Deno.test("a linter minds nothing in the document, with a token or without", async () => {
  for (const hasToken of [true, false]) {
    const url = "https://nas.test/api";
    const document = documentOf({ url, version: "1.0.0", hasToken });
    assertEquals(await lint(document), []);
  }
});
