import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeDirectory } from "../../support/directory.ts";
import { file, startOrigin } from "../../support/origin.ts";
import { startServer } from "../../support/process.ts";
import { connect, taskArguments } from "../../support/sluice.ts";

const MiB = 1024 * 1024;
const missing = !await tmux("none", ["-V"]).then(() => true, () => false);
if (missing) {
  if (Deno.env.get("CI") === "true") throw new Error("CI needs tmux");
  console.warn("tmux is not installed: what a person sees is not tested");
}

async function tmux(socket: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("tmux", {
    args: ["-L", socket, "-f", "/dev/null", ...args],
    env: { LC_ALL: "C.UTF-8" },
  }).output();
  const [out, err] = [stdout, stderr].map((b) => new TextDecoder().decode(b));
  if (!success) throw new Error(err);
  return out ?? "";
}

/** A command for a shell: `deno` with these arguments. */
function commandLine(args: readonly string[]): string {
  return [Deno.execPath(), ...args]
    .map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

/** A terminal of 80 × 10 in which `deno` runs with these arguments. */
function openPane(args: readonly string[], columns = 80) {
  const command = `${commandLine(args)}; echo "exit $?"; sleep 60`;
  return openTerminal(command, columns);
}

/** A terminal of 10 lines in which a command of the shell runs. */
async function openTerminal(command: string, columns: number) {
  const socket = `sluice-${crypto.randomUUID()}`;
  await tmux(socket, [
    ...["new-session", "-d", "-x", String(columns), "-y", "10"],
    command,
  ]);
  return {
    resize: (columns: number) =>
      tmux(socket, ["resize-window", "-x", String(columns)]),
    type: (...keys: string[]) => tmux(socket, ["send-keys", ...keys]),
    /** Whether the terminal shows its second screen, and its cursor. */
    mode: () =>
      tmux(socket, ["display", "-p", "#{alternate_on} #{cursor_flag}"])
        .then((text) => text.trim()),
    /** What stands there once it matches; fails after 20 s. */
    async shows(pattern: RegExp): Promise<string> {
      for (let n = 0; n < 400; n++) {
        const all = await tmux(socket, ["capture-pane", "-p"]);
        const text = all.trimEnd();
        if (pattern.test(text)) return text;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(await tmux(socket, ["capture-pane", "-p"]));
    },
    [Symbol.asyncDispose]: () =>
      tmux(socket, ["kill-server"]).then(() => {}, () => {}),
  };
}

Deno.test("a person sees get's progress on one line, in any width", {
  ignore: missing,
}, async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a.iso", file(2 * MiB), { rate: 150_000 });
  const flags = ["--bytes-amount", "512KiB", "--threads-amount", "4", url];
  await using pane = await openPane([
    ...taskArguments("get", directory.path),
    ...flags,
  ]);
  const wide = await pane.shows(/^a\.iso .*▓░.* \d+% .*\/s/m);
  assertEquals(wide.split("\n").length, 1, wide);
  await pane.resize(40);
  const narrow = await pane.shows(/^a\.iso {8} .{0,40} \d+% .{0,12}$/m);
  assertEquals(narrow.split("\n").length, 1, narrow);
  await pane.resize(80);
  const done = await pane.shows(/exit 0/);
  assertMatch(done, /^a\.iso: 2\.0 MiB in .*\/s\)\n/);
  assert(done.replaceAll("\n", "").includes(`${directory.path}/a.iso`), done);
});

Deno.test("a person interrupts get with Ctrl-C", {
  ignore: missing,
}, async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a.iso", file(4 * MiB), { rate: 100_000 });
  await using pane = await openPane([
    ...taskArguments("get", directory.path),
    url,
  ]);
  await pane.shows(/^a\.iso .* [1-9]% /m);
  await pane.type("C-c");
  await pane.shows(/interrupted; the same command goes on.*\n+exit 130/);
});

Deno.test("a person watches a server until q, through its restart", {
  ignore: missing,
}, async () => {
  await using directory = await makeDirectory();
  const first = await startServer(directory.path);
  await using pane = await openPane([
    ...taskArguments("watch", ""),
    ...["--server", first.url],
  ]);
  await pane.shows(/^ws:\/\/localhost:\d+\/ {2}no downloads[^]*q quits/);
  first.kill("SIGKILL");
  await first.ended;
  await pane.shows(/NOT CONNECTED/);
  await using _second = await startServer(directory.path, first.port);
  await pane.shows(/q quits/);
  await pane.type("q");
  const left = await pane.shows(/exit 0/);
  assert(!left.includes("q quits"), "the screen is not given back");
});

/** A shell that knows jobs, with a prompt of `$ `. */
const SHELL = "PS1='$ ' exec bash --norc --noprofile -i";

Deno.test("a person stops watch with Ctrl-Z, and goes on with fg", {
  ignore: missing,
}, async () => {
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  await using pane = await openTerminal(SHELL, 200);
  await pane.shows(/^\$ *$/);
  const words = [...taskArguments("watch", ""), "--server", server.url];
  await pane.type("-l", `clear; ${commandLine(words)}`);
  await pane.type("Enter");
  await pane.shows(/^ws:[^]*q quits/);
  assertEquals(await pane.mode(), "1 0");
  for (let n = 0; n < 2; n++) {
    await pane.type("C-z");
    const stopped = await pane.shows(/Stopped[^]*\$ *$/);
    assert(!stopped.includes("q quits"), stopped);
    assertEquals(await pane.mode(), "0 1");
    await pane.type("-l", "stty -a | grep -o -e '-*icanon' -e '-*echo '; fg");
    await pane.shows(/fg$/);
    await pane.type("Enter");
    await pane.shows(/^ws:[^]*q quits/);
    assertEquals(await pane.mode(), "1 0");
  }
  await pane.type("q");
  const left = await pane.shows(/\$ *$/);
  assertMatch(left, /\nicanon\necho\n/);
  assert(!/-icanon|-echo/.test(left), left);
  await pane.type("-l", "echo exit $?");
  await pane.type("Enter");
  await pane.shows(/^exit 0/m);
});

Deno.test("get goes on below what the shell wrote while it was stopped", {
  ignore: missing,
}, async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a.iso", file(2 * MiB), { rate: 200_000 });
  await using pane = await openTerminal(SHELL, 200);
  await pane.shows(/^\$ *$/);
  const words = [...taskArguments("get", directory.path), url];
  await pane.type("-l", `clear; ${commandLine(words)}`);
  await pane.type("Enter");
  await pane.shows(/^a\.iso .* [1-9]% /m);
  await pane.type("C-z");
  await pane.shows(/Stopped/);
  await pane.type("-l", "echo mark; fg");
  await pane.type("Enter");
  await pane.shows(/^a\.iso: 2\.0 MiB in/m);
  await pane.shows(/Stopped[^]*\$ echo mark; fg\nmark\n[^]*a\.iso: 2/);
});

Deno.test("a person watches in a narrow terminal, and widens it", {
  ignore: missing,
}, async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  const url = origin.serve("/a-long-name.iso", file(MiB), { rate: 50_000 });
  await using client = await connect(server.url);
  await client.add({ url, threads: 1 });
  const words = [...taskArguments("watch", ""), "--server", server.url];
  await using pane = await openPane(words, 24);
  await pane.shows(/^1 downloading.*\n\na-long-\S* .*\d+%\n[^]*\nq quits$/);
  await pane.resize(40);
  await pane.shows(
    /^1 downloading .*\/s\n\na-long-name\.… \S{9} +\d+% .*\/s$/m,
  );
  await pane.resize(20);
  const small = await pane.shows(/^1 downloading.{0,7}\n\na-l\S+ .*\d+%\n/);
  assertEquals(small.split("\n").at(-1), "q quits");
  await pane.resize(80);
  await pane.shows(/^ws:\/\/localhost:\d+\/ {2}1 downloading .*\/s$/m);
  await pane.type("C-c");
  await pane.shows(/exit 130/);
});

/** All that `deno` writes to a terminal that says it is dumb. */
async function dumbOutput(args: readonly string[]): Promise<string> {
  const { stdout } = await new Deno.Command("script", {
    args: ["-qec", commandLine(args), "/dev/null"],
    env: { TERM: "dumb" },
    stdin: "null",
  }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test("a dumb terminal gets plain lines, without escapes", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  const url = origin.serve("/a.iso", file(MiB), { rate: 2_000_000 });
  const got = await dumbOutput([
    ...taskArguments("get", directory.path),
    url,
  ]);
  assertMatch(got, /^a\.iso: 1\.0 MiB in .*\/s\)\r\n\/.*a\.iso\r\n$/m);
  await using client = await connect(server.url);
  await client.add({ url });
  const watched = await dumbOutput([
    ...taskArguments("watch", ""),
    ...["--until-idle", "--server", server.url],
  ]);
  assertMatch(watched, /connected to ws:[^]*^a \(1\)\.iso: done, 1\.0 MiB\r$/m);
  assert(!(got + watched).includes("\x1b"), got + watched);
});
