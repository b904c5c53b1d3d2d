/** IP addresses and networks of them. Pure. */

/** The bits of an IP address, as 0s and 1s, 32 or 128; null if it is none. */
export function bitsOf(address: string): string | null {
  const literal = address.includes(":") ? `[${address}]` : address;
  if (!/^[\d.]+$|^\[/.test(literal)) return null;
  const host = URL.parse(`http://${literal}/`)?.hostname;
  if (host === undefined) return null;
  if (!host.startsWith("[")) {
    return host.split(".").map((byte) => binary(Number(byte), 8)).join("");
  }
  const [before = "", after] = host.slice(1, -1).split("::");
  const [first, last] = [before, after ?? ""]
    .map((groups) => groups === "" ? [] : groups.split(":"));
  const missing = 8 - (first?.length ?? 0) - (last?.length ?? 0);
  return [...first ?? [], ...Array(missing).fill("0"), ...last ?? []]
    .map((group) => binary(parseInt(group, 16), 16)).join("");
}

/**
 * Whether an address is in a network.
 *
 * @param bits Of the address.
 * @param network An address, or a network in CIDR notation; what is neither has
 * no addresses in it.
 */
export function isInNetwork(bits: string, network: string): boolean {
  const prefix = prefixOf(network);
  return prefix !== null && prefix.kind === bits.length &&
    bits.startsWith(prefix.bits);
}

/** Whether a text is an address, or a network in CIDR notation. */
export function isNetwork(text: string): boolean {
  return prefixOf(text) !== null;
}

/** The bits that all addresses of a network begin with, of 32 or of 128. */
function prefixOf(network: string): { bits: string; kind: number } | null {
  const [, address = "", length] = network.match(/^([^/]*)(?:\/(\d+))?$/) ?? [];
  const bits = bitsOf(address);
  const count = Number(length ?? bits?.length);
  if (bits === null || count > bits.length) return null;
  return { bits: bits.slice(0, count), kind: bits.length };
}

/** An IPv4 address that is written as one of IPv6 is that IPv4 address. */
export function withoutMapping(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}

function binary(value: number, length: number): string {
  return value.toString(2).padStart(length, "0");
}
