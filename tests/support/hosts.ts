/** Processes that see other host names than this machine's. */

const UNSHARE = ["unshare", "--mount", "--map-root-user"];

/** Whether a process of ours may have names of its own. */
export async function mayNameHosts(): Promise<boolean> {
  try {
    const [command = "", ...args] = withHosts("/etc/hosts", ["true"]);
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
