import { assertEquals } from "@std/assert";
import {
  connectRequest,
  greeting,
  nameAndPassword,
  restOfReply,
} from "../../lib/origin/socks.ts";

const ME = { username: "me", password: "pä" };

Deno.test("a SOCKS proxy hears of a name only if there is one", () => {
  assertEquals(greeting(null), Uint8Array.of(5, 1, 0));
  assertEquals(greeting(ME), Uint8Array.of(5, 2, 0, 2));
});

Deno.test("a name and a password have their lengths in bytes before them", () => {
  const sent = Uint8Array.of(1, 2, 0x6d, 0x65, 3, 0x70, 0xc3, 0xa4);
  assertEquals(nameAndPassword(ME), sent);
  assertEquals(nameAndPassword({ ...ME, password: "a".repeat(256) }), null);
  assertEquals(nameAndPassword({ ...ME, username: "ä".repeat(128) }), null);
});

Deno.test("names go to a SOCKS proxy as they are, and addresses as bytes", () => {
  assertEquals(
    connectRequest("ab", 443),
    Uint8Array.of(5, 1, 0, 3, 2, 0x61, 0x62, 1, 0xbb),
  );
  assertEquals(
    connectRequest("127.0.0.1", 80),
    Uint8Array.of(5, 1, 0, 1, 127, 0, 0, 1, 0, 80),
  );
  assertEquals(
    connectRequest("2001:db8::1", 65_535),
    Uint8Array.of(
      ...[5, 1, 0, 4, 0x20, 1, 0x0d, 0xb8],
      ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
      ...[255, 255],
    ),
  );
});

Deno.test("a name too long for SOCKS is never cut, which would lead elsewhere", () => {
  const longest = "a".repeat(255);
  assertEquals(connectRequest(longest, 80)?.length, 5 + 255 + 2);
  assertEquals(connectRequest(`${longest}a`, 80), null);
});

Deno.test("the length of a SOCKS proxy's reply is that of its address", () => {
  assertEquals(restOfReply(Uint8Array.of(5, 0, 0, 1, 9)), 5);
  assertEquals(restOfReply(Uint8Array.of(5, 0, 0, 3, 9)), 11);
  assertEquals(restOfReply(Uint8Array.of(5, 0, 0, 4, 9)), 17);
  assertEquals(restOfReply(Uint8Array.of(5, 0, 0, 2, 9)), null);
  assertEquals(restOfReply(Uint8Array.of(5, 4, 0, 1, 0)), null);
  assertEquals(restOfReply(Uint8Array.of(4, 0, 0, 1, 0)), null);
});
