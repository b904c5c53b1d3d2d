import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeDirectory } from "../../support/directory.ts";
import { file, startOrigin } from "../../support/origin.ts";
import { startServer } from "../../support/process.ts";
import { connect, taskArguments } from "../../support/sluice.ts";
import {
  commandLine,
  openPane,
  openTerminal,
  SHELL,
  tmuxMissing as missing,
} from "../../support/terminal.ts";

const MiB = 1024 * 1024;
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
  const url = origin.serve("/a.iso", file(2 * MiB), { rate: 300_000 });
  await using pane = await openTerminal(SHELL, 200);
  await pane.shows(/^\$ *$/);
  const words = [
    ...taskArguments("get", directory.path),
    ...["--threads-amount", "1", url],
  ];
  await pane.type("-l", `clear; ${commandLine(words)}`);
  await pane.type("Enter");
  await pane.shows(/^a\.iso .* [1-9]% /m);
  await pane.type("C-z");
  await pane.shows(/Stopped/);
  await pane.type("-l", "echo mark; fg");
  await pane.type("Enter");
  const done = await pane.shows(/^a\.iso: 2\.0 MiB in/m);
  // fg tells which command it is that goes on.
  const [, below = ""] = done.replaceAll("\n", "").split("fgmark");
  assert(below.includes(url), done);
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
