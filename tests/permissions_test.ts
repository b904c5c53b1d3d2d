import { assert, assertEquals, assertMatch } from "@std/assert";
import { join, resolve } from "@std/path";
import config from "../deno.json" with { type: "json" };
import {
  caCertificate,
  serverCertificate,
  serverKey,
} from "./support/certificate.ts";
import { file, startOrigin } from "./support/origin.ts";
import {
  commandOf,
  type Grants,
  grantsOf,
  PERMISSION_SETS,
  type Task,
  withFlags,
} from "./support/permissions.ts";
import { makeDirectory } from "./support/directory.ts";
import { TEST_LOCK } from "./support/metalink.ts";
import { start, startServer } from "./support/process.ts";
import {
  connect,
  projectPath,
  run,
  startSluice,
  taskArguments,
} from "./support/sluice.ts";

Deno.test("no task grants everything, and none asks", () => {
  for (const [name, { command }] of Object.entries(config.tasks)) {
    assert(!/\s(-A|--allow-all|-\w*A\w*)(\s|$)/.test(command), name);
    if (!/\bdeno (run|compile|test)\b/.test(command)) continue;
    assert(command.includes("--no-prompt"), `${name} would ask`);
  }
  for (const [name, set] of Object.entries(PERMISSION_SETS)) {
    for (const [kind, values] of Object.entries(set)) {
      assert(kind === "net" || values !== true, `${name}: all of ${kind}`);
    }
  }
});

/** What grants nothing that a program needs, in place of what a set grants. */
const USELESS: Readonly<Record<string, string>> = {
  net: "unused.invalid",
  read: "/nowhere",
  write: "/nowhere",
  sys: "uid",
  env: "UNUSED",
};

/** Tasks, one of each program, with arguments that lead nowhere. */
const PROGRAMS: readonly [Task, ...string[]][] = [
  ["start", "--port", "0"],
  ["start:public", "--port", "0"],
  ["get", "http://127.0.0.1:1/"],
  ["list", "--server", "ws://127.0.0.1:1/"],
];

for (const [task, ...args] of PROGRAMS) {
  Deno.test(`${task} asks for just what it is granted, in one line`, async () => {
    const { environment, words } = commandOf(task);
    const grants = Object.entries(grantsOf(task));
    await Promise.all(grants.map(async ([kind, granted]) => {
      assert(kind in USELESS, `no program needs ${kind}`);
      const flag = `--allow-${kind}=${USELESS[kind]}`;
      const command = [...withFlags(words, [flag]), ...args];
      const { code, stdout, stderr } = await run(command, environment);
      assertEquals([code, stdout], [2, ""], `${task} without ${kind}`);
      const values = granted === true
        ? ""
        : "=" + granted.map(absolute(kind)).sort().join();
      assertEquals(
        stderr.replace(/(?<==)\S+/, (list) => list.split(",").sort().join()),
        `sluice: Permission is missing: run deno with --allow-${kind}${values}\n`,
      );
    }));
  });
}

Deno.test("tasks of one program grant the same", () => {
  for (const task of Object.keys(config.tasks) as Task[]) {
    const { words } = commandOf(task);
    if (words[0] !== "run" || !words.includes("main.ts")) continue;
    const command = words[words.indexOf("main.ts") + 1] ?? "--";
    const program = command.startsWith("--")
      ? "start"
      : command === "get"
      ? "get"
      : "list";
    assertEquals(grantsOf(task), grantsOf(program), task);
  }
});

/** A granted value as it is asked for: paths are absolute. */
function absolute(kind: string): (value: string) => string {
  const isPath = kind === "read" || kind === "write";
  return (value) => isPath ? resolve(projectPath("."), value) : value;
}

/** One use of a permission, as Deno itself writes it down. */
interface Use {
  readonly permission: string;
  /** Null where Deno asks for no value in particular. */
  readonly value: string | null;
}

/** What a program uses while it does its work. */
async function usesOf(
  work: (environment: Record<string, string>) => Promise<void>,
): Promise<Use[]> {
  const path = await Deno.makeTempFile();
  try {
    await work({ DENO_AUDIT_PERMISSIONS: path });
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
    return lines.map((line) => JSON.parse(line));
  } finally {
    await Deno.remove(path);
  }
}

/**
 * Nothing is used that is not granted, and all that is granted is used, but for
 * what only some runs need.
 */
function assertJustUsed(
  uses: readonly Use[],
  grants: Grants,
  directory: string,
  atNeed: readonly string[] = [],
): void {
  const idle = new Set(
    Object.entries(grants).flatMap(([kind, values]) =>
      values === true ? [kind] : values.map((value) => `${kind}=${value}`)
    ),
  );
  for (const { permission: kind, value } of uses) {
    const values = grants[kind];
    assert(values !== undefined, `${kind}=${value} is used`);
    if (values === true) idle.delete(kind);
    if (values === true || value === null) continue;
    const covering = values.find((granted) => {
      const path = granted === "downloads" ? directory : projectPath(granted);
      return granted === value || value === path ||
        value.startsWith(`${path}/`);
    });
    assert(covering !== undefined, `${kind}=${value} is used`);
    idle.delete(`${kind}=${covering}`);
  }
  for (const grant of atNeed) idle.delete(grant);
  assertEquals([...idle], [], "granted, and not used");
}

Deno.test("a server uses all that it is granted, and nothing else", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a.bin", file(1000));
  const uses = await usesOf(async (environment) => {
    const options = { directory: directory.path, environment };
    await using sluice = await startSluice(options);
    await using client = await sluice.connect();
    await client.end(await client.add({ url }));
    await (await fetch(sluice.url.replace("ws:", "http:"))).body?.cancel();
  });
  assertJustUsed(uses, grantsOf("start"), directory.path);
});

Deno.test("get uses all that it is granted, and nothing else", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a.bin", file(1_000_000));
  // A flag would keep it from reading the variable.
  const words = taskArguments("get", directory.path)
    .filter((word) => !word.startsWith("--content-directory"));
  const uses = await usesOf(async (environment) => {
    const env = { CONTENT_DIRECTORY: directory.path, BYTES_AMOUNT: "64KiB" };
    const get = start([...words, url], { env: { ...environment, ...env } });
    assertEquals((await get.ended).code, 0);
  });
  // Workers, whose code is in lib/, come only once the process is saturated.
  assertJustUsed(uses, grantsOf("get"), directory.path, ["read=lib"]);
});

Deno.test("what asks a server uses all that it is granted, and nothing else", async () => {
  await using sluice = await startSluice();
  const uses = await usesOf(async (env) => {
    const flags = ["--server", sluice.url];
    const list = start([...taskArguments("list", ""), ...flags], { env });
    assertEquals((await list.ended).code, 0);
  });
  assertJustUsed(uses, grantsOf("list"), "");
});

Deno.test("without a permission set, one line names the flags", async () => {
  const { code, stderr } = await run(["run", "--no-prompt", "main.ts"]);
  assertEquals(code, 2);
  assertMatch(stderr, /^sluice: .* --allow-net --allow-env=[A-Za-z_,]+\n$/);
});

Deno.test("the flags that a refusal names, put before main.ts, suffice", async () => {
  await using origin = await startOrigin({
    tls: { cert: serverCertificate, key: serverKey },
  });
  await using directory = await makeDirectory();
  await using elsewhere = await makeDirectory();
  const caFile = join(elsewhere.path, "ca.pem");
  await Deno.writeTextFile(caFile, caCertificate);
  const url = origin.serve("/a.bin", file(1000));
  const args = ["--port", "0", "--ca-file", caFile];
  const { words } = commandOf("start");
  const command = [...words, ...args, "--content-directory", directory.path];
  const { code, stderr } = await run(command);
  assertEquals(code, 2);
  const flags = stderr.match(/--allow-\S+/g) ?? [];
  assertEquals(flags, [
    `--allow-read=${directory.path},${projectPath("lib")},${caFile}`,
    `--allow-write=${directory.path}`,
  ]);
  await using server = start(withFlags(command, flags));
  const [, address = ""] = await server.printed(/listens on (ws:\S+)/);
  await using client = await connect(address);
  const { process_status } = await client.end(await client.add({ url }));
  assertEquals(process_status, "Downloaded");
});

Deno.test("the files that a command names are in the line with what is granted", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using elsewhere = await makeDirectory();
  const at = (name: string) => join(elsewhere.path, name);
  const [list, curl, jar, own] = ["urls.txt", "curl.txt", "jar.txt", "own.txt"]
    .map(at) as [string, string, string, string];
  const document = at("a.meta4");
  const urls = ["/1", "/2", "/3"].map((path) =>
    origin.serve(path, file(1000))
  ) as [string, string, string];
  await Deno.writeTextFile(list, `${urls[0]}\n`);
  await Deno.writeTextFile(curl, `curl -b '${own}' '${urls[1]}'\n`);
  await Deno.writeTextFile(
    document,
    '<metalink xmlns="urn:ietf:params:xml:ns:metalink">' +
      `<file name="3"><url>${urls[2]}</url></file></metalink>`,
  );
  for (const path of [jar, own]) await Deno.writeTextFile(path, "");
  const files = ["-i", list, "--curl", curl, "-b", jar, document];

  // Both read a Metalink document.
  const locked = ([run = "", ...rest]: readonly string[]) => [
    ...[run, ...TEST_LOCK],
    ...[...rest, ...files],
  ];
  const get = locked(taskArguments("get", directory.path));
  const server = await startServer(elsewhere.path);
  await using _server = server;
  const add = locked([...commandOf("add").words, "--server", server.url]);
  const lib = projectPath("lib");
  for (
    const [words, named] of [
      [get, [directory.path, lib, list, curl, document, jar]],
      // The parser of documents is loaded from there.
      [add, [list, curl, document, jar, lib]],
    ] as const
  ) {
    const first = await run(words);
    assertEquals(first, refusedFor(named));
    const second = await run(withFlags(words, flagsIn(first.stderr)));
    // What a list names is known only once that may be read.
    assertEquals(second, refusedFor([...named, own]));
    const third = await run(withFlags(words, flagsIn(second.stderr)));
    assertEquals(third.code, 0, third.stderr);
  }
});

function refusedFor(paths: readonly string[]) {
  const flag = `--allow-read=${paths.join()}`;
  const stderr = `sluice: Permission is missing: run deno with ${flag}\n`;
  return { code: 2, stdout: "", stderr };
}

function flagsIn(text: string): string[] {
  return text.match(/--allow-\S+/g) ?? [];
}
