/** Whose request it is, if a proxy hands it on. Pure. */

import { bitsOf, isInNetwork, withoutMapping } from "../base/ip_address.ts";

/**
 * The address of the client behind trusted proxies; of the last machine before
 * them that says nothing, or nothing that can be read.
 *
 * Each proxy adds to X-Forwarded-For, at its end, whom it was asked by: the
 * right-most address that is no trusted proxy's is the client's. What stands to
 * its left the client may have made up. `Forwarded` (RFC 7239) is not read: most
 * proxies hand it on as it came.
 *
 * @param peer The address that the connection comes from.
 * @param trusted Addresses, and networks in CIDR notation.
 */
export function clientAddress(
  peer: string,
  headers: Headers,
  trusted: readonly string[],
): string {
  const hops = headers.get("x-forwarded-for")?.split(",") ?? [];
  let address = withoutMapping(peer);
  while (isTrusted(address, trusted)) {
    const before = addressIn(hops.pop() ?? "");
    if (before === null) break;
    address = before;
  }
  return address;
}

function isTrusted(address: string, trusted: readonly string[]): boolean {
  const bits = bitsOf(address);
  return bits !== null && trusted.some((network) => isInNetwork(bits, network));
}

/** Some proxies add a port, and brackets to an IPv6 address. */
function addressIn(hop: string): string | null {
  const text = hop.trim();
  const [, address] = text.match(/^\[([\da-f:.]+)\](?::\d+)?$/i) ??
    text.match(/^(\d+\.\d+\.\d+\.\d+)(?::\d+)?$/) ??
    text.match(/^([\da-f:.]*:[\da-f:.]*)$/i) ?? [];
  if (address === undefined || bitsOf(address) === null) return null;
  return withoutMapping(address);
}
