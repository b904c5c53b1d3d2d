import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { join } from "@std/path";
import { makeDirectory } from "../support/directory.ts";
import { file, literal, startOrigin } from "../support/origin.ts";
import { commandOf, grantsOf, withFlags } from "../support/permissions.ts";
import { type Ran, start, startGet, startServer } from "../support/process.ts";

/** Runs `add`, which may read a directory. */
function add(
  server: string,
  directory: string,
  args: readonly string[],
  stdin = "",
): Promise<Ran> {
  const { words } = commandOf("add");
  const env = grantsOf("add").env;
  const allowed = withFlags(words, [
    `--allow-read=${directory}`,
    `--allow-env=${Array.isArray(env) ? env.join() : ""},HOME`,
  ]);
  return start([...allowed, "--server", server, ...args], {
    stdin,
    env: { HOME: directory },
  }).ended;
}

Deno.test("curl commands, cookie files and a .netrc are given to a server", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using home = await makeDirectory();
  await using server = await startServer(directory.path);
  const [a = "", b = "", c = ""] = ["/a", "/b", "/c"].map((path) =>
    origin.serve(path, file(1000))
  );
  const { hostname, port } = new URL(a);
  const jar = join(home.path, "jar.txt");
  await Deno.writeTextFile(
    jar,
    `#HttpOnly_${hostname}\tFALSE\t/\tFALSE\t0\tsession\ts3cret\n` +
      "other.test\tTRUE\t/\tFALSE\t0\tforeign\tx\n",
  );
  const netrc = join(home.path, ".netrc");
  await Deno.writeTextFile(netrc, `machine ${hostname} login me password pw\n`);
  await Deno.chmod(netrc, 0o600);

  const command =
    `curl '${a}' -H 'X-Key: k' \\\n -b a=b -b '${jar}' --compressed
curl -A me ${b} -o given`;
  const { code, stdout, stderr } = await add(
    server.url,
    home.path,
    ["--curl", "-", "--netrc", "-b", "c=d", c],
    command,
  );
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.trim().split("\n").length, 3);
  const sent = async (path: string) => {
    const { headers } = await origin.request((one) => one.path === path);
    return ["cookie", "x-key", "user-agent"].map((name) => headers.get(name));
  };
  assertEquals(await sent("/a"), ["a=b; c=d; session=s3cret", "k", "sluice"]);
  assertEquals(await sent("/b"), ["c=d", null, "me"]);
  assertEquals(await sent("/c"), ["c=d", null, "sluice"]);
  await server.printed(/ downloaded id=[^]* downloaded id=[^]* downloaded id=/);
  assertEquals((await Deno.stat(join(directory.path, "given"))).size, 1000);
  const listed = await start([
    ...commandOf("list").words,
    "--server",
    server.url,
    "--json",
    "a",
  ]).ended;
  assertMatch(listed.stdout, RegExp(`"http://me:pw@${hostname}:${port}/a"`));

  for (
    const [args, stdin, says] of [
      [["--curl", "-"], `curl -d 'secret' ${a}`, /input: curl's -d sends data/],
      [["--curl", "-"], `curl -n ${a}`, /curl's -n names a file.*--netrc/],
      [["-b", "none.txt", a], "", /Permission is missing/],
      [["-b", netrc, a], "", /no file of cookies in Netscape's format/],
    ] as const
  ) {
    const { code, stdout, stderr } = await add(
      server.url,
      home.path,
      args,
      stdin,
    );
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, says);
    assertNotMatch(stderr, /secret|pw/);
  }
});

Deno.test("add --json writes the URLs that were typed, without what a .netrc has", async () => {
  await using directory = await makeDirectory();
  await using home = await makeDirectory();
  await using server = await startServer(directory.path);
  const netrc = join(home.path, ".netrc");
  await Deno.writeTextFile(netrc, "machine 127.0.0.1 login me password pw\n");
  await Deno.chmod(netrc, 0o600);
  const urls = ["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"];
  const { code, stdout, stderr } = await add(server.url, home.path, [
    ...["--json", "--paused", "--netrc"],
    ...urls,
  ]);
  assertEquals([code, stderr], [0, ""]);
  const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ url }) => url), urls);
});

Deno.test("get takes a curl command", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a", literal("a"));
  await using got = startGet(
    directory.path,
    ["--curl", "-"],
    `curl -sSL -e https://r.example/ '${url}' -o x.bin`,
  );
  const { code, stderr } = await got.ended;
  assertEquals(code, 0, stderr);
  assertEquals(await Deno.readTextFile(join(directory.path, "x.bin")), "a");
  const { headers } = await origin.request(() => true);
  assertEquals(headers.get("referer"), "https://r.example/");
});
