import { assert, assertEquals } from "@std/assert";
import {
  bitsOf,
  isInNetwork,
  isNetwork,
  withoutMapping,
} from "../../lib/base/ip_address.ts";

function isIn(address: string, network: string): boolean {
  const bits = bitsOf(address);
  return bits !== null && isInNetwork(bits, network);
}

Deno.test("an address has 32 bits or 128, and nothing else has any", () => {
  assertEquals(bitsOf("128.0.0.1"), `1${"0".repeat(30)}1`);
  assertEquals(bitsOf("::1"), `${"0".repeat(127)}1`);
  assertEquals(bitsOf("2001:DB8::"), bitsOf("2001:db8:0:0:0:0:0:0"));
  for (
    const text of ["", "a.test", "1.2.3.256", "::1::", "[::1]", ":", "g::"]
  ) {
    assertEquals(bitsOf(text), null, text);
  }
});

Deno.test("an address is in the networks whose prefix it has, and in no others", () => {
  for (
    const [address, network, expected] of [
      ["10.1.2.3", "10.0.0.0/8", true],
      ["11.1.2.3", "10.0.0.0/8", false],
      ["192.0.2.129", "192.0.2.128/25", true],
      ["192.0.2.127", "192.0.2.128/25", false],
      ["192.0.2.1", "192.0.2.1", true],
      ["192.0.2.1", "192.0.2.1/32", true],
      ["192.0.2.2", "192.0.2.1", false],
      ["192.0.2.2", "0.0.0.0/0", true],
      ["fd12::1", "fd00::/8", true],
      ["fe80::1", "fd00::/8", false],
      // A prefix of one kind says nothing of the other.
      ["::1", "0.0.0.0/0", false],
      ["0.0.0.1", "::/0", false],
      ["192.0.2.1", "proxy.test", false],
      ["192.0.2.1", "192.0.2.1/33", false],
    ] as const
  ) assertEquals(isIn(address, network), expected, `${address} ${network}`);
});

Deno.test("a network is an address, with or without a length that it can have", () => {
  for (const text of ["10.0.0.1", "10.0.0.0/0", "::1", "::/128"]) {
    assert(isNetwork(text), text);
  }
  for (
    const text of ["", "/8", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "a/8"]
  ) {
    assert(!isNetwork(text), text);
  }
});

Deno.test("an IPv4 address in IPv6 is the IPv4 address", () => {
  assertEquals(withoutMapping("::ffff:1.2.3.4"), "1.2.3.4");
  assertEquals(withoutMapping("::FFFF:1.2.3.4"), "1.2.3.4");
  for (
    const text of ["1.2.3.4", "::ffff:0:1", "::1.2.3.4", "a::ffff:1.2.3.4"]
  ) {
    assertEquals(withoutMapping(text), text);
  }
});
