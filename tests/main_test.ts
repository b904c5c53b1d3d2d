import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import config from "../deno.json" with { type: "json" };
import { makeDirectory } from "./support/directory.ts";
import { copyProject } from "./support/project_copy.ts";
import { printed } from "./support/health.ts";
import { nginxInstalled, startNginx } from "./support/nginx.ts";
import {
  file,
  firstDifference,
  forever,
  startOrigin,
} from "./support/origin.ts";
import {
  collect,
  connect,
  projectPath,
  run,
  startSluice,
  taskArguments,
} from "./support/sluice.ts";

const MiB = 1024 * 1024;
const CI = Deno.env.get("CI") === "true";

/** Leaves a test out, in one line that says so, unless this is CI. */
function unless(available: boolean, what: string): { ignore: boolean } {
  if (!available && !CI) console.log(`Left out: ${what} is not installed.`);
  return { ignore: !available && !CI };
}

Deno.test("a fresh copy of the project serves with one command", async () => {
  await using origin = await startOrigin();
  const whole = file(3 * MiB);
  const url = origin.serve("/a.bin", whole);
  await using copyDirectory = await makeDirectory();
  const copy = copyDirectory.path;
  await copyProject(copy);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["task", "start", "--port", "0"],
    cwd: copy,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = collect(child);
  try {
    const [, address = ""] = await output.match(/listens on (ws:\/\/\S+)/);
    await output.match(/16 threads .* at most 16777216 bytes a slice/);
    assertStringIncludes(
      output.text(),
      `Files go to ${join(copy, "downloads")}`,
    );
    await using client = await connect(address);
    const { path_to_file } = await client.end(await client.add({ url }));
    assertEquals(path_to_file, `file://${copy}/downloads/a.bin`);
    assertEquals(
      await firstDifference(`${copy}/downloads/a.bin`, whole),
      null,
    );
  } finally {
    child.kill("SIGTERM");
    await child.status;
    await output.ended;
  }
});

const PYTHON = "/usr/bin/python3";

Deno.test({
  name: "the ancestor's own client works, word for word",
  ...unless(
    await succeeds(PYTHON, ["-c", "import websockets"]),
    "python3-websockets",
  ),
  async fn() {
    await using origin = await startOrigin();
    await using sluice = await startSluice();
    const whole = file(20 * MiB);
    const seen = Promise.withResolvers<void>();
    const url = origin.serve(
      "/file.bin",
      whole,
      ({ n }) => n === 0 ? {} : { gates: { head: () => seen.promise } },
    );
    const child = new Deno.Command(PYTHON, {
      args: ["-m", "websockets", sluice.url],
      env: { TERM: "dumb" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = collect(child);
    const stdin = child.stdin.getWriter();
    try {
      await output.match(/< \{"data":\[\]/);
      await stdin.write(new TextEncoder().encode(`{"url": "${url}"}\n`));
      const [, id] = await output.match(
        /< \{"data":\{"message":"URL has been added\.","id":"([^"]+)"\}\}/,
      );
      await output.match(/"process_status":"Downloading"/);
      await output.match(/"threads":[1-9]/);
      await output.match(/"progress":0\.\d+/);
      await output.match(/"size":20971520/);
      seen.resolve();
      const [, path = ""] = await output.match(
        new RegExp(
          `"id":"${id}","url":"${url}","process_status":"Downloaded".*` +
            '"path_to_file":"file://([^"]+)"',
        ),
      );
      assertEquals(await firstDifference(path, whole), null);
    } finally {
      await stdin.close();
      await child.status;
      await output.ended;
    }
  },
});

const WSCAT = ["-y", "wscat@6.1.0"];

Deno.test({
  name: "npx wscat works",
  ...unless(
    await succeeds("npx", ["--offline", ...WSCAT, "--version"]),
    "wscat",
  ),
  async fn() {
    await using origin = await startOrigin();
    await using sluice = await startSluice();
    const url = origin.serve("/a", file(100_000));
    const child = new Deno.Command("npx", {
      args: [
        ...WSCAT,
        ...["--connect", sluice.url, "--wait", "60"],
        ...["--execute", JSON.stringify({ url })],
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = collect(child);
    try {
      await output.match(/URL has been added\./);
      await output.match(/"process_status":"Downloaded"/);
    } finally {
      // wscat leaves when its input ends.
      await child.stdin.close();
      await child.status;
      await output.ended;
    }
  },
});

Deno.test({
  name: "many slices from a real nginx, seen alike by all clients",
  ...unless(nginxInstalled(), "nginx"),
  async fn() {
    await using nginx = await startNginx({ limitRate: 8 * MiB });
    await using sluice = await startSluice({
      environment: { BYTES_AMOUNT: "1MiB", BROADCAST_TIMEOUT: "20" },
    });
    const whole = file(32 * MiB + 1);
    const path = `${nginx.root}/big.bin`;
    await Deno.writeFile(path, whole.read(0, whole.size));
    await using one = await sluice.connect();
    await using other = await sluice.connect();
    const id = await one.add({ url: `${nginx.url}/big.bin` });
    const busy = await other.until(id, ({ threads }) => threads > 8);
    assertEquals(busy.ranges, true);
    const moving = await other.until(
      id,
      ({ progress }) => progress !== null && progress > 0 && progress < 1,
    );
    assertEquals(moving.size, whole.size);
    const ends = await Promise.all([one.end(id), other.end(id)]);
    assertEquals(ends[0], ends[1]);
    await using late = await sluice.connect();
    assertEquals(await late.end(id), ends[0]);
    const url = new URL(ends[0].path_to_file ?? "");
    assertEquals(await firstDifference(url, whole), null);
  },
});

Deno.test("a killed server goes on by itself, and ends with the right bytes", async () => {
  await using origin = await startOrigin();
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  const whole = file(8 * MiB);
  let gates: Record<number, () => unknown> = { 200_000: forever };
  const url = origin.serve("/a", whole, ({ n }) => n === 0 ? {} : { gates });
  const environment = { BYTES_AMOUNT: "1MiB", LOG_FORMAT: "json" };
  let id;
  {
    await using sluice = await startSluice({ directory, environment });
    await using client = await sluice.connect();
    id = await client.add({ url });
    await client.until(id, ({ downloaded }) => downloaded > MiB);
    sluice.kill("SIGKILL");
    await sluice.ended;
  }
  gates = {};
  await using sluice = await startSluice({ directory, environment });
  await using client = await sluice.connect();
  const { path_to_file } = await client.end(id);
  assert(path_to_file !== null);
  assertEquals(await firstDifference(new URL(path_to_file), whole), null);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} records what there is, and tells the sockets`, async () => {
    await using origin = await startOrigin();
    await using temporary = await makeDirectory();
    const directory = temporary.path;
    const whole = file(4 * MiB);
    // The first MiB comes, whatever slices it is asked for in, and no more.
    let held = true;
    const url = origin.serve("/a", whole, ({ range }) => {
      const left = MiB - (range?.start ?? 0);
      if (!held) return {};
      return { gates: left > 0 ? { [left]: forever } : { head: forever } };
    });
    const environment = { BYTES_AMOUNT: "1MiB" };
    let id;
    {
      await using sluice = await startSluice({ directory, environment });
      await using client = await sluice.connect();
      id = await client.add({ url });
      await client.until(id, ({ downloaded }) => downloaded >= MiB);
      sluice.kill(signal);
      assertEquals((await client.closed).code, 1001);
      assertEquals((await sluice.ended).code, 0);
    }
    const asked = origin.requests.length;
    held = false;
    await using sluice = await startSluice({ directory, environment });
    await using client = await sluice.connect();
    const { path_to_file } = await client.end(id);
    assertEquals(
      await firstDifference(new URL(path_to_file ?? ""), whole),
      null,
    );
    const again = origin.requests.slice(asked);
    assert(again.every(({ range }) => range !== null && range.start >= MiB));
  });
}

Deno.test("a proxy that the environment names is used", async () => {
  await using proxy = await startOrigin();
  const whole = file(100_000);
  // A proxy is asked for whole URLs, RFC 9112 §3.2.2.
  const url = "http://example.test/a.bin";
  proxy.serve(url, whole);
  await using sluice = await startSluice({
    environment: { HTTP_PROXY: proxy.url("/") },
  });
  await using client = await sluice.connect();
  const { path_to_file } = await client.end(await client.add({ url }));
  assert(path_to_file !== null);
  assertEquals(await firstDifference(new URL(path_to_file), whole), null);
});

Deno.test("a wrong setting is one line, and exit code 2", async () => {
  const start = taskArguments("start", "downloads");
  for (
    const [flags, line] of [
      [["--port", "http"], /^sluice: PORT must be .* not "http"\.\n$/],
      [["--bytes-amount", "0"], /^sluice: BYTES_AMOUNT must be .*\n$/],
      [["--prot", "1"], /^sluice: There is no flag --prot.*\n$/],
      [["frobnicate"], /^sluice: There is no command frobnicate.*\n$/],
    ] as const
  ) {
    const { code, stdout, stderr } = await run([...start, ...flags]);
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, line);
  }
});

Deno.test("a CA_FILE that holds no certificate is one line", async () => {
  await using directory = await makeDirectory();
  const path = `${directory.path}/ca.pem`;
  for (
    const [text, reason] of [
      ["", /there is no certificate in PEM in it/],
      ["-----BEGIN PRIVATE KEY-----", /there is no certificate/],
      [
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        /invalid/,
      ],
    ] as const
  ) {
    await Deno.writeTextFile(path, text);
    const { code, stderr } = await run([
      ...taskArguments("start", "downloads"),
      ...["--ca-file", path],
    ].map((word) => word.replace("--allow-read=", `--allow-read=${path},`)));
    assertEquals(code, 2);
    assertMatch(stderr, /^sluice: CA_FILE cannot be used: .*\n$/);
    assertMatch(stderr, reason);
  }
});

Deno.test("a content directory of no use is one line", async () => {
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  await Deno.writeTextFile(`${directory}/.sluice`, "");
  const { code, stderr } = await run([
    ...taskArguments("start", directory),
    ...["--port", "0", "--content-directory", directory],
  ]);
  assertEquals(code, 1);
  assertMatch(stderr, /^sluice: Nothing can be written to .* choose .*\n$/);
});

Deno.test("--version says which one it is", async () => {
  const flags = taskArguments("start", "downloads");
  const { code, stdout } = await run([...flags, "--version"]);
  assertEquals([code, stdout], [0, `sluice ${config.version}\n`]);
});

Deno.test("a port that is taken is one line", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  const { code, stderr } = await run([
    ...taskArguments("start", directory),
    ...["--host", "127.0.0.1", "--port", String(taken.addr.port)],
    ...["--content-directory", directory],
  ]);
  assertEquals(code, 1);
  assertMatch(stderr, /^sluice: The port is taken: .*\n$/);
});

const OPEN_TO_OTHERS = {
  AUTH_TOKEN: "a-token-of-32-characters-or-more",
  ALLOW_PRIVATE: "true",
};

for (
  const [host, reason] of [
    [
      "203.0.113.7",
      /HOST cannot be 203\.0\.113\.7: this machine cannot listen/,
    ],
    ["fe80::1", /HOST cannot be fe80::1: /],
    [
      "nosuchhost.invalid",
      /HOST cannot be nosuch.*: no address is known by this name/,
    ],
    ["a:b:c", /HOST must be a host name or an IP address, not "a:b:c"/],
  ] as const
) {
  Deno.test(`HOST=${host} is refused in one line`, async () => {
    await using directory = await makeDirectory();
    const { code, stderr } = await run([
      ...taskArguments("start", directory.path),
      ...["--port", "0", "--content-directory", directory.path],
    ], { ...OPEN_TO_OTHERS, HOST: host });
    assertEquals(code, 2, stderr);
    assertMatch(stderr, reason);
    assertMatch(stderr, /^sluice: [^\n]*\n$/);
  });
}

Deno.test({
  name: "a port that only root may have is refused in one line",
  ignore: !await portsAreRoots(),
  async fn() {
    await using directory = await makeDirectory();
    const deno = [
      Deno.execPath(),
      ...taskArguments("start", directory.path),
      ...["--port", "80", "--content-directory", directory.path],
    ];
    // Without this capability, root may no more than others.
    const drop = ["--bounding-set=-net_bind_service"];
    const [command = "", ...args] = (await printed("id", "-u")).trim() === "0"
      ? ["setpriv", ...drop, "--inh-caps=-net_bind_service", ...deno]
      : deno;
    const { code, text } = await complaintOf(command, args);
    assertEquals(code, 2, text);
    assertMatch(text, /^sluice: PORT cannot be 80: [^\n]* --port[^\n]*\n$/);
  },
});

/** What a program that starts Sluice writes to standard error until it ends. */
async function complaintOf(command: string, args: string[]) {
  const { code, stderr } = await new Deno.Command(command, {
    args,
    cwd: projectPath("."),
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, text: new TextDecoder().decode(stderr) };
}

/** Whether the system keeps port 80 for root, as Linux does by itself. */
async function portsAreRoots(): Promise<boolean> {
  const path = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  const first = await Deno.readTextFile(path).catch(() => "0");
  return Number(first) > 80;
}

Deno.test("man says in one line that its output cannot be written", async () => {
  const { code, text } = await complaintOf("bash", [
    ...["-c", '"$@" >/dev/full', "bash", Deno.execPath()],
    ...["run", "-q", "--no-prompt", "main.ts", "man"],
  ]);
  assertEquals(code, 1, text);
  assertMatch(text, /^sluice: Standard output cannot be written: [^\n]*\n$/);
});

Deno.test("a second server on the directory is refused in one line", async () => {
  await using sluice = await startSluice();
  const { code, stderr } = await run([
    ...taskArguments("start", sluice.directory),
    ...["--port", "0", "--content-directory", sluice.directory],
  ]);
  assertEquals(code, 1);
  assertMatch(stderr, /^sluice: Another Sluice uses .*\n$/);
});

Deno.test("--help lists every flag", async () => {
  const { code, stdout } = await run([
    ...taskArguments("start", "downloads"),
    "--help",
  ]);
  assertEquals(code, 0);
  for (const flag of ["--threads-amount", "--content-directory", "--port"]) {
    assertStringIncludes(stdout, flag);
  }
});

async function succeeds(command: string, args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, { args }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("a variable that is no text is one line, without its value", async () => {
  for (
    const [name, task, ...more] of [
      ["CONTENT_DIRECTORY", "start"],
      ["AUTH_TOKEN", "start"],
      ["https_proxy", "start"],
      ["LIMIT_RATE", "get", "http://127.0.0.1:9/a"],
      ["TERM", "get", "http://127.0.0.1:9/a"],
      ["SLUICE_TOKEN", "list"],
    ] as const
  ) {
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: [
        "-c",
        String.raw`export "$0=$(printf 'secret\xff')"; exec "$@"`,
        name,
        Deno.execPath(),
        ...taskArguments(task, "downloads"),
        ...more,
      ],
      cwd: projectPath("."),
      env: { NO_COLOR: "1" },
    }).output();
    const [out, line] = [stdout, stderr].map((bytes) =>
      new TextDecoder().decode(bytes)
    );
    assertEquals([code, out], [2, ""], name);
    assertEquals(
      line,
      `sluice: ${name} must be text in UTF-8, not what it is.\n`,
    );
  }
});
