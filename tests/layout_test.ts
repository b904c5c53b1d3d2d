import { assert, assertEquals } from "@std/assert";
import { ENVIRONMENT, settingsOf } from "../config.ts";
import config from "../deno.json" with { type: "json" };
import { projectPath, run } from "./sluice.ts";

/** Whoever stands in a line may import what stands in it or above it. */
const LAYERS = [
  /^deno\.json$/,
  /^lib\/(crc32|errors|every|groups|hosts|log|pace|signals|slices)\.ts$/,
  /^lib\/origin\//,
  /^lib\/download\.ts$/,
  /^lib\/(transfer|plan|verdict|schedule|status)\.ts$/,
  /^lib\/(threads\/|(database|store|content_directory|parts|disk|names)\.ts$)/,
  /^lib\/(queue|jobs|driver|engine|overview|coordinator|recovery)\.ts$/,
  /^lib\/(server|cli)\//,
  /^(main|config)\.ts$/,
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
  for (const entry of ["main.ts", "lib/threads/worker.ts"]) {
    const { stdout } = await run(["info", "--json", entry]);
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

function layerOf(path: string): number {
  return LAYERS.findIndex((layer) => layer.test(path));
}

Deno.test("imports run downwards only", async () => {
  for (const [path, targets] of await imports()) {
    if (path.endsWith(".d.ts")) continue;
    assert(layerOf(path) >= 0, `${path} is in no layer`);
    for (const target of targets) {
      assert(layerOf(target) <= layerOf(path), `${path} imports ${target}`);
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

Deno.test("the sockets see no worker, and the coordinator no socket", async () => {
  for (const [path, targets] of await imports()) {
    if (path.startsWith("lib/server/")) {
      assert(!targets.some((target) => target.startsWith("lib/threads/")));
    }
    assert(
      layerOf(path) > 6 ||
        !targets.some((target) => target.startsWith("lib/server/")),
    );
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

/** Tasks that talk to a server, and touch no file. */
const CLIENTS = [
  "add",
  "list",
  "watch",
  "pause",
  "resume",
  "retry",
  "refresh",
  "remove",
];

/** The variables that a task reads. */
function environmentOf(task: string): string[] {
  const token = "SLUICE_TOKEN";
  if (CLIENTS.includes(task)) return [token];
  const program = task === "get" ? "get" : "serve";
  const names = settingsOf(program).map(({ variable }) => variable);
  return [...names, ...(task === "compile" ? [token] : [])].sort();
}

Deno.test("every task names what it may do", () => {
  for (const [name, { command }] of Object.entries(config.tasks)) {
    assert(!/\s(-A|--allow-all|-\w*A\w*)(\s|$)/.test(command), name);
    if (
      !/^(DENO_USE_WRITEV=1 )?deno (run|compile)\b.* main\.ts\b/.test(command)
    ) continue;
    const words = command.split(" ");
    const granted = words.filter((word) => word.startsWith("--allow-"));
    for (const word of granted) {
      assert(word === "--allow-net" || word.includes("="), `${name}: ${word}`);
    }
    const names = granted.find((word) => word.startsWith("--allow-env="));
    assertEquals(
      names?.slice("--allow-env=".length).split(",").sort(),
      environmentOf(name),
    );
    const writes = granted.filter((word) => word.startsWith("--allow-write"));
    assertEquals(
      writes,
      CLIENTS.includes(name)
        ? []
        : [name === "compile" ? "--allow-write=." : "--allow-write=downloads"],
    );
    assert(words.includes("--no-prompt"), `${name} would ask`);
  }
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
