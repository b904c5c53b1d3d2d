import { assertEquals } from "@std/assert";
import { createCookies } from "../../lib/origin/cookies.ts";

/** What is sent to `to` after `from` has set these cookies. */
function sent(from: string, cookies: string[], to: string): string | null {
  const chain = createCookies();
  const headers = new Headers();
  for (const cookie of cookies) headers.append("set-cookie", cookie);
  chain.take(new URL(from), headers, Date.parse("2026-01-01T00:00:00Z"));
  return chain.header(new URL(to), undefined);
}

const FROM = "https://files.host.test/d/a";

Deno.test("a cookie goes to its own host, or to its domain", () => {
  for (
    const [cookie, to, expected] of [
      ["a=1", "https://files.host.test/d/b", "a=1"],
      ["a=1", "https://cdn.files.host.test/d/b", null],
      ["a=1; Domain=host.test", "https://cdn.host.test/d/b", "a=1"],
      ["a=1; domain=.Host.Test", "https://host.test/d/b", "a=1"],
      ["a=1; Domain=", "https://files.host.test/d/b", "a=1"],
      ["a=1; Domain=host.test", "https://evilhost.test/d/b", null],
      ["a=1; Domain=cdn.host.test", "https://cdn.host.test/d/b", null],
      ["a=1; Domain=ost.test", "https://files.host.test/d/b", null],
      ["a=1; Domain=test", "https://files.host.test/d/b", null],
      ["a=1; Domain=other.test", "https://other.test/d/b", null],
    ] as const
  ) assertEquals(sent(FROM, [cookie], to), expected, `${cookie} to ${to}`);
});

Deno.test("an address and a name without a dot have cookies of their own only", () => {
  for (const host of ["10.0.0.1", "[::1]", "localhost"]) {
    const url = `http://${host}/a`;
    assertEquals(sent(url, [`a=1; Domain=${host}`], url), "a=1");
  }
  const [from, to] = ["http://10.0.0.1/a", "http://20.0.0.1/a"];
  assertEquals(sent(from, ["a=1; Domain=0.0.1"], to), null);
});

Deno.test("a cookie goes to its path and below", () => {
  for (
    const [cookie, path, expected] of [
      ["a=1", "/d/b", "a=1"],
      ["a=1", "/d", "a=1"],
      ["a=1", "/dd", null],
      ["a=1", "/", null],
      ["a=1; Path=/", "/x", "a=1"],
      ["a=1; Path=/x", "/x/y", "a=1"],
      ["a=1; Path=/x", "/xy", null],
      ["a=1; Path=no/path", "/d/b", "a=1"],
    ] as const
  ) {
    const to = `https://files.host.test${path}`;
    assertEquals(sent(FROM, [cookie], to), expected, `${cookie} to ${path}`);
  }
});

Deno.test("a cookie that wants TLS is neither taken nor sent without", () => {
  const plain = "http://files.host.test/d/a";
  assertEquals(sent(FROM, ["a=1; Secure"], FROM), "a=1");
  assertEquals(sent(FROM, ["a=1; Secure"], plain), null);
  assertEquals(sent(plain, ["a=1; Secure"], FROM), null);
});

Deno.test("a later value takes the place of an earlier one, or ends it", () => {
  assertEquals(sent(FROM, ["a=1", "a=2=3"], FROM), "a=2=3");
  assertEquals(sent(FROM, ["a=1", "b=2", "a=; Max-Age=0"], FROM), "b=2");
  const past = "a=; expires=Wed, 31 Dec 2025 23:59:59 GMT";
  assertEquals(sent(FROM, ["a=1", past], FROM), null);
  assertEquals(sent(FROM, [`${past}; max-age=60`], FROM), "a=");
});

Deno.test("a cookie expires by the clock of the origin that sets it", () => {
  const url = new URL(FROM);
  const headers = new Headers({
    date: "Thu, 01 Jan 2026 00:00:00 GMT",
    "set-cookie": "a=1; Expires=Thu, 01 Jan 2026 01:00:00 GMT",
  });
  const chain = createCookies();
  chain.take(url, headers, Date.parse("2026-01-02T00:00:00Z"));
  assertEquals(chain.header(url, undefined), "a=1");
});
