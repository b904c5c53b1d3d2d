import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeDirectory } from "../../support/directory.ts";
import { file, startOrigin } from "../../support/origin.ts";
import { startServer } from "../../support/process.ts";
import { taskArguments } from "../../support/sluice.ts";

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

/** A terminal of 80 × 10 in which `deno` runs with these arguments. */
async function openPane(args: readonly string[]) {
  const socket = `sluice-${crypto.randomUUID()}`;
  const command = [Deno.execPath(), ...args]
    .map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  await tmux(socket, [
    ...["new-session", "-d", "-x", "80", "-y", "10"],
    `${command}; echo "exit $?"; sleep 60`,
  ]);
  return {
    resize: (columns: number) =>
      tmux(socket, ["resize-window", "-x", String(columns)]),
    type: (keys: string) => tmux(socket, ["send-keys", keys]),
    /** What stands there once it matches; fails after 20 s. */
    async shows(pattern: RegExp): Promise<string> {
      for (let n = 0; n < 400; n++) {
        const text = await tmux(socket, ["capture-pane", "-p"]);
        if (pattern.test(text)) return text.trimEnd();
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
