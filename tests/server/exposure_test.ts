import { assert, assertEquals, assertMatch } from "@std/assert";
import { isPrivateIPv6, PRIVATE_RANGES } from "../../lib/origin/address.ts";
import { allowsPrivate, exposureFault } from "../../lib/server/exposure.ts";
import { NO_PROXIES } from "../support/proxy.ts";
import { makeDirectory } from "../support/directory.ts";
import { mayNameHosts, withHosts } from "../support/hosts.ts";
import { file, startOrigin } from "../support/origin.ts";
import { deniedBy } from "../support/permissions.ts";
import {
  type Client,
  collect,
  connect,
  projectPath,
  run,
  taskArguments,
} from "../support/sluice.ts";

const TOKEN = "a-token-of-32-characters-or-more";
const TOKENS = [{ name: "a", token: TOKEN, scope: "all" }] as const;
const PROTOCOL = "sluice.token." + new TextEncoder().encode(TOKEN)
  .toBase64({ alphabet: "base64url", omitPadding: true });

const LOOPBACK = ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"];
const BEYOND = ["0.0.0.0", "::", "192.168.0.2", "sluice.test", "127.0.0.1.a"];

const ALONE = {
  publicUrl: null,
  tokens: [],
  allowPrivate: null,
  proxies: NO_PROXIES,
};

Deno.test("beyond loopback, a token is needed", async () => {
  for (const host of LOOPBACK) {
    const options = { ...ALONE, host };
    assertEquals(await exposureFault(options), null, host);
  }
  for (const host of BEYOND) {
    const options = { ...ALONE, host, allowPrivate: true };
    assertMatch(await exposureFault(options) ?? "", /set AUTH_TOKEN/, host);
    const withToken = {
      ...options,
      tokens: TOKENS,
    };
    assertEquals(await exposureFault(withToken), null, host);
  }
});

Deno.test("private networks are for those who are alone with the server", () => {
  for (const host of LOOPBACK) {
    assert(allowsPrivate({ ...ALONE, host }), host);
  }
  for (const host of BEYOND) {
    assert(!allowsPrivate({ ...ALONE, host }));
  }
  assert(!allowsPrivate({ ...ALONE, host: "localhost", allowPrivate: false }));
});

Deno.test("who is reached by a public URL is not alone, wherever it listens", async () => {
  const options = { ...ALONE, host: "localhost", publicUrl: "https://a.test/" };
  assert(!allowsPrivate(options));
  assertMatch(
    await exposureFault(options) ?? "",
    /^Being reached by https:\/\/a\.test\/ .*set AUTH_TOKEN/,
  );
  assertMatch(
    await exposureFault({
      ...options,
      tokens: TOKENS,
    }) ?? "",
    /--deny-net=/,
  );
  const local = { ...options, publicUrl: "https://localhost/sluice/" };
  assertEquals(await exposureFault(local), null);
});

Deno.test("no proxy may lead a public server's URLs into private networks", async () => {
  for (
    const proxies of [{ http: "http://p.test:1/" }, {
      https: "socks5h://p.test:1",
    }]
  ) {
    const options = {
      ...ALONE,
      host: "::",
      tokens: TOKENS,
      proxies: { ...NO_PROXIES, ...proxies },
    };
    assertMatch(
      await exposureFault(options) ?? "",
      /cannot be kept through a proxy/,
    );
    const allowed = { ...options, allowPrivate: true };
    assertEquals(await exposureFault(allowed), null);
  }
});

Deno.test("without the denials, it does not start: one line names them all", async () => {
  // These tests run with all of the net allowed.
  const fault = await exposureFault({
    ...ALONE,
    host: "::",
    tokens: TOKENS,
  });
  const ranges = PRIVATE_RANGES.map(([range]) => range).join(",");
  assert(fault?.includes(`--deny-net=${ranges}:`), fault ?? "");
  assert(!fault?.includes("\n"));
});

Deno.test("start:public denies every private range, and [::1]", () => {
  assertEquals(
    deniedBy("start:public", "net").sort(),
    [...PRIVATE_RANGES.map(([range]) => range), "[::1]"].sort(),
  );
});

Deno.test("an IPv6 address is private unless it is of the public internet", () => {
  for (
    const url of [
      "http://[::1]/",
      "http://[::]/",
      "http://[fd00::1]/",
      "http://[fc00::1]/",
      "http://[fe80::1]/",
      "http://[ff02::1]/",
      "http://[::ffff:127.0.0.1]/",
      "http://[::127.0.0.1]/",
      "http://[64:ff9b::7f00:1]/",
      "http://[2002:7f00:1::]/",
      "http://[2001:db8::1]/",
      "http://[2001:0:0:1::1]/",
      "http://[0:0:0:0:0:0:0:1]/",
    ]
  ) assert(isPrivateIPv6(new URL(url).hostname), url);
  for (const url of ["http://[2606:4700::1111]/", "http://[2a00:1450::1]/"]) {
    assert(!isPrivateIPv6(new URL(url).hostname), url);
  }
});

const HOSTS = ["::", "0.0.0.0", "sluice.test"];

Deno.test("beyond loopback without a token: one clear line, exit code 2", async () => {
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  const rest = ["--port", "0", "--content-directory", directory];
  const bare = await run([
    ...taskArguments("start:public", directory),
    ...rest,
  ]);
  assertEquals([bare.code, bare.stdout], [2, ""]);
  assertMatch(bare.stderr, /^sluice: Listening on :: .*set AUTH_TOKEN.*\n$/);
  const start = taskArguments("start", directory);
  for (const host of HOSTS) {
    const open = await run([...start, ...rest], { HOST: host });
    assertEquals([open.code, open.stdout], [2, ""]);
    assertMatch(open.stderr, /^sluice: Listening on .*set AUTH_TOKEN.*\n$/);
    const env = { HOST: host, AUTH_TOKEN: TOKEN };
    const undenied = await run([...start, ...rest], env);
    assertEquals([undenied.code, undenied.stdout], [2, ""]);
    assertMatch(undenied.stderr, /^sluice: .*--deny-net=.*\n$/);
  }
  const short = await run([...start, ...rest], { AUTH_TOKEN: "too-short" });
  assertEquals(short.code, 2);
  assertMatch(short.stderr, /^sluice: AUTH_TOKEN must be .*what it is\.\n$/);
});

/** Runs the public server's own command, or one made of it. */
async function withPublic(
  test: (client: Client, output: () => string) => Promise<void>,
  change: (command: string[]) => string[] = (command) => command,
): Promise<void> {
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  const [command = "", ...args] = change([
    Deno.execPath(),
    ...taskArguments("start:public", directory),
  ]);
  const child = new Deno.Command(command, {
    args,
    cwd: projectPath("."),
    env: {
      CONTENT_DIRECTORY: directory,
      AUTH_TOKEN: TOKEN,
      HOST: "::",
      PORT: "0",
      ATTEMPTS: "1",
      WORKERS: "1",
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = collect(child);
  try {
    const [, port] = await output.match(/listens on ws:\/\/\[::\]:(\d+)\//);
    await output.match(/^Private networks are denied to downloads$/m);
    await using client = await connect(`ws://127.0.0.1:${port}/`, [PROTOCOL]);
    await test(client, output.text);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await output.ended;
  }
}

async function assertForbidden(client: Client, url: string): Promise<void> {
  const status = await client.end(await client.add({ url }));
  assertEquals(status.process_status, "Failed", url);
  assertEquals(status.error?.code, "FORBIDDEN_ADDRESS", url);
}

Deno.test("start:public reaches no private address, by number or by name", async () => {
  await using origin = await startOrigin();
  origin.serve("/a", file(10));
  const { port } = origin;
  await withPublic(async (client) => {
    const hosts = [
      "127.0.0.1",
      "127.1",
      "2130706433",
      "0x7f.1",
      "0.0.0.0",
      "127.255.255.254",
      "10.1.2.3",
      "100.64.0.1",
      "172.31.255.1",
      "192.168.1.1",
      "169.254.169.254",
      "224.0.0.1",
      "255.255.255.255",
      "[::1]",
      "[::]",
      "[fd00::1]",
      "[fe80::1]",
      "[::ffff:127.0.0.1]",
      "[::ffff:a9fe:a9fe]",
      "[64:ff9b::a9fe:a9fe]",
      "localhost",
    ];
    await Promise.all(
      hosts.map((host) => assertForbidden(client, `http://${host}:${port}/a`)),
    );
  });
  assertEquals(origin.requests.length, 0);
});

Deno.test("a redirect into a private network is not followed", async () => {
  await using origin = await startOrigin();
  origin.serve("/a", file(10));
  const inside = ["127.0.0.1", "localhost", "127.1", "[::1]", "[::]"]
    .map((host) => `http://${host}:${origin.port}/a`);
  const targets = [
    ...inside,
    "http://10.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00::1]/",
    "http://[::ffff:127.0.0.1]/",
  ];
  // One address of loopback is let off, to stand for the public internet.
  const outside = Deno.serve(
    { hostname: "127.0.0.2", port: 0, onListen() {} },
    (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/fine") return new Response("fine");
      const location = targets[Number(pathname.slice(1))] ?? "";
      return new Response(null, { status: 302, headers: { location } });
    },
  );
  const url = `http://127.0.0.2:${outside.addr.port}`;
  try {
    await withPublic(
      async (client) => {
        const fine = await client.end(await client.add({ url: `${url}/fine` }));
        assertEquals(
          fine.process_status,
          "Downloaded",
          "else it proves nothing",
        );
        for (const n of targets.keys()) {
          await assertForbidden(client, `${url}/${n}`);
        }
      },
      (command) =>
        command.map((word) => word.replace(/127\.0\.0\.0\/8/, "127.0.0.1")),
    );
  } finally {
    await outside.shutdown();
  }
  assertEquals(origin.requests.length, 0);
});

const MAY_MOUNT = await mayNameHosts();
if (!MAY_MOUNT) console.log("Left out: unshare may not mount here.");

Deno.test({
  name: "a name of a private IPv6 address leads nowhere",
  ignore: !MAY_MOUNT,
  async fn() {
    // Deno denies no ranges of IPv6, and takes ::ffff:127.0.0.1 from a resolver
    // for an address of its own kind: a name, unlike a literal, gets through.
    const names = { zero: "::", mapped: "::ffff:127.0.0.1", unique: "fd00::1" };
    await using directory = await makeDirectory();
    const hosts = `${directory.path}/hosts`;
    const lines = Object.entries(names)
      .map(([name, address]) => `${address} ${name}.sluice.test\n`);
    await Deno.writeTextFile(hosts, lines.join(""));
    const asked: string[] = [];
    const inside = Deno.serve(
      { hostname: "::", port: 0, onListen() {} },
      (request) => {
        asked.push(request.url);
        return new Response("secret");
      },
    );
    const { port } = inside.addr;
    try {
      await withPublic(
        async (client) => {
          for (const name of Object.keys(names)) {
            const url = `http://${name}.sluice.test:${port}/`;
            const status = await client.end(await client.add({ url }));
            assertEquals(status.process_status, "Failed", url);
          }
        },
        (command) => withHosts(hosts, command),
      );
    } finally {
      await inside.shutdown();
    }
    assertEquals(asked, []);
  },
});

Deno.test({
  name: "an origin that is asked leniently stays denied when its name moves",
  ignore: !MAY_MOUNT,
  async fn() {
    await using directory = await makeDirectory();
    const hosts = `${directory.path}/hosts`;
    const lead = (address: string) =>
      Deno.writeTextFile(hosts, `${address} moving.sluice.test\n`);
    await lead("127.0.0.2");
    await using outside = await startOrigin({ hostname: "127.0.0.2" });
    const { port } = outside;
    const folded = { "X-A": "one\r\n two" };
    outside.serve("/a", file(1000), { headers: folded });
    await using inside = await startOrigin({ port });
    const url = `http://moving.sluice.test:${port}/a`;
    await withPublic(
      async (client) => {
        const fine = await client.end(await client.add({ url }));
        assertEquals(fine.error, null);
        assertEquals(fine.process_status, "Downloaded");
        await lead("127.0.0.1");
        await assertForbidden(client, url);
        for (const address of ["::1", "::ffff:127.0.0.1", "fd00::1"]) {
          await lead(address);
          const status = await client.end(await client.add({ url }));
          assertEquals(status.process_status, "Failed", address);
        }
        await lead("127.0.0.2");
        const again = await client.end(await client.add({ url }));
        assertEquals(again.process_status, "Downloaded");
      },
      (command) =>
        withHosts(
          hosts,
          command.map((word) => word.replace(/127\.0\.0\.0\/8/, "127.0.0.1")),
        ),
    );
    // By `fetch` once, and never again.
    assertEquals(outside.requests.length, 3);
    assertEquals(inside.requests, []);
  },
});
