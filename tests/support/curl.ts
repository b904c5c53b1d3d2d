/** What curl makes of what is typed. */

/** Whether there is a curl to ask. */
export function curlInstalled(): boolean {
  try {
    return new Deno.Command("curl", { args: ["--version"] }).outputSync()
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What curl asked for. */
export interface AskedByCurl {
  /** As curl tells them. */
  readonly urls: readonly string[];
  /** The Host of each request. */
  readonly hosts: readonly (string | null)[];
}

/**
 * What curl asks for. A proxy answers it, so that nothing is looked up and no
 * network is needed; https would need a certificate.
 */
export async function askedByCurl(typed: string): Promise<AskedByCurl> {
  const hosts: (string | null)[] = [];
  await using proxy = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ headers }) => {
      hosts.push(headers.get("host"));
      return new Response();
    },
  );
  const { stdout } = await new Deno.Command("curl", {
    args: [
      ...["--disable", "--silent", "--noproxy", "", "--output", "/dev/null"],
      ...["--proxy", `http://127.0.0.1:${proxy.addr.port}`],
      ...["--write-out", "%{url_effective}\n", typed],
    ],
    env: { LC_ALL: "C.UTF-8" },
    stderr: "null",
  }).output();
  const urls = new TextDecoder().decode(stdout).split("\n").slice(0, -1);
  return { urls, hosts };
}
