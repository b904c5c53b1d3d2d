import { assert, assertEquals } from "@std/assert";
import { ENVIRONMENT } from "../config.ts";
import { projectPath, run } from "./support/sluice.ts";

/** The rooms from the bottom up: each may import from those before it. */
const ROOMS = [
  "lib/base/",
  "lib/download/",
  "lib/origin/",
  "lib/transfer/",
  "lib/files/",
  "lib/store/",
  "lib/threads/",
  "lib/engine/",
  "lib/status/",
  "lib/commands/",
  "lib/fetching.ts",
  "lib/coordinator.ts",
  "lib/cluster/",
  "lib/get/",
  "lib/server/",
  "lib/client/",
  "lib/cli/",
];

/** Where a path stands among the rooms; -1 if it stands in none. */
function levelOf(path: string): number {
  if (path === "deno.json") return 0;
  if (path === "main.ts" || path === "config.ts") return ROOMS.length;
  return ROOMS.findIndex((room) => path === room || path.startsWith(room));
}

/** Where Deno begins to read: the program and its workers. */
const ENTRIES = [
  "main.ts",
  "lib/cli/toml.ts",
  "lib/cluster/nats.ts",
  "lib/origin/xml.ts",
  "lib/store/reader_worker.ts",
  "lib/threads/worker.ts",
];

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly code?: { readonly specifier: string };
    readonly type?: { readonly specifier: string };
  }[];
}

/** What each file of the project imports, types too. */
async function imports(): Promise<Map<string, string[]>> {
  const root = new URL(`file://${projectPath(".")}`).href.replace(/\/?$/, "/");
  const found = new Map<string, string[]>();
  for (const entry of ENTRIES) {
    const { stdout } = await run([
      "info",
      "--json",
      "--lock=tests/deno.lock",
      entry,
    ]);
    const { modules } = JSON.parse(stdout) as { modules: Module[] };
    for (const { specifier, dependencies = [] } of modules) {
      if (!specifier.startsWith(root)) continue;
      const targets = dependencies
        .map(({ code, type }) => (code ?? type)?.specifier ?? "")
        .filter((target) => target.startsWith(root))
        .map((target) => target.slice(root.length));
      found.set(specifier.slice(root.length), targets);
    }
  }
  return found;
}

Deno.test("imports run downwards only", async () => {
  for (const [path, targets] of await imports()) {
    if (path.endsWith(".d.ts")) continue;
    assert(levelOf(path) >= 0, `${path} is in no room`);
    for (const target of targets) {
      assert(levelOf(target) <= levelOf(path), `${path} imports ${target}`);
    }
  }
});

Deno.test("imports run in no circle", async () => {
  const graph = await imports();
  const done = new Set<string>();
  function visit(path: string, way: readonly string[]): void {
    assert(!way.includes(path), [...way, path].join(" → "));
    if (done.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  }
  for (const path of graph.keys()) visit(path, []);
  assert(done.has("lib/coordinator.ts"));
});

Deno.test("only main.ts reads config.ts", async () => {
  const readers = [...await imports()]
    .filter(([, targets]) => targets.includes("config.ts"))
    .map(([path]) => path);
  assertEquals(readers, ["main.ts"]);
});

/**
 * What no file of a room may reach, through whatever it imports itself. That
 * the coordinator sees no socket follows from the order of the rooms.
 */
const UNREACHABLE = [
  { from: "lib/threads/", to: ["lib/store/", "lib/coordinator.ts"] },
  { from: "lib/get/", to: ["lib/cli/", "lib/server/", "lib/coordinator.ts"] },
];

Deno.test("what workers and get are kept from, they do not reach", async () => {
  const graph = await imports();
  for (const { from, to } of UNREACHABLE) {
    for (const path of graph.keys()) {
      if (!path.startsWith(from)) continue;
      for (const target of reachable(graph, path)) {
        const kept = to.some((room) => target.startsWith(room));
        assert(!kept, `${path} reaches ${target}`);
      }
    }
  }
});

/** All files that a file imports, directly or through others. */
function reachable(
  graph: ReadonlyMap<string, readonly string[]>,
  start: string,
): Set<string> {
  const found = new Set<string>();
  const rest = [start];
  for (let path = rest.pop(); path !== undefined; path = rest.pop()) {
    for (const target of graph.get(path) ?? []) {
      if (!found.has(target)) rest.push(target);
      found.add(target);
    }
  }
  return found;
}

Deno.test("the server does not reach past the coordinator", async () => {
  for (const [path, targets] of await imports()) {
    if (!path.startsWith("lib/server/")) continue;
    for (const target of targets) {
      const past = /^lib\/(engine|threads|transfer)\//.test(target);
      assert(!past, `${path} imports ${target}`);
    }
  }
});

/**
 * Calls that touch a clock, a disk, a worker or HTTP. `Deno.errors` does not:
 * its classes only tell errors apart.
 */
const EFFECTS =
  /\bDeno\.(?!errors\b)|\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bset(Timeout|Interval)\(|\bfetch\(|\bnew (Worker|WebSocket|BroadcastChannel)\b|"node:/;

Deno.test("decisions touch no clock, disk, worker or HTTP", async () => {
  let read = 0;
  for (const room of ["lib/download", "lib/origin", "lib/transfer"]) {
    for await (const path of files(room)) {
      const code = (await Deno.readTextFile(projectPath(path)))
        .replace(/\/\*[^]*?\*\/|\/\/.*/g, "");
      assert(!EFFECTS.test(code), `${path}: ${code.match(EFFECTS)?.[0]}`);
      read++;
    }
  }
  assert(read > 0, "no file was read");
});

/**
 * Where the wall clock is read, which may be set back or forward at any time:
 * for the moments that people see, and the dates that origins name.
 */
const WALL_CLOCK = [
  "lib/base/log.ts",
  "lib/base/write_until.ts",
  "lib/cli/cookie_files.ts",
  "lib/coordinator.ts",
  "lib/engine/jobs.ts",
  "lib/fetching.ts",
  "lib/get/get.ts",
  "lib/server/hooks.ts",
  "lib/server/ui/detail.js",
  "lib/server/ui/dialogs.js",
  "lib/server/ui/options.js",
  "lib/server/ui/overview.js",
  "lib/server/ui/row.js",
  "lib/store/named.ts",
  "lib/threads/ask.ts",
  "lib/threads/fetch_slice.ts",
  "lib/threads/publish.ts",
];

Deno.test("spans of time are measured on the steady clock", async () => {
  const found: string[] = [];
  for await (const path of files("lib")) {
    if (!/\.(ts|js)$/.test(path)) continue;
    const code = await Deno.readTextFile(projectPath(path));
    if (/\bDate\.now\b|\bnew Date\(\)/.test(code)) found.push(path);
  }
  assertEquals(found.sort(), WALL_CLOCK);
});

Deno.test("nothing outside lib/cluster/ names NATS", async () => {
  for await (const path of files("lib")) {
    if (path.startsWith("lib/cluster/") || !path.endsWith(".ts")) continue;
    const code = await Deno.readTextFile(projectPath(path));
    assert(!/\bnats\b/i.test(code), path);
  }
});

Deno.test("every file of lib/ is in use", async () => {
  const used = new Set((await imports()).keys());
  for await (const path of files("lib")) {
    const code = path.endsWith(".ts") && !path.endsWith(".d.ts");
    assert(!code || used.has(path), `nobody imports ${path}`);
  }
});

async function* files(directory: string): AsyncGenerator<string> {
  for await (
    const { name, isDirectory } of Deno.readDir(projectPath(directory))
  ) {
    const path = `${directory}/${name}`;
    if (isDirectory) yield* files(path);
    else yield path;
  }
}

Deno.test("the top level holds what it is to hold", async () => {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files"],
    cwd: projectPath("."),
  }).output();
  const top = new TextDecoder().decode(stdout).split("\n")
    .map((path) => path.split("/")[0] ?? "")
    .filter((name) => name !== "" && !name.startsWith("."));
  assertEquals([...new Set(top)].sort(), [
    "LICENSE",
    "README.md",
    "config.ts",
    "deno.json",
    "deno.lock",
    "lib",
    "main.ts",
    "tests",
  ]);
});

Deno.test("no check is switched off", async () => {
  const { stdout } = await new Deno.Command("git", {
    args: ["grep", "-lE", "@ts-ignore|@ts-nocheck|sanitize(Ops|Resources)"],
    cwd: projectPath("."),
  }).output();
  const found = new TextDecoder().decode(stdout).trim().split("\n");
  assertEquals(found, ["tests/layout_test.ts"]);
});

Deno.test("the README names every setting", async () => {
  const readme = await Deno.readTextFile(projectPath("README.md"));
  for (const name of ENVIRONMENT) {
    assert(readme.includes(`| \`${name}\``), name);
  }
});
