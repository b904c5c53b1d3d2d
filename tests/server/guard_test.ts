import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { refusal } from "../../lib/server/guard.ts";

const OPTIONS = { host: "sluice.test", allowedOrigins: ["https://app.test"] };

function refused(headers: Record<string, string>, options = OPTIONS) {
  return refusal(new Headers(headers), options);
}

Deno.test("a program comes in by a name or an address of the server", () => {
  for (
    const host of [
      "sluice.test",
      "sluice.test:8888",
      "SLUICE.test",
      "localhost:8888",
      "127.0.0.1:8888",
      "192.168.0.2",
      "[::1]:8888",
    ]
  ) assertEquals(refused({ host }), null, host);
});

Deno.test("a name with capitals in the settings is that name", () => {
  const options = { ...OPTIONS, host: "Sluice.Test" };
  assertEquals(refused({ host: "sluice.test:8888" }, options), null);
});

Deno.test("a name that is not the server's own is refused: it may be rebound", () => {
  for (
    const host of [
      "evil.test",
      "evil.test:8888",
      "sluice.test.evil.test",
      "localhost.evil.test",
      "127.0.0.1.evil.test",
      "evil-localhost",
      "",
      "not a host",
      "[::1].evil.test",
    ]
  ) assert(refused({ host }), host);
  assert(refused({}));
});

Deno.test("a rebound name is refused even if the page is of the same name", () => {
  const headers = { host: "evil.test:8888", origin: "http://evil.test:8888" };
  assert(refused(headers));
});

Deno.test("the server's own page comes in", () => {
  for (const host of ["localhost:8888", "127.0.0.1:8888", "[::1]:8888"]) {
    assertEquals(refused({ host, origin: `http://${host}` }), null, host);
  }
});

Deno.test("a page of another site comes in only if it is allowed", () => {
  const host = "localhost:8888";
  assertEquals(refused({ host, origin: "https://app.test" }), null);
  for (
    const origin of [
      "http://evil.test",
      "http://app.test",
      "https://app.test:444",
      "https://app.test.evil.test",
      "http://localhost:8889",
      "http://localhost",
      "null",
      "",
      "file://",
    ]
  ) assert(refused({ host, origin }), origin);
});

Deno.test("a refusal names who was refused, and how to let them in", () => {
  assertStringIncludes(refused({ host: "evil.test" }) ?? "", '"evil.test"');
  const page = refused({ host: "localhost", origin: "https://other.test" }) ??
    "";
  assertStringIncludes(page, '"https://other.test"');
  assertStringIncludes(page, "ALLOWED_ORIGINS");
});

Deno.test("a refusal is short, however long the name", () => {
  const long = "a".repeat(100_000);
  assert((refused({ host: long }) ?? "").length < 300);
  assert((refused({ host: "localhost", origin: long }) ?? "").length < 300);
});
