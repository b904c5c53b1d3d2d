import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createGuard, type GuardOptions } from "../../lib/server/guard.ts";

const OPTIONS: GuardOptions = {
  host: "sluice.test",
  machineName: "",
  publicUrl: null,
  allowedOrigins: ["https://app.test"],
};
const PUBLIC = { ...OPTIONS, publicUrl: "https://nas.test:8443/sluice/" };

function refused(headers: Record<string, string>, options = OPTIONS) {
  return createGuard(options)(new Headers(headers));
}

/** The settings that a refusal names. */
function settings(headers: Record<string, string>, options = OPTIONS) {
  return refused(headers, options)?.remedies.map(({ setting }) => setting);
}

Deno.test("a program comes in by a name or an address of the server", () => {
  for (
    const host of [
      "sluice.test",
      "sluice.test:8888",
      "SLUICE.test",
      "sluice.test.:8888",
      "localhost:8888",
      "localhost.",
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

Deno.test("the machine's name is the server's, if it listens beyond loopback", () => {
  const names = ["nas", "NAS:8888", "nas.local", "nas.lan", "nas.home.arpa"];
  for (const machineName of ["nas", "NAS", "nas.example.org"]) {
    for (const host of ["::", "0.0.0.0", "192.168.0.2"]) {
      const options = { ...OPTIONS, host, machineName };
      for (const host of names) assertEquals(refused({ host }, options), null);
      assert(refused({ host: "nas.evil.test" }, options));
      assert(refused({ host: "evil.test" }, options));
      assert(refused({ host: ".local" }, options));
    }
    for (const host of ["localhost", "127.0.0.1", "::1"]) {
      const options = { ...OPTIONS, host, machineName };
      for (const host of names) assert(refused({ host }, options), host);
    }
  }
  const options = { ...OPTIONS, host: "::", machineName: "nas.example.org" };
  assertEquals(refused({ host: "nas.example.org:8888" }, options), null);
});

Deno.test("without a machine's name, no host is the machine", () => {
  const options = { ...OPTIONS, host: "::" };
  for (const host of ["", ".", ".local", "local"]) {
    assert(refused({ host }, options), host);
  }
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
      ".",
      "not a host",
      "[::1].evil.test",
    ]
  ) {
    assert(refused({ host }), host);
    assert(refused({ host }, PUBLIC), host);
  }
  assert(refused({}));
});

Deno.test("a rebound name is refused even if the page is of the same name", () => {
  const headers = { host: "evil.test:8888", origin: "http://evil.test:8888" };
  assert(refused(headers));
});

Deno.test("the server's own page comes in, whoever ends its TLS", () => {
  for (const host of ["localhost:8888", "127.0.0.1:8888", "[::1]:8888"]) {
    assertEquals(refused({ host, origin: `http://${host}` }), null, host);
  }
  for (const host of ["sluice.test", "sluice.test:443", "Sluice.test"]) {
    assertEquals(refused({ host, origin: "https://sluice.test" }), null, host);
  }
});

Deno.test("who comes by the public URL comes in, whatever Host the proxy sends", () => {
  const origin = "https://nas.test:8443";
  for (const host of ["nas.test:8443", "nas.test", "127.0.0.1:8888"]) {
    assertEquals(refused({ host, origin }, PUBLIC), null, host);
    assertEquals(refused({ host }, PUBLIC), null, host);
    assert(refused({ host, origin: "https://evil.test" }, PUBLIC), host);
  }
  assert(
    refused({ host: "127.0.0.1:8888", origin: "https://nas.test" }, PUBLIC),
  );
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
      "chrome-extension://localhost:8888",
      "null",
      "",
      "file://",
    ]
  ) assert(refused({ host, origin }), origin);
});

Deno.test("an extension comes in if it is allowed, in any case, and is no host", () => {
  const origin = "safari-web-extension://1A2B3C4D";
  const options = { ...OPTIONS, allowedOrigins: [origin.toLowerCase()] };
  assertEquals(refused({ host: "localhost", origin }, options), null);
  assert(refused({ host: "localhost", origin: `${origin}5` }, options));
  assert(refused({ host: "1a2b3c4d" }, options));
});

Deno.test("a refused name is told with the setting that lets it in", () => {
  const host = "Nas.lan:8888";
  assertStringIncludes(refused({ host })?.reason ?? "", '"Nas.lan:8888"');
  assertEquals(settings({ host }), ["PUBLIC_URL=http://nas.lan:8888/"]);
  const headers = { host: "nas.test", "x-forwarded-proto": "https" };
  assertEquals(settings(headers), ["PUBLIC_URL=https://nas.test/"]);
  // There is one public URL only.
  assertEquals(settings({ host }, PUBLIC), [
    "ALLOWED_ORIGINS=http://nas.lan:8888",
  ]);
  for (const host of ["", "a b", "a;rm -rf /", "x".repeat(300)]) {
    assertEquals(settings({ host }), [], host);
  }
});

Deno.test("a refused page is told with the settings that let it in", () => {
  const host = "127.0.0.1:8888";
  const origin = "https://nas.test";
  const { header, value, reason } = refused({ host, origin }) ?? {};
  assertEquals([header, value], ["origin", origin]);
  assertStringIncludes(reason ?? "", `"${origin}"`);
  assertEquals(settings({ host, origin }), [
    "PUBLIC_URL=https://nas.test/",
    "ALLOWED_ORIGINS=https://nas.test",
  ]);
  assertEquals(settings({ host, origin }, PUBLIC), [
    "ALLOWED_ORIGINS=https://nas.test",
  ]);
  const extension = "moz-extension://1111-22";
  assertEquals(settings({ host, origin: extension }), [
    `ALLOWED_ORIGINS=${extension}`,
  ]);
  for (const origin of ["null", "", "file://", "https://a.test;x"]) {
    assertEquals(settings({ host, origin }), [], origin);
  }
});

Deno.test("a refusal is short, however long the name, and tells no password", () => {
  const long = "a".repeat(100_000);
  const host = "localhost";
  assert(JSON.stringify(refused({ host: long })).length < 500);
  assert(JSON.stringify(refused({ host, origin: long })).length < 500);
  const origin = "https://us3r:p4ss@evil.test/?qu3ry";
  const text = JSON.stringify(refused({ host, origin }));
  assert(!/us3r|p4ss|qu3ry/.test(text), text);
});
