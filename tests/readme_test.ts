/** The README's commands, as a newcomer types them. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import { makeDirectory } from "./support/directory.ts";
import { file, startOrigin } from "./support/origin.ts";
import { start, type Started } from "./support/process.ts";
import {
  connect,
  projectPath,
  run,
  startSluice,
  taskArguments,
} from "./support/sluice.ts";
import config from "../deno.json" with { type: "json" };

const README = await Deno.readTextFile(projectPath("README.md"));

/** Commands that no test of this file runs, and what checks them instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "npx -y deno@2.9.6 task start":
    "main_test.ts runs it on a fresh copy, by the Deno at hand; " +
    "recipes_test.ts compares the version",
  "npx -y deno@2.9.6 task test": ".ci/run calls it",
  "deno task compile": "compile_test.ts",
  ...Object.fromEntries(
    [
      "apt-get install nats-server",
      "nats-server -js -sd nats &",
      "QUEUE=nats://localhost:4222/home deno task start &",
      "QUEUE=nats://localhost:4222/home PORT=8889 deno task start &",
      "deno task add https://example.org/debian-13.1.0-amd64-netinst.iso",
      "QUEUE=nats://a:4222,b:4222,c:4222/home QUEUE_REPLICAS=3 " +
      "STATE_DIRECTORY=/var/lib/sluice NODE_URL=http://nas2:8888/ " +
      "deno task start",
    ].map((command) => [command, "cluster_test.ts, on ports of its own"]),
  ),
  ...Object.fromEntries(
    [
      "WEBHOOK_URL='https://ntfy.sh/TOPIC?tpl=1&t={{.title}}&m={{.message}}' " +
      "deno task start",
      "WEBHOOK_URL='https://gotify.example/message?token=TOKEN' " +
      "deno task start",
      "WEBHOOK_URL=http://localhost:9000/ deno task start &",
      'deno eval \'Deno.serve({hostname: "localhost", port: 9000, ' +
      "onListen() {}}, async (request) => { console.log((await " +
      "request.json()).message); return new Response(); })' | " +
      'while read -r line; do notify-send "$line"; done',
    ].map((command) => [command, "hooks_test.ts, with receivers of its own"]),
  ),
  "deno task bench": "takes a quarter of an hour",
  "deno task bench --scenario small --rounds 3": "takes minutes",
  "deno task bench:pure": "takes minutes",
};

/** The README's fenced blocks of a language. */
function blocks(language: string): string[] {
  return README.matchAll(/^```(\w*)\n(.*?)^```$/gms)
    .filter(([, of]) => of === language)
    .map(([, , text = ""]) => text).toArray();
}

/** What is typed in a shell, without comments. */
const SHELL = blocks("sh").flatMap((block) => block.split("\n"))
  .map((line) => line.replace(/(^|\s+)#.*/, "")).filter(Boolean);

/** What is typed at a prompt, without what is printed. */
const TYPED = blocks("").flatMap((block) => block.split("\n"))
  .filter((line) => line.startsWith("$ ")).map((line) => line.slice(2));

/** A command of the README that a test is about to run. */
function typed(command: string): string {
  assert([...SHELL, ...TYPED].includes(command), `${command} is not in it`);
  ran.add(command);
  return command;
}
const ran = new Set<string>();

Deno.test("get, as the README shows it", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const command = typed(
    "sluice get https://example.org/debian-13.1.0-amd64-netinst.iso " +
      "https://example.org/photos-2025.zip https://example.org/notes.pdf",
  );
  const urls = command.split(" ").slice(2).map((url) =>
    origin.serve(new URL(url).pathname, file(100_000))
  );
  const { code, stdout } = await run([
    ...taskArguments("get", directory.path),
    ...urls,
  ]);
  assertEquals(code, 0);
  const paths = urls.map((url) =>
    join(directory.path, new URL(url).pathname.slice(1))
  );
  assertEquals(stdout.trim().split("\n").sort(), paths.sort());
});

Deno.test("a server's commands, as the README shows them", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  /** Deno's arguments for a command of the README. */
  function words(
    command: string,
    replaced: Readonly<Record<string, string>> = {},
  ): string[] {
    const words = typed(command).split(" ").slice(1)
      .map((word) => replaced[word] ?? word);
    const program = ["run", "-q", "--no-prompt", "-P=remote", "main.ts"];
    return [...program, ...words, "--server", sluice.url];
  }
  /** The output of a command of the README, with these words replaced. */
  async function output(
    command: string,
    replaced: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const { code, stdout, stderr } = await run(words(command, replaced));
    assertEquals([code, stderr], [0, ""], command);
    return stdout;
  }
  const held = Promise.withResolvers<void>();
  const whole = file(100_000);
  const url = origin.serve("/photos-2025.zip", whole, () => ({
    gates: { head: () => held.promise },
  }));
  const added = await output(
    "sluice add https://example.org/photos-2025.zip",
    { "https://example.org/photos-2025.zip": url },
  );
  const id = added.trim();
  assertMatch(id, /^[0-9a-f-]{36}$/);
  await using client = await connect(sluice.url);
  assertStringIncludes(await output("sluice list"), "photos-2025.zip");
  await using watch = start(words("sluice watch"));
  await watch.printed(/photos-2025\.zip/);
  watch.kill("SIGINT");
  assertEquals((await watch.ended).code, 130);
  await output("sluice pause 3273", { "3273": id.slice(0, 8) });
  await client.until(id, (status) => status.process_status === "Paused");
  await output("sluice move 3273 --to top", { "3273": id.slice(0, 8) });
  await output("sluice prioritize low ca9c", { ca9c: id.slice(0, 8) });
  await output(
    "sluice refresh ca9c 'https://example.org/debian.iso?signature=new'",
    {
      ca9c: id,
      "'https://example.org/debian.iso?signature=new'": origin.serve(
        "/debian.iso?signature=new",
        whole,
      ),
    },
  );
  held.resolve();
  const { path_to_file } = await client.until(
    id,
    (status) => status.process_status === "Downloaded",
  );
  await output("sluice retry --all");
  await output("sluice remove --delete-file 49ff", { "49ff": id });
  const path = new URL(path_to_file ?? "");
  assertEquals(await Deno.stat(path).catch(() => null), null);
});

/** Starts a line of the README that serves, as its task does, on a free port. */
function startServing(
  line: string,
  directory: string,
  environment: Readonly<Record<string, string>> = {},
): Started {
  const words = typed(line).split(" ");
  const variables = words.splice(0, words.indexOf("deno"));
  const [, , task, ...flags] = words;
  assert(task === "start" || task === "start:public", task);
  return start([...taskArguments(task, directory), ...flags, "--port", "0"], {
    env: { CONTENT_DIRECTORY: directory, ...environment, ...pairs(variables) },
  });
}

function pairs(variables: readonly string[]): Record<string, string> {
  return Object.fromEntries(variables.map((word) => word.split("=", 2)));
}

Deno.test("another directory is refused with the flags that it needs", async () => {
  await using directory = await makeDirectory();
  await using server = startServing(
    "deno task start --content-directory /srv/files",
    directory.path,
  );
  const { code, stderr } = await server.ended;
  assertEquals(code, 2);
  const [said = ""] = README.match(/^# sluice: Permission .*$/m) ?? [];
  const expected = said.slice(2)
    .replace("/home/you/sluice/lib", projectPath("lib"));
  assertStringIncludes(stderr, expected);
});

Deno.test("the lines that serve beyond this machine serve", async () => {
  const line = "AUTH_TOKEN=at-least-16-characters deno task start:public";
  await using directory = await makeDirectory();
  await using server = startServing(line, directory.path);
  await server.printed(/listens on ws:\/\/\[::\]:\d+\//);
  const [name, ...variables] = typed(
    "export AUTH_TOKEN=at-least-16-characters TRUSTED_PROXIES=loopback",
  ).split(" ");
  assertEquals(name, "export");
  await using another = await makeDirectory();
  await using proxied = startServing(
    "PUBLIC_URL=https://nas.example.org/sluice/ deno task start:public",
    another.path,
    pairs(variables),
  );
  await proxied.printed(/reach it by https:\/\/nas\.example\.org\/sluice\//);
});

Deno.test("the session goes as the README shows it", async () => {
  const [session = ""] = blocks("").filter((text) => text.startsWith("> {"));
  const lines = session.trim().split("\n");
  const [request = "", reply = "", ...statuses] = lines;
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await connect(sluice.url);
  const { url } = JSON.parse(request.slice(2));
  const served = origin.serve(new URL(url).pathname, file(100_000));
  client.send({ url: served });
  const answer = await client.message((message) => !("totals" in message));
  const { data } = answer as { data: { message: string; id: string } };
  assertEquals(
    `< ${JSON.stringify({ data: { ...data, id: "…" } })}`,
    reply.replaceAll(/(?<=[:,]) /g, ""),
  );
  const status = await client.end(data.id);
  const fields = statuses.flatMap((line) =>
    line.matchAll(/"(\w+)":/g).map(([, name = ""]) => name).toArray()
  );
  for (const name of new Set(fields)) {
    assert(name === "data" || name in status, name);
  }
  assertEquals(status.process_status, "Downloaded");
});

Deno.test("the HTTP API is asked as the README shows it", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  const held = Promise.withResolvers<void>();
  const url = origin.serve("/file.bin", file(100_000), () => ({
    gates: { head: () => held.promise },
  }));
  const { host } = new URL(sluice.url);
  let id = "";
  for (const line of SHELL.filter((line) => line.startsWith("curl "))) {
    const command = typed(line)
      .replace("https://example.org/file.bin", url)
      .replace("localhost:8888", host)
      .replace("curl ", "curl --silent --show-error --fail-with-body ");
    const isStream = command.includes(" -N ");
    const child = new Deno.Command("sh", {
      args: ["-c", isStream ? `${command} | head -n 3` : command],
      env: { ID: id, no_proxy: "*" },
      stdin: "null",
      stdout: "piped",
    });
    const { code, stdout } = await child.output();
    const text = new TextDecoder().decode(stdout);
    assertEquals(code, 0, `${line}: ${text}`);
    if (line.includes(" -d url=")) ({ id } = JSON.parse(text));
    if (isStream) assertStringIncludes(text, "event: snapshot");
  }
  held.resolve();
  assertEquals([...Deno.readDirSync(sluice.directory)].length, 1);
});

Deno.test("the client is used as the README shows it", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using directory = await makeDirectory();
  const [program = ""] = blocks("ts");
  const path = join(directory.path, "program.ts");
  await Deno.writeTextFile(
    path,
    program.replace("./lib/", `${projectPath("lib")}/`)
      .replace("ws://localhost:8888/", sluice.url)
      .replace("https://example.org/file.bin", origin.serve("/f", file(1_000))),
  );
  const { code, stdout, stderr } = await run(
    ["run", "-q", "--no-prompt", "--allow-net", path],
  );
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^Downloaded file:\/\/\/.*\/f\n$/);
});

/** Commands that are named in a sentence or a table. */
const NAMED = README.matchAll(/`((?:sluice|deno task) [^`…]+)`/g)
  .map(([, command = ""]) => command).toArray();

Deno.test("every command that the README names is there, with its flags", async () => {
  for (const command of new Set([...NAMED, ...TYPED, ...SHELL])) {
    const [program, ...words] = command.split(" ");
    if (program === "deno" && words[0] === "task") {
      assert((words[1] ?? "") in config.tasks, command);
      continue;
    }
    if (program !== "sluice") continue;
    const name = words[0] ?? "";
    const { code, stdout } = await run(
      ["run", "-q", "--no-prompt", "main.ts", name, "--help"],
    );
    assertEquals(code, 0, command);
    for (const flag of words.filter((word) => word.startsWith("--"))) {
      assertStringIncludes(stdout, flag, command);
    }
  }
});

// This test has to be the last: it asks what the ones before it have run.
Deno.test("a new command of the README is run, or stands with what checks it", () => {
  for (const command of [...SHELL, ...TYPED]) {
    assert(ran.has(command) || command in ELSEWHERE, command);
  }
  for (const command of Object.keys(ELSEWHERE)) {
    assert(SHELL.includes(command), `${command} is no longer in it`);
  }
});
