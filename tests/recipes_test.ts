/** What the README gives to run a server for good. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { makeDirectory } from "./support/directory.ts";
import { printed } from "./support/health.ts";
import { file, startOrigin } from "./support/origin.ts";
import { commandOf, type Task } from "./support/permissions.ts";
import { connect, projectPath, startSluice } from "./support/sluice.ts";
import { assertDownloaded } from "./support/status.ts";
import { makePlace, type Place, tryServer } from "./support/unprivileged.ts";
import { parseYaml } from "./support/yaml.ts";

const README = await Deno.readTextFile(projectPath("README.md"));

/** The README's one block of a language. */
function block(language: string): string {
  const blocks = README.matchAll(
    new RegExp(`\n\`\`\`${language}\n([^]*?)\n\`\`\`\n`, "g"),
  );
  const [found, ...more] = [...blocks].map(([, text = ""]) => `${text}\n`);
  assert(found !== undefined && more.length === 0, `one block of ${language}`);
  return found;
}

const UNIT = block("ini");
const COMPOSE = parseYaml(block("yaml"));
const SERVICE = COMPOSE.services.sluice;

/** The values of a setting of the unit. */
function unitValues(name: string): string[] {
  return UNIT.split("\n").filter((line) => line.startsWith(`${name}=`))
    .map((line) => line.slice(name.length + 1));
}

/** Pairs of names and values, as the unit's Environment= has them. */
function variables(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => pair.split("=", 2)));
}

/** A task's words for `deno`, with another content directory. */
function wordsOf(task: Task, directory: string): string[] {
  const { words } = commandOf(task);
  const at = words.indexOf("main.ts");
  return [
    ...words.slice(0, at),
    `--allow-read=lib,${directory}`,
    `--allow-write=${directory}`,
    ...words.slice(at),
  ];
}

const UNIT_WORDS = (unitValues("ExecStart")[0] ?? "").split(" ").slice(1);
const COMPOSE_WORDS = String(SERVICE.command).trim().split(/\s+/).slice(1);

Deno.test("both recipes grant what the tasks grant", () => {
  assertEquals(UNIT_WORDS, wordsOf("start", "/var/lib/sluice"));
  assertEquals(COMPOSE_WORDS, wordsOf("start:public", "/downloads"));
  const { sluice } = config.permissions;
  assertEquals([sluice.read, sluice.write], [["lib", "downloads"], [
    "downloads",
  ]]);
  const unit = variables((unitValues("Environment")[0] ?? "").split(" "));
  assertEquals(unit, {
    ...commandOf("start").environment,
    DENO_DIR: "/var/cache/sluice",
    CONTENT_DIRECTORY: "/var/lib/sluice",
  });
  const { AUTH_TOKEN: _, ...container } = SERVICE.environment;
  assertEquals(container, {
    ...commandOf("start:public").environment,
    CONTENT_DIRECTORY: "/downloads",
  });
});

/** What systemd says of a unit, with a `deno` that is there. */
async function verify(unit: string): Promise<string> {
  await using directory = await makeDirectory();
  const path = `${directory.path}/sluice.service`;
  await Deno.writeTextFile(
    path,
    unit.replace("/usr/local/bin/deno", Deno.execPath()),
  );
  const { code, stderr } = await new Deno.Command("systemd-analyze", {
    args: ["verify", path],
  }).output();
  const said = new TextDecoder().decode(stderr);
  return code === 0 ? said : `${code}: ${said}`;
}

/** How far a unit is from being shut off, from 0 to 10; systemd's own measure. */
async function exposure(unit: string): Promise<number> {
  await using directory = await makeDirectory();
  const path = `${directory.path}/sluice.service`;
  await Deno.writeTextFile(path, unit);
  const args = ["security", "--offline=true", "--no-pager", path];
  const text = await printed("systemd-analyze", ...args);
  return Number(text.match(/Overall exposure level .*: ([\d.]+) /)?.[1]);
}

const missing = await printed("sh", "-c", "command -v systemd-analyze") === "";
const inCi = Deno.env.get("CI") === "true";
if (missing && !inCi) console.log("Left out: systemd is not installed.");

Deno.test("systemd takes every line of the unit, and finds little exposed", {
  ignore: missing && !inCi,
}, async () => {
  assertEquals(await verify(UNIT), "");
  assertMatch(
    await verify(UNIT.replace("MemoryMax=1G", "MemoryMax=x")),
    /limit/,
  );
  assert(await exposure(UNIT) <= 1.5);
  // V8 could not run.
  assertEquals(unitValues("MemoryDenyWriteExecute"), []);
});

Deno.test("the container is not root, and writes to its one volume only", () => {
  const { user, volumes, build, ports } = SERVICE;
  assertEquals([SERVICE.read_only, user], [true, "deno"]);
  assertEquals(volumes, ["downloads:/downloads"]);
  assertEquals(Object.keys(COMPOSE.volumes), ["downloads"]);
  assertEquals([SERVICE.cap_drop, SERVICE.security_opt], [
    ["ALL"],
    ["no-new-privileges:true"],
  ]);
  assertEquals(ports, ["127.0.0.1:8888:8888"]);
  const [, version] = build.dockerfile_inline.match(
    /^FROM denoland\/deno:(\S+)$/m,
  );
  assert(README.includes(`npx -y deno@${version} task start`), version);
});

Deno.test("the container's health check goes by what the server says", async () => {
  await using sluice = await startSluice();
  const [kind, deno, ...words] = SERVICE.healthcheck.test as string[];
  assertEquals([kind, deno], ["CMD", "deno"]);
  const { port } = new URL(sluice.url);
  async function check(port: string): Promise<boolean> {
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: words.map((word) => word.replace(":8888", `:${port}`)),
      cwd: projectPath("."),
    }).output();
    return success;
  }
  assertEquals(await check(port), true);
  assertEquals(await check("1"), false);
});

/** A recipe's words, where its directories are elsewhere. */
function movedTo({ content }: Place, words: readonly string[], from: string) {
  return words.map((word) => word.replace(from, content));
}

for (
  const [what, words, directory] of [
    ["the unit's", UNIT_WORDS, "/var/lib/sluice"],
    ["the container's", COMPOSE_WORDS, "/downloads"],
  ] as const
) {
  Deno.test(`${what} command serves for a user without a home, and fetches nothing more`, async () => {
    await using origin = await startOrigin();
    await using place = await makePlace();
    const whole = file(300_000);
    const child = place.start(movedTo(place, words, directory), {
      ...commandOf("start").environment,
      HOME: "/nonexistent",
      DENO_DIR: place.denoDir,
      // Deno could fetch packages by way of this only.
      HTTPS_PROXY: "http://127.0.0.1:1",
      ALLOW_PRIVATE: "true",
      AUTH_TOKEN: "at-least-16-characters",
      CONTENT_DIRECTORY: place.content,
      PORT: "0",
    });
    await tryServer(child, async (url) => {
      const { port } = new URL(url);
      const token = "sluice.token.YXQtbGVhc3QtMTYtY2hhcmFjdGVycw";
      await using client = await connect(`ws://localhost:${port}/`, [token]);
      const id = await client.add({ url: origin.serve("/a", whole) });
      const status = await client.end(id);
      // A public server denies itself this machine; nothing else may fail.
      if (words === COMPOSE_WORDS) {
        assertEquals(status.error?.code, "FORBIDDEN_ADDRESS");
      } else await assertDownloaded(status, whole);
    });
  });
}

Deno.test("deno.json and its lock file name nothing that only tests need", async () => {
  const packages = Object.values(config.imports)
    .map((specifier) => specifier.match(/^npm:[\w-]+@[\d.]+/)?.[0]);
  assertEquals([...new Set(packages)], ["npm:deno-std@1.3.1"]);
  const lock = await printed(
    "git",
    "-C",
    projectPath("."),
    "show",
    ":deno.lock",
  );
  const { specifiers, npm } = JSON.parse(lock);
  // Deno fetches what is specified at the start, and the rest where it is used.
  assertEquals(Object.keys(specifiers), ["npm:deno-std@1.3.1"]);
  const names = Object.keys(npm).map((name) => name.replace(/@[\d.]+$/, ""));
  const ofQueue =
    /^(@nats-io\/(jetstream|kv|nats-core|nkeys|nuid|transport-node)|tweetnacl)$/;
  assertEquals(names.filter((name) => !ofQueue.test(name)), [
    // For Metalink documents.
    "@rgrove/parse-xml",
    "deno-std",
    // For CONFIG_FILE.
    "smol-toml",
  ]);
});
