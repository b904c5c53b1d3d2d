import { assertEquals } from "@std/assert";
import { parseQueue } from "../../lib/cluster/settings.ts";

/** The user and the password that a `QUEUE` names; undefined if it is none. */
function userOf(userinfo: string) {
  return parseQueue(`nats://${userinfo}@host/name`)?.user;
}

Deno.test("a password of QUEUE is all that stands behind the first colon", () => {
  assertEquals(userOf("u:pa:ss"), { name: "u", password: "pa:ss" });
  assertEquals(userOf("u:"), { name: "u", password: "" });
  assertEquals(userOf("u:a%40b%2Fc:"), { name: "u", password: "a@b/c:" });
  for (const none of ["u", ":p", "::", "u:%"]) {
    assertEquals(userOf(none), undefined, none);
  }
});
