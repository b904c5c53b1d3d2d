/** What curl makes of what is typed. */

/**
 * The URLs that curl asks for. A proxy answers it, so that nothing is looked up
 * and no network is needed.
 */
export async function urlsByCurl(typed: string): Promise<string[]> {
  await using proxy = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(),
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
  return new TextDecoder().decode(stdout).split("\n").slice(0, -1);
}
