/** Processes that see other host names than this machine's. */

const UNSHARE = ["unshare", "--mount", "--map-root-user"];

/** Addresses for documents (RFC 5737): private ones to nobody. */
export const PUBLIC = ["203.0.113.1", "203.0.113.2"] as const;

/** Whether a process of ours may have names of its own. */
export function mayNameHosts(): Promise<boolean> {
  return mayRun(withHosts("/etc/hosts", ["true"]));
}

/** Whether a process of ours may have a network of its own. */
export function mayOwnNetwork(): Promise<boolean> {
  return mayRun(inOwnNetwork("/etc/hosts", ["true"]));
}

async function mayRun([command = "", ...args]: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, {
      args,
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}

/** A command as a process runs it whose names are those of the file `hosts`. */
export function withHosts(hosts: string, command: readonly string[]): string[] {
  const script = 'mount --bind "$0" /etc/hosts && exec "$@"';
  return [...UNSHARE, "bash", "-c", script, hosts, ...command];
}

/**
 * A command as a process runs it whose names are those of the file `hosts`, and
 * whose network is of its own, with no addresses but `PUBLIC` and loopback.
 */
export function inOwnNetwork(
  hosts: string,
  command: readonly string[],
): string[] {
  const adding = PUBLIC.map((address) => `ip addr add ${address} dev lo`);
  const script = ["ip link set lo up", ...adding, 'exec "$@"'].join(" && ");
  const inner = withHosts(hosts, ["bash", "-c", script, "bash", ...command]);
  const [unshare = "", ...args] = inner;
  return [unshare, "--net", ...args];
}
