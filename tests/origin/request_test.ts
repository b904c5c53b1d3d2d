import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import * as fc from "../support/fast_check.ts";
import { headerFault } from "../../lib/download/request.ts";
import {
  loggable,
  requestFor,
  requestOfSource,
  withoutUserinfo,
} from "../../lib/origin/request.ts";

const headers = { cookie: "secret" };

Deno.test("headers stay with the origin that they were given for", () => {
  const url = "https://u:p@h.test/f";
  for (
    const elsewhere of [
      "https://other.test/f",
      "https://h.test:8443/f",
      "http://h.test/f",
      "https://h.test.evil.test/f",
    ]
  ) {
    const expected = {
      url: elsewhere,
      headers: {},
      credentials: null,
      proxy: null,
    };
    assertEquals(requestFor({ url, headers }, elsewhere), expected);
  }
  const same = requestFor({ url, headers }, "https://h.test:443/moved");
  assertEquals(same.headers.cookie, "secret");
});

Deno.test("userinfo becomes credentials, and leaves the URL", () => {
  const url = "https://m%C3%BCller:p%3Aw@h.test/f";
  assertEquals(requestFor({ url, headers: {} }, null), {
    url: "https://h.test/f",
    headers: {},
    credentials: { username: "müller", password: "p:w" },
    proxy: null,
  });
});

Deno.test("credentials that are given as a header come before those in the URL", () => {
  const given = { authorization: "Bearer t" };
  const asked = requestFor(
    { url: "https://u:p@h.test/", headers: given },
    null,
  );
  assertEquals([asked.headers, asked.credentials], [given, null]);
});

Deno.test("credentials of a URL come before those that go with it, and both stay", () => {
  const named = { username: "n", password: "q" };
  const credentials = new Map([["https://h.test", named]]);
  const given = { headers: {}, credentials };
  const url = "https://h.test/f";
  assertEquals(requestFor({ url, ...given }, null).credentials, named);
  const own = requestFor({ url: "https://u:p@h.test/f", ...given }, null);
  assertEquals(own.credentials, { username: "u", password: "p" });
  const other = requestFor({ url, ...given }, "https://other.test/f");
  assertEquals(other.credentials, null);
});

Deno.test("a mirror is shown what is for its own origin, and nothing else", () => {
  const [one, other] = ["one", "other"].map((username) => ({
    username,
    password: "p",
  }));
  assert(one && other);
  const request = {
    url: "https://a.test/f",
    headers: { cookie: "secret", "user-agent": "x" },
    credentials: new Map([["https://a.test", one], ["https://b.test", other]]),
  };
  const harmless = { "user-agent": "x" };
  for (
    const [mirror, headers, credentials] of [
      ["https://b.test/g", harmless, other],
      ["https://a.test/g", request.headers, one],
      ["http://b.test/g", harmless, null],
      ["https://b.test:8443/g", harmless, null],
      ["https://b.test.evil.test/g", harmless, null],
      ["https://a.test@evil.test/g", harmless, {
        username: "a.test",
        password: "",
      }],
    ] as const
  ) {
    const asked = requestFor(requestOfSource(request, mirror), null);
    assertEquals(asked.headers, headers, mirror);
    assertEquals(asked.credentials, credentials, mirror);
    const away = "https://evil.test/h";
    const sent = requestFor(requestOfSource(request, mirror), away);
    if (new URL(mirror).origin === new URL(away).origin) continue;
    assertEquals([sent.headers, sent.credentials], [harmless, null], mirror);
  }
});

Deno.test("userinfo may be long, or badly encoded", () => {
  const long = `https://${"u".repeat(500_000)}@h.test/`;
  assertEquals(
    requestFor({ url: long, headers: {} }, null).url,
    "https://h.test/",
  );
  const bad = requestFor({ url: "https://%ff:p@h.test/", headers: {} }, null);
  assertEquals(bad.credentials, { username: "%ff", password: "p" });
});

Deno.test("a header that Sluice sets, or that cannot be sent, may not be given", () => {
  assertEquals(headerFault("X-Api-Key", "k"), null);
  assertEquals(headerFault("Cookie", "a=b"), null);
  for (
    const [name, value] of [
      ["Range", "bytes=0-"],
      ["HOST", "h"],
      ["Accept-Encoding", "gzip"],
      ["If-None-Match", "*"],
      ["Transfer-Encoding", "chunked"],
      ["a b", "v"],
      ["", "v"],
      ["X", "a\r\nHost: h"],
      ["X", "a\0b"],
      ["X", "€"],
    ] as const
  ) assertStringIncludes(headerFault(name, value) ?? "none", name);
});

Deno.test("a header without a fault can be sent, and is never one of Sluice's", () => {
  const name = fc.oneof(
    fc.string(),
    fc.constantFrom("rAnGe", "hOST", "constructor"),
  );
  fc.assert(
    fc.property(name, fc.string({ unit: "binary" }), (name, value) => {
      if (headerFault(name, value) !== null) return;
      const sent = [...new Headers({ [name]: value }).keys()];
      assertEquals(sent, [name.toLowerCase()]);
      assert(!["range", "host"].includes(name.toLowerCase()));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a URL in a log holds neither userinfo nor query nor fragment", () => {
  const url = "https://u:p@h.test:8443/path?token=t#f";
  assertEquals(loggable(url), "https://h.test:8443/path");
  assertEquals(withoutUserinfo(url), "https://h.test:8443/path?token=t#f");
});
