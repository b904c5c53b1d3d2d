/** Addresses that a public server's downloads must not reach. */

/**
 * Ranges of IPv4 that are private, link-local, loopback or otherwise not of
 * the public internet (RFC 6890), each with an address in it to try.
 */
export const PRIVATE_RANGES: readonly (readonly [string, string])[] = [
  ["0.0.0.0/8", "0.0.0.1"],
  ["10.0.0.0/8", "10.0.0.1"],
  ["100.64.0.0/10", "100.64.0.1"],
  ["127.0.0.0/8", "127.0.0.1"],
  ["169.254.0.0/16", "169.254.169.254"],
  ["172.16.0.0/12", "172.16.0.1"],
  ["192.0.0.0/24", "192.0.0.1"],
  ["192.168.0.0/16", "192.168.0.1"],
  ["198.18.0.0/15", "198.18.0.1"],
  ["224.0.0.0/4", "224.0.0.1"],
  ["240.0.0.0/4", "240.0.0.1"],
];

/**
 * Whether a URL's host is a literal IPv6 address that is not of the public
 * internet. Deno denies the IPv4 ranges below the code, but of IPv6 it knows
 * single addresses only.
 *
 * @param hostname As `URL` writes it: lower case, in brackets, compressed.
 */
export function isPrivateIPv6(hostname: string): boolean {
  if (!hostname.startsWith("[")) return false;
  const address = hostname.slice(1, -1);
  // Global unicast is 2000::/3 (RFC 4291 §2.4); of it, 6to4 and NAT64 prefixes
  // wrap IPv4 addresses, and 2001:db8::/32 is for documents.
  const first = parseInt(address.split(":")[0] || "0", 16);
  const global = first >= 0x2000 && first <= 0x3fff;
  return !global || first === 0x2002 || /^2001:(0?db8|0?):/.test(address);
}

/** Whether listening on a host lets in nobody but this machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" ||
    /^127\.\d+\.\d+\.\d+$/.test(host);
}
