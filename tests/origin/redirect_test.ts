import { assert, assertEquals, assertThrows } from "@std/assert";
import * as fc from "../support/fast_check.ts";
import { DownloadError } from "../../lib/download/errors.ts";
import { isRedirect, nextHop } from "../../lib/origin/redirect.ts";

function hop(from: string, location: string | null): string {
  return nextHop(new URL(from), location).href;
}

Deno.test("a Location may be relative", () => {
  const from = "https://h.test/a/b?q";
  assertEquals(hop(from, "c"), "https://h.test/a/c");
  assertEquals(hop(from, "/c"), "https://h.test/c");
  assertEquals(hop(from, "//other.test/c"), "https://other.test/c");
  assertEquals(hop(from, "https://other.test/c"), "https://other.test/c");
  assertEquals(hop("http://h.test/", "https://h.test/"), "https://h.test/");
});

Deno.test("credentials never come from an origin, nor go on with it", () => {
  assertEquals(
    hop("https://h.test/", "https://u:p@i.test/"),
    "https://i.test/",
  );
  assertEquals(hop("https://u:p@h.test/", "/x"), "https://h.test/x");
});

Deno.test("a redirect away from HTTP, or from https to http, is refused", () => {
  for (
    const location of [
      "http://h.test/",
      "file:///etc/passwd",
      "data:text/plain,x",
      "blob:https://h.test/x",
      "ftp://h.test/",
      "javascript:alert(1)",
      "https://",
      "http://[::1/",
      null,
    ]
  ) {
    const error = assertThrows(
      () => hop("https://h.test/", location),
      DownloadError,
    );
    assertEquals(error.code, "REDIRECT", String(location));
  }
});

Deno.test("whatever an origin says, the next hop is as safe as the last", () => {
  const scheme = fc.constantFrom(
    "http:",
    "HTTPS:",
    "file:",
    "//",
    "/",
    "\\\\",
    "",
  );
  const location = fc.tuple(scheme, fc.string()).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(location, fc.webUrl()), (location) => {
      try {
        const to = nextHop(new URL("https://u:p@h.test/"), location);
        assertEquals([to.protocol, to.username, to.password], [
          "https:",
          "",
          "",
        ]);
      } catch (error) {
        assert(error instanceof DownloadError && error.code === "REDIRECT");
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("only statuses that send the same request on are redirects", () => {
  const redirects = Array.from({ length: 100 }, (_, n) => 300 + n).filter(
    isRedirect,
  );
  assertEquals(redirects, [301, 302, 303, 307, 308]);
});
